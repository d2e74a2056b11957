//! Links in virtual and in real time, the bank of the process, and wrong switches.

use std::time::{Duration, Instant};

use bytes::BytesMut;
use pi18_proto::{Dialect, RequestFrame};
use pi18_transport::{
    Link,
    sim::{self, Bank, SharedBank, SimLink, Switches},
};

use crate::bank;

/// Frame of the query `MOD`.
const MOD: &[u8] = b"^P006MOD\xdd\xbe\r";
/// Frame of the query `GS`, whose reply has 111 bytes.
const GS: &[u8] = b"^P005GSX\x14\r";

/// Returns the bytes that arrive before `wait` is over, up to the first carriage return at the end of a read.
fn receive(link: &mut SimLink, wait: Duration) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    let deadline = link.now() + wait;
    while !bytes.ends_with(b"\r") && link.now() < deadline {
        link.receive(&mut bytes, deadline).unwrap();
    }
    bytes.to_vec()
}

fn ask(link: &mut SimLink, request: &[u8]) -> Vec<u8> {
    link.send(request, link.now()).unwrap();
    receive(link, Duration::from_secs(5))
}

fn frame(text: &str) -> RequestFrame {
    crate::request(text).to_frame(Dialect::Checksum)
}

#[test]
fn virtual_time_moves_while_a_link_waits() {
    let shared = SharedBank::virtual_time(bank(&["frozen=on&pace=2400"]));
    let mut link = shared.link(0);
    let start = link.now();
    let reply = ask(&mut link, GS);
    let took = link.now() - start;
    assert_eq!(reply.len(), 111);
    assert!(took.abs_diff(Duration::from_secs(1210) / 2400) < Duration::from_micros(1), "{took:?}");

    // No bytes arrive, so the clock moves to the deadline.
    assert_eq!(receive(&mut link, Duration::from_hours(1)), b"");
    assert_eq!(link.now() - start, took + Duration::from_hours(1));
    link.pause(Duration::from_mins(1));
    assert_eq!(shared.elapsed(), took + Duration::from_mins(61));
}

