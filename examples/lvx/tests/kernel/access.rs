//! Errors about nodes that cannot be opened: missing permissions and busy devices, with instructions.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use pi18_transport::{Hidraw, udev_rule};
use serde_json::Value;

use crate::{
    cycles::install_rules,
    plug::{Backend, Occupant, SERIALS, SILENT, Socket, UPS, bank, two_units, until},
    program::{lvx, run},
};

for_each_backend! {
    query_of_a_busy_node_waits_for_its_release
    query_of_a_busy_node_names_the_process_that_holds_it
    query_without_permission_prints_the_udev_rule
    query_by_group_member_waits_for_udev
    devices_lists_units_and_foreign_adapters
}

fn query_of_a_busy_node_waits_for_its_release(backend: Backend) {
    let bank = bank(2, "frozen=on");
    let units = two_units(backend, &bank);
    let node = units[0].node();
    for address in [node.to_str().unwrap(), &format!("sn:{}", SERIALS[0])] {
        let held = Hidraw::open(&node).unwrap();
        let mut second = spawn(&["query", "ID", address]);
        thread::sleep(Duration::from_millis(500));
        assert!(second.try_wait().unwrap().is_none(), "expected lvx to wait, found it ended");
        drop(held);
        let (status, text) = result_of(second.wait_with_output().unwrap());
        assert_eq!(status, Some(0), "{text}");
        assert!(text.contains(SERIALS[0]), "{text}");
    }
}

fn query_of_a_busy_node_names_the_process_that_holds_it(backend: Backend) {
    let bank = bank(2, "frozen=on");
    let [first, _second] = two_units(backend, &bank);
    let mut silent = Socket::new(backend, 2, SILENT);
    silent.plug();
    let (node, silent_node) = (first.node(), silent.node());
    let held = Hidraw::open(&node).unwrap();
    // A first `lvx` holds the second node while it waits for a reply that does not arrive.
    let silent_node = silent_node.to_str().unwrap();
    let mut waiting = spawn(&["query", "ID", &format!("{silent_node}?timeout=30s")]);
    let number = waiting.id().to_string();
    until("lvx holds the lock", Duration::from_secs(5), || {
        let locks = fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|line| line.split_whitespace().any(|field| field == number))
    });
    let by_serial = format!("sn:{}", SERIALS[0]);
    let node = node.to_str().unwrap();
    let refused = [node, &by_serial, silent_node].map(|address| spawn(&["query", "ID", address]));
    let refused = refused.map(|child| result_of(child.wait_with_output().unwrap()));
    waiting.kill().unwrap();
    waiting.wait().unwrap();
    drop(held);
    let own = std::process::id();
    let expected = [
        format!("hidraw:{node}: is in use by kernel (process {own}); stop it, or wait"),
        format!("{node}: is in use by kernel (process {own}); stop it, or wait"),
        format!("hidraw:{silent_node}: is in use by lvx (process {number}); stop it, or wait"),
    ];
    for ((status, text), expected) in refused.into_iter().zip(expected) {
        assert_eq!(status, Some(3), "{text}");
        assert!(text.contains(&expected), "expected {expected}, found {text}");
    }
}

fn query_without_permission_prints_the_udev_rule(backend: Backend) {
    let bank = bank(1, "frozen=on");
    let mut socket = Socket::new(backend, 0, Occupant::Unit(bank, 0));
    remove_rules();
    socket.plug();
    settle();
    let node = socket.node();
    let node = node.to_str().unwrap();
    for user in ["tester", "member"] {
        let (status, text) = query_as(user, node);
        assert_eq!(status, Some(3), "{text}");
        let rule = "add this udev rule as /etc/udev/rules.d/70-lvx.rules, then replug: ";
        assert!(text.contains(&format!("{rule}{}", udev_rule("plugdev"))), "{text}");
    }
    socket.unplug();
    until("the node is removed", Duration::from_secs(5), || !Path::new(node).exists());
    // Follow the instructions: add the rule and replug the adapter.
    fs::write(RULES, format!("{}\n", udev_rule("plugdev"))).unwrap();
    assert!(run("udevadm", &["control", "--reload"]).0);
    socket.plug();
    let node = socket.node();
    settle();
    let node = node.to_str().unwrap();
    let (status, text) = query_as("tester", node);
    assert_eq!(status, Some(3), "{text}");
    let expected = format!(
        "{node}: cannot be opened: Permission denied (os error 13); group plugdev has access by \
         {RULES} or another udev rule, and you are not in that group: \
         `sudo usermod -aG plugdev \"$USER\"`, then log in again"
    );
    assert!(text.contains(&expected), "expected {expected}, found {text}");
    let (status, text) = query_as("member", node);
    assert_eq!(status, Some(0), "{text}");
}

