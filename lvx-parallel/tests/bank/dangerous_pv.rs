//! Units that idle, start at dawn or are switched off, read over their links, and their healthy neighbours.

use lvx_parallel::Severity;

use crate::{findings, read, texts};

/// A summer morning with a battery that takes all power.
const MORNING: &str = "slave=06126&clock=2026-06-21T10:30:00&sun=60&soc=40&capacity=600&load=400";
/// A night without grid, so that the battery supplies the house.
const NIGHT: &str = "slave=06126&sun=0&grid=off&soc=70&capacity=600&load=3000";

/// Returns the warnings and errors of two units with these switches.
#[track_caller]
fn found(all: &str, one: &str) -> Vec<(&'static str, Severity)> {
    let bank = read(&[all, &format!("{all}&{one}")]);
    findings(&bank).into_iter().filter(|(_, severity)| *severity > Severity::Info).collect()
}

#[test]
fn unit_that_is_switched_off_is_one_information() {
    for all in [MORNING, NIGHT] {
        let bank = read(&[all, &format!("{all}&mode=01")]);
        let texts: Vec<_> =
            texts(&bank).into_iter().filter(|text| text != "no unit has grid").collect();
        assert_eq!(texts, ["a unit is in standby: sim:1 01"]);
        assert_eq!(found(all, ""), []);
    }
}

#[test]
fn unit_without_load_is_idle() {
    assert_eq!(found(NIGHT, ""), []);
    let mut bank = read(&[NIGHT, NIGHT]);
    let idle = |bank: &mut lvx_parallel::BankSnapshot| {
        let unit = &mut bank.units[1];
        let status = unit.status.value_mut().unwrap();
        (status.active_power.0, status.apparent_power.0, status.load_percent.0) = (0, 0, 0);
        status.discharge_current.0 = 0;
        let own = unit.statuses[1].value_mut().unwrap();
        (own.active_power.0, own.apparent_power.0, own.load_percent.0) = (0, 0, 0);
        own.discharge_current.0 = 0;
    };
    idle(&mut bank);
    assert!(findings(&bank).contains(&("idle-unit", Severity::Warning)), "{:?}", findings(&bank));
}

#[test]
fn units_that_start_one_after_another_at_dawn_are_information() {
    let dawn = "slave=06126&clock=2026-06-21T06:20:00&sun=3&soc=70&load=400";
    let bank = read(&[&format!("{dawn}&mode=03"), &format!("{dawn}&mode=05")]);
    assert_eq!(findings(&bank), [("mode-conflict", Severity::Info)]);
}
