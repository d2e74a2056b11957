//! Dangerous states of the PV inputs and of single units, read over their links, and their healthy neighbours.

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

fn warning(rule: &'static str) -> Vec<(&'static str, Severity)> {
    vec![(rule, Severity::Warning)]
}

#[test]
fn cold_string_without_load_is_near_maximum() {
    let all = "slave=06126&sun=100&soc=100&load=0&grid=on";
    assert!(found(&format!("{all}&ambient=-40"), "").contains(&("pv-voltage", Severity::Warning)));
    assert_eq!(found(&format!("{all}&ambient=10"), ""), []);
}

#[test]
fn abnormal_charger_is_found_by_day_only() {
    assert_eq!(found(MORNING, "mppt2=abnormal"), warning("charger-status"));
    assert_eq!(found(MORNING, "mppt1=normal"), []);
    assert_eq!(found(NIGHT, "mppt2=abnormal"), []);
}

#[test]
fn covered_string_is_found_while_its_power_is_wanted() {
    // Snow lets a little light through.
    let snow = "shade2=99.5";
    assert_eq!(found(MORNING, snow), warning("pv-string"));
    assert_eq!(found(MORNING, "shade2=90"), []);
    assert_eq!(found(MORNING, "shade2=100"), [], "without light there is no voltage");
    assert_eq!(found(&MORNING.replace("soc=40", "soc=100"), snow), [], "full battery");
}

#[test]
fn unit_that_is_switched_off_is_one_information() {
    for all in [MORNING, NIGHT] {
        let bank = read(&[all, &format!("{all}&switch=off")]);
        let texts: Vec<_> =
            texts(&bank).into_iter().filter(|text| text != "no unit has grid").collect();
        assert_eq!(texts, ["a unit is in standby: sim:1 01"]);
        assert_eq!(found(all, "switch=on"), []);
    }
}

#[test]
fn unit_without_load_is_idle() {
    assert_eq!(found(NIGHT, "share=0.95"), []);
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
