//! Healthy states that look unusual: nothing is found, or only what an owner wants to know.

use lvx_parallel::{
    BankSnapshot,
    Severity::{Info, Warning},
};
use pi18_proto::{Amperes, Percent, WorkingMode};

use crate::states::{State, bank, judge, measure, volts};

/// Two units that charge from the grid, near the bulk voltage.
fn taper() -> BankSnapshot {
    bank(&["soc=97&sun=0&output-priority=0&charger-priority=1"; 2])
}

#[rustfmt::skip]
const STATES: &[State] = &[
    State {
        name: "dawn with one unit in 03 and one in 05",
        bank: || {
            let mut bank = bank(&["clock=2026-03-20T07:05:00&sun=30", ""]);
            bank.units[1].mode.value_mut().unwrap().working_mode = WorkingMode::BATTERY;
            for reporting in &mut bank.units {
                reporting.statuses[1].value_mut().unwrap().working_mode = WorkingMode::BATTERY;
            }
            bank
        },
        found: &[],
    },
    State {
        name: "taper near bulk with unequal currents",
        bank: || {
            let bank = measure(taper(), 0, |status| {
                (status.battery_voltage, status.charge_current) = (volts(56.3), Amperes(4));
            });
            measure(bank, 1, |status| {
                (status.battery_voltage, status.charge_current) = (volts(56.3), Amperes(22));
            })
        },
        found: &[],
    },
    State {
        name: "taper near float with unequal currents",
        bank: || {
            let bank = measure(taper(), 0, |status| {
                (status.battery_voltage, status.charge_current) = (volts(53.9), Amperes(2));
            });
            measure(bank, 1, |status| {
                (status.battery_voltage, status.charge_current) = (volts(53.9), Amperes(19));
            })
        },
        found: &[],
    },
    State {
        name: "battery voltages that differ by the drop of the cables",
        bank: || {
            let bank = measure(bank(&["soc=50", ""]), 0, |status| {
                (status.battery_voltage, status.charge_current) = (volts(54.3), Amperes(60));
            });
            measure(bank, 1, |status| {
                (status.battery_voltage, status.charge_current) = (volts(53.9), Amperes(20));
                (status.pv1_power.0, status.pv2_power.0) = (600, 500);
            })
        },
        found: &[],
    },
    State {
        name: "an estimate of 5 % at a voltage that is not low",
        bank: || measure(bank(&["soc=60&clock=2026-01-10T20:00:00"]), 0, |status| {
            status.battery_capacity = Percent(5);
        }),
        found: &[],
    },
    State {
        name: "a charge limit that differs on purpose",
        bank: || bank(&["max-charge=60", "max-charge=40"]),
        found: &[("settings", Warning)],
    },
    State {
        name: "a different number of MPPT strings",
        bank: || {
            let mut bank = bank(&["", ""]);
            bank.units[1].rated.value_mut().unwrap().mppt_strings.0 = 1;
            bank
        },
        found: &[("ratings", Info)],
    },
    State {
        name: "one reading of a voltage above bulk",
        bank: || {
            let mut bank = bank(&["", ""]);
            bank.units[0].status.value_mut().unwrap().battery_voltage = volts(58.0);
            bank
        },
        found: &[],
    },
];

#[test]
fn healthy_states_are_not_flagged() {
    insta::assert_snapshot!(judge(STATES));
}
