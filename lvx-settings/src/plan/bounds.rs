//! What every single write has to respect.

use pi18_proto::BatteryType;

use super::{
    PlannedUnit,
    own_voltages::{OwnVoltages, voltages},
};
use crate::{Battery, Broken, Limits, Settings, broken};

/// What every single write on a unit has to respect.
#[derive(Debug)]
pub(crate) struct Bounds {
    pub(super) limits: Limits,
    own: OwnVoltages,
    battery: Option<Battery>,
    /// What was wrong at the start may stay so until its turn comes.
    before: Vec<Broken>,
}

impl Bounds {
    pub(crate) fn of(planned: &PlannedUnit, battery: Option<Battery>) -> Self {
        Self {
            limits: Limits::of(&planned.unit),
            own: OwnVoltages::of(&planned.unit),
            battery,
            before: broken(&planned.unit.settings(), battery.as_ref()),
        }
    }

    /// Whether settings that the unit had before may be written back in this state. Rules and guard are
    /// no reason to keep what is undone, and a battery type brings its own voltages back.
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

    /// Whether these settings of one group may be written in this state.
    pub(crate) fn allows(&self, state: &Settings, to: &Settings) -> Result<(), String> {
        self.allows_back(state, to)?;
        if let Some(wanted) = to.battery_type.filter(|wanted| *wanted != BatteryType::USER)
            && self.own.get(wanted) != Some(voltages(state))
        {
            return Err(format!(
                "the voltages are not yet those that battery_type {wanted} brings along"
            ));
        }
        // What was wrong at the start, or is wrong by now, is not this write's doing.
        let battery = self.battery.as_ref();
        let present = broken(state, battery);
        let after = broken(&state.overlaid(to), battery);
        match after.iter().find(|rule| !knows(&self.before, rule) && !knows(&present, rule)) {
            Some(rule) => Err(rule.to_string()),
            None => Ok(()),
        }
    }
}

/// Whether a rule was broken already.
pub(super) fn knows(before: &[Broken], rule: &Broken) -> bool {
    before.iter().any(|known| known.rule == rule.rule && known.settings == rule.settings)
}
