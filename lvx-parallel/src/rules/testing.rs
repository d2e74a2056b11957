//! Virtual banks for the tests of the rules.

use std::time::Duration;

use pi18_proto::{GeneralStatus, Reply};
use pi18_transport::sim::{Bank, BankConfig};

use crate::{
    BankSnapshot, Checks, Finding, FindingKind, Gap, Reading, Reason, Rule, RuleInfo, Severity,
    UnitSnapshot, rules::ALL,
};

/// Returns a virtual bank with these switches, whose answers were all read at the same moment. All units
/// have the same slave firmware, so that a healthy bank has no findings.
#[track_caller]
pub(crate) fn bank_of(switches: &[&str]) -> BankSnapshot {
    let switches = switches.iter().map(|text| format!("slave=06126&{text}").parse().unwrap());
    let switches: Vec<_> = switches.collect();
    let bank = Bank::new(BankConfig { units: switches.len(), switches }).unwrap();
    let unit = |unit| {
        UnitSnapshot::from_answers(format!("sim:{unit}"), |query| match bank.peek(unit, query) {
            Some(value) => Ok(Reading { value, at: Duration::ZERO }),
            None => Err(Gap { reason: Reason::Refused, text: format!("{query} was refused") }),
        })
    };
    BankSnapshot::new((0..bank.units()).map(unit))
}

/// Returns the healthy bank of two units, read at a time after the start.
pub(crate) fn bank_of_at(at: Duration) -> BankSnapshot {
    let mut text = healthy().to_json();
    text = text.replace("\"at_ms\": 0", &format!("\"at_ms\": {}", at.as_millis()));
    BankSnapshot::parse(&text).unwrap()
}

/// Returns a healthy bank of two units.
pub(crate) fn healthy() -> BankSnapshot {
    bank_of(&["", ""])
}

/// Returns rule and severity of each finding in a bank.
pub(crate) fn findings(bank: &BankSnapshot) -> Vec<(&'static str, Severity)> {
    findings_of(&Checks::default(), bank)
}

pub(crate) fn findings_of(checks: &Checks, bank: &BankSnapshot) -> Vec<(&'static str, Severity)> {
    let report = checks.check(bank);
    report.findings.iter().for_each(assert_is_declared);
    let id = |finding: &Finding| &*RuleInfo::find(&finding.rule).unwrap().id;
    report.findings.iter().map(|finding| (id(finding), finding.severity)).collect()
}

/// Checks that the finding of a built-in rule has the severity and the reason of one of the rule's kinds.
#[track_caller]
fn assert_is_declared(finding: &Finding) {
    let rule = ALL.iter().find(|rule| rule.info().id == finding.rule).unwrap();
    let is_kind = |kind: &&FindingKind| {
        kind.severity == finding.severity
            && finding.why.starts_with(kind.why)
            && finding.advice.len() >= kind.advice.len()
    };
    assert!(rule.kinds().iter().any(is_kind), "{finding:#?}");
}

/// Returns the findings in a healthy bank after `change`.
pub(crate) fn found(change: impl FnOnce(&mut [UnitSnapshot])) -> Vec<(&'static str, Severity)> {
    let mut bank = healthy();
    change(&mut bank.units);
    findings(&bank)
}

