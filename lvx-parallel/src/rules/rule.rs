//! The trait of all rules, and the type of the built-in ones.
//!
//! The file of each built-in rule begins with a description: the values that the rule compares, the reason,
//! and the origin of its limits. Its `RULE` has a short version for users, and its `check` returns the
//! findings.

use std::fmt;

use super::{info::RuleInfo, kind::FindingKind};
use crate::{Context, Finding, Observed, Questions, Severity, ThresholdInfo, Thresholds};

/// A rule that judges a bank. The built-in rules implement this trait, and other crates add their own with
/// [`Checks::with_rule`](crate::Checks::with_rule).
///
/// A rule has no state that changes: [`check`](Self::check) may be called several times on the way to one
/// report, from any thread.
///
/// ```
/// use lvx_parallel::{
///     BankSnapshot, Checks, Context, Finding, Member, Question, Questions, Rule, RuleInfo, Severity,
/// };
/// use pi18_proto::Celsius;
///
/// /// Heat sinks of units in one room should be about equally warm.
/// struct HeatSinks {
///     max: i16,
/// }
///
/// static INFO: RuleInfo = RuleInfo::new("heat-sinks", "heat sinks differ", "assumed");
///
/// impl Rule for HeatSinks {
///     fn info(&self) -> &RuleInfo {
///         &INFO
///     }
///
///     fn needs(&self) -> Questions {
///         Questions::of(&[Question::GeneralStatus])
///     }
///
///     fn check(&self, context: &Context<'_>) -> Vec<Finding> {
///         let heat_sinks = |status: &pi18_proto::GeneralStatus| status.heat_sink_temperature;
///         let Some((least, greatest)) = context.extremes(heat_sinks) else { return Vec::new() };
///         let difference = greatest.0 - least.0;
///         if difference <= self.max {
///             return Vec::new();
///         }
///         let what = format!("heat sinks differ by {}", Celsius(difference));
///         let finding = Finding::new(&INFO, Severity::Warning, what, "a fan may be clogged");
///         vec![finding.with_values(context.measured_values(heat_sinks)).with_advice("clean the fans")]
///     }
/// }
///
/// let members = ["sim:0".parse()?, "sim:1".parse()?].map(|address| Member::open(&address));
/// let bank = BankSnapshot::read(members.into());
/// let report = Checks::default().with_rule(HeatSinks { max: -1 })?.check(&bank);
/// assert_eq!(report.verdict(), "not healthy: 2 units, 0 errors, 1 warning");
/// assert_eq!(report.findings[0].rule, "heat-sinks");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Rule: Send + Sync {
    /// Returns the description of the rule: always the same one.
    fn info(&self) -> &RuleInfo;

    /// Returns the questions whose answers the rule judges. All units are asked these questions.
    fn needs(&self) -> Questions;

    /// Returns further questions, which are asked only if the rule found something, or an answer that it
    /// needs is missing. Their answers explain the finding, or replace the missing answer. By default, there
    /// are none.
    fn evidence(&self) -> Questions {
        Questions::NONE
    }

    /// Returns the values that the rule judges, for lists of rules. By default, the text is empty.
    #[expect(clippy::unnecessary_literal_bound, reason = "a rule may build its text at run time")]
    fn looks_at(&self) -> &str {
        ""
    }

    /// Returns the kinds of findings that the rule reports, for lists of rules. By default, there are none.
    fn kinds(&self) -> &[&'static FindingKind] {
        &[]
    }

    /// Returns whether the rule judges battery packs. Such a rule reports nothing about a bank without packs, whose
    /// report then does not miss its questions. By default, the rule judges units alone.
    fn judges_packs(&self) -> bool {
        false
    }

    /// Judges a bank. Returns an empty list if there is nothing to report.
    ///
    /// Answers may be missing: a unit may not answer, and a saved bank may have been read for another task.
    fn check(&self, context: &Context<'_>) -> Vec<Finding>;
}

/// What follows from the declaration of a rule, for lists of rules.
impl dyn Rule + '_ {
    /// Returns the thresholds that the rule uses: those that its summary or a condition names.
    ///
    /// ```
    /// use lvx_parallel::Checks;
    ///
    /// let checks = Checks::default();
    /// let grid = checks.each_rule().find(|rule| rule.info().id == "grid").expect("a built-in rule");
    /// assert!(grid.thresholds().any(|threshold| threshold.key == "frequency_spread"));
    /// ```
    pub fn thresholds(&self) -> impl Iterator<Item = &'static ThresholdInfo> {
        let conditions = self.kinds().iter().map(|kind| kind.condition);
        let texts: Vec<&str> = conditions.chain([&*self.info().summary]).collect();
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let has =
            |key| texts.iter().any(|text| text.split(|c| !is_part(c)).any(|word| word == key));
        let used: Vec<_> = Thresholds::LIST.iter().filter(|info| has(info.key)).collect();
        used.into_iter()
    }

    /// Returns the severities of the findings that the rule reports, the greatest first.
    #[must_use]
    pub fn severities(&self) -> Vec<Severity> {
        let mut all: Vec<_> = self.kinds().iter().map(|kind| kind.severity).collect();
        all.sort_unstable_by(|one, other| other.cmp(one));
        all.dedup();
        all
    }
}

impl fmt::Debug for dyn Rule + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rule").field(&self.info().id).finish()
    }
}

/// A built-in rule: its description, and the function that judges a bank.
pub(crate) struct BuiltIn {
    pub(crate) info: RuleInfo,
    /// The kinds of findings that the rule reports.
    pub(crate) kinds: &'static [&'static FindingKind],
    pub(crate) check: fn(&Context<'_>) -> Vec<Finding>,
}

impl BuiltIn {
    /// Returns a rule with its name, the condition that it reports, the origin of its limits and the kinds of
    /// its findings.
    pub(super) const fn new(
        id: &'static str,
        summary: &'static str,
        source: &'static str,
        kinds: &'static [&'static FindingKind],
        check: fn(&Context<'_>) -> Vec<Finding>,
    ) -> Self {
        Self { info: RuleInfo::new(id, summary, source), kinds, check }
    }

    /// Returns a finding of this kind, with its reason and its advice.
    pub(super) fn report(
        &self,
        kind: &FindingKind,
        what: impl Into<String>,
        values: Vec<Observed>,
    ) -> Finding {
        let finding = Finding::new(&self.info, kind.severity, what, kind.why);
        finding.with_values(values).advise(kind.advice)
    }
}
