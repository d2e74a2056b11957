//! Timing, reports and faults of the line.

use std::time::Duration;

use bytes::BytesMut;
use pi18_proto::{Dialect, Frame, Query};
use pi18_transport::sim::Bank;

use crate::{bank, exchange};

/// Frame of the query `MOD`.
const MOD: &[u8] = b"^P006MOD\xdd\xbe\r";

/// Returns the bytes that have arrived from unit 0.
fn receive(bank: &mut Bank, now: Duration) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    bank.receive(0, now, &mut bytes);
    bytes.to_vec()
}

/// Sends `MOD` `count` times, ten seconds apart, and returns the bytes that arrive after each request.
fn replies(switches: &str, count: u64) -> Vec<Vec<u8>> {
    let mut bank = bank(&[switches]);
    let exchanges = (0..count).map(|at| exchange(&mut bank, 0, MOD, Duration::from_secs(at * 10)));
    exchanges.collect()
}

/// The undamaged reply to `MOD`.
const INTACT: &[u8] = b"^D00505\xD9\x9F\r";

#[test]
fn default_line_does_not_damage_replies() {
    assert!(replies("frozen=on", 50).iter().all(|reply| reply == INTACT));
}

#[test]
fn each_fault_switch_damages_some_replies() {
    type Damage = fn(&[u8]) -> bool;
    let cases: [(&str, Damage); 6] = [
        ("lose=0.1", |reply| reply.len() < INTACT.len()),
        ("double=0.1", |reply| reply.len() > INTACT.len()),
        ("flip=0.1", |reply| reply.len() == INTACT.len() && reply != INTACT),
        ("junk=0.5", |reply| reply.len() > INTACT.len()),
        ("silent=0.5", <[u8]>::is_empty),
        ("late=0.5", <[u8]>::is_empty),
    ];
    for (switch, damage) in cases {
        let replies = replies(&format!("frozen=on&{switch}"), 100);
        let damaged = replies.iter().filter(|reply| damage(reply)).count();
        let intact = replies.iter().filter(|reply| **reply == INTACT).count();
        assert!(damaged > 10 && intact > 10, "{switch}: {damaged} damaged, {intact} intact");
    }
}

#[test]
fn same_seed_repeats_the_same_faults() {
    let switches = "frozen=on&lose=0.1&flip=0.1&junk=0.2";
    assert_eq!(replies(switches, 50), replies(switches, 50));
    assert_ne!(replies(switches, 50), replies(&format!("{switches}&seed=1"), 50));
}

#[test]
fn checksum_detects_every_flip_of_up_to_16_bits() {
    // Damage in at most two neighbouring bytes, which is almost always a single burst.
    let one_burst = |reply: &&Vec<u8>| {
        let places: Vec<_> = (0..INTACT.len()).filter(|&at| reply[at] != INTACT[at]).collect();
        matches!(places[..], [_] | [_, _]) && places[places.len() - 1] - places[0] <= 1
    };
    let replies = replies("frozen=on&flip=0.05", 500);
    let burst: Vec<_> = replies.iter().filter(one_burst).collect();
    assert!(burst.len() > 50);
    assert!(burst.iter().all(|reply| Frame::parse(reply).is_err()));
}

#[test]
fn late_reply_arrives_before_the_next_one() {
    let mut bank = bank(&["frozen=on&late=1&late-by=2s"]);
    let second = Duration::from_secs(1);
    assert_eq!(exchange(&mut bank, 0, MOD, Duration::ZERO), b"");
    bank.switch(0, "late=0").unwrap();
    assert_eq!(exchange(&mut bank, 0, b"^P005PIq\x8b\r", second), b"");
    assert_eq!(bank.next_due(0), Some(2 * second));
    let both = [INTACT, b"^D00518;\x03\r"].concat();
    assert_eq!(receive(&mut bank, 2 * second), both);
}

#[test]
fn stale_reply_arrives_before_the_next_one() {
    let mut bank = bank(&["frozen=on&stale=1"]);
    let pi = exchange(&mut bank, 0, b"^P005PIq\x8b\r", Duration::ZERO);
    assert_eq!(receive(&mut bank, Duration::ZERO), pi);
    assert_eq!(exchange(&mut bank, 0, MOD, Duration::ZERO), INTACT);
    assert_eq!(bank.next_due(0), Some(Duration::ZERO));
    // A host that does not discard old bytes takes the stale reply for the answer.
    assert_eq!(exchange(&mut bank, 0, MOD, Duration::ZERO), [&pi[..], INTACT].concat());
}

