//! Units are read in parallel.

use std::time::Duration;

use lvx_parallel::BankSnapshot;

use crate::{findings, member, shared, timeless};

/// Returns nine units on serial lines with a load that changes.
fn nine() -> pi18_transport::sim::SharedBank {
    shared(&["pace=2400&think=20ms&gusts=20&slave=06021"; 9])
}

#[test]
fn nine_units_are_read_in_time_of_one() {
    let alone = nine();
    let bank = BankSnapshot::read(vec![member(alone.link(0))]);
    assert_eq!(bank.units[0].bank_size(), 9);
    let one = alone.elapsed();

    let together = nine();
    let members = together.concurrent_links().into_iter().map(member).collect();
    let bank = BankSnapshot::read(members);
    let all = together.elapsed();
    assert!(bank.is_complete());
    assert_eq!(bank.units.len(), 9);
    assert!(one > Duration::from_secs(10), "{one:?}");
    assert!(all <= one * 11 / 10, "one {one:?}, nine {all:?}");
    assert!(bank.skew().unwrap() < Duration::from_millis(100), "{:?}", bank.skew());
    assert_eq!(findings(&timeless(bank)), []);
}

#[test]
fn dynamic_values_are_read_after_slowest_unit_is_ready() {
    let shared = shared(&["think=200ms", "", "pace=2400"]);
    let members = shared.concurrent_links().into_iter().map(member).collect();
    let bank = BankSnapshot::read(members);
    assert!(bank.is_complete());
    // The units need different times to answer.
    assert!(bank.skew().unwrap() < Duration::from_millis(600), "{:?}", bank.skew());
    let fixed = bank.units[1].ac_load_window.reading().unwrap().at;
    let changing = bank.units[1].status.reading().unwrap().at;
    assert!(changing > fixed + Duration::from_secs(3), "{fixed:?} {changing:?}");
}

#[test]
fn asking_beyond_absent_unit_costs_one_exchange() {
    let pair = shared(&["pace=2400&think=20ms", "pace=2400"]);
    let bank = BankSnapshot::read(vec![member(pair.link(0))]);
    let ratings = &bank.units[0].ratings;
    assert_eq!(ratings.len(), 4);
    let at = |n: usize| ratings[n].reading().unwrap().at;
    let (more, all) = (at(3).saturating_sub(at(2)), pair.elapsed());
    assert!(more * 20 < all, "{more:?} of {all:?}");
}