fn query_by_group_member_waits_for_udev(backend: Backend) {
    let bank = bank(1, "frozen=on");
    let mut socket = Socket::new(backend, 0, Occupant::Unit(bank, 0));
    let by_serial = format!("sn:{}", SERIALS[0]);
    // As during boot, udev sets the group long after the first attempt to open the node was refused.
    install_rules();
    let rules = fs::read_to_string(RULES).unwrap();
    remove_rules();
    socket.plug();
    let node = socket.node();
    let plugged = Instant::now();
    let early = start_query_as("member", &by_serial);
    thread::sleep(Duration::from_millis(400));
    assert_eq!(fs::metadata(&node).unwrap().permissions().mode() & 0o777, 0o600);
    fs::write(RULES, rules).unwrap();
    assert!(run("udevadm", &["control", "--reload"]).0);
    assert!(run("udevadm", &["trigger", "--action=add", "--subsystem-match=hidraw"]).0);
    let took = plugged.elapsed();
    let (status, text) = result_of(early.wait_with_output().unwrap());
    // The query waits for three seconds, and looks at the node several times a second.
    assert!(took < Duration::from_secs(2), "not within 2 s: {took:?}");
    assert_eq!(status, Some(0), "{text}");
    for _ in 0..2 {
        socket.unplug();
        until("the node is removed", Duration::from_secs(5), || !node.exists());
        socket.plug();
        socket.node();
        let (status, text) = query_as("member", &by_serial);
        assert_eq!(status, Some(0), "{text}");
    }
}

fn devices_lists_units_and_foreign_adapters(backend: Backend) {
    install_rules();
    let bank = bank(2, "frozen=on");
    let units = two_units(backend, &bank);
    let mut others = [Socket::new(backend, 2, UPS), Socket::new(backend, 3, SILENT)];
    others.iter_mut().for_each(Socket::plug);
    let nodes = units.each_ref().map(Socket::node);
    let [ups, silent] = others.each_ref().map(Socket::node);
    settle();

    // As root: the second unit is busy.
    let held = Hidraw::open(&nodes[1]).unwrap();
    let own = std::process::id();
    let (status, table) = result_of(spawn(&["devices"]).wait_with_output().unwrap());
    assert_eq!(status, Some(3), "{table}");
    for (node, expected) in [
        (&nodes[0], SERIALS[0].to_owned()),
        (&nodes[1], format!("is in use by kernel (process {own}); stop it")),
        (&ups, "expected a PI18 inverter, found a device that answers (NAK".to_owned()),
        (&silent, "expected a reply to ID within".to_owned()),
    ] {
        assert!(
            line_of(&table, node).contains(&expected),
            "{}: expected {expected}, found {table}",
            node.display(),
        );
    }
    assert!(line_of(&table, &silent).contains("found nothing"), "{table}");

    // As JSON, for a user who may open all nodes except the first.
    for node in [&nodes[1], &ups, &silent] {
        assert!(run("chmod", &["666", node.to_str().unwrap()]).0);
    }
    let json = command_of("tester", "devices --format json").output().unwrap();
    let expected = [
        (&nodes[0], Some("forbidden")),
        (&nodes[1], Some("busy")),
        (&ups, Some("other")),
        (&silent, Some("silent")),
    ];
    assert_found(&json, &expected);
    drop(held);
}

/// Asserts the JSON value `found` for each node: `None` for a node with a unit.
#[track_caller]
fn assert_found(output: &Output, expected: &[(&PathBuf, Option<&str>)]) {
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let devices: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(devices.len(), expected.len(), "{output:?}");
    for &(node, found) in expected {
        let device = devices.iter().find(|device| device["device"] == node.to_str().unwrap());
        let device = device.unwrap();
        assert_eq!(device["found"].as_str(), found, "{}: {output:?}", node.display());
        assert_eq!(device["unit"].is_null(), found.is_some(), "{}: {output:?}", node.display());
        assert_eq!(device["error"].is_string(), found.is_some(), "{}: {output:?}", node.display());
    }
}

/// Returns the line of a text that names a node.
#[track_caller]
fn line_of<'a>(text: &'a str, node: &Path) -> &'a str {
    let node = node.to_str().unwrap();
    text.lines().find(|line| line.contains(node)).unwrap_or_else(|| panic!("{node}: {text}"))
}

const RULES: &str = "/etc/udev/rules.d/70-lvx.rules";

fn remove_rules() {
    // The file may not exist.
    let _ = fs::remove_file(RULES);
    assert!(run("udevadm", &["control", "--reload"]).0);
}

fn settle() {
    assert!(run("udevadm", &["settle", "--timeout=10"]).0);
}

fn spawn(arguments: &[&str]) -> Child {
    start(Command::new(lvx()).args(arguments))
}

fn start(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Returns a command that runs `lvx` as another user.
fn command_of(user: &str, arguments: &str) -> Command {
    let mut command = Command::new("su");
    command.args([user, "-c", &format!("exec {} {arguments}", lvx().display())]);
    command
}

fn start_query_as(user: &str, address: &str) -> Child {
    start(&mut command_of(user, &format!("query ID {address}")))
}

fn query_as(user: &str, address: &str) -> (Option<i32>, String) {
    result_of(start_query_as(user, address).wait_with_output().unwrap())
}

/// Returns the exit status and both outputs.
fn result_of(output: Output) -> (Option<i32>, String) {
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(text).unwrap())
}
