//! Two LVX6048 units after they were commissioned, and with the problems that they had before.

use lvx_parallel::{Checks, Severity, check, compare};
use pi18_proto::Version;

use crate::{findings, findings_of, read, texts};

const SLAVES: (&str, Severity) = ("slave-firmware", Severity::Info);

#[test]
fn commissioned_bank_is_healthy() {
    let bank = read(&["", ""]);
    let checks = Checks::default().with_bank_ah(300).with_baseline(bank.clone());
    let checks = checks.with_expected_firmware(Version::new("06306").unwrap());
    let unchanged = ("baseline", Severity::Info);
    assert_eq!(findings_of(&checks, &bank), [SLAVES, unchanged]);
    assert!(checks.check(&bank).is_healthy());
    let comparison = compare(&bank);
    assert!(comparison.matches());
    assert!(comparison.verdict().starts_with("12/12 match"), "{comparison}");
    // With its load in the evening, and at night.
    for clock in ["2026-04-26T20:05:00", "2026-04-26T03:05:00"] {
        let bank = read(&[&format!("clock={clock}&capacity=300"), ""]);
        assert_eq!(findings(&bank), [SLAVES], "{clock}");
    }
}

#[test]
fn different_slave_firmware_is_only_info() {
    let bank = read(&["slave=06126", "slave=06021"]);
    assert_eq!(texts(&bank), ["slave firmware differs: sim:0 06126, sim:1 06021"]);
    assert!(check(&bank).is_healthy());
}

#[test]
fn two_main_versions_with_fault_71_are_one_finding() {
    let bank = read(&["main=06303&fault=71&slave=06126", "main=06440&fault=71&slave=06126"]);
    assert_eq!(findings(&bank), [("main-firmware", Severity::Error)]);
    let finding = &check(&bank).findings[0];
    assert_eq!(finding.to_string(), "main firmware differs: sim:0 06303, sim:1 06440");
    assert!(finding.why.contains("fault 71"), "{}", finding.why);
}

#[test]
fn fault_83_without_battery_names_missing_battery() {
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
fn charge_limits_100_and_60_are_one_finding() {
    let bank = read(&["max-charge=100&slave=06126", "max-charge=60&slave=06126"]);
    assert_eq!(texts(&bank), ["maximum charge current differs: sim:0 100 A, sim:1 60 A"]);
    assert_eq!(findings(&bank), [("settings", Severity::Warning)]);
    assert!(compare(&bank).verdict().starts_with("11/12 match"));
}

#[test]
fn mode_06_is_healthy() {
    let bank = read(&["mode=06&slave=06126", "mode=06&slave=06126"]);
    assert_eq!(bank.units[0].working_mode().unwrap().0, 6);
    assert_eq!(findings(&bank), []);
}

#[test]
fn master_with_instance_0_is_healthy() {
    let bank = read(&["slave=06126", "slave=06126"]);
    assert_eq!(bank.units[0].instance().unwrap().0, 0);
    assert_eq!(findings(&bank), []);
}
