//! Applying a plan to virtual units: what is written, what is reported, and what is then true.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod bank;

use std::time::Duration;

use bank::{Memory, apply_to, bank, client, host, plan_for, profile, settings_of};
use lvx_settings::{Ending, Options, Permissions, Report, Setting, Settings, State};
use pi18_proto::{Amperes, BatteryType, Decivolts, OutputPriority};
use pi18_transport::sim::SharedBank;

/// The policy of the commissioned bank.
fn commissioned() -> Settings {
    profile(|s| {
        s.battery_type = Some(BatteryType::USER);
        s.bulk_voltage = Some(Decivolts(564));
        s.float_voltage = Some(Decivolts(540));
        s.cutoff_voltage = Some(Decivolts(480));
        s.recharge_voltage = Some(Decivolts(480));
        s.redischarge_voltage = Some(Decivolts(540));
        s.max_charging_current = Some(Amperes(60));
    })
}

/// Set commands that the units have got.
fn received(bank: &SharedBank) -> Vec<u64> {
    bank.with(|bank| (0..bank.units()).map(|unit| bank.sets(unit).received).collect())
}

fn apply(bank: &SharedBank, wanted: &Settings) -> (Report, Memory) {
    let plan = plan_for(bank, wanted, Permissions::default());
    apply_to(bank, plan, Options::default(), Memory::default())
}

#[test]
fn the_commissioned_policy_on_the_commissioned_bank_writes_nothing() {
    let bank = bank(&["frozen=on", "frozen=on"]);
    let (report, memory) = apply(&bank, &commissioned());
    assert_eq!(report.ending, Ending::NothingToDo);
    assert_eq!(received(&bank), [0, 0]);
    assert_eq!(memory.records, []);
    insta::assert_snapshot!(report);
}

#[test]
fn from_factory_defaults_to_the_policy_and_back() {
    let bank = bank(&["frozen=on&soc=99", "frozen=on"]);
    for unit in 0..2 {
        client(&bank, unit).set("PF".parse().unwrap()).unwrap();
    }
    let factory = settings_of(&bank, 0);
    let sent = received(&bank);
    let (report, _) = apply(&bank, &commissioned());
    assert_eq!(report.ending, Ending::Applied, "{report}");
    assert_eq!(report.units_agree, Some(true));
    for unit in 0..2 {
        assert!(settings_of(&bank, unit).satisfy(&commissioned()));
    }
    assert_eq!(received(&bank).iter().sum::<u64>() - sent.iter().sum::<u64>(), report.writes);
    let (report, _) = apply(&bank, &factory);
    assert_eq!(report.ending, Ending::Applied, "{report}");
    for unit in 0..2 {
        assert!(settings_of(&bank, unit).satisfy(&factory));
    }
}
