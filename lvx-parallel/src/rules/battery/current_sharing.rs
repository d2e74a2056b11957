//! The common check of rules `charge-current` and `discharge-current`: units share a battery current.
//!
//! Units on one output should carry the same current, within an absolute limit and within `current_share` of
//! their mean. PV power is not shared: a unit with more PV power charges more or discharges less. A difference is
//! explained by PV power if, in every pair of units, the unit with more PV power has a greater current into the
//! battery, by the difference in PV power minus the conversion losses (`pv_losses` at most). The limit of the
//! current is the tolerance.
//!
//! Example: 3200 W more PV power at 54.6 V are 58.6 A, or 52.7 A with 10 % losses. With a limit of 5 A, a
//! difference of 47.7 to 63.6 A is explained.
//!
//! A unit that charges with its maximum charge current cannot use more PV power. Its current may exceed that of
//! the other units by less than its PV power does.

use pi18_proto::{Amperes, GeneralStatus, ParallelStatus};

use crate::{
    Finding, FindingKind,
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
    /// Largest difference, if it is greater than that of two currents within `current_share` of the mean.
    pub(super) max: Amperes,
    /// Finding if nothing explains the difference.
    pub(super) unequal: &'static FindingKind,
    /// Finding if PV power explains the difference.
    pub(super) due_to_pv: &'static FindingKind,
    /// Finding if PV power explains the difference, and a unit is at its maximum charge current.
    pub(super) at_limit: &'static FindingKind,
    /// Finding if PV power that is not read may explain the difference.
    pub(super) unseen: &'static FindingKind,
}

impl Current {
    /// Returns a finding for each output whose units do not share the current. Units that have none of
    /// this current, and those that `is_judged` excludes, are left out.
    pub(super) fn check(
        &self,
        rule: &BuiltIn,
        context: &Context<'_>,
        is_judged: impl Fn(&OutputGroup<'_, '_>) -> bool,
    ) -> Vec<Finding> {
        let has_current = |each: &Measured<'_>| (self.value)(&each.status).0 > 0;
        let groups = context.output_groups().into_iter().map(|group| group.only(has_current));
        let judged = groups.filter(is_judged);
        judged.filter_map(|group| self.finding(rule, context, &group)).collect()
    }

    fn finding(
        &self,
        rule: &BuiltIn,
        context: &Context<'_>,
        group: &OutputGroup<'_, '_>,
    ) -> Option<Finding> {
        let what = self.what;
        let units = &group.units;
        let max = self.max.max(self.share(context, units));
        let found = lasting_spread(units, max, self.value, self.again)?;
        let what = format!("{what}{} differ by {found}, more than {max}", group.place());
        let values = units.iter().map(|each| each.value((self.value)(&each.status))).collect();
        let losses = context.thresholds().pv_losses.0;
        let has_unseen =
            |each: &&Measured<'_>| pv_current(each) > 0 && each.unit.has_unseen_string();
        let kind = if is_due_to_pv(units, i64::from(max.0), losses.into()) {
            if units.iter().any(|each| is_at_limit(each)) { self.at_limit } else { self.due_to_pv }
        } else if units.iter().any(has_unseen) {
            self.unseen
        } else {
            self.unequal
        };
        Some(rule.report(kind, what, values))
    }

    /// Returns the difference between two currents that are both within `current_share` of the mean.
    fn share(&self, context: &Context<'_>, units: &[&Measured<'_>]) -> Amperes {
        let sum: u64 = units.iter().map(|each| u64::from((self.value)(&each.status).0)).sum();
        let count = u64::try_from(units.len()).unwrap_or(1).max(1);
        let share = sum * 2 * u64::from(context.thresholds().current_share.0) / (count * 100);
        Amperes(share.try_into().unwrap_or(u16::MAX))
    }
}

/// Returns whether PV power explains the difference between any two units.
fn is_due_to_pv(units: &[&Measured<'_>], max: i64, losses: i64) -> bool {
    let max = max * 10;
    let is_explained = |one: &Measured<'_>, other: &Measured<'_>| {
        let pv = pv_current(one) - pv_current(other);
        let battery = battery_current(one) - battery_current(other);
        let least = if is_at_limit(one) { 0 } else { pv * (100 - losses) / 100 };
        pv < 0 || (least - max..=pv + max).contains(&battery)
    };
    units.iter().all(|one| units.iter().all(|other| is_explained(one, other)))
}

/// Returns whether a unit charges with its maximum charge current, as far as whole amperes show it.
fn is_at_limit(each: &Measured<'_>) -> bool {
    let limit = each.unit.rated.value().map_or(0, |rated| rated.max_charge_current.0);
    limit > 0 && each.status.charge_current.0.saturating_add(1) >= limit
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
