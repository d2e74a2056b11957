//! States of a bank with what the rules must find in them, for the tables of dangerous and of healthy states.

use std::{fmt::Write, time::Duration};

use lvx_parallel::{BankSnapshot, Member, Severity};
use pi18_proto::{Decivolts, GeneralStatus};
use pi18_transport::{Link, sim::SharedBank};

use crate::{findings, member, shared, texts, timeless};

/// A state of a bank.
pub(crate) struct State {
    pub(crate) name: &'static str,
    pub(crate) bank: fn() -> BankSnapshot,
    /// Rule and severity of each finding.
    pub(crate) found: &'static [(&'static str, Severity)],
}

/// Judges each state and returns the texts of what is found.
#[track_caller]
pub(crate) fn judge(states: &[State]) -> String {
    let mut text = String::new();
    let mut wrong = String::new();
    for state in states {
        let bank = (state.bank)();
        let found = findings(&bank);
        if found != state.found {
            let texts = texts(&bank);
            writeln!(
                wrong,
                "{}: expected {:?}, found {found:?}: {texts:?}",
                state.name, state.found
            )
            .unwrap();
        }
        writeln!(text, "{}", state.name).unwrap();
        for ((rule, severity), what) in found.iter().zip(texts(&bank)) {
            writeln!(text, "  {severity}, {rule}: {what}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    text
}

/// Reads a virtual bank with these switches.
#[track_caller]
pub(crate) fn bank(switches: &[&str]) -> BankSnapshot {
    bank_after(0, switches, &[])
}

/// Reads a virtual bank after some minutes; then, in the last minute, the switches of `change` are changed.
#[track_caller]
pub(crate) fn bank_after(
    minutes: u64,
    switches: &[&str],
    change: &[(usize, &str)],
) -> BankSnapshot {
    // With equal slave firmware, a healthy bank has no finding.
    let switches: Vec<_> = switches.iter().map(|each| format!("slave=06126&{each}")).collect();
    let shared = shared(&switches.iter().map(String::as_str).collect::<Vec<_>>());
    pause(&shared, minutes);
    for (unit, switch) in change {
        shared.with(|bank| bank.switch(*unit, switch)).unwrap();
    }
    if !change.is_empty() {
        pause(&shared, 1);
    }
    let members: Vec<Member<_>> = shared.concurrent_links().into_iter().map(member).collect();
    timeless(BankSnapshot::read(members))
}

fn pause(shared: &SharedBank, minutes: u64) {
    shared.link(0).pause(Duration::from_secs(60 * minutes));
}

/// Changes what a unit measures, in its own `GS` and in every `PGSn` about it.
pub(crate) fn measure(
    mut bank: BankSnapshot,
    unit: usize,
    change: impl Fn(&mut GeneralStatus),
) -> BankSnapshot {
    let status = bank.units[unit].status.value_mut().unwrap();
    change(status);
    let status = *status;
    for reporting in &mut bank.units {
        // Units of a large bank report only about some.
        let Some(shown) = reporting.statuses[unit].value_mut() else { continue };
        shown.grid_voltage = status.grid_voltage;
        shown.grid_frequency = status.grid_frequency;
        shown.output_voltage = status.output_voltage;
        shown.output_frequency = status.output_frequency;
        shown.apparent_power = status.apparent_power;
        shown.active_power = status.active_power;
        shown.load_percent = status.load_percent;
        shown.battery_voltage = status.battery_voltage;
        shown.discharge_current = status.discharge_current;
        shown.charge_current = status.charge_current;
        shown.battery_capacity = status.battery_capacity;
        shown.pv1_power = status.pv1_power;
        shown.pv2_power = status.pv2_power;
        shown.pv1_voltage = status.pv1_voltage;
        shown.pv2_voltage = status.pv2_voltage;
        shown.mppt1_status = status.mppt1_status;
        shown.mppt2_status = status.mppt2_status;
        shown.load_connection = status.load_connection;
        shown.battery_direction = status.battery_direction;
        shown.dc_ac_direction = status.dc_ac_direction;
        shown.line_direction = status.line_direction;
        let hottest =
            [status.heat_sink_temperature, status.mppt1_temperature, status.mppt2_temperature];
        shown.temperature = hottest.into_iter().max();
    }
    total(bank)
}

/// Changes what all units measure.
pub(crate) fn measure_all(
    bank: BankSnapshot,
    change: impl Fn(&mut GeneralStatus) + Copy,
) -> BankSnapshot {
    (0..bank.units.len()).fold(bank, |bank, unit| measure(bank, unit, change))
}

/// Updates the totals of the bank, which every unit reports.
fn total(mut bank: BankSnapshot) -> BankSnapshot {
    let sum = |of: fn(GeneralStatus) -> u32| -> u32 {
        bank.units.iter().filter_map(|unit| unit.status.value().map(of)).sum()
    };
    let current = sum(|status| status.charge_current.0.into());
    let (apparent, active) = (sum(|s| s.apparent_power.0), sum(|s| s.active_power.0));
    for shown in bank.units.iter_mut().flat_map(|unit| &mut unit.statuses) {
        let Some(shown) = shown.value_mut() else { continue };
        shown.total_charge_current.0 = current.try_into().unwrap();
        shown.total_apparent_power.0 = apparent;
        shown.total_active_power.0 = active;
    }
    bank
}

/// Returns a voltage.
pub(crate) fn volts(volts: f64) -> Decivolts {
    serde_json::from_value(serde_json::json!(volts)).unwrap()
}
