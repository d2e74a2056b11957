//! Virtual units and other virtual devices on real hidraw nodes.
//!
//! The tests need Linux, `/dev/uhid` and root: `modprobe uhid`, then `cargo test --test uhid -- --ignored`.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use std::{
    fs::File,
    io::{Read, Write},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use pi18_proto::{GeneralStatus, Identity, Mode};
use pi18_transport::{
    Client, adapters,
    sim::{Bank, BankConfig, HidIdentity, SharedBank, UhidDevice, hidraw_node, serve_uhid},
};

const TIMEOUT: Duration = Duration::from_secs(5);

fn shared(switches: &str) -> SharedBank {
    let switches = vec![switches.parse().unwrap()];
    SharedBank::real_time(Bank::new(BankConfig { units: 2, switches }).unwrap())
}

#[track_caller]
fn client(port: &str) -> Client {
    let node = hidraw_node(port, TIMEOUT).unwrap();
    Client::open(&format!("hidraw:{}", node.display())).unwrap()
}

fn uevent(node: &Path) -> String {
    let name = node.file_name().unwrap().to_str().unwrap();
    std::fs::read_to_string(format!("/sys/class/hidraw/{name}/device/uevent")).unwrap()
}

#[track_caller]
fn wait_until(expected: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + TIMEOUT;
    while !done() {
        assert!(Instant::now() < end, "expected in time: {expected}");
        thread::yield_now();
    }
}

fn open(node: &Path) -> File {
    File::options().read(true).write(true).open(node).unwrap()
}

/// Sends `MOD` in two reports.
fn ask_mode(host: &mut File) {
    host.write_all(b"\0^P006MOD").unwrap();
    host.write_all(b"\0\xDD\xBE\r\0\0\0\0\0").unwrap();
}

/// Reads one report.
#[track_caller]
fn report(host: &mut File) -> [u8; 8] {
    let mut report = [0; 64];
    assert_eq!(host.read(&mut report).unwrap(), 8);
    *report.first_chunk().unwrap()
}

fn has_node(port: &str) -> bool {
    hidraw_node(port, Duration::ZERO).is_ok()
}

#[test]
#[ignore = "needs /dev/uhid"]
fn served_unit_looks_and_answers_like_a_real_adapter() {
    let shared = shared("frozen=on&pace=2400");
    let ports = ["units-0/input0", "units-1/input0"];
    let served = [0, 1].map(|unit| serve_uhid(&shared, unit, ports[unit]).unwrap());
    assert_eq!(served[1].path(), ports[1]);
    let node = hidraw_node(ports[1], TIMEOUT).unwrap();
    let uevent = uevent(&node);
    for line in [
        "HID_ID=0003:00000665:00005161",
        "HID_NAME=INNO TECH USB to Serial",
        "HID_PHYS=units-1/input0",
        "HID_UNIQ=",
    ] {
        assert!(uevent.lines().any(|found| found == line), "{line}: {uevent}");
    }
    assert!(adapters().iter().any(|adapter| adapter.node == node));
    for (unit, port) in ports.into_iter().enumerate() {
        let mut client = client(port);
        let serial = client.read::<Identity>().unwrap().serial_number;
        assert_eq!(serial.as_str(), format!("9613220610041{unit}"));
        client.read::<GeneralStatus>().unwrap();
    }
    drop(served);
    wait_until("unplugged", || !ports.into_iter().any(has_node));
}

#[test]
#[ignore = "needs /dev/uhid"]
fn replies_arrive_in_reports_filled_with_zeros() {
    let shared = shared("frozen=on&pace=9600&stale=1");
    let port = "reports/input0";
    let _served = serve_uhid(&shared, 0, port).unwrap();
    let mut host = open(&hidraw_node(port, TIMEOUT).unwrap());
    ask_mode(&mut host);
    // The reply arrives, and then its stale copy.
    for _ in 0..2 {
        assert_eq!(report(&mut host), *b"^D00505\xD9");
        assert_eq!(report(&mut host), *b"\x9F\r\0\0\0\0\0\0");
    }
}

