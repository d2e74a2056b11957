//! Adds up the units of a bank.

use std::time::Instant;

use pi18_proto::{AnyReply, GeneralStatus};

use super::{Totals, UnitView, bank_meter::BankEnergy};

/// Returns the sums over units that all have fresh values, and the energies that were counted.
pub(super) fn totals(
    units: &[&UnitView],
    energy: BankEnergy,
    settings_that_differ: Option<usize>,
    now: Instant,
) -> Totals {
    let statuses: Vec<_> = units.iter().filter_map(|unit| status(unit, now)).collect();
    let mut totals = Totals {
        fresh_units: statuses.len(),
        pv_energy: energy.pv,
        battery_charge_energy: energy.battery_charge,
        battery_discharge_energy: energy.battery_discharge,
        ..Totals::default()
    };
    if statuses.len() == units.len() && !units.is_empty() {
        let sum = |value: fn(&GeneralStatus) -> i64| statuses.iter().map(value).sum::<i64>();
        let count = i64::try_from(statuses.len()).unwrap_or(i64::MAX);
        let mean = |value: fn(&GeneralStatus) -> i64| Some((sum(value) + count / 2) / count);
        let voltages = || statuses.iter().map(voltage);
        totals.pv_power =
            Some(sum(|status| i64::from(status.pv1_power.0) + i64::from(status.pv2_power.0)));
        totals.load_power = Some(sum(|status| status.active_power.0.into()));
        totals.apparent_power = Some(sum(|status| status.apparent_power.0.into()));
        totals.battery_power = Some(sum(|status| voltage(status) * current(status)) / 10);
        totals.battery_current = Some(sum(current));
        totals.battery_voltage = mean(voltage);
        totals.battery_voltage_spread =
            voltages().max().zip(voltages().min()).map(|(max, min)| max - min);
        totals.state_of_charge = mean(|status| status.battery_capacity.0.into());
        totals.settings_that_differ = settings_that_differ;
    }
    totals
}

fn status(unit: &UnitView, now: Instant) -> Option<GeneralStatus> {
    match unit.fresh("GS", now)?.0 {
        AnyReply::GeneralStatus(status) => Some(*status),
        _ => None,
    }
}

/// Returns the battery voltage in tenths of a volt.
fn voltage(status: &GeneralStatus) -> i64 {
    status.battery_voltage.0.into()
}

/// Returns the battery current in amperes: positive while charging.
fn current(status: &GeneralStatus) -> i64 {
    i64::from(status.charge_current.0) - i64::from(status.discharge_current.0)
}
