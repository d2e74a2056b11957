//! The voltages that a battery type brings along.

use pi18_proto::{BatteryType, Decivolts};

use crate::{Setting, Settings, Unit};

/// The bulk, float and cut-off voltages that a battery type other than user brings along, as far as
/// they are known: those of the present type, and those that the unit leaves the factory with.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnVoltages {
    present: (BatteryType, Voltages),
    factory: Option<(BatteryType, Voltages)>,
}

pub(super) type Voltages = [Option<Decivolts>; 3];

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

    pub(super) fn get(&self, battery_type: BatteryType) -> Option<Voltages> {
        [Some(self.present), self.factory]
            .into_iter()
            .flatten()
            .find(|(known, _)| *known == battery_type)
            .map(|(_, voltages)| voltages)
    }

    /// Whether the voltages of a target go with its battery type.
    ///
    /// Planning and validating a profile for a unit both ask this.
    pub(super) fn fit(&self, start: &Settings, target: &Settings) -> Result<(), Misfit> {
        let Some(wanted) = target.battery_type.filter(|wanted| *wanted != BatteryType::USER) else {
            return Ok(());
        };
        let unchanged = start.battery_type == Some(wanted) && voltages(start) == voltages(target);
        if unchanged {
            return Ok(());
        }
        let Some(own) = self.get(wanted) else {
            return Err(Misfit {
                settings: vec![Setting::BatteryType],
                why: format!(
                    "battery_type {wanted} brings voltages of its own, which this unit does not tell \
                     beforehand"
                ),
                advice: "set it on the display, or take user and state the voltages",
            });
        };
        let off = BROUGHT.into_iter().zip(own).zip(voltages(target));
        let off: Vec<_> = off
            .filter(|((_, own), wanted)| own != wanted)
            .filter_map(|((setting, own), wanted)| Some((setting, own?, wanted?)))
            .collect();
        if off.is_empty() {
            return Ok(());
        }
        let told: Vec<_> = off
            .iter()
            .map(|(setting, own, wanted)| format!("{setting} {wanted} where it has {own}"))
            .collect();
        Err(Misfit {
            settings: off.iter().map(|(setting, ..)| *setting).collect(),
            why: format!(
                "voltages can be set for battery_type user only, {wanted} has its own: {}",
                told.join(", ")
            ),
            advice: "make battery_type user, or state those voltages",
        })
    }
}

/// The settings that may change along with the battery type.
pub(super) const BROUGHT: [Setting; 3] =
    [Setting::BulkVoltage, Setting::FloatVoltage, Setting::CutoffVoltage];

/// Why voltages do not go with a battery type.
#[derive(Debug)]
pub(super) struct Misfit {
    pub(super) settings: Vec<Setting>,
    pub(super) why: String,
    pub(super) advice: &'static str,
}
