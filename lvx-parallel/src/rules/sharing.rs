//! Units that share an output, and with it a battery current: no rule, but what the rules of currents
//! have in common.

use pi18_proto::{Amperes, GeneralStatus, ParallelStatus};

use super::{Rule, settings};
use crate::{
    Finding, Severity,
    context::{Context, Measured, Sharing, lasting_spread},
};

/// A current that units share.
pub(super) struct Current {
    /// `charge currents`
    pub(super) what: &'static str,
    pub(super) value: fn(&GeneralStatus) -> Amperes,
    pub(super) again: fn(&ParallelStatus) -> Amperes,
    /// Most difference.
    pub(super) most: Amperes,
    pub(super) why: &'static str,
    pub(super) advice: &'static [&'static str],
}

impl Current {
    /// A finding for each output whose units do not share it, of those that have any of it.
    pub(super) fn check(&self, rule: &Rule, context: &Context<'_>) -> Vec<Finding> {
        // Settings that differ explain it, and are told.
        if settings::is_found(context) {
            return Vec::new();
        }
        let with = |live: &Measured<'_>| (self.value)(&live.status).0 > 0;
        let all = context.sharing().into_iter().map(|sharing| sharing.only(with));
        all.filter_map(|sharing| self.finding(rule, context, &sharing)).collect()
    }

    fn finding(
        &self,
        rule: &Rule,
        context: &Context<'_>,
        sharing: &Sharing<'_, '_>,
    ) -> Option<Finding> {
        let Self { what, most, .. } = self;
        let units = &sharing.units;
        let found = lasting_spread(units, *most, self.value, self.again)?;
        let what = format!("{what}{} differ by {found}, more than {most}", sharing.place());
        let values = units.iter().map(|live| live.value((self.value)(&live.status))).collect();
        let losses = context.thresholds().pv_losses.0;
        if is_due_to_the_sun(units, i64::from(most.0), losses.into()) {
            let why = "the units have that much more or less sun on their own panels";
            return Some(rule.finding(Severity::Info, what, values, why));
        }
        if units.iter().any(|live| pv(live) > 0 && live.unit.has_unseen_string()) {
            let why = "what a third string of panels gives is not read, and may account for it";
            return Some(rule.finding(Severity::Info, what, values, why).advise(self.advice));
        }
        Some(rule.finding(Severity::Warning, what, values, self.why).advise(self.advice))
    }
}

/// Whether what their panels give accounts for the difference between any two units: the battery of the
/// one with more sun gets that much more, or gives that much less, but for what is lost on the way.
fn is_due_to_the_sun(units: &[&Measured<'_>], most: i64, losses: i64) -> bool {
    let most = most * 10;
    let is_explained = |sunny: &Measured<'_>, other: &Measured<'_>| {
        let sun = pv(sunny) - pv(other);
        let battery = into_battery(sunny) - into_battery(other);
        let least = sun * (100 - losses) / 100;
        sun < 0 || (least - most..=sun + most).contains(&battery)
    };
    units.iter().all(|one| units.iter().all(|other| is_explained(one, other)))
}

/// What its panels give at the voltage of its battery, tenths of an ampere.
fn pv(live: &Measured<'_>) -> i64 {
    let watts = i64::from(live.status.pv1_power.0) + i64::from(live.status.pv2_power.0);
    watts * 100 / i64::from(live.status.battery_voltage.0).max(1)
}

/// What flows into its battery, tenths of an ampere.
fn into_battery(live: &Measured<'_>) -> i64 {
    (i64::from(live.status.charge_current.0) - i64::from(live.status.discharge_current.0)) * 10
}
