//! The PV inputs of a unit, each with its string of panels and its charger (MPPT).
//!
//! A unit has as many inputs as `PIRI` shows MPPT strings. `GS` and `PGSn` report the first two; the third one of
//! some models is in `GS2`, which is not asked. An input that a unit does not have, and an input without light,
//! show 0 V, 0 W and charger status 0 (captures of `GS`: one by night, three of units with one string).

use pi18_proto::{ChargerStatus, Count, Decivolts, Watts, WorkingMode};

use crate::{
    Observed,
    context::{Context, Measured},
    rules::{
        state::warning::raises,
        suppression::{Effect, is_suppressed},
    },
};

/// A PV input of a unit.
pub(super) struct PvInput<'c, 'a> {
    pub(super) unit: &'c Measured<'a>,
    /// Number of the input: 1 or 2.
    number: u16,
    /// Values in `GS`.
    pub(super) now: Values,
    /// Values in the unit's own `PGSn`, read at another moment.
    again: Option<Values>,
}

/// The measurements of a PV input.
#[derive(Clone, Copy)]
pub(super) struct Values {
    pub(super) voltage: Decivolts,
    pub(super) power: Watts,
    pub(super) status: ChargerStatus,
}

impl<'c, 'a> PvInput<'c, 'a> {
    /// Returns the first and the second input of a unit, whether it has them or not.
    pub(super) fn of(unit: &'c Measured<'a>) -> [Self; 2] {
        let now = &unit.status;
        let again = unit.again.as_ref();
        let first = Self {
            unit,
            number: 1,
            now: Values {
                voltage: now.pv1_voltage,
                power: now.pv1_power,
                status: now.mppt1_status,
            },
            again: again.map(|again| Values {
                voltage: again.pv1_voltage,
                power: again.pv1_power,
                status: again.mppt1_status,
            }),
        };
        let second = Self {
            unit,
            number: 2,
            now: Values {
                voltage: now.pv2_voltage,
                power: now.pv2_power,
                status: now.mppt2_status,
            },
            again: again.map(|again| Values {
                voltage: again.pv2_voltage,
                power: again.pv2_power,
                status: again.mppt2_status,
            }),
        };
        [first, second]
    }

    /// Returns the inputs that a unit has. Without its ratings, they are not known.
    pub(super) fn existing(unit: &'c Measured<'a>) -> impl Iterator<Item = Self> + use<'c, 'a> {
        let count = unit.unit.rated.value().map_or(Count(0), |rated| rated.mppt_strings);
        Self::of(unit).into_iter().filter(move |input| input.number <= count.0)
    }

    /// Returns whether a condition is met in both readings, `GS` and the unit's own `PGSn`. If the unit has no
    /// second reading, only `GS` counts.
    pub(super) fn lasts(&self, condition: impl Fn(Values) -> bool) -> bool {
        condition(self.now) && self.again.is_none_or(condition)
    }

    /// Returns whether the charger should run: the unit works without a fault, and the voltage is high enough.
    pub(super) fn should_run(&self, context: &Context<'_>) -> bool {
        let unit = self.unit.unit;
        let modes = [WorkingMode::BATTERY, WorkingMode::HYBRID, WorkingMode::CHARGE];
        let start = context.thresholds().pv_voltage_start;
        unit.working_mode().is_some_and(|mode| modes.contains(&mode))
            && context.fault_of(unit).is_none()
            && self.lasts(|values| values.voltage >= start)
    }

    /// Returns whether the unit itself raises a warning that concerns the input, and rule `warning` reports it.
    pub(super) fn is_reported(&self, context: &Context<'_>) -> bool {
        let number = self.number;
        let own = [
            format!("pv{number}_voltage_high"),
            format!("mppt{number}_overload"),
            format!("battery_too_low_scc{number}"),
        ];
        let has_warning = own.iter().map(String::as_str).chain(UNIT_WARNINGS);
        is_suppressed(context, Effect::PvInputWithWarning)
            && has_warning.into_iter().any(|name| raises(self.unit.unit, name))
    }

    /// Returns whether the unit itself warns of a high voltage of this input, and rule `warning` reports it.
    pub(super) fn warns_of_high_voltage(&self, context: &Context<'_>) -> bool {
        is_suppressed(context, Effect::PvInputWithWarning)
            && raises(self.unit.unit, &format!("pv{}_voltage_high", self.number))
    }

    /// Returns the unit with values of the input, as a finding shows them: `PV 2 310.0 V, 0 W`.
    pub(super) fn shown(&self, values: impl std::fmt::Display) -> Observed {
        self.unit.value(format_args!("PV {} {values}", self.number))
    }
}

/// Warnings about a whole unit that explain why its chargers do not run.
const UNIT_WARNINGS: [&str; 4] = ["over_temperature", "fan_locked", "power_limit", "battery_open"];
