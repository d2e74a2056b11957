//! Many exchanges of clients and pollers under faults of the lines: no wrong value on either side.
//!
//! `LVX_LEASE_EXCHANGES` sets the number of exchanges; 10,000 take some seconds.

use std::{
    sync::atomic::{AtomicU32, Ordering},
    thread,
};

use pi18_proto::{AnyReply, OutputPriority, Query, SetCommand, SettingsState};
use pi18_transport::{SetOutcome, sim::SharedBank};

use crate::{
    lease::testing::TestPollers,
    poll::{Event, EventKind},
};

/// Switches for faults of a line, each with the frozen measurements that make values comparable.
const FAULTS: [&str; 9] = [
    "frozen=on",
    "frozen=on&lose=0.002",
    "frozen=on&double=0.01",
    "frozen=on&flip=0.002",
    "frozen=on&junk=0.1",
    "frozen=on&late=0.05&late-by=1s",
    "frozen=on&late=0.05&late-by=4s",
    "frozen=on&stale=0.1",
    "frozen=on&silent=0.05",
];

/// Queries of clients. Some have replies of the same form.
const QUERIES: [&str; 11] = [
    "GS",
    "MOD",
    "PIRI",
    "PGS0",
    "PGS1",
    "PRI0",
    "PRI1",
    "FLAG",
    "FWS",
    "ED20260619",
    "ED20260620",
];

#[test]
fn mixed_exchanges_show_no_wrong_value() {
    let total = std::env::var("LVX_LEASE_EXCHANGES").ok().and_then(|text| text.parse().ok());
    let total: u32 = total.unwrap_or(720);
    let rounds = u32::try_from(FAULTS.len()).unwrap();
    let (asked, answered) = (AtomicU32::new(0), AtomicU32::new(0));
    let mut polled = 0;
    for (round, faults) in FAULTS.into_iter().enumerate() {
        let pollers = TestPollers::start(&[faults, faults]);
        let each = total / rounds / 4;
        thread::scope(|scope| {
            for client in 0..4 {
                let (pollers, asked, answered) = (&pollers, &asked, &answered);
                let seed = (round * 10 + client) as u64;
                scope.spawn(move || {
                    let (ok, all) = exchange(pollers, client, each, seed);
                    asked.fetch_add(all, Ordering::Relaxed);
                    answered.fetch_add(ok, Ordering::Relaxed);
                });
            }
        });
        let events = std::mem::take(&mut *pollers.events.lock().unwrap());
        polled += events.iter().map(|event| check_event(&pollers.bank, event)).sum::<u32>();
    }
    let (asked, answered) = (asked.into_inner(), answered.into_inner());
    eprintln!("{asked} exchanges of clients, {answered} answered; {polled} answers to pollers");
    assert!(answered * 10 > asked * 7, "{answered} of {asked} were answered");
    assert!(polled > 100, "{polled}");
}

/// Sends requests to one unit, and checks each reply. Returns the numbers of replies and requests.
fn exchange(pollers: &TestPollers, number: usize, count: u32, seed: u64) -> (u32, u32) {
    let (mut random, unit) = (fastrand::Rng::with_seed(seed), number % 2);
    let mut client = pollers.client(unit);
    let mut answered = 0;
    for _ in 0..count {
        // The first client of a unit also sets.
        if number < 2 && random.u8(0..8) == 0 {
            let priority = random.u8(0..2);
            let command: SetCommand = format!("POP{priority}").parse().unwrap();
            match client.set(command) {
                Ok(SetOutcome::Accepted) => {
                    answered += 1;
                    let rated = pollers.bank.with(|bank| bank.peek(unit, Query::RatedInformation));
                    let Some(AnyReply::RatedInformation(rated)) = rated else { unreachable!() };
                    assert_eq!(rated.output_priority, OutputPriority(priority), "seed {seed}");
                }
                Ok(SetOutcome::Refused) => panic!("no unit refuses this; seed {seed}"),
                Ok(_) | Err(_) => pollers.settle(),
            }
            continue;
        }
        let query: Query = random.choice(QUERIES).unwrap().parse().unwrap();
        let before = pollers.bank.with(|bank| bank.peek(unit, query));
        let Ok(reply) = client.query(query) else {
            pollers.settle();
            continue;
        };
        answered += 1;
        let after = pollers.bank.with(|bank| bank.peek(unit, query));
        let is_right = [before, after].map(calm).contains(&calm(Some(reply.reply)));
        let changes = matches!(query, Query::RatedInformation | Query::ParallelRating(_));
        // Another client sets the priority meanwhile.
        assert!(is_right || changes, "{query}: {:?}, seed {seed}", reply.reply);
    }
    (answered, count)
}

/// Checks the answers that a poller reports, and returns their number.
fn check_event(bank: &SharedBank, event: &Event) -> u32 {
    let EventKind::Batch { answers, .. } = &event.kind else { return 0 };
    let mut count = 0;
    for answer in answers {
        let Ok(reply) = &answer.answer else { continue };
        count += 1;
        let changes = matches!(
            answer.query,
            Query::Clock
                | Query::RatedInformation
                | Query::ParallelRating(_)
                | Query::DayEnergy(_)
                | Query::TotalEnergy
        );
        let known = bank.with(|bank| bank.peek(event.link, answer.query));
        assert!(
            changes || calm(known) == calm(Some(*reply)),
            "{}: {reply:?}, not {known:?}",
            answer.query
        );
    }
    count
}

/// Returns a reply without the flag that settings were changed.
fn calm(reply: Option<AnyReply>) -> Option<AnyReply> {
    match reply {
        Some(AnyReply::GeneralStatus(mut status)) => {
            status.settings = SettingsState(0);
            Some(status.into())
        }
        reply => reply,
    }
}
