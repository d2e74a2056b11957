//! What is checked, and how.

use std::{borrow::Cow, cmp::Reverse, time::Duration};

use pi18_proto::Version;

use crate::{
    BankSnapshot, Report, RuleInfo, Thresholds, UnitSnapshot,
    case::{Case, named_apart},
    rules,
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
    /// Holds the units of one bank against each other and against what a healthy bank looks like.
    /// The order of the units makes no difference. Units of one name are told apart by numbers:
    /// `NAME #1`.
    #[must_use]
    pub fn check(&self, bank: &BankSnapshot) -> Report {
        let named = named_apart(bank);
        let fresh = self.fresh(&named);
        let case = Case::new(&fresh, self);
        let chosen = || rules::ALL.iter().filter(|rule| self.has(&rule.info));
        let mut findings: Vec<_> = chosen().flat_map(|rule| (rule.check)(&case)).collect();
        findings.sort_by_key(|finding| Reverse(finding.severity));
        let left_out = rules::ALL.len() - chosen().count();
        Report::new(&case, findings, left_out)
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
#[must_use]
pub fn check(bank: &BankSnapshot) -> Report {
    Checks::default().check(bank)
}
