//! Faults in virtual time: nothing is published that the units did not have, and nothing is shown fresh beyond its
//! limit of age.
//!
//! `LVX_BRIDGE_DAYS` sets the length of the run.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a panic fails the test"
)]

mod support;

use std::{
    collections::BTreeMap,
    sync::Mutex,
    time::{Duration, Instant},
};

use lvx_bridge::config::PollConfig;
use pi18_transport::{
    Link,
    sim::{Bank, BankConfig, SharedBank},
};
use support::{Run, chaos::Chaos, oracle::Oracle, run_time};

#[test]
fn no_wrong_value_is_published_under_faults() {
    for (units, seed) in [(2, 1), (4, 2)] {
        let switches = vec!["frozen=on&think=30ms".parse().unwrap(); units];
        let bank = SharedBank::virtual_time(Bank::new(BankConfig { units, switches }).unwrap());
        let start: Instant = bank.link(0).now();
        let oracle = Mutex::new(Oracle::new(&bank, start));
        let mut chaos = Chaos::new(&bank, seed);
        let longest = Mutex::new(BTreeMap::<&str, usize>::new());
        let run = Run {
            bank,
            poll: PollConfig::default(),
            time: run_time(Duration::from_hours(2)),
            has_routes: true,
        };
        let counts = Mutex::new([0; 6]);
        let (state, _) = run.run(
            |state, event| {
                let mut oracle = oracle.lock().unwrap();
                oracle.check_event(event);
                oracle.check_snapshot(&state.core.snapshot(), event.at);
            },
            |state, routes, now| {
                let mut oracle = oracle.lock().unwrap();
                if chaos.step(state, routes, now) {
                    oracle.record(now);
                }
                let snapshot = state.core.snapshot();
                oracle.check_snapshot(&snapshot, start + now);
                let mut longest = longest.lock().unwrap();
                let findings = snapshot.findings.as_ref().map_or(0, Vec::len);
                for (what, count) in [("alerts", snapshot.alerts.len()), ("findings", findings)] {
                    let most = longest.entry(what).or_default();
                    *most = (*most).max(count);
                }
                *counts.lock().unwrap() = chaos.counts;
            },
        );
        let compared = oracle.lock().unwrap().compared;
        let expected = run.time.as_secs() / 5 * 2;
        println!(
            "{units} units, {:?}: {} events, {compared} answers compared, faults {:?}, {:?}",
            run.time,
            state.events,
            counts.lock().unwrap(),
            longest.lock().unwrap(),
        );
        assert!(compared > expected, "{compared} of {expected}");
        assert!(counts.lock().unwrap().iter().all(|count| *count > 0), "each fault occurs");
    }
}
