//! What the line does to bytes.

use std::time::Duration;

use bytes::BytesMut;
use pi18_proto::{Dialect, Frame, Query};
use pi18_transport::sim::Bank;

use crate::{bank, exchange};

const MOD: &[u8] = b"^P006MOD\xdd\xbe\r";

fn take(bank: &mut Bank, now: Duration) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    bank.take(0, now, &mut bytes);
    bytes.to_vec()
}

/// So many replies to `MOD`, each waited for.
fn replies(switches: &str, count: u64) -> Vec<Vec<u8>> {
    let mut bank = bank(&[switches]);
    let exchanges = (0..count).map(|at| exchange(&mut bank, 0, MOD, Duration::from_secs(at * 10)));
    exchanges.collect()
}

const SOUND: &[u8] = b"^D00505\xD9\x9F\r";

#[test]
fn a_sound_line_changes_nothing() {
    assert!(replies("frozen=on", 50).iter().all(|reply| reply == SOUND));
}

#[test]
fn each_disturbance_shows() {
    type Damage = fn(&[u8]) -> bool;
    let cases: [(&str, Damage); 6] = [
        ("lose=0.1", |reply| reply.len() < SOUND.len()),
        ("double=0.1", |reply| reply.len() > SOUND.len()),
        ("flip=0.1", |reply| reply.len() == SOUND.len() && reply != SOUND),
        ("junk=0.5", |reply| reply.len() > SOUND.len()),
        ("silent=0.5", <[u8]>::is_empty),
        ("late=0.5", <[u8]>::is_empty),
    ];
    for (switch, damage) in cases {
        let replies = replies(&format!("frozen=on&{switch}"), 100);
        let damaged = replies.iter().filter(|reply| damage(reply)).count();
        let sound = replies.iter().filter(|reply| **reply == SOUND).count();
        assert!(damaged > 10 && sound > 10, "{switch}: {damaged} damaged, {sound} sound");
    }
}

#[test]
fn a_seed_repeats_what_happens() {
    let switches = "frozen=on&lose=0.1&flip=0.1&junk=0.2";
    assert_eq!(replies(switches, 50), replies(switches, 50));
    assert_ne!(replies(switches, 50), replies(&format!("{switches}&seed=1"), 50));
}

#[test]
fn the_checksum_sees_every_flip_of_up_to_16_bits() {
    // One place in a reply of 10 bytes: mostly one burst.
    let one_burst = |reply: &&Vec<u8>| {
        let places: Vec<_> = (0..SOUND.len()).filter(|&at| reply[at] != SOUND[at]).collect();
        matches!(places[..], [_] | [_, _]) && places[places.len() - 1] - places[0] <= 1
    };
    let replies = replies("frozen=on&flip=0.05", 500);
    let burst: Vec<_> = replies.iter().filter(one_burst).collect();
    assert!(burst.len() > 50);
    assert!(burst.iter().all(|reply| Frame::parse(reply).is_err()));
}

#[test]
fn a_late_reply_is_not_overtaken() {
    let mut bank = bank(&["frozen=on&late=1&late-by=2s"]);
    let second = Duration::from_secs(1);
    assert_eq!(exchange(&mut bank, 0, MOD, Duration::ZERO), b"");
    bank.switch(0, "late=0").unwrap();
    assert_eq!(exchange(&mut bank, 0, b"^P005PIq\x8b\r", second), b"");
    assert_eq!(bank.next_due(0), Some(2 * second));
    let both = [SOUND, b"^D00518;\x03\r"].concat();
    assert_eq!(take(&mut bank, 2 * second), both);
}

#[test]
fn a_stale_reply_waits_for_the_next_request() {
    let mut bank = bank(&["frozen=on&stale=1"]);
    let pi = exchange(&mut bank, 0, b"^P005PIq\x8b\r", Duration::ZERO);
    assert_eq!(take(&mut bank, Duration::ZERO), pi);
    assert_eq!(exchange(&mut bank, 0, MOD, Duration::ZERO), SOUND);
    assert_eq!(bank.next_due(0), Some(Duration::ZERO));
    // Whoever does not drain the line takes it for the answer.
    assert_eq!(exchange(&mut bank, 0, MOD, Duration::ZERO), [&pi[..], SOUND].concat());
}

