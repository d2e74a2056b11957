//! Cut-off and overload: warnings, faults, recovery, and the state at the start.

use std::time::Duration;

use pi18_proto::{AnyReply, FaultsAndWarnings, ParallelInstance, ParallelStatus, Query};
use pi18_transport::sim::Bank;

use crate::{ask_at, bank, data, hours, status};

fn mode(bank: &Bank, unit: usize) -> String {
    data(&bank.peek(unit, Query::Mode).unwrap())
}

fn faults(bank: &Bank, unit: usize) -> FaultsAndWarnings {
    match bank.peek(unit, Query::FaultsAndWarnings) {
        Some(AnyReply::FaultsAndWarnings(faults)) => faults,
        other => panic!("{other:?}"),
    }
}

fn parallel_status(bank: &Bank, unit: u16) -> ParallelStatus {
    let instance = ParallelInstance::new(pi18_proto::Count(unit)).unwrap();
    match bank.peek(0, Query::ParallelStatus(instance)) {
        Some(AnyReply::ParallelStatus(status)) => status,
        other => panic!("{other:?}"),
    }
}

/// Returns the modes of unit 0, each with the minute at which it begins.
fn modes(bank: &mut Bank, minutes: u64) -> Vec<(u64, String)> {
    let mut modes: Vec<(u64, String)> = Vec::new();
    for minute in 0..=minutes {
        bank.advance(Duration::from_secs(minute * 60));
        let now = mode(bank, 0);
        if modes.last().is_none_or(|(_, last)| *last != now) {
            modes.push((minute, now));
        }
    }
    modes
}

#[test]
fn bank_with_an_empty_battery_starts_cut_off() {
    let empty = "soc=3&sun=0&grid=off";
    let mut bank = bank(&[empty]);
    for unit in 0..2 {
        let now = status(&bank, unit);
        assert_eq!((now.active_power.0, now.discharge_current.0), (0, 0));
        assert!(now.battery_voltage.in_unit() < 48.0);
        let raised = faults(&bank, unit);
        assert_eq!(raised.fault.0, 4);
        assert!(raised.battery_low.is_raised() && raised.battery_under.is_raised());
        assert_eq!(parallel_status(&bank, unit.try_into().unwrap()).fault.0, 4);
    }
    assert_eq!(modes(&mut bank, 120), [(0, "04".to_owned()), (5, "01".to_owned())]);
    // A switch leads to its state at once.
    bank.switch(0, "grid=on").unwrap();
    assert_eq!(mode(&bank, 0), "05");
    bank.switch(0, "grid=off").unwrap();
    bank.switch(0, "soc=3").unwrap();
    assert_eq!(mode(&bank, 0), "04");
}

#[test]
fn night_to_cut_off_warns_before_and_recovers_in_the_morning() {
    let mut bank = bank(&["grid=off&soc=30&load=2500&clock=2026-06-21T21:00:00"]);
    let (mut warned, mut off) = (None, None);
    for minute in 0..12 * 60 {
        bank.advance(Duration::from_secs(minute * 60));
        let raised = faults(&bank, 0);
        if raised.battery_low.is_raised() {
            warned = warned.or(Some(minute));
        }
        if raised.fault.0 == 4 {
            off = off.or(Some(minute));
        }
    }
    let (warned, off) = (warned.unwrap(), off.unwrap());
    assert!(warned + 5 < off, "warned after {warned} minutes, off after {off}");
    let mut bank = crate::bank(&["grid=off&soc=30&load=2500&clock=2026-06-21T21:00:00"]);
    let modes = modes(&mut bank, 24 * 60);
    let names: Vec<_> = modes.iter().map(|(_, mode)| mode.as_str()).collect();
    assert_eq!(names, ["03", "04", "01", "06", "03"], "{modes:?}");
}

#[test]
fn cut_off_and_recovery_never_alternate_quickly() {
    for (load, sun) in [(800, 10), (3000, 30), (5000, 60), (9000, 100)] {
        let mut bank = bank(&[&format!("grid=off&soc=8&load={load}&sun={sun}")]);
        let modes = modes(&mut bank, 3 * 24 * 60);
        let stops = modes.iter().filter(|(_, mode)| mode == "04").count();
        assert!(stops <= 3 * 24 * 2, "{load} W, {sun} %: {stops} stops");
        for pair in modes.windows(2) {
            let is_stop = pair[0].1 == "04";
            assert!(!is_stop || pair[1].0 - pair[0].0 >= 5, "{load} W, {sun} %: {pair:?}");
        }
    }
}

#[test]
fn overload_warns_then_stops_with_fault_07() {
    let mut bank = bank(&["grid=off&load=14000"]);
    assert!(faults(&bank, 0).overload.is_raised() && faults(&bank, 0).fault.0 == 0);
    assert_eq!(mode(&bank, 0), "03");
    bank.advance(Duration::from_secs(10));
    for unit in 0..2 {
        assert_eq!((mode(&bank, unit), faults(&bank, unit).fault.0), ("04".to_owned(), 7));
        assert_eq!(status(&bank, unit).active_power.0, 0);
    }
    bank.advance(hours(1));
    bank.switch(0, "load=1000").unwrap();
    bank.advance(hours(2));
    assert_eq!(mode(&bank, 0), "04");
    // The switch ends the fault, as a person at the unit does.
    bank.switch(0, "fault=00").unwrap();
    assert_eq!((mode(&bank, 0), mode(&bank, 1)), ("03".to_owned(), "04".to_owned()));
}

#[test]
fn flag_overload_restart_starts_all_units_together() {
    let mut bank = bank(&["grid=off&load=14000"]);
    for unit in 0..2 {
        assert_eq!(ask_at(&mut bank, unit, "PED", Duration::ZERO), "^1");
    }
    bank.advance(Duration::from_secs(20));
    assert_eq!(mode(&bank, 0), "04");
    bank.switch(0, "load=8000").unwrap();
    bank.advance(Duration::from_secs(100));
    for unit in 0..2 {
        assert_eq!(
            (mode(&bank, unit), status(&bank, unit).active_power.0),
            ("03".to_owned(), 4000)
        );
    }
}

#[test]
fn flag_overload_bypass_lets_the_grid_supply_an_overload() {
    let mut bank = bank(&["load=14000"]);
    for unit in 0..2 {
        assert_eq!(ask_at(&mut bank, unit, "PEB", Duration::ZERO), "^1");
    }
    bank.advance(Duration::from_secs(20));
    assert_eq!((mode(&bank, 0), faults(&bank, 0).fault.0), ("02".to_owned(), 0));
    bank.switch(0, "load=2000").unwrap();
    bank.advance(Duration::from_secs(200));
    assert_eq!(mode(&bank, 0), "05");
}

#[test]
fn restart_after_an_overload_does_not_wait_for_a_unit_with_another_fault() {
    let mut bank = bank(&["grid=off&load=14000"]);
    for unit in 0..2 {
        assert_eq!(ask_at(&mut bank, unit, "PED", Duration::ZERO), "^1");
    }
    bank.advance(Duration::from_secs(20));
    bank.switch(0, "load=2000").unwrap();
    bank.switch(1, "fault=02").unwrap();
    bank.advance(Duration::from_secs(200));
    assert_eq!((mode(&bank, 0), mode(&bank, 1)), ("03".to_owned(), "04".to_owned()));
}
