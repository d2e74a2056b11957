//! What `lvx links --print` prints, installed as its help says, under real systemd and udev.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use pi18_transport::sim::{HidIdentity, UhidDevice, hidraw_node};

use crate::{
    links::{NAMES, leads_to},
    lvx,
    plug::{SERIALS, Socket, Way, bank, two_units, until},
    ran,
};

both_ways! {
    keeps_names_from_plug_to_plug
}

fn keeps_names_from_plug_to_plug(way: Way) {
    let bank = bank(2, "");
    let mut sockets = two_units(way, &bank);
    let installed = Installed::new();

    both_are_right(&sockets, "when it was installed");
    assert_eq!(says("systemctl", &["is-active", SERVICE]), "active\n");

    let [first, second] = &mut sockets;
    first.unplug();
    until("a link goes with its unit", SOON, || !link(0).is_symlink());
    second.unplug();
    until("both links are gone", SOON, || !link(1).is_symlink());
    second.plug();
    second.node();
    first.plug();
    both_are_right(&sockets, "when the numbers are swapped");

    // Whoever kills it leaves no link that nobody looks after.
    let before = main_process();
    says("systemctl", &["kill", "--signal=KILL", SERVICE]);
    until("it is there again", SOON, || main_process() != before && main_process() != "0");
    both_are_right(&sockets, "when it was killed");

    says("systemctl", &["stop", SERVICE]);
    assert!(NAMES.iter().all(|name| !Path::new("/dev").join(name).is_symlink()));
    // The next one that is plugged in starts it.
    let [first, _] = &mut sockets;
    first.unplug();
    first.plug();
    both_are_right(&sockets, "when it was started by a plug");
    drop(installed);
}

#[test]
#[ignore = "needs systemd as process 1: .ci/hidraw-vm/run"]
fn without_the_service_udev_takes_dead_links_away() {
    let bank = bank(2, "");
    let [mut first, second] = two_units(Way::Uhid, &bank);
    let installed = Installed::new();
    says("systemctl", &["mask", "--runtime", "--now", SERVICE]);
    assert_eq!(
        says(lvx(), &["links"]),
        format!(
            "{} -> {}\n{} -> {}\n",
            show(0),
            first.node().display(),
            show(1),
            second.node().display()
        )
    );
    first.unplug();
    until("the dead link is gone", SOON, || !link(0).is_symlink());
    assert!(link(1).exists(), "the other one stays");
    says("systemctl", &["unmask", "--runtime", SERVICE]);
    drop(installed);
}

/// Neither a lock that every user can take nor repeated failures end the service.
#[test]
#[ignore = "needs systemd as process 1: .ci/hidraw-vm/run"]
fn foreign_lock_and_repeated_failures_do_not_end_the_service() {
    let bank = bank(2, "");
    let sockets = two_units(Way::Uhid, &bank);
    let installed = Installed::new();
    both_are_right(&sockets, "when it was installed");
    let refused = ran("su", &["tester", "-c", "ls /run/lvx"]);
    assert!(!refused.0, "others see the locks: {}", refused.1);

    // What every user can do.
    let locked = fs::File::open("/dev").unwrap();
    locked.lock().unwrap();
    says("systemctl", &["restart", SERVICE]);
    both_are_right(&sockets, "when it was restarted");
    // More often than systemd's usual limit allows.
    for time in 0..8 {
        let before = main_process();
        says("systemctl", &["kill", "--signal=KILL", SERVICE]);
        until("it is there again", SOON, || main_process() != before && main_process() != "0");
        println!("killed {time}");
    }
    both_are_right(&sockets, "when it was killed again and again");
    says("systemctl", &["stop", SERVICE]);
    assert!(NAMES.iter().all(|name| !Path::new("/dev").join(name).is_symlink()));
    std::os::unix::fs::symlink("/dev/./hidraw63", link(0)).unwrap();
    says(lvx(), &["links", "clear"]);
    assert!(!link(0).is_symlink());
    drop(installed);
}