#[test]
fn waits_of_concurrent_links_overlap_in_virtual_time() {
    let switches = ["frozen=on&units=3&pace=2400", "pace=2400", "pace=2400"];
    let shared = SharedBank::virtual_time(bank(&switches));
    let links = shared.concurrent_links();
    let ask_ten_times = |mut link: SimLink| {
        for _ in 0..10 {
            assert_eq!(ask(&mut link, GS).len(), 111);
        }
        link.pause(Duration::from_secs(1));
        link.now()
    };
    let ended: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            links.into_iter().map(|link| scope.spawn(move || ask_ten_times(link))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(ended.len(), 3);
    let took = Duration::from_secs(12_100) / 2400 + Duration::from_secs(1);
    assert!(shared.elapsed().abs_diff(took) < Duration::from_millis(1), "{:?}", shared.elapsed());
    // The concurrent links are dropped: the clock does not wait for them any longer.
    assert_eq!(ask(&mut shared.link(0), MOD), b"^D00505\xD9\x9F\r");
}

#[test]
fn link_that_moves_the_clock_wakes_a_concurrent_link() {
    let shared = SharedBank::virtual_time(bank(&["units=2", ""]));
    // The second link never waits, so that only the link to the pack moves the clock.
    let [mut first, _second] = <[_; 2]>::try_from(shared.concurrent_links()).unwrap();
    let mut pack = shared.pack_link(0);
    let paused = std::thread::spawn(move || first.pause(Duration::from_secs(1)));
    let start = Instant::now();
    while !paused.is_finished() {
        assert!(start.elapsed() < Duration::from_secs(30), "the link is still waiting");
        pack.pause(Duration::from_secs(1));
        std::thread::yield_now();
    }
}

#[test]
fn past_deadline_returns_bytes_that_have_arrived() {
    let mut link = SharedBank::virtual_time(bank(&["frozen=on"])).link(0);
    let start = link.now();
    link.send(MOD, start).unwrap();
    let mut bytes = BytesMut::new();
    link.receive(&mut bytes, start).unwrap();
    assert_eq!(bytes, &b"^D00505\xD9\x9F\r"[..]);
    link.receive(&mut bytes, start).unwrap();
    assert_eq!((bytes.len(), link.now()), (10, start));
    assert_eq!((link.name(), link.starts_quiet()), ("sim:0", false));
}

#[test]
fn real_time_delivers_replies_when_due() {
    let shared = SharedBank::real_time(bank(&["frozen=on&think=30ms"]));
    assert_eq!(ask(&mut shared.link(0), MOD), b"^D00505\xD9\x9F\r");
    assert!(shared.elapsed() >= Duration::from_millis(30));
    assert_eq!(ask(&mut shared.link(1), MOD), b"^D00505\xD9\x9F\r");
}

#[test]
fn disconnected_link_returns_errors() {
    let shared = SharedBank::virtual_time(bank(&[]));
    let mut link = shared.link(1);
    shared.with(|bank| bank.disconnect(1));
    let sent = link.send(MOD, link.now()).unwrap_err();
    assert!(sent.is_disconnected());
    assert_eq!(sent.to_string(), "sim:1: disconnected: the virtual cable is unplugged");
    let mut bytes = BytesMut::new();
    assert!(link.receive(&mut bytes, link.now()).unwrap_err().is_disconnected());
    assert!(shared.link(2).send(MOD, link.now()).unwrap_err().is_disconnected());
    shared.with(|bank| bank.reconnect(1));
    assert_eq!(ask(&mut link, MOD), b"^D00505\xD9\x9F\r");
}

#[test]
fn disconnect_ends_a_wait() {
    let shared = SharedBank::real_time(bank(&[]));
    let mut link = shared.link(0);
    let waiting = std::thread::spawn(move || {
        let mut bytes = BytesMut::new();
        link.receive(&mut bytes, link.now() + Duration::from_mins(1))
    });
    shared.with(|bank| bank.disconnect(0));
    assert!(waiting.join().unwrap().unwrap_err().is_disconnected());
}

#[test]
fn addresses_of_a_process_lead_to_one_bank() {
    let shared = sim::open("0?units=3&frozen=on").unwrap().bank().clone();
    assert_eq!(shared.with(|bank| bank.units()), 3);

    let mut faulty = sim::open("2?fault=83").unwrap();
    assert_eq!(ask(&mut faulty, MOD), b"^D00504\xC9\xBE\r");
    let mut other = sim::open("0").unwrap();
    let status = ask(&mut other, &frame("PGS2"));
    assert!(status.starts_with(b"^D1131,4,83,"), "{}", status.escape_ascii());

    // Opening an address again does not undo later changes.
    sim::open("1?solar-priority=0").unwrap();
    assert_eq!(ask(&mut sim::open("1").unwrap(), &frame("PSP1")), pi18_proto::ACCEPTED);
    sim::open("1?solar-priority=0").unwrap();
    let rated = shared.with(|bank| crate::rated(bank, 1));
    assert_eq!(rated.solar_priority.0, 1);

    for (address, why) in [
        ("5", "the virtual bank has units 0 to 2; sim:5?units=6 makes it larger"),
        ("9", "the virtual bank has units 0 to 2; it can have at most 9"),
        ("x", "expected a unit's number, such as sim:0"),
        ("0?lagg=2s", "switch \"lagg\": expected a known switch, perhaps \"lag\""),
    ] {
        let error = sim::open(address).unwrap_err();
        assert!(error.is_address());
        assert_eq!(error.place(), format!("sim:{address}"));
        assert!(format!("{error:#}").ends_with(why), "{error:#}");
    }
}

#[test]
fn switch_errors_name_expected_and_found() {
    let error = |text: &str| text.parse::<Switches>().unwrap_err().to_string();
    assert_eq!(error("lag=soon"), "switch \"lag\": expected a time such as 2s, found \"soon\"");
    assert_eq!(error("pop-garbled"), "switch \"pop-garbled\": expected on|off, found \"\"");
    assert_eq!(
        error("bulk=56.45"),
        "switch \"bulk\": expected volts such as 56.4, found \"56.45\""
    );
    assert_eq!(error("units=10"), "switch \"units\": expected 1 to 9, found \"10\"");
    assert_eq!(error("colour=red"), "switch \"colour\": expected a known switch");
    assert_eq!(error("fualt=83"), "switch \"fualt\": expected a known switch, perhaps \"fault\"");
    let config = sim::BankConfig { units: 1, switches: vec![Switches::default(); 2] };
    let too_many = Bank::new(config).unwrap_err().to_string();
    assert_eq!(too_many, "switch \"units\": expected 2 to 9, found \"1\"");
}

#[test]
fn every_switch_accepts_its_documented_value() {
    let example = |value: &'static str| {
        let last = value.rsplit(' ').next().unwrap_or(value);
        let first = value.split([' ', '|']).next().unwrap_or(value);
        [first, last].into_iter().find(|text| *text != "a").unwrap_or(last)
    };
    for info in Switches::LIST {
        let values = [example(info.value), info.value.rsplit(' ').next().unwrap(), "5"];
        let accepted = values
            .iter()
            .any(|value| Switches::default().set(&format!("{}={value}", info.name)).is_ok());
        assert!(accepted, "{}: {}", info.name, info.value);
        assert!(Switches::default().set(&format!("{}=?,", info.name)).is_err(), "{}", info.name);
    }
}
