//! The checks that a caller chooses: rules, thresholds, expected values and a baseline.

use pi18_proto::Version;

use crate::{BankSnapshot, RuleInfo, Thresholds};

mod judge;

pub use judge::check;

/// The rules to apply to a bank, with their thresholds and the values that are expected.
///
/// The default applies every rule with its default thresholds. Rules `charge-rate` and `baseline` report
/// nothing until [`bank_ah`](Self::bank_ah) and [`baseline`](Self::baseline) are set.
///
/// ```
/// use lvx_parallel::{BankSnapshot, Checks, Member, RuleInfo};
/// use pi18_proto::Decivolts;
///
/// let members = ["sim:0".parse()?, "sim:1?battery-offset=0.3".parse()?];
/// let bank = BankSnapshot::read(members.map(|address| Member::open(&address)).into());
///
/// let mut checks = Checks { only: vec![RuleInfo::find("battery-voltage")?], ..Checks::default() };
/// assert_eq!(checks.check(&bank).findings[0].rule, "battery-voltage");
/// checks.thresholds.battery_voltage_spread = Decivolts(4);
/// assert!(checks.check(&bank).findings.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Checks {
    /// Limits that the rules use.
    pub thresholds: Thresholds,
    /// Version of the main firmware that all units should have. Without it, rule `main-firmware` only
    /// compares the units with each other.
    pub expected_firmware: Option<Version>,
    /// Capacity of the battery in ampere-hours. Without it, the charge rate is not checked.
    pub bank_ah: Option<u32>,
    /// Rules to apply; all if the list is empty. A rule that is not applied does not suppress another one,
    /// except where the units cannot be compared at all.
    pub only: Vec<&'static RuleInfo>,
    /// Rules to leave out.
    pub skip: Vec<&'static RuleInfo>,
    /// Earlier snapshot of the bank. Rule `baseline` reports what has changed since then; units are matched
    /// by their serial numbers.
    pub baseline: Option<BankSnapshot>,
}

impl Checks {
    /// Returns whether the rule with this id is chosen.
    pub(crate) fn has(&self, id: &str) -> bool {
        let among = |rules: &[&RuleInfo]| rules.iter().any(|rule| rule.id == id);
        (self.only.is_empty() || among(&self.only)) && !among(&self.skip)
    }
}
