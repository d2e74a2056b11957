//! A bank is saved and read again.

use fastrand::Rng;
use lvx_parallel::{BankSnapshot, check};
use pi18_proto::{Date, DateTime};

use crate::{random::Plan, read};

#[test]
fn what_is_saved_is_read_again() {
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
fn a_bank_that_was_saved_with_the_former_name_of_the_buzzer_is_read() {
    let bank = read(&["", ""]);
    for text in [bank.to_yaml(), bank.to_json()] {
        let saved = text.replace("buzzer", "buzzer_silenced");
        assert_ne!(saved, text);
        assert_eq!(BankSnapshot::parse(&saved).unwrap().to_yaml(), bank.to_yaml());
    }
}

#[test]
fn a_saved_bank_of_ten_units_is_far_from_the_limit() {
    let text = read(&[""; 9]).to_json();
    assert!(text.len() * 5 < BankSnapshot::MAX_BYTES, "{}", text.len());
}

#[test]
fn an_empty_bank_is_a_bank() {
    let text = "format: lvx-bank\nversion: 1\nunits: []\n";
    assert_eq!(BankSnapshot::parse(text), Ok(BankSnapshot::default()));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let date = Date::new(2026, 11, 27).unwrap();
    let started = DateTime::new(date, 6, 0, 0).ok();
    let good = BankSnapshot { started, ..read(&["frozen=on"]) }.to_yaml();
    let told = |from: &str, to: &str| {
        assert!(good.contains(from), "{good}");
        let bad = good.replacen(from, to, 1);
        format!("{to:?}\n  {}", BankSnapshot::parse(&bad).unwrap_err())
    };
    let mut all = vec![
        told("lvx-bank", "lvx-plan"),
        told("version: 1", "version: 2"),
        told("main: \"06306\"", "main: 06306.5.4"),
        told("grid_voltage: 120.0", "grid_voltage: 120.05"),
        told("grid_voltage: 120.0", "grid_voltage: high"),
        told("  identity:", "  identiti:"),
        told("at_ms: 0\n", "at_ms: -1\n"),
        told("  identity:\n    at_ms: 0\n", "  identity:\n"),
        told("units:", "units: [\n"),
        told("version: 1\n", "version: 1\nversion: 1\n"),
        told("version: 1\n", "version: [1]\n"),
        told("version: 1\n", "version: one\n"),
        told("version: 1\n", "---\nversion: 1\n"),
        told("units:", "unit: &a\n  <<: *b\nunits:"),
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