#[test]
fn paced_bytes_arrive_one_by_one() {
    let mut bank = bank(&["frozen=on&pace=2400"]);
    let request = Query::GeneralStatus.to_frame(Dialect::Checksum);
    let start = Duration::from_secs(5);
    bank.send(0, &request, start);
    let mut reply = Vec::new();
    let mut times = Vec::new();
    while let Some(due) = bank.next_due(0) {
        let bytes = receive(&mut bank, due);
        assert!(bytes.len() <= 1);
        times.extend(bytes.iter().map(|_| due));
        reply.extend(bytes);
    }
    assert_eq!((request.len(), reply.len()), (10, 111));
    for (count, time) in (11_u64..).zip(times) {
        let expected = start + Duration::from_nanos(count * 10 * 1_000_000_000 / 2400);
        assert!(time.abs_diff(expected) < Duration::from_micros(1), "byte {count}: {time:?}");
    }
}

#[test]
fn reports_have_eight_bytes() {
    let mut bank = bank(&["frozen=on&reports=on&pace=2400"]);
    bank.send(0, MOD, Duration::ZERO);
    let mut reports = Vec::new();
    let mut last = Duration::ZERO;
    while let Some(due) = bank.next_due(0) {
        reports.extend(Some(receive(&mut bank, due)).filter(|bytes| !bytes.is_empty()));
        last = due;
    }
    assert_eq!(reports, [b"^D00505\xD9", b"\x9F\r\0\0\0\0\0\0"]);
    assert_eq!(last.as_micros(), (11 + 10) * 1_000_000 * 10 / 2400);
}

#[test]
fn stale_reply_arrives_in_reports_too() {
    let mut bank = bank(&["frozen=on&reports=on&stale=1"]);
    bank.send(0, MOD, Duration::ZERO);
    for _ in 0..2 {
        assert_eq!(receive(&mut bank, Duration::ZERO), b"^D00505\xD9\x9F\r\0\0\0\0\0\0");
    }
}

#[test]
fn busy_unit_ignores_requests() {
    let mut bank = bank(&["frozen=on&think=100ms"]);
    let millis = Duration::from_millis;
    assert_eq!(exchange(&mut bank, 0, MOD, millis(0)), b"");
    assert_eq!(exchange(&mut bank, 0, MOD, millis(50)), b"");
    assert_eq!(receive(&mut bank, millis(100)), INTACT);
    assert_eq!(receive(&mut bank, millis(1_000)), b"");
    bank.send(0, MOD, millis(1_000));
    assert_eq!(receive(&mut bank, millis(1_100)), INTACT);
}

#[test]
fn busy_unit_ignores_the_rest_of_a_request() {
    let mut bank = bank(&["frozen=on&pace=2400"]);
    bank.send(0, &[MOD, MOD].concat(), Duration::ZERO);
    let reply = receive(&mut bank, Duration::from_secs(2));
    assert_eq!(&reply[..INTACT.len()], INTACT);
    assert!(!reply[INTACT.len()..].starts_with(b"^D"), "{}", reply.escape_ascii());
}

#[test]
fn disconnect_switch_unplugs_unit_after_its_exchanges() {
    let mut bank = bank(&["frozen=on&disconnect=2"]);
    assert_eq!(exchange(&mut bank, 0, MOD, Duration::ZERO), INTACT);
    assert!(bank.is_connected(0));
    assert_eq!(exchange(&mut bank, 0, MOD, Duration::ZERO), INTACT);
    assert!(!bank.is_connected(0) && bank.is_connected(1));
    assert_eq!(exchange(&mut bank, 0, MOD, Duration::ZERO), b"");
    bank.reconnect(0);
    assert_eq!(exchange(&mut bank, 0, MOD, Duration::ZERO), INTACT);
    assert!(bank.is_connected(0));
}

#[test]
fn silent_switch_prevents_effect_of_set_commands() {
    let mut bank = bank(&["silent=1"]);
    assert_eq!(crate::ask(&mut bank, 0, "PSP1"), "");
    assert_eq!(bank.set_counts(0).received, 0);
    assert_eq!(crate::rated(&bank, 0).solar_priority.0, 0);
}