/// Changes the measurements of a unit, in its own `GS` and in every `PGSn` about it.
pub(crate) fn measure(
    units: &mut [UnitSnapshot],
    unit: usize,
    change: impl Fn(&mut GeneralStatus),
) {
    let status = units[unit].status.value_mut().unwrap();
    change(status);
    let status = *status;
    let current = |unit: &UnitSnapshot| unit.status.value().unwrap().charge_current.0;
    let total = units.iter().map(current).sum();
    let power = |unit: &UnitSnapshot| unit.status.value().unwrap().active_power.0;
    let total_power = units.iter().map(power).sum();
    for reporting in units {
        let reported = reporting.statuses[unit].value_mut().unwrap();
        reported.battery_voltage = status.battery_voltage;
        reported.battery_capacity = status.battery_capacity;
        reported.grid_voltage = status.grid_voltage;
        reported.grid_frequency = status.grid_frequency;
        reported.output_voltage = status.output_voltage;
        reported.output_frequency = status.output_frequency;
        reported.charge_current = status.charge_current;
        reported.discharge_current = status.discharge_current;
        reported.pv1_power = status.pv1_power;
        reported.pv2_power = status.pv2_power;
        reported.pv1_voltage = status.pv1_voltage;
        reported.pv2_voltage = status.pv2_voltage;
        reported.mppt1_status = status.mppt1_status;
        reported.mppt2_status = status.mppt2_status;
        reported.apparent_power = status.apparent_power;
        reported.active_power = status.active_power;
        reported.load_percent = status.load_percent;
        reported.load_connection = status.load_connection;
        for answer in &mut reporting.statuses {
            let reported = answer.value_mut().unwrap();
            reported.total_charge_current.0 = total;
            reported.total_active_power.0 = total_power;
        }
    }
}

/// Returns a status in which every field is 0.
pub(crate) fn zeros() -> GeneralStatus {
    let sample = GeneralStatus::SAMPLE.replace(|digit: char| digit.is_ascii_digit(), "0");
    GeneralStatus::decode(sample.as_bytes()).unwrap()
}

/// Returns the text of the first finding.
#[track_caller]
pub(crate) fn first_finding(bank: &BankSnapshot) -> String {
    crate::check(bank).findings[0].to_string()
}

#[test]
fn healthy_bank_has_no_findings() {
    assert_eq!(findings(&healthy()), []);
    assert_eq!(findings(&bank_of(&["", "", "", "", "", "", "", "", ""])), []);
    assert_eq!(findings(&bank_of(&[""])), []);
}

#[test]
fn rule_that_is_left_out_suppresses_nothing() {
    let banks = [
        ["main=06303&fault=71", "main=06440&fault=71"],
        ["", "fault=83&battery=off"],
        ["", "output-mode=0&fault=86"],
        ["instance=1&fault=81", "instance=2&fault=81"],
        ["max-charge=100", "float=53.0"],
        ["", "battery=off"],
    ]
    .map(|switches| bank_of(&switches));
    for bank in &banks {
        let all = findings(bank);
        for info in RuleInfo::all() {
            let checks = Checks::default().only([&*info.id]).unwrap();
            let alone = findings_of(&checks, bank);
            let together: Vec<_> =
                all.iter().filter(|(rule, _)| *rule == info.id).copied().collect();
            assert!(alone.len() >= together.len(), "{}: {alone:?}, {together:?}", info.id);
        }
    }
    let only = |id, bank| findings_of(&Checks::default().only([id]).unwrap(), bank);
    assert_eq!(only("fault", &banks[0]), [("fault", Severity::Error)]);
    assert_eq!(only("battery-voltage", &banks[1]), [("battery-voltage", Severity::Warning)]);
}

#[test]
fn bank_without_answers_is_not_healthy() {
    let named = |name: &str| UnitSnapshot { name: name.to_owned(), ..UnitSnapshot::default() };
    let bank = BankSnapshot::new([named("a"), named("b")]);
    let report = crate::check(&bank);
    assert!(!report.complete && !report.is_healthy(), "{report}");
}

#[test]
fn slave_that_refuses_ratings_causes_no_error() {
    let mut bank = bank_of(&["", ""]);
    bank.units.remove(0);
    for answer in &mut bank.units[0].ratings {
        *answer = crate::Answer::Missing(Gap { reason: Reason::Refused, text: String::new() });
    }
    assert!(findings(&bank).iter().all(|(_, severity)| *severity < Severity::Error));
}

#[test]
fn units_set_to_single_report_output_mode_only() {
    let bank = bank_of(&["output-mode=0&instance=0", "output-mode=0&instance=0"]);
    assert_eq!(findings(&bank), [("output-mode", Severity::Error)]);
}
