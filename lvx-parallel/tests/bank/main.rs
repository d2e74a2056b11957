//! Reads and judges whole virtual banks.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed assumption fails the test"
)]

mod asked;
mod commissioned;
mod custom_rule;
mod dangerous;
mod dangerous_pv;
mod files;
mod gaps;
mod healthy;
mod many;
mod order;
mod paced;
mod packs;
mod previous;
mod random;
mod reports;
mod rules_page;
mod states;
mod words;

use lvx_parallel::{BankSnapshot, Checks, Finding, Member, RuleInfo, Severity, check};
use pi18_transport::{
    Client, Link,
    sim::{Bank, BankConfig, SharedBank},
};
use serde_json::Value;

/// Returns a virtual bank in virtual time, with one unit for each of the switches.
#[track_caller]
fn shared(switches: &[&str]) -> SharedBank {
    let switches: Vec<_> = switches.iter().map(|text| text.parse().unwrap()).collect();
    SharedBank::virtual_time(Bank::new(BankConfig { units: switches.len(), switches }).unwrap())
}

fn member<L: Link>(link: L) -> Member<L> {
    Member::new(link.name().to_owned(), Client::new(link))
}

/// Reads all units of a virtual bank over their links.
#[track_caller]
fn read(switches: &[&str]) -> BankSnapshot {
    let links = shared(switches).concurrent_links();
    timeless(BankSnapshot::read(links.into_iter().map(member).collect()))
}

/// Removes this computer's time, which differs from the time of a virtual bank.
fn timeless(mut bank: BankSnapshot) -> BankSnapshot {
    bank.started = None;
    bank
}

/// Returns rule and severity of everything that is found.
fn findings(bank: &BankSnapshot) -> Vec<(&'static str, Severity)> {
    findings_of(&Checks::default(), bank)
}

fn findings_of(checks: &Checks, bank: &BankSnapshot) -> Vec<(&'static str, Severity)> {
    let report = checks.check(bank);
    let id = |finding: &Finding| &*RuleInfo::find(&finding.rule).unwrap().id;
    report.findings.iter().map(|finding| (id(finding), finding.severity)).collect()
}

/// Returns a validator that also rejects keys that the schema does not describe, so that a test finds them.
#[track_caller]
fn strict_validator(schema: &str) -> jsonschema::Validator {
    let mut schema: Value = serde_json::from_str(schema).unwrap();
    assert!(jsonschema::draft202012::meta::is_valid(&schema));
    close(&mut schema);
    jsonschema::draft202012::new(&schema).unwrap()
}

/// Closes every object of a schema that describes keys.
fn close(schema: &mut Value) {
    if let Value::Object(keys) = schema {
        if keys.contains_key("properties") && !keys.contains_key("additionalProperties") {
            keys.insert("additionalProperties".to_owned(), false.into());
        }
        keys.values_mut().for_each(close);
    } else if let Value::Array(parts) = schema {
        parts.iter_mut().for_each(close);
    }
}

/// Returns the texts of everything that is found.
fn texts(bank: &BankSnapshot) -> Vec<String> {
    check(bank).findings.iter().map(ToString::to_string).collect()
}
