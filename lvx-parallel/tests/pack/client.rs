//! The client asks, waits, repeats, and never returns the reply to an earlier request.

use std::{path::Path, time::Duration};

use lvx_parallel::pack::{Centiamperes, PackAddress, PackClient, Scales};
use pi18_transport::{Address, ErrorKind, Link, StopHandle};

use crate::wire::{ADDRESS, Faults, Wire, words};

fn client(wire: &Wire) -> PackClient<Wire> {
    PackClient::new(wire.clone(), PackAddress::new(ADDRESS).unwrap())
}

/// The registers of a pack with 53.76 V and 16 cells, and its label.
fn lp4_v2(start: u16, count: u8) -> Vec<u16> {
    let mut all = vec![0; 200];
    all[..2].copy_from_slice(&[5376, 0xFE4C]);
    all[2..18].fill(3360);
    all[21..25].copy_from_slice(&[90, 50, 100, 91]);
    let label = *b"LFP-51.2V100Ah-V1.0\0\0\0\0\0Z03T2120240301";
    for (word, text) in all[105..].iter_mut().zip(label.as_chunks().0) {
        *word = u16::from_be_bytes(*text);
    }
    let start = usize::from(start);
    all[start..start + usize::from(count)].to_vec()
}

#[test]
fn label_selects_the_scales_of_the_measurements() {
    let wire = Wire::new(1);
    wire.with(|pack| pack.words = Some(lp4_v2));
    let mut pack = client(&wire);
    assert_eq!(pack.live().unwrap().current.value(), None);
    assert_eq!(pack.label().unwrap().firmware, "Z03T21");
    assert_eq!(pack.live().unwrap().current.value(), Some(Centiamperes(-436)));
    let mut pack = client(&wire).with_scales(lvx_parallel::pack::Family::LP4_V2.scales);
    assert_eq!(pack.live().unwrap().remaining.to_string(), "90.00 Ah");
    assert!(Scales::of(&pack.label().unwrap()) != Scales::UNKNOWN);
}

#[test]
fn answering_pack_is_asked_once_with_pauses_after_one_short_read() {
    let wire = Wire::new(2);
    let mut pack = client(&wire);
    for _ in 0..3 {
        pack.read(0, 39).unwrap();
    }
    let requests = wire.with(|pack| pack.requests.clone());
    let asked: Vec<_> = requests.iter().map(|(_, start, count)| (*start, *count)).collect();
    assert_eq!(asked, [(0, 25), (0, 39), (0, 39), (0, 39)]);
    for pair in requests.windows(2) {
        let between = pair[1].0.saturating_sub(pair[0].0);
        assert!(between > Duration::from_millis(100 + 10), "{between:?}");
        assert!(between < Duration::from_millis(300), "{between:?}");
    }
}

#[test]
fn silent_pack_is_asked_three_times_for_half_a_second_each() {
    let wire = Wire::new(3);
    let mut pack = client(&wire);
    pack.read(0, 1).unwrap();
    wire.with(|pack| {
        pack.is_silent = true;
        pack.requests.clear();
    });
    let start = pack.now();
    let error = pack.read(0, 39).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(
        error.to_string(),
        "test: expected registers 0 to 38 of address 64 within 1.5 s, found nothing"
    );
    assert!(error.hint().unwrap().starts_with("packs that are chained"), "{error:#}");
    let requests = wire.with(|pack| pack.requests.clone());
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[1].0.saturating_sub(requests[0].0), Duration::from_millis(600));
    assert_eq!(requests[2].0.saturating_sub(requests[1].0), Duration::from_millis(600));
    let waited = pack.now() - start;
    assert!((1700..=1800).contains(&waited.as_millis()), "{waited:?}");
    assert_eq!(wire.with(|pack| pack.opened), 0);
}

