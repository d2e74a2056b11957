//! The udev rules and the systemd unit that `lvx links --print` prints, installed by the commands in
//! `docs/names-and-udev.md`, on real systemd and udev.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use pi18_transport::sim::{HidIdentity, UhidDevice, hidraw_node};

use crate::{
    links::{NAMES, leads_to},
    plug::{Backend, SERIALS, Socket, bank, two_units, until},
    program::{lvx, output_of, run},
    service::{assert_sandboxed, uninstall},
};

for_each_backend! {
    links_follow_units_when_replugged
}

fn links_follow_units_when_replugged(backend: Backend) {
    let bank = bank(2, "");
    let mut sockets = two_units(backend, &bank);
    let installed = Installed::new();

    assert_links_follow(&sockets, "after the installation");
    assert_eq!(output_of("systemctl", &["is-active", SERVICE]), "active\n");

    let [first, second] = &mut sockets;
    first.unplug();
    until("the link of the first unit is removed", TIMEOUT, || !link(0).is_symlink());
    second.unplug();
    until("both links are removed", TIMEOUT, || !link(1).is_symlink());
    second.plug();
    second.node();
    first.plug();
    assert_links_follow(&sockets, "with swapped node numbers");

    // A killed service is restarted, so that no link remains unmaintained.
    let before = main_process();
    output_of("systemctl", &["kill", "--signal=KILL", SERVICE]);
    until("the service is running again", TIMEOUT, || {
        main_process() != before && main_process() != "0"
    });
    assert_links_follow(&sockets, "after a kill");

    output_of("systemctl", &["stop", SERVICE]);
    assert!(NAMES.iter().all(|name| !Path::new("/dev").join(name).is_symlink()));
    // Plugging in an adapter starts the service.
    let [first, _] = &mut sockets;
    first.unplug();
    first.plug();
    assert_links_follow(&sockets, "after udev started the service");
    drop(installed);
}

#[test]
#[ignore = "needs systemd as process 1: .ci/hidraw-vm/run"]
fn dead_link_without_service_is_removed_by_udev() {
    let bank = bank(2, "");
    let [mut first, second] = two_units(Backend::Uhid, &bank);
    let installed = Installed::new();
    output_of("systemctl", &["mask", "--runtime", "--now", SERVICE]);
    assert_eq!(
        output_of(lvx(), &["links"]),
        format!(
            "{} -> {}\n{} -> {}\n",
            link_text(0),
            first.node().display(),
            link_text(1),
            second.node().display()
        )
    );
    first.unplug();
    until("the dead link is removed", TIMEOUT, || !link(0).is_symlink());
    assert!(link(1).exists(), "the other link remains");
    output_of("systemctl", &["unmask", "--runtime", SERVICE]);
    drop(installed);
}

/// The service keeps running although another user holds a lock on `/dev`, and although it is killed
/// more often than systemd's default start limit allows.
#[test]
#[ignore = "needs systemd as process 1: .ci/hidraw-vm/run"]
fn service_with_foreign_lock_and_repeated_kills_keeps_running() {
    let bank = bank(2, "");
    let sockets = two_units(Backend::Uhid, &bank);
    let installed = Installed::new();
    assert_links_follow(&sockets, "after the installation");
    let refused = run("su", &["tester", "-c", "ls /run/lvx-links"]);
    assert!(
        !refused.0,
        "expected no access to /run/lvx-links for other users, found {}",
        refused.1
    );

    // Another user could hold this lock, too.
    let locked = fs::File::open("/dev").unwrap();
    locked.lock().unwrap();
    output_of("systemctl", &["restart", SERVICE]);
    assert_links_follow(&sockets, "after a restart");
    // systemd's default limit is five starts in ten seconds.
    for time in 0..8 {
        let before = main_process();
        output_of("systemctl", &["kill", "--signal=KILL", SERVICE]);
        until("the service is running again", TIMEOUT, || {
            main_process() != before && main_process() != "0"
        });
        println!("restarted after kill {time}");
    }
    assert_links_follow(&sockets, "after repeated kills");
    output_of("systemctl", &["stop", SERVICE]);
    assert!(NAMES.iter().all(|name| !Path::new("/dev").join(name).is_symlink()));
    std::os::unix::fs::symlink("/dev/./hidraw63", link(0)).unwrap();
    output_of(lvx(), &["links", "clear"]);
    assert!(!link(0).is_symlink());
    drop(installed);
}