#[test]
fn every_byte_has_its_time() {
    let mut bank = bank(&["frozen=on&pace=2400"]);
    let request = Query::GeneralStatus.to_frame(Dialect::Checksum);
    let start = Duration::from_secs(5);
    bank.host_sends(0, &request, start);
    let mut reply = Vec::new();
    let mut times = Vec::new();
    while let Some(due) = bank.next_due(0) {
        let bytes = take(&mut bank, due);
        assert!(bytes.len() <= 1);
        times.extend(bytes.iter().map(|_| due));
        reply.extend(bytes);
    }
    assert_eq!((request.len(), reply.len()), (10, 111));
    for (count, time) in (11_u64..).zip(times) {
        let wanted = start + Duration::from_nanos(count * 10 * 1_000_000_000 / 2400);
        assert!(time.abs_diff(wanted) < Duration::from_micros(1), "byte {count}: {time:?}");
    }
}

#[test]
fn reports_have_eight_bytes() {
    let mut bank = bank(&["frozen=on&reports=on&pace=2400"]);
    bank.host_sends(0, MOD, Duration::ZERO);
    let mut reports = Vec::new();
    let mut last = Duration::ZERO;
    while let Some(due) = bank.next_due(0) {
        reports.extend(Some(take(&mut bank, due)).filter(|bytes| !bytes.is_empty()));
        last = due;
    }
    assert_eq!(reports, [b"^D00505\xD9", b"\x9F\r\0\0\0\0\0\0"]);
    assert_eq!(last.as_micros(), (11 + 10) * 1_000_000 * 10 / 2400);
}

#[test]
fn what_is_left_lying_comes_in_reports_too() {
    let mut bank = bank(&["frozen=on&reports=on&stale=1"]);
    bank.host_sends(0, MOD, Duration::ZERO);
    for _ in 0..2 {
        assert_eq!(take(&mut bank, Duration::ZERO), b"^D00505\xD9\x9F\r\0\0\0\0\0\0");
    }
}

#[test]
fn a_busy_unit_drops_what_comes() {
    let mut bank = bank(&["frozen=on&think=100ms"]);
    let millis = Duration::from_millis;
    assert_eq!(exchange(&mut bank, 0, MOD, millis(0)), b"");
    assert_eq!(exchange(&mut bank, 0, MOD, millis(50)), b"");
    assert_eq!(take(&mut bank, millis(100)), SOUND);
    assert_eq!(take(&mut bank, millis(1_000)), b"");
    bank.host_sends(0, MOD, millis(1_000));
    assert_eq!(take(&mut bank, millis(1_100)), SOUND);
}

#[test]
fn a_busy_unit_takes_the_end_of_a_request_for_nothing() {
    let mut bank = bank(&["frozen=on&pace=2400"]);
    bank.host_sends(0, &[MOD, MOD].concat(), Duration::ZERO);
    let reply = take(&mut bank, Duration::from_secs(2));
    assert_eq!(&reply[..SOUND.len()], SOUND);
    assert!(!reply[SOUND.len()..].starts_with(b"^D"), "{}", reply.escape_ascii());
}

#[test]
fn the_link_is_gone_after_so_many_exchanges() {
    let mut bank = bank(&["frozen=on&disconnect=2"]);
    assert_eq!(exchange(&mut bank, 0, MOD, Duration::ZERO), SOUND);
    assert!(bank.is_connected(0));
    assert_eq!(exchange(&mut bank, 0, MOD, Duration::ZERO), SOUND);
    assert!(!bank.is_connected(0) && bank.is_connected(1));
    assert_eq!(exchange(&mut bank, 0, MOD, Duration::ZERO), b"");
    bank.reconnect(0);
    assert_eq!(exchange(&mut bank, 0, MOD, Duration::ZERO), SOUND);
    assert!(bank.is_connected(0));
}

#[test]
fn a_swallowed_set_command_changes_nothing() {
    let mut bank = bank(&["silent=1"]);
    assert_eq!(crate::ask(&mut bank, 0, "PSP1"), "");
    assert_eq!(bank.sets(0).received, 0);
    assert_eq!(crate::rated(&bank, 0).solar_priority.0, 0);
}
