//! What is checked, and how.

use std::{borrow::Cow, cmp::Reverse, time::Duration};

use pi18_proto::Version;
use pi18_transport::Link;

use crate::{
    BankSnapshot, Member, Question, Questions, Report, RuleInfo, Thresholds, UnitSnapshot,
    context::{Context, named_apart},
    read::read,
    rules::{self, Row, unread},
};

/// What is checked, and how. The default checks everything that needs nothing to be said.
///
/// ```
/// use lvx_parallel::{BankSnapshot, Checks, Member, RuleInfo};
///
/// let bank = BankSnapshot::read(vec![Member::open(&"sim:0".parse()?)]);
/// let checks = Checks { only: vec![RuleInfo::find("fault")?], ..Checks::default() };
/// assert!(checks.check(&bank).is_healthy());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Checks {
    /// How much difference is too much.
    pub thresholds: Thresholds,
    /// The main firmware that all units are to have.
    pub expected_firmware: Option<Version>,
    /// The capacity of the battery bank, Ah, without which the charge rate is not judged.
    pub bank_ah: Option<u32>,
    /// Check these rules only; if there is none, all.
    pub only: Vec<&'static RuleInfo>,
    /// Leave these rules out.
    pub skip: Vec<&'static RuleInfo>,
    /// A bank that was saved earlier: what changed since is told.
    pub baseline: Option<BankSnapshot>,
}

impl Checks {
    /// Reads a bank, but asks no more than these checks need: first [`questions`](Self::questions),
    /// then [`more`](Self::more) where something was found.
    ///
    /// ```
    /// use lvx_parallel::{Checks, Member, RuleInfo};
    ///
    /// let checks = Checks { only: vec![RuleInfo::find("fault")?], ..Checks::default() };
    /// let bank = checks.read(vec![Member::open(&"sim:0".parse()?)]);
    /// assert_eq!(bank.units[0].asked().to_string(), "PI, ID, FWS");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn read<L: Link + Send>(&self, members: Vec<Member<L>>) -> BankSnapshot {
        read(members, self.questions(), &|bank| self.more(bank))
    }

    /// What these checks need to judge a bank.
    #[must_use]
    pub fn questions(&self) -> Questions {
        self.chosen().map(|row| row.needs).collect()
    }

    /// What is to be asked on of a bank once its units were asked what these checks need: evidence for
    /// what was found, and what others say of a unit whose own answer is missing.
    #[must_use]
    pub fn more(&self, bank: &BankSnapshot) -> Questions {
        let named = named_apart(bank);
        let fresh = self.fresh(&named);
        let context = Context::new(&fresh, self);
        let is_missing = |needs: Questions| {
            let is_missing = |unit: &UnitSnapshot| needs.iter().any(|each| unit.is_missing(each));
            bank.units.iter().any(|unit| unit.lost.is_some() || is_missing(unit))
        };
        let needs_more =
            |row: &&Row| is_missing(row.needs) || !(row.rule.check)(&context).is_empty();
        let evidence: Questions =
            self.chosen().filter(needs_more).map(|row| row.evidence).collect();
        // Whether two units that report one serial number are one, their own numbers say.
        let twice = if context.units.len() < context.given.len() {
            Question::GeneralStatus.alone()
        } else {
            Questions::NONE
        };
        evidence.and(twice)
    }

    fn chosen(&self) -> impl Iterator<Item = &'static Row> {
        rules::ALL.iter().filter(|row| self.has(&row.rule.info))
    }

    /// Holds the units of one bank against each other and against what a healthy bank looks like.
    /// The order of the units makes no difference. Units of one name are told apart by numbers:
    /// `NAME #1`.
    ///
    /// A rule judges what was asked. If something that it needs was not, that is a finding.
    pub fn check(&self, bank: &BankSnapshot) -> Report {
        let named = named_apart(bank);
        let fresh = self.fresh(&named);
        let context = Context::new(&fresh, self);
        let judged = self.chosen().flat_map(|row| (row.rule.check)(&context));
        let mut findings: Vec<_> = unread::not_asked(&context).into_iter().chain(judged).collect();
        findings.sort_by_key(|finding| Reverse(finding.severity));
        let left_out = rules::ALL.len() - self.chosen().count();
        Report::new(&context, findings, left_out)
    }

    /// The chosen rules that need one of these questions.
    pub(crate) fn in_need_of(&self, questions: Questions) -> Vec<&'static str> {
        let needs = |row: &&Row| row.needs.iter().any(|question| questions.has(question));
        self.chosen().filter(needs).map(|row| row.rule.info.id).collect()
    }

    /// The bank without what was read too long before the rest.
    fn fresh<'a>(&self, bank: &'a BankSnapshot) -> Cow<'a, BankSnapshot> {
        let latest = bank.units.iter().filter_map(UnitSnapshot::latest).max().unwrap_or_default();
        let max_age = Duration::from_secs(self.thresholds.max_age.0.into());
        let least = latest.saturating_sub(max_age);
        if least.is_zero() {
            return Cow::Borrowed(bank);
        }
        let mut fresh = bank.clone();
        for unit in &mut fresh.units {
            // A fault does not go stale: it stands until it is seen to be gone.
            let faults = unit.faults.clone();
            unit.forget_before(least);
            unit.faults = faults;
        }
        Cow::Owned(fresh)
    }

    pub(crate) fn has(&self, info: &RuleInfo) -> bool {
        let among = |rules: &[&RuleInfo]| rules.iter().any(|rule| rule.id == info.id);
        (self.only.is_empty() || among(&self.only)) && !among(&self.skip)
    }
}

/// Holds the units of one bank against each other, as [`Checks::default`] says.
pub fn check(bank: &BankSnapshot) -> Report {
    Checks::default().check(bank)
}
