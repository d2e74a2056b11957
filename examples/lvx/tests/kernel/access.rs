//! Who may open a node, and who has it: told so that it can be put right.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};

use pi18_transport::{Hidraw, udev_rule};
use serde_json::Value;

use crate::{
    cycles::install_rules,
    lvx,
    plug::{Occupant, SERIALS, SILENT, Socket, UPS, Way, bank, two_units, until},
    ran,
};

both_ways! {
    a_second_program_waits_for_the_first
    a_program_that_goes_on_is_named
    a_user_without_the_group_is_told_the_rule
    a_member_gets_in_and_waits_for_udev
    all_that_is_plugged_in_is_listed
}

fn a_second_program_waits_for_the_first(way: Way) {
    let bank = bank(2, "frozen=on");
    let units = two_units(way, &bank);
    let node = units[0].node();
    for address in [node.to_str().unwrap(), &format!("sn:{}", SERIALS[0])] {
        let held = Hidraw::open(&node).unwrap();
        let mut second = spawn(&["query", "ID", address]);
        thread::sleep(Duration::from_millis(500));
        assert!(second.try_wait().unwrap().is_none(), "it waits");
        drop(held);
        let told = ended(second.wait_with_output().unwrap());
        assert_eq!(told.0, Some(0), "{}", told.1);
        assert!(told.1.contains(SERIALS[0]), "{}", told.1);
    }
}

fn a_program_that_goes_on_is_named(way: Way) {
    let bank = bank(2, "frozen=on");
    let [first, _second] = two_units(way, &bank);
    let mut silent = Socket::new(way, 2, SILENT);
    silent.plug();
    let (node, mute) = (first.node(), silent.node());
    let held = Hidraw::open(&node).unwrap();
    // A first `lvx`, which waits for an answer that does not come.
    let mute = mute.to_str().unwrap();
    let mut waiting = spawn(&["query", "ID", &format!("{mute}?timeout=30s")]);
    let number = waiting.id().to_string();
    until("it has it", Duration::from_secs(5), || {
        let locks = fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|line| line.split_whitespace().any(|word| word == number))
    });
    let by_serial = format!("sn:{}", SERIALS[0]);
    let node = node.to_str().unwrap();
    let refused = [node, &by_serial, mute].map(|address| spawn(&["query", "ID", address]));
    let refused = refused.map(|child| ended(child.wait_with_output().unwrap()));
    waiting.kill().unwrap();
    waiting.wait().unwrap();
    drop(held);
    let own = std::process::id();
    let wanted = [
        format!("hidraw:{node}: is in use by kernel (process {own}); stop it, or wait"),
        format!("{node}: is in use by kernel (process {own}); stop it, or wait"),
        format!("hidraw:{mute}: is in use by lvx (process {number}); stop it, or wait"),
    ];
    for ((status, told), wanted) in refused.into_iter().zip(wanted) {
        assert_eq!(status, Some(3), "{told}");
        assert!(told.contains(&wanted), "expected {wanted}, found {told}");
    }
}

fn a_user_without_the_group_is_told_the_rule(way: Way) {
    let bank = bank(1, "frozen=on");
    let mut socket = Socket::new(way, 0, Occupant::Unit(bank, 0));
    remove_rules();
    socket.plug();
    settle();
    let node = socket.node();
    let node = node.to_str().unwrap();
    for user in ["tester", "member"] {
        let (status, told) = asked_by(user, node);
        assert_eq!(status, Some(3), "{told}");
        let rule = "add this udev rule as /etc/udev/rules.d/70-lvx.rules, then replug: ";
        assert!(told.contains(&format!("{rule}{}", udev_rule("plugdev"))), "{told}");
    }
    socket.unplug();
    until("unplugged", Duration::from_secs(5), || !Path::new(node).exists());
    // As it said: the rule is there, and it is plugged in again.
    fs::write(RULES, format!("{}\n", udev_rule("plugdev"))).unwrap();
    assert!(ran("udevadm", &["control", "--reload"]).0);
    socket.plug();
    let node = socket.node();
    settle();
    let node = node.to_str().unwrap();
    let (status, told) = asked_by("tester", node);
    assert_eq!(status, Some(3), "{told}");
    let wanted = format!(
        "{node}: cannot be opened: Permission denied (os error 13); group plugdev has access by \
         {RULES} or another udev rule, and you are not in that group: \
         `sudo usermod -aG plugdev \"$USER\"`, then log in again"
    );
    assert!(told.contains(&wanted), "expected {wanted}, found {told}");
    let (status, told) = asked_by("member", node);
    assert_eq!(status, Some(0), "{told}");
}

