//! Dangerous states: each is found, with its severity.

use lvx_parallel::{
    BankSnapshot,
    Severity::{Error, Info, Warning},
};
use pi18_proto::{Amperes, Celsius, ChargerStatus, Percent, TimeOfDay, VoltAmperes, Watts};

use crate::states::{State, bank, bank_after, judge, measure, measure_all, volts};

/// Two units at noon, without other switches.
fn noon() -> BankSnapshot {
    bank(&["", ""])
}

/// Two units at night that discharge.
fn night() -> BankSnapshot {
    bank(&["clock=2026-01-10T20:00:00", ""])
}

/// Lets the grid charge from 22:00 to 6:00 only.
fn with_charge_window(mut bank: BankSnapshot) -> BankSnapshot {
    for unit in &mut bank.units {
        let window = unit.ac_charge_window.value_mut().unwrap();
        window.start = TimeOfDay::new(22, 0).unwrap();
        window.end = TimeOfDay::new(6, 0).unwrap();
    }
    bank
}

/// Two legs of a split phase.
fn legs() -> BankSnapshot {
    bank(&["clock=2026-01-10T20:00:00&output-mode=5", "output-mode=6"])
}

#[rustfmt::skip]
const STATES: &[State] = &[
    State {
        name: "battery more than 0.5 V above bulk",
        bank: || measure_all(noon(), |status| status.battery_voltage = volts(57.0)),
        found: &[("over-voltage", Warning)],
    },
    State {
        name: "battery more than 1.0 V above bulk",
        bank: || measure_all(noon(), |status| status.battery_voltage = volts(57.5)),
        found: &[("over-voltage", Error)],
    },
    State {
        name: "battery below cut-off - 0.5 V and discharging",
        bank: || measure_all(night(), |status| status.battery_voltage = volts(47.4)),
        found: &[("under-voltage", Warning)],
    },
    State {
        name: "voltage jumped above bulk at 0 A with PV curtailed below 95 % (a BMS opened)",
        bank: || measure_all(noon(), |status| {
            status.battery_voltage = volts(56.8);
            status.charge_current = Amperes(0);
        }),
        found: &[("over-voltage", Error)],
    },
    State {
        name: "voltmeter below 0.8 of rated",
        bank: || measure_all(noon(), |status| status.battery_voltage = volts(38.0)),
        found: &[("battery-voltmeter", Error)],
    },
    State {
        name: "voltmeter above 1.3 of rated",
        bank: || measure_all(noon(), |status| status.battery_voltage = volts(63.0)),
        found: &[("battery-voltmeter", Error)],
    },
    State {
        name: "output voltage off by 10 % of its setting",
        bank: || measure_all(night(), |status| status.output_voltage = volts(106.0)),
        found: &[("output-voltage", Warning)],
    },
    State {
        name: "legs of a split phase more than 10 V apart (lost neutral)",
        bank: || {
            let bank = measure(legs(), 0, |status| status.output_voltage = volts(120.0));
            measure(bank, 1, |status| status.output_voltage = volts(109.0))
        },
        found: &[("split-phase", Error)],
    },
    State {
        name: "heat sink from 85 °C",
        bank: || measure_all(noon(), |status| status.heat_sink_temperature = Celsius(85)),
        found: &[("heat-sink", Warning)],
    },
    State {
        name: "heat sink from 95 °C",
        bank: || measure_all(noon(), |status| status.heat_sink_temperature = Celsius(95)),
        found: &[("heat-sink", Error)],
    },
    State {
        name: "heat sink 20 K above its sibling at similar load",
        bank: || {
            let bank = measure(noon(), 0, |status| status.heat_sink_temperature = Celsius(45));
            measure(bank, 1, |status| status.heat_sink_temperature = Celsius(70))
        },
        found: &[("heat-sink", Warning)],
    },
    State {
        name: "VA above 1,000 with a power factor below 0.5 on all units",
        bank: || measure_all(night(), |status| {
            status.apparent_power = VoltAmperes(1500);
            status.active_power = Watts(300);
            status.load_percent = Percent(25);
        }),
        found: &[("circulating-current", Warning)],
    },
    State {
        name: "PV voltage near its maximum",
        bank: || measure(noon(), 1, |status| status.pv1_voltage = volts(445.0)),
        found: &[("pv-voltage", Warning)],
    },
    State {
        name: "MPPT status abnormal",
        bank: || measure(noon(), 1, |status| {
            (status.pv1_voltage, status.mppt1_status) = (volts(320.0), ChargerStatus::ABNORMAL);
        }),
        found: &[("charger-status", Warning)],
    },
    State {
        name: "a string with voltage and no power at noon while the sibling produces",
        bank: || measure(bank(&["soc=50&load=4000&max-charge=80", "max-charge=80"]), 1, |status| {
            (status.pv1_voltage, status.pv1_power) = (volts(320.0), Watts(0));
            status.mppt1_status = ChargerStatus::IDLE;
        }),
        found: &[("pv-string", Warning)],
    },
    State {
        name: "one unit idle while the bank charges",
        bank: || {
            let bank = bank(&["soc=30&sun=0&output-priority=0&charger-priority=1"; 2]);
            let bank = measure(bank, 0, |status| status.charge_current = Amperes(30));
            measure(bank, 1, |status| status.charge_current = Amperes(0))
        },
        found: &[("idle-unit", Warning)],
    },
    State {
        name: "one unit idle while the bank delivers",
        bank: || measure(bank(&["clock=2026-01-10T20:00:00&load=4000", ""]), 1, |status| {
            (status.active_power, status.apparent_power) = (Watts(0), VoltAmperes(0));
            status.load_percent = Percent(0);
        }),
        found: &[("idle-unit", Warning)],
    },
    State {
        name: "float above bulk on all units",
        bank: || bank(&["bulk=54.0&float=55.0&redischarge=52.0"; 2]),
        found: &[("setting-rules", Error)],
    },
    State {
        name: "cut-off above re-charge on all units",
        bank: || bank(&["cutoff=48.0&recharge=46.0"; 2]),
        found: &[("setting-rules", Warning)],
    },
    State {
        name: "re-charge not below re-discharge on all units",
        bank: || bank(&["recharge=51.0&redischarge=50.0"; 2]),
        found: &[("setting-rules", Warning)],
    },
    State {
        name: "re-discharge above float on all units",
        bank: || bank(&["float=54.0&redischarge=56.0"; 2]),
        found: &[("setting-rules", Warning)],
    },
    State {
        name: "maximum AC charge above maximum charge on all units",
        bank: || bank(&["max-charge=20&max-ac-charge=30"; 2]),
        found: &[("setting-rules", Info)],
    },
    State {
        name: "voltage jumped: the BMS of the virtual bank opens",
        bank: || bank_after(10, &["", ""], &[(0, "bms=open")]),
        found: &[("over-voltage", Error)],
    },
    State {
        name: "output voltage off by 10 % of its setting, by a switch",
        bank: || bank(&["clock=2026-01-10T20:00:00&output-offset=14", "output-offset=14"]),
        found: &[("output-voltage", Error)],
    },
    State {
        name: "one phase voltage off by 10 % of its setting",
        bank: || bank(&[
            "clock=2026-01-10T20:00:00&output-mode=2",
            "output-mode=3&output-offset=-15",
            "output-mode=4",
        ]),
        found: &[("output-voltage", Warning)],
    },
    State {
        name: "heat sink with a locked fan",
        bank: || bank_after(240, &["load=8000&ambient=30", "fan=off"], &[]),
        found: &[("warning", Warning), ("heat-sink", Warning)],
    },
    State {
        name: "circulating current, by a switch",
        bank: || bank(&["load=400&circulating=1500", "circulating=1500"]),
        found: &[("circulating-current", Warning)],
    },
    State {
        name: "MPPT status abnormal, by a switch",
        bank: || bank(&["soc=50", "mppt1=abnormal"]),
        found: &[("charger-status", Warning)],
    },
    State {
        name: "voltages of a user-defined battery with type AGM on all units",
        bank: || bank(&["battery-type=0&bulk=56.0"; 2]),
        found: &[("battery-type", Warning)],
    },
    State {
        name: "a clock days off",
        bank: || bank(&["", "clock-offset=200000s"]),
        found: &[("clock", Warning)],
    },
    State {
        name: "a clock minutes off with a charge window",
        bank: || with_charge_window(bank(&["", "clock-offset=400s"])),
        found: &[("clock", Warning)],
    },
    State {
        name: "load above 100 %",
        bank: || bank_after(5, &["load=4000", ""], &[(0, "load=12000")]),
        found: &[("load", Warning)],
    },
];

#[test]
fn dangerous_states_are_found() {
    insta::assert_snapshot!(judge(STATES));
}
