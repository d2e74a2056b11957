//! Reports of ten typical banks, in every format.

use std::time::Duration;

use lvx_parallel::{
    Answer, BankSnapshot, Checks, Gap, Reading, Reason, Report, ReportStyle, UnitSnapshot, check,
    compare,
};
use pi18_proto::{Decivolts, Query};
use pi18_transport::sim::{Bank, BankConfig};
use serde_json::Value;

use crate::read;

/// A bank with these switches, all of it read at once.
#[track_caller]
fn bank(switches: &[&str]) -> BankSnapshot {
    let switches: Vec<_> = switches.iter().map(|text| text.parse().unwrap()).collect();
    let bank = Bank::new(BankConfig { units: switches.len(), switches }).unwrap();
    let unit = |unit| {
        UnitSnapshot::from_answers(format!("sim:{unit}"), |query| {
            let at = Duration::ZERO;
            bank.peek(unit, query).map(|value| Reading { value, at }).ok_or_else(gap)
        })
    };
    BankSnapshot { started: None, units: (0..bank.units()).map(unit).collect() }
}

/// One of its units goes away.
fn unplugged() -> BankSnapshot {
    BankSnapshot { started: None, ..read(&["frozen=on", "disconnect=3"]) }
}

fn commissioned() -> BankSnapshot {
    bank(&["", ""])
}

fn skewed() -> BankSnapshot {
    let mut bank = bank(&["", ""]);
    let Answer::Received(reading) = &mut bank.units[1].status else { panic!() };
    reading.at += Duration::from_secs(8);
    reading.value.battery_voltage = Decivolts(600);
    bank
}

/// The banks, each with what is checked.
fn banks() -> Vec<(&'static str, BankSnapshot, Checks)> {
    let usual = Checks::default;
    let mut drifted_before = commissioned();
    drifted_before.units[1].take(Query::MachineModel, Err(gap()));
    let baseline = Checks { baseline: Some(drifted_before), ..usual() };
    vec![
        ("commissioned", commissioned(), Checks { bank_ah: Some(300), ..usual() }),
        ("alone", bank(&["output-mode=0"]), usual()),
        ("firmware", bank(&["main=06303&fault=71", "main=06440&fault=71"]), usual()),
        ("no_battery", bank(&["fault=83&battery=off", "fault=83"]), usual()),
        ("drifted", bank(&["float=53.0&max-charge=80", "", "battery-offset=0.4"]), baseline),
        ("unplugged", unplugged(), usual()),
        ("night", bank(&["clock=2026-01-10T23:30:00&grid=off&soc=9", ""]), usual()),
        ("nine", bank(&["", "", "", "", "warn=fan-locked", "", "", "", "mode=01"]), usual()),
        ("numbers", bank(&["instance=1&serial=55355535553555", "instance=1"]), usual()),
        ("skewed", skewed(), usual()),
    ]
}

fn gap() -> Gap {
    Gap { reason: Reason::Refused, text: String::new() }
}

fn reports() -> Vec<(&'static str, Report)> {
    let reports = banks().into_iter().map(|(name, bank, checks)| (name, checks.check(&bank)));
    reports.collect()
}

#[test]
fn for_people() {
    for (name, report) in reports() {
        insta::assert_snapshot!(format!("{name}_text"), report.to_text(&ReportStyle::default()));
    }
}

#[test]
fn for_a_forum() {
    for (name, report) in reports() {
        insta::assert_snapshot!(format!("{name}_markdown"), report.to_markdown());
    }
}

#[test]
fn for_programs() {
    for (name, report) in reports() {
        insta::assert_snapshot!(format!("{name}_json"), report.to_json());
    }
}

#[test]
fn the_schema_is_what_is_written() {
    let schema: Value = serde_json::from_str(Report::SCHEMA).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    assert!(jsonschema::draft202012::meta::is_valid(&schema));
    for (name, report) in reports() {
        let report: Value = serde_json::from_str(&report.to_json()).unwrap();
        let errors: Vec<_> = validator.iter_errors(&report).map(|e| e.to_string()).collect();
        assert_eq!(errors, [""; 0], "{name}");
        // It is not content with anything.
        for key in ["verdict", "findings", "table", "units"] {
            let mut less = report.clone();
            less.as_object_mut().unwrap().remove(key);
            assert!(!validator.is_valid(&less), "{key}");
        }
        let mut other = report.clone();
        other["version"] = 2.into();
        assert!(!validator.is_valid(&other));
    }
}

