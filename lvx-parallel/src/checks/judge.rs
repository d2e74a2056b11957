//! Reads a bank and applies the chosen rules to it.

use std::{borrow::Cow, cmp::Reverse, time::Duration};

use pi18_transport::Link;

use super::Checks;
use crate::{
    BankSnapshot, Member, PackMember, PackSnapshot, Question, Questions, Report, UnitSnapshot,
    context::{Chosen, Context, prepared, prepared_packs},
    read::{NO_PACKS, read},
    rules::{Rule, judge, newer_format, not_asked},
};

impl Checks {
    /// Reads a bank, but asks no more than these checks need: first [`questions`](Self::questions),
    /// then [`more`](Self::more).
    ///
    /// ```
    /// use lvx_parallel::{Checks, Member};
    ///
    /// let checks = Checks::default().only(["fault"])?;
    /// let bank = checks.read(vec![Member::open(&"sim:0".parse()?)]);
    /// assert_eq!(bank.units[0].asked().to_string(), "PI, ID, FWS");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn read<L: Link + Send>(&self, members: Vec<Member<L>>) -> BankSnapshot {
        read(members, NO_PACKS, self.questions(), &|bank| self.more(bank))
    }

    /// Reads a bank as [`read`](Self::read), and the battery packs as [`BankSnapshot::read_with_packs`].
    ///
    /// ```
    /// use lvx_parallel::{Checks, Member, PackMember};
    ///
    /// let checks = Checks::default().only(["pack-charge-limit"])?;
    /// let units = vec![Member::open(&"sim:0".parse()?)];
    /// let packs = vec![PackMember::open(&"sim:pack0".parse()?)];
    /// let bank = checks.read_with_packs(units, packs);
    /// // One pack takes the 60 A that the unit may charge with, but 50 A are recommended.
    /// assert_eq!(checks.check(&bank).findings[0].rule, "pack-charge-limit");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn read_with_packs<L: Link + Send, P: Link>(
        &self,
        units: Vec<Member<L>>,
        packs: Vec<PackMember<P>>,
    ) -> BankSnapshot {
        read(units, packs, self.questions(), &|bank| self.more(bank))
    }

    /// Returns the questions that the chosen rules need to judge a bank.
    ///
    /// ```
    /// use lvx_parallel::Checks;
    ///
    /// let checks = Checks::default().only(["clock"])?;
    /// assert_eq!(checks.questions().to_string(), "T");
    /// # Ok::<(), lvx_parallel::FormatError>(())
    /// ```
    #[must_use]
    pub fn questions(&self) -> Questions {
        self.chosen().iter().map(|rule| rule.needs()).collect()
    }

    /// Returns further questions, for a bank whose units were asked [`questions`](Self::questions). Their
    /// answers explain what the rules found, or show what other units report about a unit that did not
    /// answer.
    ///
    /// ```
    /// use lvx_parallel::{BankSnapshot, Checks, Member};
    ///
    /// let checks = Checks::default().only(["fault"])?;
    /// for (unit, more) in [("sim:0", ""), ("sim:0?fault=83", "GMN, PIRI, FWS, MOD, GS, PRI, PGS")] {
    ///     let members = vec![Member::open(&unit.parse()?)];
    ///     let bank = BankSnapshot::read_only(members, checks.questions());
    ///     assert_eq!(checks.more(&bank).to_string(), more);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn more(&self, bank: &BankSnapshot) -> Questions {
        let is_missing = |needs: Questions| {
            let lacks = |unit: &UnitSnapshot| needs.iter().any(|each| unit.is_missing(each));
            bank.units.iter().any(|unit| unit.lost.is_some() || lacks(unit))
        };
        let (units, packs) = self.prepare(bank);
        let mut context = self.context(&units, &packs, bank);
        let judged = judge(&mut context, &self.chosen()).into_iter();
        let needs_more =
            judged.filter(|(rule, findings)| is_missing(rule.needs()) || !findings.is_empty());
        let needs_more = needs_more.filter(|(rule, _)| is_judged(*rule, bank));
        let evidence: Questions = needs_more.map(|(rule, _)| rule.evidence()).collect();
        // The instances in `GS` show whether two snapshots with the same serial number are of one unit.
        let numbers = if context.has_duplicate_unit() {
            Questions::one(Question::GeneralStatus)
        } else {
            Questions::NONE
        };
        evidence.and(numbers)
    }

    /// Applies the chosen rules to a bank and returns a report with their findings.
    ///
    /// The order of the units and packs does not matter. Units with the same name are numbered: `NAME #1`. If the
    /// snapshot lacks answers that a rule needs, the rule judges only the others, and the report has a
    /// finding of rule `unread`.
    ///
    /// ```
    /// use lvx_parallel::{BankSnapshot, Checks, Member, Severity};
    ///
    /// let members = ["sim:0".parse()?, "sim:1?fault=83".parse()?];
    /// let bank = BankSnapshot::read(members.map(|address| Member::open(&address)).into());
    /// let checks = Checks::default().only(["fault"])?;
    /// let report = checks.check(&bank);
    /// assert_eq!(report.findings[0].severity, Severity::Error);
    /// assert!(report.findings[0].what.starts_with("fault 83"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check(&self, bank: &BankSnapshot) -> Report {
        let (units, packs) = self.prepare(bank);
        let mut context = self.context(&units, &packs, bank);
        let chosen = self.chosen();
        let judged = judge(&mut context, &chosen).into_iter();
        let judging = chosen.iter().filter(|rule| is_judged(**rule, bank));
        let needed = judging.map(|rule| rule.needs()).collect();
        let gap = not_asked(&context, needed, |lacking| self.rules_that_need(lacking, bank));
        let mut findings: Vec<_> = gap
            .into_iter()
            .chain(newer_format(&context))
            .chain(judged.flat_map(|(_, findings)| findings))
            .collect();
        findings.sort_by_key(|finding| Reverse(finding.severity));
        Report::new(&context, needed, findings, self.each_rule().count() - chosen.len())
    }

    /// Returns the units and packs that rules judge.
    fn prepare<'a>(
        &self,
        bank: &'a BankSnapshot,
    ) -> (Prepared<'a, UnitSnapshot>, Prepared<'a, PackSnapshot>) {
        let max_age = Duration::from_secs(self.thresholds.max_age.0.into());
        (prepared(bank, max_age), prepared_packs(bank, max_age))
    }

    /// Returns the input of the rules. `units` and `packs` are the prepared ones of `bank`.
    fn context<'a>(
        &'a self,
        units: &'a [Cow<'_, UnitSnapshot>],
        packs: &'a [Cow<'_, PackSnapshot>],
        bank: &BankSnapshot,
    ) -> Context<'a> {
        let chosen = Chosen {
            thresholds: &self.thresholds,
            expected_firmware: self.expected_firmware,
            bank_ah: self.bank_ah,
            packs: self.packs,
            baseline: self.baseline.as_ref(),
            applied: self.chosen().into_iter().map(|rule| &*rule.info().id).collect(),
        };
        Context::new(units, packs, bank, chosen)
    }

    /// Returns the chosen rules.
    fn chosen(&self) -> Vec<&dyn Rule> {
        self.each_rule().filter(|rule| self.applies(&rule.info().id)).collect()
    }

    /// Returns the ids of the chosen rules that judge this bank and need one of these questions.
    fn rules_that_need(&self, questions: Questions, bank: &BankSnapshot) -> Vec<String> {
        let needs = |rule: &&dyn Rule| {
            is_judged(*rule, bank) && rule.needs().iter().any(|each| questions.has(each))
        };
        self.chosen().into_iter().filter(needs).map(|rule| rule.info().id.to_string()).collect()
    }
}

/// Units or packs as rules judge them.
type Prepared<'a, T> = Vec<Cow<'a, T>>;

/// Returns whether a rule can report something about a bank. Rules about packs judge only a bank with packs.
fn is_judged(rule: &dyn Rule, bank: &BankSnapshot) -> bool {
    !rule.judges_packs() || !bank.packs.is_empty()
}

/// Checks a bank with the default [`Checks`].
///
/// ```
/// use lvx_parallel::{BankSnapshot, Member, check};
///
/// let members = ["sim:0".parse()?, "sim:1?float=53.0".parse()?];
/// let bank = BankSnapshot::read(members.map(|address| Member::open(&address)).into());
/// let report = check(&bank);
/// assert!(!report.is_healthy());
/// assert_eq!(report.findings[0].to_string(), "float voltage differs: sim:0 54.0 V, sim:1 53.0 V");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check(bank: &BankSnapshot) -> Report {
    Checks::default().check(bank)
}
