//! Healthy states that look unusual: nothing is found, or only what an owner wants to know.

use lvx_parallel::{
    BankSnapshot,
    Severity::{Info, Warning},
};
use pi18_proto::{Amperes, Percent, WorkingMode};

use crate::states::{State, bank, bank_after, judge, measure, volts};

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
    State {
        name: "dawn with shading of one unit",
        bank: || bank(&["clock=2026-03-20T07:04:00&soc=50", "shade1=60&shade2=60"]),
        found: &[("mode-conflict", Info)],
    },
    State {
        name: "one unit at its charge limit, the other with shaded strings",
        bank: || bank(&["soc=50&max-charge=40", "shade1=50&shade2=50&max-charge=40"]),
        found: &[],
    },
    State {
        name: "a generator's drifting voltage and frequency",
        bank: || bank_after(30, &["grid=generator&output-priority=0&sun=0", "output-priority=0"], &[]),
        found: &[],
    },
    State {
        name: "charge sharing within 10 % of the mean",
        bank: || bank(&["soc=40&load=500&max-charge=80", "shade1=10&shade2=10&max-charge=80"]),
        found: &[],
    },
    State {
        name: "load sharing within 10 % of the mean",
        bank: || bank(&["clock=2026-01-10T20:00:00&load=9000&share=1.09", "share=0.91"]),
        found: &[],
    },
    State {
        name: "estimates of the state of charge that differ, with the same voltage",
        bank: || bank(&["soc=60", "soc-error=-18"]),
        found: &[("battery-capacity", Info)],
    },
    State {
        name: "a slave switched off on purpose",
        bank: || bank(&["", "switch=off"]),
        found: &[("mode", Info)],
    },
    State {
        name: "clocks 100 s apart",
        bank: || bank(&["", "clock-offset=100s"]),
        found: &[],
    },
];

#[test]
fn healthy_states_are_not_flagged() {
    insta::assert_snapshot!(judge(STATES));
}
