//! `lvx now`: a bank once, for people and for programs.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

use std::process::Command;

use serde_json::{Value as Json, json};

/// Runs `lvx now`. Returns the exit status and standard output.
fn now(arguments: &[&str]) -> (Option<i32>, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_lvx")).arg("now").args(arguments).output().unwrap();
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

fn document(units: [&str; 2]) -> (Option<i32>, Json) {
    let (status, text) = now(&[units[0], units[1], "--format", "json"]);
    assert_eq!(text.lines().count(), 1, "{text}");
    (status, serde_json::from_str(&text).unwrap())
}

#[test]
fn document_has_the_values_of_the_units_and_their_sums() {
    let (status, bank) = document(["sim:0?seed=1", "sim:1?seed=1"]);
    assert_eq!((status, &bank["verdict"]["level"]), (Some(0), &json!("ok")));
    assert_eq!(bank["units"][0]["serial"], "96132206100410");
    assert_eq!(bank["units"][1]["link"], json!({ "state": "up", "address": "sim:1" }));
    let value = |unit: usize, key: &str| -> f64 {
        let value = &bank["units"][unit]["values"][key];
        assert_eq!(value["status"], "fresh", "{key}: {bank}");
        value["value"].as_f64().unwrap()
    };
    let load = value(0, "active_power") + value(1, "active_power");
    assert_eq!(bank["totals"]["load_power"], load);
    let sun: f64 =
        [0, 1].map(|unit| value(unit, "pv1_power") + value(unit, "pv2_power")).iter().sum();
    assert_eq!(bank["totals"]["pv_power"], sun);
    let today = value(0, "pv_energy_today") + value(1, "pv_energy_today");
    assert_eq!(bank["totals"]["pv_energy_today"], today);
    assert_eq!((&bank["totals"]["units"], &bank["totals"]["missing"]), (&json!(2), &json!([])));
    let voltage = &bank["units"][0]["values"]["battery_voltage"];
    assert_eq!(voltage["unit"], "V");
    let mode = &bank["units"][0]["values"]["mode"];
    assert_eq!(mode, &json!({ "status": "fresh", "value": mode["value"] }));
}

#[test]
fn unit_that_is_not_read_has_no_numbers() {
    let (status, bank) = document(["sim:0?seed=1", "sim:1?seed=1&silent=1&timeout=1s&tries=1"]);
    assert_eq!((status, &bank["verdict"]["level"]), (Some(3), &json!("error")), "{bank}");
    assert_eq!(bank["totals"]["missing"], json!(["sim:1"]));
    assert_eq!(bank["units"][1]["link"]["state"], "down");
    for (key, value) in bank["units"][1]["values"].as_object().unwrap() {
        assert_eq!((&value["status"], value.get("value")), (&json!("failed"), None), "{key}");
    }
    assert_eq!(bank["totals"]["load_power"], bank["units"][0]["values"]["active_power"]["value"]);
    assert_eq!(bank["totals"]["pv_energy_today"], Json::Null);
    assert_eq!(bank["findings"][0]["rule"], "unread");
}

#[test]
fn finding_is_for_people_and_for_programs() {
    let (status, bank) = document(["sim:0?seed=1", "sim:1?seed=1&fault=83"]);
    let finding = &bank["findings"][0];
    assert_eq!(
        (status, &finding["rule"], &finding["level"]),
        (Some(1), &json!("fault"), &json!("error"))
    );
    assert!(finding["do"][0].is_string(), "{finding}");
    let (status, text) = now(&["sim:0?seed=1", "sim:1?seed=1&fault=83"]);
    assert_eq!(status, Some(1));
    assert!(text.contains(&format!("error: {}", finding["title"].as_str().unwrap())), "{text}");
}