/// The udev rule matches USB only: a Bluetooth device with the same vendor and product is not an adapter.
#[test]
#[ignore = "needs systemd as process 1: .ci/hidraw-vm/run"]
fn bluetooth_device_with_same_ids_stays_root_only() {
    let bank = bank(2, "");
    let sockets = two_units(Backend::Uhid, &bank);
    let installed = Installed::new();
    let identity = HidIdentity { bus: 5, ..HidIdentity::adapter("lvx-bluetooth/input0") };
    let _device = UhidDevice::create(&identity).unwrap();
    let node = hidraw_node("lvx-bluetooth/input0", TIMEOUT).unwrap();
    output_of("udevadm", &["settle"]);
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
fn systemd_unit_is_valid_and_sandboxed() {
    let bank = bank(2, "");
    let _sockets = two_units(Backend::Uhid, &bank);
    let installed = Installed::new();
    assert_sandboxed(SERVICE, 1.1);
    // Read back from systemd, which ignores settings that it cannot parse.
    for limit in [
        "MemoryMax=67108864",
        "TasksMax=64",
        "LimitNOFILE=256",
        "RuntimeDirectoryMode=0700",
        "RuntimeDirectoryPreserve=yes",
        "StartLimitIntervalUSec=0",
    ] {
        let (name, _) = limit.split_once('=').unwrap();
        let shown = output_of("systemctl", &["show", "--property", name, SERVICE]);
        assert_eq!(shown, format!("{limit}\n"));
    }
    drop(installed);
}

/// The printed udev rules and systemd unit, installed until this is dropped.
struct Installed;

impl Installed {
    fn new() -> Self {
        let _ = fs::remove_dir_all("/etc/lvx");
        output_of("sh", &["-euc", &format!("{MISSING}\n{}", commands())]);
        output_of("udevadm", &["settle"]);
        Self
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        uninstall(SERVICE);
    }
}

/// Returns the installation commands of the documentation.
fn commands() -> &'static str {
    let (_, section) = PAGE.split_once("\n## Install the links\n").unwrap();
    section.split("```sh kernel-tests\n").nth(1).unwrap().split("```").next().unwrap()
}

/// Replacements for programs that the guest does not have.
const MISSING: &str = r#"sudo() { "$@"; }; install() { mkdir -p "$2"; cp "$1" "$2"; }"#;

const PAGE: &str = include_str!("../../../../docs/names-and-udev.md");

/// Returns the process id of the service; `0` if it is not running.
fn main_process() -> String {
    output_of("systemctl", &["show", "--property=MainPID", "--value", SERVICE]).trim().to_owned()
}

#[track_caller]
fn assert_links_follow(sockets: &[Socket; 2], when: &str) {
    let nodes = sockets.each_ref().map(Socket::node);
    let took = until(&format!("both links lead to their units {when}"), TIMEOUT, || {
        NAMES.iter().zip(sockets).all(|(name, socket)| leads_to(name) == Some(socket.port()))
    });
    println!("{nodes:?}: links are correct {when}, after {took:?}");
    let map = fs::read_to_string("/etc/lvx/units.yaml").unwrap();
    let expected =
        NAMES.iter().zip(SERIALS).map(|(name, serial)| format!("  \"{serial}\": {name}\n"));
    assert!(map.ends_with(&expected.collect::<String>()), "{map}");
}

fn link(unit: usize) -> PathBuf {
    Path::new("/dev").join(NAMES[unit])
}

fn link_text(unit: usize) -> String {
    link(unit).display().to_string()
}

const SERVICE: &str = "lvx-links.service";

const TIMEOUT: Duration = Duration::from_secs(5);