#[test]
fn slow_adapter_is_asked_until_it_is_ready_and_stays_open() {
    for (seed, keeps_requests) in [(4, false), (5, true)] {
        let wire = Wire::new(seed);
        wire.with(|pack| {
            pack.ready = pack.start + Duration::from_secs(38);
            pack.keeps_requests = keeps_requests;
        });
        let mut pack = client(&wire);
        let early = pack.read(0, 39).unwrap_err();
        assert!(early.hint().unwrap().contains("leave the port open"), "{early:#}");
        pack.wait().unwrap();
        let at = pack.now();
        let read = pack.read(0, 39).unwrap();
        assert!(stamp(read.words()) >= since(&wire, at));
        assert_eq!(wire.with(|pack| pack.opened), 0);
    }
    let wire = Wire::new(6);
    wire.with(|pack| pack.is_silent = true);
    let mut pack = client(&wire);
    let start = pack.now();
    let error = pack.wait().unwrap_err();
    assert!(error.is_timeout() && !error.hint().unwrap().contains("40 s"), "{error:#}");
    let waited = (pack.now() - start).as_secs();
    assert!((40..43).contains(&waited), "{waited} s");
}

#[test]
fn refusal_ends_the_request_and_a_busy_pack_is_asked_again() {
    let wire = Wire::new(7);
    let mut pack = client(&wire);
    pack.read(0, 1).unwrap();
    wire.with(|pack| pack.faults.busy = 100);
    let error = pack.read(0, 39).unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(error.to_string().contains("found exception 6 device busy"), "{error}");
    assert_eq!(wire.with(|pack| pack.requests.len()), 2 + 3);
}

#[test]
fn disconnected_link_is_opened_again_by_the_next_request() {
    let wire = Wire::new(8);
    let mut pack = client(&wire);
    pack.read(0, 39).unwrap();
    wire.with(|pack| pack.is_open = false);
    // The link notices only when it is used; here, reopening comes first.
    pack.read(0, 39).unwrap();
    assert_eq!(wire.with(|pack| pack.opened), 1);
    // Replies to another program may arrive, so a short read comes first.
    assert_eq!(counts(&wire), [25, 39, 26, 39]);
    wire.with(|pack| pack.faults.disconnected = 100);
    assert!(pack.read(0, 39).unwrap_err().is_disconnected());
    assert_eq!(wire.with(|pack| pack.opened), 1);
}

#[test]
fn bytes_that_nobody_asked_for_are_followed_by_a_short_read() {
    let wire = Wire::new(12);
    let mut pack = client(&wire);
    pack.read(0, 39).unwrap();
    wire.clone().pause(Duration::from_secs(1));
    pack.read(0, 39).unwrap();
    wire.with(|pack| pack.put(pack.now, vec![0x40, 3, 78]));
    pack.read(0, 39).unwrap();
    assert_eq!(counts(&wire), [25, 39, 39, 26, 39]);
}

/// Returns the number of registers of each request.
fn counts(wire: &Wire) -> Vec<u8> {
    wire.with(|pack| pack.requests.iter().map(|(.., count)| *count).collect())
}

#[test]
fn summary_of_a_chain_is_named_and_is_no_pack() {
    fn growatt(start: u16, count: u8) -> Vec<u16> {
        (start..start + u16::from(count))
            .map(|register| if register < 19 { 0 } else { 5317 })
            .collect()
    }
    let wire = Wire::new(9);
    wire.with(|pack| pack.words = Some(growatt));
    let error = client(&wire).live().unwrap_err();
    assert!(error.is_decode());
    assert_eq!(
        error.to_string(),
        "test: the reply to registers 0 to 38 of address 64 cannot be read: registers 0 to 17: expected the \
         voltages of a pack, found zeros, as the map of Growatt's low-voltage batteries has them"
    );
    assert!(error.hint().unwrap().contains("pull the cables"));
}

