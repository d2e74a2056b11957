//! Faults in virtual time: of the units and their cables, of the broker and the disk, of the clock, and kills of the
//! bridge. Nothing is published that the units did not have, and nothing is shown fresh beyond its limit of age.
//!
//! `LVX_BRIDGE_DAYS` sets the length of the run, `LVX_BRIDGE_SEED` other random faults. `LVX_BRIDGE_UNITS` limits the run
//! to one size of the bank.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a panic fails the test"
)]

mod support;

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use lvx_bridge::config::PollConfig;
use pi18_transport::{
    Link,
    sim::{Bank, BankConfig, SharedBank},
};
use support::{Run, broker::MAX_IN_FLIGHT, lock, run_time, world::World};

#[test]
fn no_wrong_value_is_published_under_faults() {
    let other = std::env::var("LVX_BRIDGE_SEED").map_or(0, |seed| seed.parse().unwrap());
    let mut counts = [0; 10];
    let mut in_flight = 0;
    let only = std::env::var("LVX_BRIDGE_UNITS").ok().map(|units| units.parse().unwrap());
    for (units, seed) in [(2, 1), (4, 2)] {
        if only.is_some_and(|only: usize| only != units) {
            continue;
        }
        let switches = (0..units).map(|unit| {
            // Each unit has its own values.
            format!("frozen=on&think=30ms&soc-error={unit}&shade1={}", 5 * unit).parse().unwrap()
        });
        let config = BankConfig { units, switches: switches.collect() };
        let bank = SharedBank::virtual_time(Bank::new(config).unwrap());
        let start: Instant = bank.link(0).now();
        let poll = PollConfig::default();
        let mut random = fastrand::Rng::with_seed(seed + other);
        let world = Mutex::new(World::new(&bank, poll, start, seed + other));
        let run = Run { bank, poll, time: run_time(SHORT), has_routes: true };
        let (state, _) = run.run_with(
            |state, event| lock(&world).on_event(state, event),
            |state, routes, now| lock(&world).on_tick(state, routes, now),
            |state, now| {
                let mut world = lock(&world);
                // A long run shows how far it is.
                if world.after_tick(state, now) {
                    println!("{units} units, {now:?}: {world}");
                }
            },
            // Not each second, so that faults meet each step of a poller.
            || Duration::from_millis(random.u64(600..1400)),
        );
        let world = world.into_inner().unwrap();
        println!("{units} units, {:?}: {} events, {world}", run.time, state.events);
        let expected = run.time.as_secs() / 5 * 2;
        assert!(world.oracle.compared > expected, "{} of {expected}", world.oracle.compared);
        assert!(world.calm_times > 0);
        in_flight = in_flight.max(world.broker.sizes[1]);
        for (sum, count) in counts.iter_mut().zip(world.chaos.counts) {
            *sum += count;
        }
    }
    assert!(counts.iter().all(|count| *count > 0), "each fault occurs: {counts:?}");
    let is_long = run_time(SHORT) > SHORT;
    assert!(!is_long || in_flight == MAX_IN_FLIGHT, "the broker is slow enough at times");
}

/// Length of a run in the whole check: it ends with a calm time.
const SHORT: Duration = Duration::from_hours(2);
