//! The clocks of the units, and the speed at which the time of the bank runs.

use std::time::Duration;

use pi18_proto::{Dialect, Query};

use crate::{ask, ask_at, bank, exchange, hours, request, status};

#[test]
fn clock_offset_and_drift_switches_change_the_clock() {
    let mut bank = bank(&["clock-offset=100s&clock-drift=48", "clock-offset=-2s&clock-drift=-24"]);
    assert_eq!(ask(&mut bank, 0, "T"), "20260621123140");
    assert_eq!(ask(&mut bank, 1, "T"), "20260621122958");
    assert_eq!(ask_at(&mut bank, 0, "T", hours(12)), "20260622003204");
    assert_eq!(ask_at(&mut bank, 1, "T", hours(12)), "20260622002946");
    // A clock that was set goes on drifting.
    assert_eq!(ask_at(&mut bank, 0, "DAT260622010000", hours(12)), "^1");
    assert_eq!(ask_at(&mut bank, 0, "T", hours(12)), "20260622010000");
    assert_eq!(ask_at(&mut bank, 0, "T", hours(36)), "20260623010048");
    bank.switch(0, "clock-drift=0").unwrap();
    assert_eq!(ask_at(&mut bank, 0, "T", hours(60)), "20260624010048");
}

#[test]
fn speed_switch_runs_a_day_in_24_minutes() {
    let mut fast = bank(&["speed=60"]);
    let mut slow = bank(&[]);
    fast.advance(Duration::from_mins(9));
    slow.advance(hours(9));
    assert_eq!(ask_at(&mut fast, 0, "T", Duration::from_mins(9)), "20260621213000");
    for unit in 0..2 {
        assert_eq!(status(&fast, unit), status(&slow, unit));
    }
    let energy: Query = "ET".parse().unwrap();
    assert_eq!(fast.peek(0, energy), slow.peek(0, energy));
}

#[test]
fn speed_switch_does_not_change_the_line() {
    let bytes = request("GS").to_frame(Dialect::Checksum);
    let mut bank = bank(&["speed=60&pace=2400&think=20ms"]);
    exchange(&mut bank, 0, &bytes, Duration::ZERO);
    let mut reply = bytes::BytesMut::new();
    bank.receive(0, Duration::from_millis(500), &mut reply);
    assert!((1..111).contains(&reply.len()), "{}", reply.len());
    bank.receive(0, Duration::from_millis(530), &mut reply);
    assert_eq!(reply.len(), 111);
}

#[test]
fn clock_drift_is_limited_to_an_hour_a_day() {
    let mut bank = bank(&[]);
    for (text, is_valid) in [("3600", true), ("-3600", true), ("3601", false), ("-3601", false)] {
        assert_eq!(bank.switch(0, &format!("clock-drift={text}")).is_ok(), is_valid, "{text}");
    }
}
