//! The common check of rules `charge-current` and `discharge-current`: units share a battery current.
//!
//! Units on one output should carry the same current. PV power is not shared: a unit with more PV power
//! charges more or discharges less. A difference is explained by PV power if, in every pair of units, the
//! unit with more PV power has a greater current into the battery, by the difference in PV power minus the
//! conversion losses (`pv_losses` at most). The limit of the current is the tolerance.
//!
//! Example: 3200 W more PV power at 54.6 V are 58.6 A, or 52.7 A with 10 % losses. With a limit of 5 A, a
//! difference of 47.7 to 63.6 A is explained.

use pi18_proto::{Amperes, GeneralStatus, ParallelStatus};

use crate::{
    Finding, Severity,
    context::{Context, Measured, OutputGroup, lasting_spread},
    rules::BuiltIn,
};

/// A current that units share.
pub(super) struct Current {
    /// Name of the current: `charge currents`.
    pub(super) what: &'static str,
    /// The current in `GS`.
    pub(super) value: fn(&GeneralStatus) -> Amperes,
    /// The same current in `PGSn`.
    pub(super) again: fn(&ParallelStatus) -> Amperes,
    /// Largest difference.
    pub(super) max: Amperes,
    /// Reason why a difference matters.
    pub(super) why: &'static str,
    /// Steps to take if PV power does not explain the difference.
    pub(super) advice: &'static [&'static str],
}

impl Current {
    /// Returns a finding for each output whose units do not share the current. Units that have none of
    /// this current are left out.
    pub(super) fn check(&self, rule: &BuiltIn, context: &Context<'_>) -> Vec<Finding> {
        let has_current = |each: &Measured<'_>| (self.value)(&each.status).0 > 0;
        let groups = context.output_groups().into_iter().map(|group| group.only(has_current));
        groups.filter_map(|group| self.finding(rule, context, &group)).collect()
    }

    fn finding(
        &self,
        rule: &BuiltIn,
        context: &Context<'_>,
        group: &OutputGroup<'_, '_>,
    ) -> Option<Finding> {
        let Self { what, max, .. } = self;
        let units = &group.units;
        let found = lasting_spread(units, *max, self.value, self.again)?;
        let what = format!("{what}{} differ by {found}, more than {max}", group.place());
        let values = units.iter().map(|each| each.value((self.value)(&each.status))).collect();
        let losses = context.thresholds().pv_losses.0;
        if is_due_to_pv(units, i64::from(max.0), losses.into()) {
            let why = "the units have different PV power, which explains the difference";
            return Some(rule.finding(Severity::Info, what, values, why));
        }
        if units.iter().any(|each| pv_current(each) > 0 && each.unit.has_unseen_string()) {
            let why = "the power of a third PV string is not read; it may explain the difference";
            return Some(rule.finding(Severity::Info, what, values, why).advise(self.advice));
        }
        Some(rule.finding(Severity::Warning, what, values, self.why).advise(self.advice))
    }
}

/// Returns whether PV power explains the difference between any two units.
fn is_due_to_pv(units: &[&Measured<'_>], max: i64, losses: i64) -> bool {
    let max = max * 10;
    let is_explained = |one: &Measured<'_>, other: &Measured<'_>| {
        let pv = pv_current(one) - pv_current(other);
        let battery = battery_current(one) - battery_current(other);
        let least = pv * (100 - losses) / 100;
        pv < 0 || (least - max..=pv + max).contains(&battery)
    };
    units.iter().all(|one| units.iter().all(|other| is_explained(one, other)))
}

/// Returns the PV power as a current at the battery voltage, in tenths of an ampere.
fn pv_current(each: &Measured<'_>) -> i64 {
    let watts = i64::from(each.status.pv1_power.0) + i64::from(each.status.pv2_power.0);
    watts * 100 / i64::from(each.status.battery_voltage.0).max(1)
}

/// Returns the current into the battery, in tenths of an ampere; negative while discharging.
fn battery_current(each: &Measured<'_>) -> i64 {
    (i64::from(each.status.charge_current.0) - i64::from(each.status.discharge_current.0)) * 10
}
