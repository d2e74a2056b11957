//! The voltages that a battery type sets.

use pi18_proto::{BatteryType, Decivolts};

use crate::{Setting, Settings, Unit};

/// The bulk, float and cut-off voltages that battery types other than user set, as far as they are known:
/// those of the present type and those of the factory's type.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnVoltages {
    present: (BatteryType, Voltages),
    factory: Option<(BatteryType, Voltages)>,
}

/// Bulk, float and cut-off voltage.
pub(super) type Voltages = [Option<Decivolts>; 3];

/// Returns the voltages that a battery type sets.
pub(super) fn voltages(settings: &Settings) -> Voltages {
    [settings.bulk_voltage, settings.float_voltage, settings.cutoff_voltage]
}

impl OwnVoltages {
    pub(super) fn of(unit: &Unit) -> Self {
        let factory = unit.defaults.map(|defaults| Settings::factory(&defaults));
        Self {
            present: (unit.rated.battery_type, voltages(&unit.settings())),
            factory: factory.and_then(|all| Some((all.battery_type?, voltages(&all)))),
        }
    }

    /// Returns the voltages that a battery type sets, if they are known.
    pub(super) fn get(&self, battery_type: BatteryType) -> Option<Voltages> {
        [Some(self.present), self.factory]
            .into_iter()
            .flatten()
            .find(|(known, _)| *known == battery_type)
            .map(|(_, voltages)| voltages)
    }

    /// Checks that the voltages of a target match its battery type.
    pub(super) fn fit(&self, start: &Settings, target: &Settings) -> Result<(), Misfit> {
        let Some(kind) = target.battery_type.filter(|kind| *kind != BatteryType::USER) else {
            return Ok(());
        };
        let unchanged = start.battery_type == Some(kind) && voltages(start) == voltages(target);
        if unchanged {
            return Ok(());
        }
        let Some(own) = self.get(kind) else {
            return Err(Misfit {
                settings: vec![Setting::BatteryType],
                why: format!(
                    "battery_type {kind} sets its own voltages, which this unit does not report in \
                     advance"
                ),
                advice: "set it on the display, or write battery_type: user and the voltages",
            });
        };
        let off = TYPE_VOLTAGES.into_iter().zip(own).zip(voltages(target));
        let off: Vec<_> = off
            .filter(|((_, own), stated)| own != stated)
            .filter_map(|((setting, own), stated)| Some((setting, own?, stated?)))
            .collect();
        if off.is_empty() {
            return Ok(());
        }
        let parts: Vec<_> = off
            .iter()
            .map(|(setting, own, stated)| format!("{setting} {own} instead of {stated}"))
            .collect();
        Err(Misfit {
            settings: off.iter().map(|(setting, ..)| *setting).collect(),
            why: format!(
                "voltages can be set for battery_type user only; {kind} has {}",
                parts.join(", ")
            ),
            advice: "write battery_type: user, or state those voltages",
        })
    }
}

/// The settings that a battery type sets.
pub(super) const TYPE_VOLTAGES: [Setting; 3] =
    [Setting::BulkVoltage, Setting::FloatVoltage, Setting::CutoffVoltage];

/// A conflict between voltages and a battery type.
#[derive(Debug)]
pub(super) struct Misfit {
    pub(super) settings: Vec<Setting>,
    pub(super) why: String,
    pub(super) advice: &'static str,
}