/// A keyboard or the like of the same numbers on Bluetooth is no adapter.
#[test]
#[ignore = "needs systemd as process 1: .ci/hidraw-vm/run"]
fn bluetooth_device_of_the_same_numbers_stays_roots() {
    let bank = bank(2, "");
    let sockets = two_units(Way::Uhid, &bank);
    let installed = Installed::new();
    let identity = HidIdentity { bus: 5, ..HidIdentity::adapter("lvx-bluetooth/input0") };
    let _device = UhidDevice::create(&identity).unwrap();
    let node = hidraw_node("lvx-bluetooth/input0", SOON).unwrap();
    says("udevadm", &["settle"]);
    let access = |node: &Path| {
        let about = fs::metadata(node).unwrap();
        (about.mode() & 0o777, about.gid() == 0)
    };
    assert_eq!(access(&sockets[0].node()), (0o660, false));
    assert_eq!(access(&node), (0o600, true));
    drop(installed);
}

#[test]
#[ignore = "needs systemd as process 1: .ci/hidraw-vm/run"]
fn the_unit_is_sound_and_shut_in() {
    let bank = bank(2, "");
    let _sockets = two_units(Way::Uhid, &bank);
    let installed = Installed::new();
    assert_eq!(says("systemd-analyze", &["verify", &format!("/etc/systemd/system/{SERVICE}")]), "");
    let told = says("systemd-analyze", &["security", SERVICE]);
    let (_, exposure) = told.rsplit_once("Overall exposure level for ").unwrap();
    println!("systemd-analyze security {}", exposure.trim());
    for line in told.lines().filter(|line| line.starts_with('✗')) {
        println!("{line}");
    }
    // As systemd understood them.
    for limit in [
        "MemoryMax=67108864",
        "TasksMax=64",
        "LimitNOFILE=256",
        "RuntimeDirectoryMode=0700",
        "RuntimeDirectoryPreserve=yes",
        "StartLimitIntervalUSec=0",
    ] {
        let (name, _) = limit.split_once('=').unwrap();
        let shown = says("systemctl", &["show", "--property", name, SERVICE]);
        assert_eq!(shown, format!("{limit}\n"));
    }
    let score: f32 = exposure.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(score <= 1.1, "{told}");
    drop(installed);
}

/// The printed files where they belong; gone at the end.
struct Installed;

impl Installed {
    fn new() -> Self {
        let _ = fs::remove_dir_all("/etc/lvx");
        says("sh", &["-euc", &format!("{MISSING}\n{}", commands())]);
        says("udevadm", &["settle"]);
        Self
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        let _ = ran("systemctl", &["stop", SERVICE]);
        let _ = fs::remove_file(RULES);
        let _ = fs::remove_file(format!("/etc/systemd/system/{SERVICE}"));
        let _ = ran("systemctl", &["daemon-reload"]);
        let _ = ran("udevadm", &["control", "--reload"]);
    }
}

/// Those of the README.
fn commands() -> &'static str {
    let (_, section) = README.split_once("\n## Names that stay\n").unwrap();
    section.split("```sh\n").nth(1).unwrap().split("```").next().unwrap()
}

/// What the guest does not have.
const MISSING: &str = r#"sudo() { "$@"; }; install() { mkdir -p "$2"; cp "$1" "$2"; }"#;

const README: &str = include_str!("../../../../README.md");

/// What a program prints that ends well.
#[track_caller]
fn says(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> String {
    let (well, text) = ran(program, arguments);
    assert!(well, "{arguments:?}: {text}");
    text
}

fn main_process() -> String {
    says("systemctl", &["show", "--property=MainPID", "--value", SERVICE]).trim().to_owned()
}

#[track_caller]
fn both_are_right(sockets: &[Socket; 2], when: &str) {
    let nodes = sockets.each_ref().map(Socket::node);
    let took = until(&format!("both links are right {when}"), SOON, || {
        NAMES.iter().zip(sockets).all(|(name, socket)| leads_to(name) == Some(socket.port()))
    });
    println!("{nodes:?}: right after {took:?} {when}");
    let map = fs::read_to_string("/etc/lvx/units.yaml").unwrap();
    let wanted =
        NAMES.iter().zip(SERIALS).map(|(name, serial)| format!("  \"{serial}\": {name}\n"));
    assert!(map.ends_with(&wanted.collect::<String>()), "{map}");
}

fn link(unit: usize) -> PathBuf {
    Path::new("/dev").join(NAMES[unit])
}

fn show(unit: usize) -> String {
    link(unit).display().to_string()
}

const SERVICE: &str = "lvx-links.service";

const RULES: &str = "/etc/udev/rules.d/70-lvx.rules";

const SOON: Duration = Duration::from_secs(5);
