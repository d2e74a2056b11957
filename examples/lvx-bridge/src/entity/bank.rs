//! The rows of a bank.

use super::{Entity, compute, row::computed};
use crate::Snapshot;

/// Writes the row of a sum over the units.
macro_rules! total {
    // The field of `Totals`, the sum in words, its unit and its digits after the decimal point.
    ($field:ident, $name:literal, $unit:literal, $decimals:literal) => {
        computed(stringify!($field), $name, |bank: &Snapshot, now| {
            compute::total(bank, now, bank.totals.$field, $decimals, $unit)
        })
        .measured($unit, $decimals)
        .enabled()
    };
}

/// Writes the row of an energy that the bridge counts.
macro_rules! energy {
    // The field of `Totals`, the energy in words, and the query whose replies it is counted from.
    ($field:ident, $name:literal, $mnemonic:literal) => {
        computed(stringify!($field), $name, |bank: &Snapshot, now| {
            compute::counted(bank, now, bank.totals.$field, $mnemonic)
        })
        .counted("Wh")
        .enabled()
    };
}

/// Everything that is published about a bank. A sum over its units is absent while a unit has no fresh value. A counter
/// goes on with the units that answer.
pub const BANK: &[Entity<Snapshot>] = &[
    total!(pv_power, "PV power", "W", 0),
    total!(load_power, "Load power", "W", 0),
    total!(apparent_power, "Load apparent power", "VA", 0),
    total!(battery_power, "Battery power", "W", 0),
    total!(battery_current, "Battery current", "A", 0),
    total!(battery_voltage, "Battery voltage", "V", 1),
    total!(battery_voltage_spread, "Spread of battery voltage", "V", 1),
    total!(state_of_charge, "State of charge", "%", 0).class("battery"),
    energy!(pv_energy, "PV energy (computed)", "ET"),
    computed("pv_energy_today", "PV energy today", compute::bank_energy_today)
        .counted_daily("Wh")
        .enabled(),
    energy!(battery_charge_energy, "Battery charge energy (computed)", "GS"),
    energy!(battery_discharge_energy, "Battery discharge energy (computed)", "GS"),
    computed("settings_that_differ", "Settings that differ", |bank: &Snapshot, now| {
        let count = bank.totals.settings_that_differ.and_then(|count| count.try_into().ok());
        compute::total(bank, now, count, 0, "")
    })
    .measured("", 0)
    .enabled(),
    computed("problem", "Problem", compute::problem).flag().class("problem").enabled(),
    computed("worst_alert", "Worst alert", compute::worst_alert).enabled(),
    computed("alerts", "Alerts", compute::alerts).measured("", 0).enabled(),
    computed("last_refusal", "Last refused change", compute::last_refusal).enabled().diagnostic(),
    computed("fresh_units", "Units with fresh values", |bank: &Snapshot, now| {
        compute::total(bank, now, bank.totals.fresh_units.try_into().ok(), 0, "")
    })
    .measured("", 0)
    .diagnostic(),
];
