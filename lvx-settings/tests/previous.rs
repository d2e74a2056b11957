//! Files of the version whose settings had other keys, such as `max_charging_current`: all are read.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::PathBuf};

use lvx_settings::{Ending, Past, Permissions, Plan, Profile, Setting, Settings, validate};
use pi18_proto::{Amperes, Decivolts, OutputPriority};

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "previous", name].iter().collect()
}

#[track_caller]
fn settings_of_profile(name: &str) -> Settings {
    let profile = Profile::parse_bytes(name, &fs::read(path(name)).unwrap()).unwrap();
    assert!(!validate(&profile, &Permissions::default()).has_errors(), "{name}");
    profile.profile().settings
}

#[track_caller]
fn assert_texts(settings: &Settings, expected: &[(Setting, &str)]) {
    for (setting, text) in expected {
        assert_eq!(settings.get(*setting).unwrap().to_string(), *text, "{setting}");
    }
}

#[test]
fn profile_with_former_keys_states_the_same_settings() {
    let settings = settings_of_profile("profile-change.yaml");
    assert_texts(
        &settings,
        &[
            (Setting::BulkVoltage, "56.0 V"),
            (Setting::MaxChargeCurrent, "40 A"),
            (Setting::MaxAcChargeCurrent, "20 A"),
            (Setting::OutputPriority, "solar_utility_battery"),
            (Setting::ChargerPriority, "solar_and_utility"),
            (Setting::InputRange, "ups"),
            (Setting::AcChargeWindow, "01:00-05:00"),
        ],
    );
    assert_eq!(settings.iter().count(), 10);
}

#[test]
fn profile_of_a_unit_with_former_keys_is_read() {
    let settings = settings_of_profile("profile.yaml");
    assert_eq!(settings.max_charge_current, Some(Amperes(60)));
    assert_eq!(settings.output_priority, Some(OutputPriority(1)));
    assert_texts(&settings, &[(Setting::AcChargeWindow, "00:00-00:00")]);
}

#[test]
fn saved_settings_with_former_keys_are_read() {
    let settings = settings_of_profile("settings-96132206100410.yaml");
    assert_eq!(settings.bulk_voltage, Some(Decivolts(564)));
    assert_eq!(settings.max_ac_charge_current, Some(Amperes(30)));
    assert_texts(&settings, &[(Setting::SolarPriority, "battery_load_utility")]);
}

#[test]
fn plan_with_former_keys_passes_its_check_and_is_saved_with_new_keys() {
    let text = fs::read_to_string(path("plan.json")).unwrap();
    let plan: Plan = serde_json::from_str(&text).unwrap();
    plan.check().unwrap();
    assert_eq!(plan.steps.len(), 18);
    assert_eq!(plan.units[0].target.max_charge_current, Some(Amperes(40)));
    assert_eq!(plan.units[1].unit.settings().max_charge_current, Some(Amperes(60)));
    let charge_currents = plan.units[0].unit.max_charge_currents.unwrap();
    assert!(charge_currents.contains(Amperes(40)));
    let first = plan.steps[0];
    assert_eq!(first.to_string(), "max_charge_current 60 A -> 40 A");

    let written = serde_json::to_string(&plan).unwrap();
    assert!(written.contains("\"max_charge_current\":\"40 A\""));
    assert!(!written.contains("max_charging_current"));
    assert_eq!(serde_json::from_str::<Plan>(&written).unwrap(), plan);
}

#[test]
fn journal_with_former_keys_yields_plan_and_old_settings() {
    let past = Past::read(&path("run.journal")).unwrap();
    assert_eq!(past.ending(), Some(Ending::Applied));
    assert_eq!(past.plan.steps.len(), 16);
    assert_eq!(past.plan.units[0].target.max_ac_charge_current, Some(Amperes(20)));
    let old = past.old_settings();
    assert_eq!(old[1].max_ac_charge_current, Some(Amperes(30)));
    assert_texts(
        &old[0],
        &[(Setting::AcChargeWindow, "00:00-00:00"), (Setting::InputRange, "appliance")],
    );
}

/// Adds a field to each object except maps of settings and the battery guard, as a later version may.
fn extended(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(fields) => {
            for (key, value) in fields.iter_mut() {
                if !["wanted", "from", "to", "battery"].contains(&key.as_str()) {
                    extended(value);
                }
            }
            fields.insert("added_later".to_owned(), serde_json::json!({ "x": [1] }));
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(extended),
        _ => {}
    }
}

#[test]
fn unknown_fields_of_a_later_version_are_ignored() {
    let text = fs::read_to_string(path("plan.json")).unwrap();
    let mut later = serde_json::from_str(&text).unwrap();
    extended(&mut later);
    let plan: Plan = serde_json::from_value(later).unwrap();
    assert_eq!(plan, serde_json::from_str::<Plan>(&text).unwrap());

    let journal = fs::read_to_string(path("run.journal")).unwrap();
    let lines = journal.lines().map(|line| {
        let mut line = serde_json::from_str(line).unwrap();
        extended(&mut line);
        line.to_string() + "\n"
    });
    let past = Past::parse(lines.collect::<String>().as_bytes()).unwrap();
    assert_eq!(past.records, Past::parse(journal.as_bytes()).unwrap().records);
}

#[test]
fn unknown_limit_of_the_battery_guard_is_an_error() {
    let text = fs::read_to_string(path("plan.json")).unwrap();
    let mut later: serde_json::Value = serde_json::from_str(&text).unwrap();
    later["battery"] = serde_json::json!({ "cells": 16, "max_discharge_current": 100 });
    let error = serde_json::from_value::<Plan>(later).unwrap_err().to_string();
    assert!(error.contains("unknown field `max_discharge_current`"), "{error}");
}

#[test]
fn audit_lines_with_former_keys_name_their_settings() {
    let text = fs::read_to_string(path("audit.jsonl")).unwrap();
    let settings = text.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        serde_json::from_value::<Settings>(line["settings"].clone()).unwrap()
    });
    let sum = settings.fold(Settings::default(), |sum, settings| sum.overlaid(&settings));
    assert_eq!(sum.max_ac_charge_current, Some(Amperes(20)));
    assert_texts(&sum, &[(Setting::ChargerPriority, "solar_and_utility")]);
}
