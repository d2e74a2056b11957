//! The systemd unit that `lvx bridge --print systemd` prints: it runs as its own user on two units, which are
//! unplugged and plugged again.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    os::unix::fs::{MetadataExt, PermissionsExt},
    time::Duration,
};

use serde_json::Value;

use crate::{
    plug::{Backend, SERIALS, Socket, bank, two_units, until},
    program::{lvx, output_of, run},
    service::{RULES, assert_sandboxed, uninstall, unit_file},
};

for_each_backend! {
    bridge_as_service_follows_units_when_replugged
}

fn bridge_as_service_follows_units_when_replugged(backend: Backend) {
    let bank = bank(2, "");
    let mut sockets = two_units(backend, &bank);
    let installed = Installed::new();

    assert_fresh("after the start");
    let process = property("MainPID");
    let uid = fs::metadata(format!("/proc/{process}")).unwrap().uid();
    assert_eq!(uid, 900, "expected the user of the service");

    for cycle in 0..CYCLES {
        // The second unit first, so that the nodes swap their numbers.
        sockets.iter_mut().rev().for_each(Socket::unplug);
        until("both units are gone", TIMEOUT, || states() == ["down", "down"]);
        for at in [cycle % 2, 1 - cycle % 2] {
            sockets[at].plug();
            sockets[at].node();
        }
        let took = assert_fresh(&format!("after cycle {cycle}"));
        println!("cycle {cycle}: both units are back after {took:?}");
    }
    assert_eq!(property("MainPID"), process, "expected no restart");
    assert_eq!(property("NRestarts"), "0");

    // The other commands work beside the service.
    let (succeeded, text) = run(lvx(), &["query", "MOD", "bridge:lvx6048-1"]);
    assert!(succeeded, "{text}");

    output_of("systemctl", &["stop", SERVICE]);
    assert_eq!(property("Result"), "success");
    drop(installed);
}

#[test]
#[ignore = "needs systemd as process 1: .ci/hidraw-vm/run"]
fn systemd_unit_of_bridge_is_valid_and_sandboxed() {
    let bank = bank(2, "");
    let _sockets = two_units(Backend::Uhid, &bank);
    let installed = Installed::new();
    assert_sandboxed(SERVICE, MAX_EXPOSURE);
    drop(installed);
}

/// The user, the udev rules, the configuration and the systemd unit, installed until this is dropped.
struct Installed;

impl Installed {
    fn new() -> Self {
        let _ = fs::remove_dir_all("/etc/lvx");
        fs::create_dir_all("/etc/lvx").unwrap();
        if !fs::read_to_string("/etc/passwd").unwrap().contains("\nlvx:") {
            append("/etc/passwd", "lvx:x:900:900::/nonexistent:/bin/false\n");
            append("/etc/group", "lvx:x:900:\n");
        }
        output_of("ip", &["link", "set", "lo", "up"]);
        // Debian's busybox has no `install`.
        fs::write("/usr/bin/install", INSTALL).unwrap();
        fs::set_permissions("/usr/bin/install", fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(RULES, output_of(lvx(), &["links", "--print", "udev"])).unwrap();
        output_of("udevadm", &["control", "--reload"]);
        output_of("udevadm", &["trigger", "--action=add", "--subsystem-match=hidraw"]);
        output_of("udevadm", &["settle"]);
        output_of(lvx(), &["bridge", "init"]);
        let unit = output_of(lvx(), &["bridge", "--print", "systemd", "--lvx", "/usr/bin/lvx"]);
        fs::write(unit_file(SERVICE), unit).unwrap();
        output_of("systemctl", &["daemon-reload"]);
        let (started, text) = run("systemctl", &["start", SERVICE]);
        if !started {
            println!("{}", run("journalctl", &["--no-pager", "-u", SERVICE]).1);
            println!("{}", run("systemctl", &["status", "--no-pager", SERVICE]).1);
        }
        assert!(started, "{text}");
        Self
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}", run("journalctl", &["--no-pager", "-u", SERVICE]).1);
        }
        uninstall(SERVICE);
    }
}

/// Waits until both units have fresh values, each from the unit with its serial number.
#[track_caller]
fn assert_fresh(when: &str) -> Duration {
    until(&format!("both units are fresh {when}"), TIMEOUT, || {
        let Some(bank) = snapshot() else { return false };
        SERIALS.iter().enumerate().all(|(at, serial)| {
            let unit = &bank["units"][*serial];
            let instance = &unit["values"]["parallel_instance"];
            if instance["status"] == "fresh" {
                assert_eq!(instance["value"], at, "expected the values of unit {serial} {when}");
            }
            unit["values"]["battery_voltage"]["status"] == "fresh" && unit["link"]["state"] == "up"
        })
    })
}

/// Returns the state of the link of each unit.
fn states() -> Vec<String> {
    let bank = snapshot().unwrap_or_default();
    let state = |serial: &&str| &bank["units"][*serial]["link"]["state"];
    SERIALS.iter().map(|serial| state(serial).as_str().unwrap_or("").to_owned()).collect()
}

/// Returns the answer of the API; `None` if it does not answer.
fn snapshot() -> Option<Value> {
    let mut stream = TcpStream::connect("127.0.0.1:8480").ok()?;
    let request = "GET /api/v1/bank HTTP/1.1\r\nHost: 127.0.0.1:8480\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    serde_json::from_str(body).ok()
}

/// Returns a property of the service.
fn property(name: &str) -> String {
    let option = format!("--property={name}");
    output_of("systemctl", &["show", &option, "--value", SERVICE]).trim().to_owned()
}

fn append(path: &str, line: &str) {
    let text = fs::read_to_string(path).unwrap();
    fs::write(path, text + line).unwrap();
}

/// Creates the folder of `install -d -o root -g root -m MODE FOLDER`.
const INSTALL: &str = "#!/bin/sh\nmkdir -p \"$8\" && chmod \"$7\" \"$8\"\n";

const SERVICE: &str = "lvx-bridge.service";

const CYCLES: usize = 20;

/// Greatest exposure that is accepted.
const MAX_EXPOSURE: f32 = 1.5;

const TIMEOUT: Duration = Duration::from_mins(1);
