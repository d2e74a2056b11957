//! Sums over the units of a bank.

use serde::Serialize;

/// Sums over the units of a bank with fresh values. A sum is `None` if a unit has no fresh value.
///
/// The energies are counted by the bridge: they add what the counters of the units grow by. A unit that is reset,
/// added, replaced or removed makes them neither fall nor jump. They are `None` before the first unit was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    /// Number of units with fresh values.
    pub fresh_units: usize,
    /// PV power in watts.
    pub pv_power: Option<i64>,
    /// Active power of the loads in watts.
    pub load_power: Option<i64>,
    /// Apparent power of the loads in volt-amperes.
    pub apparent_power: Option<i64>,
    /// Battery power in watts: positive while charging. Computed from voltage and current.
    pub battery_power: Option<i64>,
    /// Battery current in amperes: positive while charging.
    pub battery_current: Option<i64>,
    /// Mean battery voltage, in tenths of a volt.
    pub battery_voltage: Option<i64>,
    /// Greatest difference of the battery voltages, in tenths of a volt.
    pub battery_voltage_spread: Option<i64>,
    /// Mean state of charge in percent.
    pub state_of_charge: Option<i64>,
    /// PV energy that the bridge counted, in watt-hours.
    pub pv_energy: Option<u64>,
    /// Energy that charged the battery, in watt-hours, integrated by the bridge.
    pub battery_charge_energy: Option<u64>,
    /// Energy that was taken from the battery, in watt-hours, integrated by the bridge.
    pub battery_discharge_energy: Option<u64>,
    /// Number of settings that differ between the units.
    pub settings_that_differ: Option<usize>,
}