#[test]
fn colours_are_there_if_they_are_wanted() {
    let report = check(&bank(&["fault=83", "warn=overload"]));
    let coloured = report.to_text(&ReportStyle::default().coloured(true));
    assert!(!report.to_text(&ReportStyle::default()).contains('\x1b'));
    let mut bare = coloured.clone();
    for code in ["\x1b[1;31m", "\x1b[33m", "\x1b[32m", "\x1b[1m", "\x1b[0m"] {
        bare = bare.replace(code, "");
    }
    assert_eq!(bare, report.to_text(&ReportStyle::default()));
    assert!(coloured.contains("\x1b[1;31merror\x1b[0m: fault 83"), "{coloured:?}");
}

#[test]
fn lines_are_no_longer_than_they_may_be() {
    for (name, report) in reports() {
        for width in [60, 80, 120] {
            let text = report.to_text(&ReportStyle::default().wide(width));
            let long = text.lines().find(|line| line.chars().count() > width);
            // A column alone may need more.
            assert!(long.is_none_or(|line| !line.starts_with("    ")), "{name} {width}: {long:?}");
        }
    }
}

#[test]
fn a_name_cannot_play_with_the_terminal_or_the_forum() {
    let mut bank = commissioned();
    bank.units[0].name = "\x1b[2J|<b>*x*\n".to_owned();
    bank.units[1].rated.value_mut().unwrap().float_voltage = Decivolts(530);
    let report = check(&bank);
    let text = report.to_text(&ReportStyle::default());
    assert!(!text.contains('\x1b'), "{text:?}");
    let markdown = report.to_markdown();
    assert!(!markdown.contains("<b>") && !markdown.contains('\x1b'), "{markdown:?}");
    let rows = markdown.lines().filter(|line| line.starts_with('|'));
    let bars = |line: &str| line.replace("\\|", "").matches('|').count();
    assert!(rows.clone().count() > 5 && rows.clone().all(|line| bars(line) == 4), "{markdown}");
}

#[test]
fn settings_beside_each_other() {
    let drifted = bank(&["float=53.0&max-charge=80", "", "output-mode=2"]);
    insta::assert_snapshot!("compare_text", compare(&drifted).to_text(&ReportStyle::default()));
    insta::assert_snapshot!("compare_markdown", compare(&drifted).to_markdown());
    insta::assert_snapshot!("compare_json", compare(&drifted).to_json());
    insta::assert_snapshot!("compare_equal_text", compare(&commissioned()).to_string());
}

#[test]
fn phases_must_differ_and_are_no_mismatch() {
    let phases = compare(&bank(&["output-mode=5", "output-mode=6"]));
    assert!(phases.matches(), "{phases}");
    let three = compare(&bank(&["output-mode=2", "output-mode=3", "output-mode=4"]));
    assert!(three.matches(), "{three}");
    for modes in [["output-mode=1", "output-mode=6"], ["output-mode=2", "output-mode=6"]] {
        let mixed = compare(&bank(&modes));
        assert!(!mixed.matches() && mixed.to_string().contains("output mode"), "{mixed}");
    }
    let report = check(&bank(&["output-mode=5", "output-mode=6"])).to_string();
    assert!(!report.contains("output mode"), "{report}");
}

#[test]
fn units_of_one_name_are_told_apart() {
    let mut bank = bank(&["float=53.0&slave=06126", "slave=06126"]);
    for unit in &mut bank.units {
        unit.name = "/dev/hidraw0".to_owned();
    }
    let told = bank.units[0].statuses[1].value_mut().unwrap();
    told.battery_voltage = Decivolts(400);
    let report = check(&bank);
    let words: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
    assert_eq!(words[0], "float voltage differs: /dev/hidraw0 #1 53.0 V, /dev/hidraw0 #2 54.0 V");
    assert!(words[1].contains("/dev/hidraw0 #1 says of unit 1: battery 40.0 V"), "{words:?}");
    assert_eq!(compare(&bank).units, ["/dev/hidraw0 #1", "/dev/hidraw0 #2"]);
    assert_eq!(report.units[1].name, "/dev/hidraw0 #2");
}
