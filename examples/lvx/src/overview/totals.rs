//! Sums over the units of a bank.

use std::time::Instant;

use super::{key::Key, unit::Unit};

/// Sums over the units with fresh values. A sum is `None` if no unit has a fresh value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Totals {
    /// Names of the units that are left out because their values are not fresh.
    pub(crate) missing: Vec<String>,
    /// Number of units that are added up.
    pub(crate) units: usize,
    /// PV power in watts.
    pub(crate) solar: Option<f64>,
    /// Number of PV strings that give power.
    pub(crate) strings: usize,
    /// Power of the loads in watts.
    pub(crate) load: Option<f64>,
    /// Greatest load of a unit in percent.
    pub(crate) load_percent: Option<f64>,
    /// Power into the battery in watts; negative while it is discharged. Computed from whole amperes.
    pub(crate) battery: Option<f64>,
    /// Current into the battery in amperes; negative while it is discharged.
    pub(crate) current: Option<f64>,
    /// Mean voltage of the battery.
    pub(crate) voltage: Option<f64>,
    /// Greatest difference of the battery voltages.
    pub(crate) spread: Option<f64>,
    /// Mean state of charge in percent.
    pub(crate) charge: Option<f64>,
    /// PV energy of the day in watt-hours; `None` unless all units have it.
    pub(crate) today: Option<f64>,
    /// Voltage of the grid.
    pub(crate) grid: Option<f64>,
    /// Frequency of the grid.
    pub(crate) grid_frequency: Option<f64>,
    /// Direction of the power on the grid connection: `idle`, `input`, `output`.
    pub(crate) line: Option<String>,
}

impl Totals {
    /// Adds up the units.
    pub(crate) fn of(units: &[Unit], now: Instant) -> Self {
        let (fresh, missing): (Vec<_>, Vec<_>) = units.iter().partition(|unit| unit.is_fresh(now));
        let all = |value: &dyn Fn(&Unit) -> Option<f64>| -> Option<Vec<f64>> {
            let values: Option<Vec<_>> = fresh.iter().map(|unit| value(unit)).collect();
            values.filter(|values| !values.is_empty())
        };
        let key = |key| move |unit: &Unit| unit.number(key, now);
        let sum = |values: Vec<f64>| values.iter().sum::<f64>();
        let voltages = all(&key(Key::BatteryVoltage));
        let lines: Vec<_> = fresh.iter().filter_map(|unit| unit.text(Key::Line, now)).collect();
        let active = lines.iter().find(|line| *line != "idle").or(lines.first());
        let strings = fresh
            .iter()
            .flat_map(|unit| [Key::Pv1Power, Key::Pv2Power].map(|power| unit.number(power, now)));
        let today: Option<Vec<_>> =
            units.iter().map(|unit| unit.number(Key::PvToday, now)).collect();
        Self {
            missing: missing.iter().map(|unit| unit.name.clone()).collect(),
            units: fresh.len(),
            solar: all(&|unit| unit.pv_power(now)).map(sum),
            strings: strings.flatten().filter(|power| *power > 0.0).count(),
            load: all(&key(Key::LoadPower)).map(sum),
            load_percent: all(&key(Key::Load)).and_then(greatest),
            battery: all(&|unit| {
                Some(unit.battery_current(now)? * unit.number(Key::BatteryVoltage, now)?)
            })
            .map(sum),
            current: all(&|unit| unit.battery_current(now)).map(sum),
            voltage: voltages.clone().and_then(mean),
            spread: voltages.and_then(|voltages| {
                let least = voltages.iter().copied().reduce(f64::min)?;
                Some(greatest(voltages)? - least)
            }),
            charge: all(&key(Key::StateOfCharge)).and_then(mean),
            today: today.filter(|values| !values.is_empty()).map(sum),
            grid: all(&key(Key::GridVoltage)).and_then(greatest),
            grid_frequency: all(&key(Key::GridFrequency)).and_then(greatest),
            line: active.cloned(),
        }
    }
}

fn greatest(values: Vec<f64>) -> Option<f64> {
    values.into_iter().reduce(f64::max)
}

fn mean(values: Vec<f64>) -> Option<f64> {
    let count = u32::try_from(values.len()).ok().filter(|count| *count > 0)?;
    Some(values.into_iter().sum::<f64>() / f64::from(count))
}
