//! A pair of LVX6048 as it was commissioned, and as it was before.

use lvx_parallel::{Checks, Severity, check, compare};
use pi18_proto::Version;

use crate::{findings, findings_of, read, words};

const SLAVES: (&str, Severity) = ("slave-firmware", Severity::Info);

#[test]
fn commissioned_it_is_healthy() {
    let bank = read(&["", ""]);
    let checks = Checks {
        expected_firmware: Version::new("06306"),
        bank_ah: Some(300),
        baseline: Some(bank.clone()),
        ..Checks::default()
    };
    let unchanged = ("baseline", Severity::Info);
    assert_eq!(findings_of(&checks, &bank), [SLAVES, unchanged]);
    assert!(checks.check(&bank).is_healthy());
    let comparison = compare(&bank);
    assert!(comparison.matches());
    assert!(comparison.verdict().starts_with("12/12 match"), "{comparison}");
    // With the load that it had in the evening, and in the night.
    for clock in ["2026-04-26T20:05:00", "2026-04-26T03:05:00"] {
        let bank = read(&[&format!("clock={clock}&capacity=300"), ""]);
        assert_eq!(findings(&bank), [SLAVES], "{clock}");
    }
}

#[test]
fn slave_versions_differ_and_that_is_all() {
    let bank = read(&["slave=06126", "slave=06021"]);
    assert_eq!(words(&bank), ["slave firmware differs: sim:0 06126, sim:1 06021"]);
    assert!(check(&bank).is_healthy());
}

#[test]
fn two_main_versions_and_fault_71() {
    let bank = read(&["main=06303&fault=71&slave=06126", "main=06440&fault=71&slave=06126"]);
    assert_eq!(findings(&bank), [("main-firmware", Severity::Error)]);
    let finding = &check(&bank).findings[0];
    assert_eq!(finding.to_string(), "main firmware differs: sim:0 06303, sim:1 06440");
    assert!(finding.why.contains("fault 71"), "{}", finding.why);
}

#[test]
fn fault_83_without_a_battery() {
    for switches in [["fault=83&battery=off", "fault=83"], ["fault=83&battery=off"; 2]] {
        let switches = switches.map(|each| format!("{each}&slave=06126"));
        let bank = read(&switches.each_ref().map(String::as_str));
        assert_eq!(findings(&bank), [("fault", Severity::Error)]);
        let finding = &check(&bank).findings[0];
        assert!(finding.what.starts_with("fault 83 parallel: battery voltages"), "{finding}");
        assert!(finding.advice[0].contains("no battery is connected"), "{finding:?}");
    }
}

#[test]
fn a_hundred_amperes_beside_sixty() {
    let bank = read(&["max-charge=100&slave=06126", "max-charge=60&slave=06126"]);
    assert_eq!(words(&bank), ["maximum charge current differs: sim:0 100 A, sim:1 60 A"]);
    assert_eq!(findings(&bank), [("settings", Severity::Error)]);
    assert!(compare(&bank).verdict().starts_with("11/12 match"));
}

#[test]
fn mode_06_is_healthy() {
    let bank = read(&["mode=06&slave=06126", "mode=06&slave=06126"]);
    assert_eq!(bank.units[0].working_mode().unwrap().0, 6);
    assert_eq!(findings(&bank), []);
}

#[test]
fn a_master_with_index_0_is_healthy() {
    let bank = read(&["slave=06126", "slave=06126"]);
    assert_eq!(bank.units[0].instance().unwrap().0, 0);
    assert_eq!(findings(&bank), []);
}
