//! Reads and judges whole virtual banks.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed assumption fails the test"
)]

mod asked;
mod commissioned;
mod files;
mod gaps;
mod many;
mod order;
mod paced;
mod previous;
mod random;
mod reports;

use lvx_parallel::{BankSnapshot, Checks, Member, Severity, check};
use pi18_transport::{
    Client, Link,
    sim::{Bank, BankConfig, SharedBank},
};

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
fn timeless(bank: BankSnapshot) -> BankSnapshot {
    BankSnapshot { started: None, ..bank }
}

/// Returns rule and severity of everything that is found.
fn findings(bank: &BankSnapshot) -> Vec<(&'static str, Severity)> {
    findings_of(&Checks::default(), bank)
}

fn findings_of(checks: &Checks, bank: &BankSnapshot) -> Vec<(&'static str, Severity)> {
    let report = checks.check(bank);
    report.findings.iter().map(|finding| (finding.rule, finding.severity)).collect()
}

/// Returns the texts of everything that is found.
fn texts(bank: &BankSnapshot) -> Vec<String> {
    check(bank).findings.iter().map(ToString::to_string).collect()
}
