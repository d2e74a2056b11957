//! Virtual banks, read and judged as a whole.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod asked;
mod commissioned;
mod files;
mod gaps;
mod many;
mod order;
mod paced;
mod random;
mod reports;

use lvx_parallel::{BankSnapshot, Checks, Member, Severity, check};
use pi18_transport::{
    Client, Link,
    sim::{Bank, BankConfig, SharedBank},
};

/// A virtual bank in made-up time, a unit for each of the switches.
#[track_caller]
fn shared(switches: &[&str]) -> SharedBank {
    let switches: Vec<_> = switches.iter().map(|text| text.parse().unwrap()).collect();
    SharedBank::virtual_time(Bank::new(BankConfig { units: switches.len(), switches }).unwrap())
}

fn member<L: Link>(link: L) -> Member<L> {
    Member::new(link.name().to_owned(), Client::new(link))
}

/// Reads all units over their links.
#[track_caller]
fn read(switches: &[&str]) -> BankSnapshot {
    let links = shared(switches).links_side_by_side();
    timeless(BankSnapshot::read(links.into_iter().map(member).collect()))
}

/// The same without this computer's time, which has nothing to do with a virtual bank's.
fn timeless(bank: BankSnapshot) -> BankSnapshot {
    BankSnapshot { started: None, ..bank }
}

/// Rule and severity of everything that is found.
fn findings(bank: &BankSnapshot) -> Vec<(&'static str, Severity)> {
    findings_of(&Checks::default(), bank)
}

fn findings_of(checks: &Checks, bank: &BankSnapshot) -> Vec<(&'static str, Severity)> {
    let report = checks.check(bank);
    report.findings.iter().map(|finding| (finding.rule, finding.severity)).collect()
}

/// What is found, in words.
fn words(bank: &BankSnapshot) -> Vec<String> {
    check(bank).findings.iter().map(ToString::to_string).collect()
}
