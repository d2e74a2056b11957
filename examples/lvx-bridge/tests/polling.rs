//! Polling in virtual time: use of the line, ages, and units that do not answer.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a panic fails the test"
)]

mod support;

use std::time::Duration;

use lvx_bridge::{config::PollConfig, poll::Group, state::LinkState};
use pi18_transport::sim::{Bank, BankConfig, SharedBank};
use support::Run;

fn paced(units: usize) -> SharedBank {
    let switches = vec!["pace=2400".parse().unwrap(); units];
    SharedBank::virtual_time(Bank::new(BankConfig { units, switches }).unwrap())
}

fn periods(fast: u64, medium: u64, slow: u64) -> PollConfig {
    PollConfig {
        fast: Duration::from_millis(fast),
        medium: Duration::from_millis(medium),
        slow: Duration::from_millis(slow),
        stale_after_periods: 3,
    }
}

/// Polls units for some time, and returns the use of the line of each in percent, and the greatest age of `GS`,
/// `FWS` and `PIRI` of any unit when it was read again.
fn measure(units: usize, poll: PollConfig, time: Duration) -> (Vec<f64>, [Duration; 3]) {
    let bank = paced(units);
    let run = Run { bank, poll, time, has_routes: false };
    let ages = std::sync::Mutex::new([Duration::ZERO; 3]);
    let reads = std::sync::Mutex::new(std::collections::BTreeMap::new());
    let (state, usages) = run.run(
        |_, event| {
            let lvx_bridge::poll::EventKind::Batch { answers, .. } = &event.kind else { return };
            for answer in answers {
                let mnemonic = answer.query.info().mnemonic;
                let Some(slot) = ["GS", "FWS", "PIRI"].iter().position(|m| *m == mnemonic) else {
                    continue;
                };
                let before = reads.lock().unwrap().insert((event.link, slot), answer.at);
                // The value was shown until this batch was committed.
                let age = before.map(|before| event.at - before).unwrap_or_default();
                let ages = &mut ages.lock().unwrap()[slot];
                *ages = (*ages).max(age);
            }
        },
        |_, _, _| {},
    );
    for unit in &state.core.snapshot().units {
        assert_eq!(unit.link.state, LinkState::Up);
        assert_eq!(unit.link.counts.timeouts, 0);
    }
    let used = |idle: Duration| 100.0 - 100.0 * idle.as_secs_f64() / time.as_secs_f64();
    (usages.iter().map(|usage| used(usage.idle())).collect(), ages.into_inner().unwrap())
}

#[test]
fn ages_stay_within_their_limits_if_the_configuration_fits() {
    for units in [2, 9] {
        let poll = PollConfig::default();
        let (used, ages) =
            measure(units, poll, Duration::from_mins(if units == 2 { 20 } else { 5 }));
        println!("{units} units: {used:.1?} % used, ages {ages:?}");
        for (group, age) in [Group::Fast, Group::Medium, Group::Slow].into_iter().zip(ages) {
            assert!(age <= group.max_age(&poll), "{group:?} {age:?}");
        }
        assert!(used.iter().all(|used| (15.0..60.0).contains(used)), "{used:?}");
    }
}

#[test]
fn line_is_full_and_no_group_starves_if_more_is_asked_than_fits() {
    for units in [2, 9] {
        let (used, ages) = measure(units, periods(500, 1000, 2000), Duration::from_mins(2));
        println!("{units} units: {used:.1?} % used, ages {ages:?}");
        assert!(used.iter().all(|used| *used >= 95.0), "{used:?}");
        assert!(ages.iter().all(|age| *age < Duration::from_secs(30)), "{ages:?}");
    }
}