#[test]
#[ignore = "needs /dev/uhid"]
fn reconnected_unit_is_plugged_in_again() {
    let shared = shared("frozen=on");
    let port = "replug/input0";
    let _served = serve_uhid(&shared, 0, port).unwrap();
    for _ in 0..3 {
        let mut held = client(port);
        held.read::<Mode>().unwrap();
        shared.with(|bank| bank.disconnect(0));
        wait_until("unplugged", || !has_node(port));
        assert!(held.read::<Mode>().unwrap_err().is_disconnected());
        shared.with(|bank| bank.reconnect(0));
        client(port).read::<Mode>().unwrap();
    }
    // The unit is disconnected and connected again at once.
    let mut held = client(port);
    held.read::<Mode>().unwrap();
    shared.with(|bank| {
        bank.disconnect(0);
        bank.reconnect(0);
    });
    wait_until("replugged", || held.read::<Mode>().is_err_and(|error| error.is_disconnected()));
    client(port).read::<Mode>().unwrap();
}

#[cfg(feature = "tokio")]
#[test]
#[ignore = "needs /dev/uhid"]
fn async_client_follows_its_unit_through_a_replug() {
    let shared = shared("frozen=on&pace=9600");
    let port = "async/input0";
    let _served = serve_uhid(&shared, 0, port).unwrap();
    hidraw_node(port, TIMEOUT).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut unit = pi18_transport::AsyncClient::open("sn:96132206100410").await.unwrap();
        for _ in 0..3 {
            unit.read::<Mode>().await.unwrap();
            unit.read::<GeneralStatus>().await.unwrap();
            shared.with(|bank| bank.disconnect(0));
            wait_until("unplugged", || !has_node(port));
            assert!(unit.read::<Mode>().await.unwrap_err().is_disconnected());
            shared.with(|bank| bank.reconnect(0));
        }
        // The query waits until the unit is found again.
        unit.read::<Mode>().await.unwrap();
    });
}

#[test]
#[ignore = "needs /dev/uhid"]
fn disconnect_switch_unplugs_unit_after_the_last_reply() {
    let shared = shared("frozen=on&disconnect=2");
    let port = "disconnect/input0";
    let _served = serve_uhid(&shared, 0, port).unwrap();
    let mut host = open(&hidraw_node(port, TIMEOUT).unwrap());
    for _ in 0..2 {
        ask_mode(&mut host);
        assert_eq!(report(&mut host), *b"^D00505\xD9");
        assert_eq!(report(&mut host), *b"\x9F\r\0\0\0\0\0\0");
    }
    assert_eq!(host.read(&mut [0; 8]).unwrap_err().raw_os_error(), Some(5));
    wait_until("unplugged", || !has_node(port));
}

#[test]
#[ignore = "needs /dev/uhid"]
fn owner_of_device_exchanges_reports_with_host() {
    let identity = HidIdentity {
        name: "Some UPS".to_owned(),
        serial: "4711".to_owned(),
        ..HidIdentity::adapter("ups/input0")
    };
    let ups = UhidDevice::create(&identity).unwrap();
    let node = ups.node(TIMEOUT).unwrap();
    assert!(uevent(&node).contains("HID_NAME=Some UPS\nHID_PHYS=ups/input0\nHID_UNIQ=4711\n"));
    let mut host = open(&node);
    host.write_all(b"\0^P005PIq").unwrap();
    host.write_all(b"\0\x8B\r\0\0\0\0\0\0").unwrap();
    assert_eq!(ups.output(TIMEOUT).unwrap().unwrap(), b"^P005PIq");
    assert_eq!(ups.output(TIMEOUT).unwrap().unwrap(), b"\x8B\r\0\0\0\0\0\0");
    assert_eq!(ups.output(Duration::from_millis(20)).unwrap(), None);
    for sent in [*b"(NAKss\r\0", [0; 8]] {
        ups.input(&sent).unwrap();
        assert_eq!(report(&mut host), sent);
    }
    drop(ups);
    assert_eq!(host.read(&mut [0; 8]).unwrap_err().raw_os_error(), Some(5));
}

#[test]
#[ignore = "needs /dev/uhid"]
fn device_with_another_protocol_is_reported_as_not_pi18() {
    let ups = UhidDevice::create(&HidIdentity::adapter("nak/input0")).unwrap();
    let node = ups.node(TIMEOUT).unwrap();
    let ups = thread::spawn(move || {
        while let Some(report) = ups.output(Duration::from_secs(2)).unwrap() {
            if report.contains(&b'\r') {
                ups.input(b"(NAKss\r\0").unwrap();
            }
        }
    });
    let mut client = Client::open(&format!("hidraw:{}", node.display())).unwrap();
    let error = client.read::<Identity>().unwrap_err();
    assert!(error.is_not_pi18() && error.to_string().contains("(NAK to every request"), "{error}");
    ups.join().unwrap();
}
