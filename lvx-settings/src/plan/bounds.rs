//! The conditions for a single write.

use pi18_proto::BatteryType;

use super::{
    PlannedUnit,
    own_voltages::{OwnVoltages, voltages},
};
use crate::{Battery, BrokenRule, Limits, Settings, broken_rules};

/// The conditions for a single write on a unit.
#[derive(Debug)]
pub(crate) struct Bounds {
    pub(super) limits: Limits,
    own: OwnVoltages,
    battery: Option<Battery>,
    /// The rules that were broken at the start. They may stay broken until their settings are written.
    before: Vec<BrokenRule>,
}

impl Bounds {
    /// Returns the conditions for writes on a unit under a battery guard.
    pub(crate) fn of(planned: &PlannedUnit, battery: Option<Battery>) -> Self {
        Self {
            limits: Limits::of(&planned.unit),
            own: OwnVoltages::of(&planned.unit),
            battery,
            before: broken_rules(&planned.unit.settings(), battery.as_ref()),
        }
    }

    /// Checks that a unit in this state accepts settings that it had before. Rules and battery guard are not
    /// checked, because an undo restores the old values in any case.
    pub(crate) fn allows_back(&self, state: &Settings, to: &Settings) -> Result<(), String> {
        for (setting, value) in to.iter() {
            self.limits.check(setting, value).map_err(|error| format!("{setting}: {error}"))?;
        }
        let by_user = state.battery_type == Some(BatteryType::USER);
        let is_voltage = to.bulk_voltage.is_some() || to.cutoff_voltage.is_some();
        if is_voltage && !by_user {
            return Err("voltages can be set for battery_type user only".to_owned());
        }
        Ok(())
    }

    /// Checks that these settings of one group may be written in this state.
    pub(crate) fn allows(&self, state: &Settings, to: &Settings) -> Result<(), String> {
        self.allows_back(state, to)?;
        if let Some(target) = to.battery_type.filter(|target| *target != BatteryType::USER)
            && self.own.get(target) != Some(voltages(state))
        {
            return Err(format!("the voltages differ from those of battery_type {target}"));
        }
        // Rules that were broken before this write do not forbid it.
        let battery = self.battery.as_ref();
        let present = broken_rules(state, battery);
        let after = broken_rules(&state.overlaid(to), battery);
        match after.iter().find(|rule| !is_known(&self.before, rule) && !is_known(&present, rule)) {
            Some(rule) => Err(rule.to_string()),
            None => Ok(()),
        }
    }
}

/// Returns whether a rule is among those that were broken before.
pub(super) fn is_known(before: &[BrokenRule], rule: &BrokenRule) -> bool {
    before.iter().any(|known| known.rule == rule.rule && known.settings == rule.settings)
}
