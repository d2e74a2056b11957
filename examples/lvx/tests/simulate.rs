//! `lvx simulate`: the links that other programs use.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

mod simulator;

use std::{
    fs,
    io::Read,
    net::TcpStream,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use simulator::Simulator;

fn lvx(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lvx")).args(arguments).output().unwrap()
}

impl Simulator {
    /// Returns the pty of the only unit.
    fn pty(&self) -> &Path {
        Path::new(self.addresses[0].strip_prefix("serial:").unwrap())
    }
}

/// A temporary folder of links, removed at the end of the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lvx-simulate-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn link(&self) -> PathBuf {
        self.0.join("ttyUSB0")
    }

    fn simulator(&self) -> Simulator {
        Simulator::start(&["--link-dir", self.0.to_str().unwrap()])
    }

    /// Returns the errors of a simulator that does not start.
    fn refusal(&self) -> String {
        let output = lvx(&["simulate", "--units", "1", "--link-dir", self.0.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[track_caller]
fn answers(address: &str) {
    let output = lvx(&["query", "MOD", address]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("hybrid"), "{address}: {text}");
}

#[test]
fn pty_and_tcp_together_serve_the_same_unit() {
    let simulator = Simulator::start(&["--pty", "--tcp", "127.0.0.1:0"]);
    let [pty, tcp] = &simulator.addresses[..] else { panic!("{:?}", simulator.addresses) };
    for _ in 0..2 {
        answers(pty);
        answers(tcp);
    }
}

#[test]
fn served_unit_has_the_time_of_this_computer() {
    let simulator = Simulator::start(&[]);
    let judged = |simulator: &Simulator| {
        lvx(&["sync-check", "--only", "clock", &simulator.addresses[0]]).status.code()
    };
    assert_eq!(judged(&simulator), Some(0));
    let other = Simulator::start(&["--switch", "clock=2026-06-21T12:30:00"]);
    assert_eq!(judged(&other), Some(1));
}

#[test]
fn second_tcp_client_is_refused_with_a_text() {
    let simulator = Simulator::start(&["--tcp", "127.0.0.1:0"]);
    let address = simulator.addresses[0].strip_prefix("tcp:").unwrap();
    let mut first = pi18_transport::Client::open(&simulator.addresses[0]).unwrap();
    first.read::<pi18_proto::Mode>().unwrap();
    let mut text = String::new();
    TcpStream::connect(address).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "Port already in use\r\n");
    first.read::<pi18_proto::Mode>().unwrap();
}

#[test]
fn link_of_a_killed_simulator_is_replaced() {
    let scratch = Scratch::new("killed");
    scratch.simulator().kill();
    assert!(scratch.link().is_symlink());
    let next = scratch.simulator();
    assert_eq!(next.pty(), scratch.link());
    answers(&next.addresses[0]);
}

#[test]
fn link_of_a_killed_simulator_to_a_reused_pty_is_replaced() {
    let scratch = Scratch::new("again");
    let other = Simulator::start(&[]);
    symlink(other.pty(), scratch.link()).unwrap();
    let next = scratch.simulator();
    assert_ne!(fs::read_link(scratch.link()).unwrap(), other.pty());
    answers(&next.addresses[0]);
}

#[test]
fn link_of_a_running_simulator_is_kept() {
    let scratch = Scratch::new("running");
    let first = scratch.simulator();
    let pty = fs::read_link(scratch.link()).unwrap();
    assert!(scratch.refusal().contains("stop the other `lvx simulate`"));
    assert_eq!(fs::read_link(scratch.link()).unwrap(), pty);
    answers(&first.addresses[0]);
}

#[test]
fn link_not_made_by_a_simulator_is_kept() {
    let scratch = Scratch::new("foreign");
    symlink("/dev/ttyUSB250", scratch.link()).unwrap();
    assert!(scratch.refusal().contains("ttyUSB0: File exists"));
    assert_eq!(fs::read_link(scratch.link()).unwrap(), Path::new("/dev/ttyUSB250"));
}

#[test]
fn help_describes_the_limits_of_pty_and_tcp() {
    let help = String::from_utf8(lvx(&["simulate", "--help"]).stdout).unwrap();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in [
        "Programs built on libserialport cannot open a pty; use --uhid",
        "A second client of a unit receives \"Port already in use\" and is disconnected",
        "--switch hosts=all serves up to eight clients",
    ] {
        assert!(help.contains(text), "{text}: {help}");
    }
    let switches = String::from_utf8(lvx(&["simulate", "--list-switches"]).stdout).unwrap();
    assert!(switches.contains("hosts=one|all"), "{switches}");
}