fn a_member_gets_in_and_waits_for_udev(way: Way) {
    let bank = bank(1, "frozen=on");
    let mut socket = Socket::new(way, 0, Occupant::Unit(bank, 0));
    let by_serial = format!("sn:{}", SERIALS[0]);
    // udev is slow, as at start-up: it gives the group long after the program has been refused.
    install_rules();
    let rules = fs::read_to_string(RULES).unwrap();
    remove_rules();
    socket.plug();
    let node = socket.node();
    let early = asking("member", &by_serial);
    thread::sleep(Duration::from_millis(800));
    assert_eq!(fs::metadata(&node).unwrap().permissions().mode() & 0o777, 0o600);
    fs::write(RULES, rules).unwrap();
    assert!(ran("udevadm", &["control", "--reload"]).0);
    assert!(ran("udevadm", &["trigger", "--action=add", "--subsystem-match=hidraw"]).0);
    let (status, told) = ended(early.wait_with_output().unwrap());
    assert_eq!(status, Some(0), "{told}");
    for _ in 0..2 {
        socket.unplug();
        until("unplugged", Duration::from_secs(5), || !node.exists());
        socket.plug();
        socket.node();
        let (status, told) = asked_by("member", &by_serial);
        assert_eq!(status, Some(0), "{told}");
    }
}

fn all_that_is_plugged_in_is_listed(way: Way) {
    install_rules();
    let bank = bank(2, "frozen=on");
    let units = two_units(way, &bank);
    let mut others = [Socket::new(way, 2, UPS), Socket::new(way, 3, SILENT)];
    others.iter_mut().for_each(Socket::plug);
    let nodes = units.each_ref().map(Socket::node);
    let [ups, silent] = others.each_ref().map(Socket::node);
    settle();

    // As root: the first unit is free, the second one held.
    let held = Hidraw::open(&nodes[1]).unwrap();
    let own = std::process::id();
    let table = ended(spawn(&["devices"]).wait_with_output().unwrap());
    assert_eq!(table.0, Some(3), "{}", table.1);
    for (node, wanted) in [
        (&nodes[0], SERIALS[0].to_owned()),
        (&nodes[1], format!("is in use by kernel (process {own}); stop it")),
        (&ups, "expected a PI18 inverter, found a device that answers (NAK".to_owned()),
        (&silent, "expected a reply to ID within".to_owned()),
    ] {
        assert!(
            line_of(&table.1, node).contains(&wanted),
            "{} {wanted}: {}",
            node.display(),
            table.1
        );
    }
    assert!(line_of(&table.1, &silent).contains("found nothing"), "{}", table.1);

    // As somebody who may open all but the first one, for a program.
    for node in [&nodes[1], &ups, &silent] {
        assert!(ran("chmod", &["666", node.to_str().unwrap()]).0);
    }
    let json = command_of("tester", "devices --format json").output().unwrap();
    let wanted = [
        (&nodes[0], Some("forbidden")),
        (&nodes[1], Some("busy")),
        (&ups, Some("other")),
        (&silent, Some("silent")),
    ];
    assert_found(&json, &wanted);
    drop(held);
}

/// What is told of each node in one word; nothing where there is a unit.
#[track_caller]
fn assert_found(output: &Output, wanted: &[(&PathBuf, Option<&str>)]) {
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let devices: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(devices.len(), wanted.len(), "{output:?}");
    for &(node, found) in wanted {
        let device = devices.iter().find(|device| device["device"] == node.to_str().unwrap());
        let device = device.unwrap();
        assert_eq!(device["found"].as_str(), found, "{}: {output:?}", node.display());
        assert_eq!(device["unit"].is_null(), found.is_some(), "{}: {output:?}", node.display());
        assert_eq!(device["error"].is_string(), found.is_some(), "{}: {output:?}", node.display());
    }
}

/// The line that tells of a node.
#[track_caller]
fn line_of<'a>(text: &'a str, node: &Path) -> &'a str {
    let node = node.to_str().unwrap();
    text.lines().find(|line| line.contains(node)).unwrap_or_else(|| panic!("{node}: {text}"))
}

const RULES: &str = "/etc/udev/rules.d/70-lvx.rules";

fn remove_rules() {
    // They may not be there.
    let _ = fs::remove_file(RULES);
    assert!(ran("udevadm", &["control", "--reload"]).0);
}

fn settle() {
    assert!(ran("udevadm", &["settle", "--timeout=10"]).0);
}

fn spawn(arguments: &[&str]) -> Child {
    running(Command::new(lvx()).args(arguments))
}

fn running(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// `lvx` as another user.
fn command_of(user: &str, arguments: &str) -> Command {
    let mut command = Command::new("su");
    command.args([user, "-c", &format!("exec {} {arguments}", lvx().display())]);
    command
}

fn asking(user: &str, address: &str) -> Child {
    running(&mut command_of(user, &format!("query ID {address}")))
}

fn asked_by(user: &str, address: &str) -> (Option<i32>, String) {
    ended(asking(user, address).wait_with_output().unwrap())
}

/// The exit status, and all that was printed.
fn ended(output: Output) -> (Option<i32>, String) {
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}
