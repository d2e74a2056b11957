//! Saved banks, and errors in files.

use fastrand::Rng;
use lvx_parallel::{BankSnapshot, check};
use pi18_proto::{Date, DateTime};

use crate::{random::Plan, read};

#[test]
fn saved_bank_reads_back_equal() {
    for seed in 0..40 {
        let mut random = Rng::with_seed(seed);
        let bank = Plan::healthy(&mut random).read(&mut random);
        assert_eq!(BankSnapshot::parse(&bank.to_yaml()), Ok(bank.clone()), "{seed}");
        assert_eq!(BankSnapshot::parse(&bank.to_json()), Ok(bank), "{seed}");
    }
    let live = read(&["silent=0.2", "disconnect=9"]);
    assert!(!live.is_complete());
    assert_eq!(BankSnapshot::parse(&live.to_yaml()).as_ref(), Ok(&live));
    assert_eq!(BankSnapshot::parse(&live.to_json()).as_ref(), Ok(&live));
    let again = BankSnapshot::parse(&live.to_json()).unwrap();
    assert_eq!(check(&again), check(&live));
}

#[test]
fn bank_with_former_name_of_buzzer_is_read() {
    let bank = read(&["", ""]);
    for text in [bank.to_yaml(), bank.to_json()] {
        let saved = text.replace("buzzer", "buzzer_silenced");
        assert_ne!(saved, text);
        assert_eq!(BankSnapshot::parse(&saved).unwrap().to_yaml(), bank.to_yaml());
    }
}

#[test]
fn saved_bank_of_nine_units_is_far_below_limit() {
    let text = read(&[""; 9]).to_json();
    assert!(text.len() * 5 < BankSnapshot::MAX_BYTES, "{}", text.len());
}

#[test]
fn bank_without_units_is_read() {
    let text = "format: lvx-bank\nversion: 1\nunits: []\n";
    assert_eq!(BankSnapshot::parse(text), Ok(BankSnapshot::default()));
}

#[test]
fn unknown_keys_are_ignored() {
    let bank = read(&["frozen=on"]);
    let yaml = bank.to_yaml().replace("version: ", "site: roof\nversion: ");
    let yaml = yaml
        .replace("- name:", "- colour: [red]\n  name:")
        .replace("  at_ms:", "  tries: 2\n    at_ms:");
    assert!(yaml.matches("tries: 2").count() > 10, "{yaml}");
    assert_eq!(BankSnapshot::parse(&yaml), Ok(bank.clone()));
    let json = bank.to_json().replace("\"at_ms\":", "\"tries\": 2, \"at_ms\":");
    assert_eq!(BankSnapshot::parse(&json), Ok(bank));
}

#[test]
fn errors_name_place_and_expectation() {
    let date = Date::new(2026, 11, 27).unwrap();
    let started = DateTime::new(date, 6, 0, 0).ok();
    let mut bank = read(&["frozen=on"]);
    bank.started = started;
    let good = bank.to_yaml();
    let error = |from: &str, to: &str| {
        assert!(good.contains(from), "{good}");
        let bad = good.replacen(from, to, 1);
        format!("{to:?}\n  {}", BankSnapshot::parse(&bad).unwrap_err())
    };
    let mut all = vec![
        error("lvx-bank", "lvx-plan"),
        error("version: 1", "version: 2"),
        error("main: \"06306\"", "main: 06306.5.4"),
        error("grid_voltage: 120.0", "grid_voltage: 120.05"),
        error("grid_voltage: 120.0", "grid_voltage: high"),
        error("at_ms: 0\n", "at_ms: -1\n"),
        error("  identity:\n    at_ms: 0\n", "  identity:\n"),
        error("units:", "units: [\n"),
        error("version: 1\n", "version: 1\nversion: 1\n"),
        error("version: 1\n", "version: [1]\n"),
        error("version: 1\n", "version: one\n"),
        error("version: 1\n", "---\nversion: 1\n"),
        error("units:", "unit: &a\n  <<: *b\nunits:"),
    ];
    for text in [
        "",
        "hello",
        "{",
        "[]",
        "{\"format\": \"lvx-bank\", \"version\": 1}",
        "{\"format\": 1}",
        "{\"x\": 1}",
        "{,",
        "\0",
    ] {
        all.push(format!("{text:?}\n  {}", BankSnapshot::parse(text).unwrap_err()));
    }
    let units = "- name: x\n".repeat(11);
    let many = format!("format: lvx-bank\nversion: 1\nunits:\n{units}");
    all.push(format!("eleven units\n  {}", BankSnapshot::parse(&many).unwrap_err()));
    let long = " ".repeat(BankSnapshot::MAX_BYTES + 1);
    all.push(format!("a long text\n  {}", BankSnapshot::parse(&long).unwrap_err()));
    insta::assert_snapshot!(all.join("\n"));
}