#[test]
fn stopped_client_returns_at_once() {
    let wire = Wire::new(10);
    let handle = StopHandle::default();
    let mut pack = client(&wire).stopped_by(&handle);
    pack.read(0, 39).unwrap();
    handle.stop();
    assert_eq!(pack.read(0, 39).unwrap_err().kind(), ErrorKind::Stopped);
}

#[test]
fn registers_that_do_not_exist_are_not_asked() {
    let wire = Wire::new(11);
    for (start, count) in [(0, 0), (0, 126), (65535, 2)] {
        let error = client(&wire).read(start, count).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }
    assert!(wire.with(|pack| pack.requests.is_empty()));
}

/// Returns the time that a reply has in its first two registers.
fn stamp(words: &[u16]) -> Duration {
    Duration::from_millis(u64::from(words[0]) << 16 | u64::from(words[1]))
}

fn since(wire: &Wire, at: std::time::Instant) -> Duration {
    let start = wire.with(|pack| pack.start);
    Duration::from_millis((at - start).as_millis().try_into().unwrap())
}

/// Returns the number of faulted exchanges: `LVX_PACK_EXCHANGES`, or 2000.
fn exchanges() -> u32 {
    let text = std::env::var("LVX_PACK_EXCHANGES");
    text.ok().map_or(2000, |text| text.parse().unwrap())
}

#[test]
fn faulted_exchanges_never_return_a_wrong_value() {
    let (mut right, mut failed) = (0, 0);
    for run in 0..exchanges().div_ceil(100) {
        let wire = Wire::new(run.into());
        wire.with(|pack| {
            pack.has_echo = run % 2 == 1;
            pack.faults = Faults::all(if run % 3 == 0 { 3 } else { 12 });
            if run % 5 == 0 {
                pack.ready = pack.start + Duration::from_secs(u64::from(run % 41));
                pack.keeps_requests = run % 2 == 0;
            }
        });
        let mut pack = client(&wire);
        let kinds = [(0, 39), (0, 39), (105, 23), (0, 39), (45, 91)].into_iter().cycle();
        for (exchange, (start, count)) in (0..100).zip(kinds) {
            let before = since(&wire, pack.now());
            match pack.read(start, count) {
                Ok(registers) => {
                    let at = stamp(registers.words());
                    assert!(
                        at >= before,
                        "run {run}, exchange {exchange}: {at:?} before {before:?}"
                    );
                    assert!(at <= since(&wire, pack.now()));
                    assert_eq!(registers.words(), words(at, start, count), "run {run}");
                    assert_eq!(registers.start(), start);
                    right += 1;
                }
                Err(error) => {
                    assert!(error.is_timeout() || error.is_disconnected(), "{error}");
                    failed += 1;
                }
            }
            let pause = wire.with(|pack| pack.random.u64(0..3000));
            wire.clone().pause(Duration::from_millis(pause));
        }
    }
    // Most exchanges succeed in spite of the faults.
    assert!(right > 2 * failed && failed > 0, "{right} right, {failed} failed");
}

#[cfg(unix)]
#[test]
fn port_of_a_pack_is_locked_and_serves_one_program() {
    use pi18_transport::sim::{Bank, BankConfig, SharedBank, serve_pty};

    let bank = SharedBank::real_time(Bank::new(BankConfig::default()).unwrap());
    let served = serve_pty(&bank, 0).unwrap();
    let path = served.path().to_owned();
    assert!(Path::new(&path).exists(), "{path}");
    let address: Address = format!("pack:{path}?address=16").parse().unwrap();
    let first = PackClient::open(&address).unwrap();
    assert_eq!((first.name(), first.address().get()), (address.place(), 16));
    assert!(PackClient::open(&address).unwrap_err().is_busy());
    let unit: Address = format!("serial:{path}").parse().unwrap();
    assert!(unit.open().unwrap_err().is_busy());
    drop(first);
    assert!(PackClient::open(&address).is_ok());
    let error = PackClient::open(&"sim:0".parse().unwrap()).unwrap_err();
    assert!(error.is_address(), "{error}");
}
