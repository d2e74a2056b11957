//! `lvx bridge`: the demonstration from start to end, reloads, and what it refuses.
#![cfg(feature = "bridge")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a panic fails the test"
)]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, ChildStderr, Command, Output, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

const UNITS: &str = "
units:
  - {name: a, serial: 96132206100410, address: \"sim:0\"}
  - {name: b, serial: 96132206100411, address: \"sim:1\"}
lease: off
";

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lvx"));
    command.arg("bridge").args(arguments).env_remove("LVX_STATE_DIR").env_remove("STATE_DIRECTORY");
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

/// A running bridge, killed at the end of the test.
struct Bridge {
    process: Child,
    lines: std::io::Lines<BufReader<ChildStderr>>,
}

impl Bridge {
    fn start(arguments: &[&str]) -> Self {
        let mut process = command(arguments).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stderr.take().unwrap()).lines();
        Self { process, lines }
    }

    /// Returns the next line on standard error with this text.
    #[track_caller]
    fn wait_for(&mut self, text: &str) -> String {
        let mut seen = Vec::new();
        for line in self.lines.by_ref() {
            let line = line.unwrap();
            if line.contains(text) {
                return line;
            }
            seen.push(line);
        }
        panic!("expected {text:?}, found {seen:#?}");
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Ends the bridge, and returns its exit status.
    fn end(mut self, signal: Signal) -> Option<i32> {
        self.signal(signal);
        // It must not block on a full pipe.
        let _ = self.lines.by_ref().count();
        self.process.wait().unwrap().code()
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        // Fails if the process has already ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns whether this test runs with SIGHUP ignored, as under `nohup`. The bridge then ignores it too.
fn is_hang_up_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    u64::from_str_radix(mask.trim(), 16).unwrap() & 1 == 1
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn demo_serves_and_ends_in_order() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        if signal == Signal::HUP && is_hang_up_ignored() {
            continue;
        }
        let mut bridge = Bridge::start(&["--demo", "--port", "0"]);
        let line = bridge.wait_for("/api/v1/bank");
        let address = line.strip_prefix("http://").unwrap().split('/').next().unwrap();
        if signal == Signal::TERM {
            assert!(bridge.wait_for("  PV ").ends_with("2 of 2 units"));
            assert!(get(address, "/healthz").starts_with("HTTP/1.1 200"));
            assert!(get(address, "/api/v1/bank").contains("96132206100410"));
            assert!(get(address, "/metrics").contains("96132206100411"));
        }
        assert_eq!(bridge.end(signal), Some(0));
    }
}

/// Writes a configuration and returns its path.
fn configured(folder: &Path, text: &str) -> String {
    let path = folder.join("bridge.yaml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

#[test]
fn history_is_printed_from_the_file_and_from_a_bridge() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state").display().to_string();
    let http = "http: {listen: \"127.0.0.1:0\"}\npoll: {fast: 1 s}\n";
    let config = configured(folder.path(), &format!("{UNITS}{http}"));
    let mut bridge = Bridge::start(&["--config", &config, "--state-dir", &state]);
    let line = bridge.wait_for("http: listening on 127.0.0.1:");
    let address = line.rsplit(' ').next().unwrap();
    while !get(address, "/api/v1/bank").contains("\"state\":\"running\"") {
        std::thread::yield_now();
    }
    let history = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lvx"));
        command.arg("history").args(arguments).env_remove("LVX_STATE_DIR").output().unwrap()
    };
    let url = format!("http://{address}");
    let refused = history(&["--bridge", &url, "--bank", "other"]);
    let error = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(error.contains("status 404: "), "{error}");
    assert_eq!(bridge.end(Signal::TERM), Some(0));
    // What was read since the last commit is written at the end.
    let series = ["pv_power", "a.battery_voltage", "--state-dir", &state];
    let printed = |more: &[&str]| {
        let output = history(&[&series, more].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let csv = printed(&["--format", "csv", "--step", "raw"]);
    let (head, rest) = csv.split_once('\n').unwrap();
    assert_eq!(head, "time,pv_power,a.battery_voltage");
    assert!(
        rest.lines().any(|line| line.rsplit(',').next().is_some_and(|volts| !volts.is_empty())),
        "{csv}"
    );
    let text = printed(&["--from", "-5min"]);
    assert!(
        text.lines().nth(2).is_some_and(|line| line.starts_with("a.battery_voltage  ")),
        "{text}"
    );
    let error = history(&["--file", "/nowhere/history.db"]);
    assert_eq!(error.status.code(), Some(2));
    assert!(String::from_utf8(error.stderr).unwrap().contains("there is no history"));
}

#[test]
fn signal_reloads_and_second_bridge_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state").display().to_string();
    let off = format!("{UNITS}http: {{listen: \"127.0.0.1:0\"}}\n");
    let config = configured(folder.path(), &off);
    let arguments = ["--config", &config, "--state-dir", &state];
    let mut bridge = Bridge::start(&arguments);
    bridge.wait_for("listening on");
    configured(folder.path(), &format!("{off}poll: {{fast: 2 s}}\n"));
    bridge.wait_for("the configuration has changed: poll");
    configured(folder.path(), &format!("{off}control: {{allow: backlight}}\n"));
    bridge.wait_for("gives more access (");
    if !is_hang_up_ignored() {
        bridge.signal(Signal::HUP);
        bridge.wait_for("the configuration has changed: ");
    }

    let second = run(&arguments);
    let error = String::from_utf8(second.stderr).unwrap();
    assert_eq!(second.status.code(), Some(2), "{error}");
    assert_eq!(error, "lvx: unit a: another bridge of this user polls it; stop that one first\n");
    assert_eq!(bridge.end(Signal::TERM), Some(0));
    assert!(Path::new(&state).join("bank-bank.json").exists());
}

#[test]
fn unit_that_is_not_there_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let text = "units: [{name: a, serial: 96132206100410, address: \"serial:/dev/ttyLVX9\"}]\n\
                lease: off\nhttp: {listen: \"127.0.0.1:0\"}\n";
    let config = configured(folder.path(), text);
    let state = folder.path().join("state").display().to_string();
    let mut bridge = Bridge::start(&["--config", &config, "--state-dir", &state]);
    let line = bridge.wait_for("listening on 127.0.0.1:");
    let address = line.rsplit(' ').next().unwrap();
    assert!(get(address, "/api/v1/bank").contains("ttyLVX9"));
    assert_eq!(bridge.end(Signal::TERM), Some(0));
}

#[test]
fn configuration_that_cannot_work_ends_with_status_2_and_one_message() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state").display().to_string();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let in_use = format!("{UNITS}http: {{listen: \"{}\"}}\n", listener.local_addr().unwrap());
    let password = folder.path().join("password");
    fs::write(&password, "secret\n").unwrap();
    fs::set_permissions(&password, fs::Permissions::from_mode(0o644)).unwrap();
    let mqtt = format!(
        "{UNITS}mqtt: {{host: localhost, username: a, password_file: {}}}\n",
        password.display()
    );
    let unreadable = mqtt.replace(&password.display().to_string(), "/nowhere/password");
    let own = folder.path().join("own");
    fs::write(&own, "secret\n").unwrap();
    fs::set_permissions(&own, fs::Permissions::from_mode(0o600)).unwrap();
    let plain = format!(
        "{UNITS}mqtt: {{host: broker.example.org, username: a, password_file: {}}}\n",
        own.display()
    );
    let same_name = UNITS.replace("name: b", "name: a");
    let twice = UNITS.replace("96132206100411", "96132206100410");
    for (text, expected) in [
        (&*in_use, "http: cannot listen on 127.0.0.1:"),
        (&*mqtt, "other users can read it (mode 644)"),
        (&*twice, "expected another serial for each unit"),
        (&*same_name, "expected another name for each unit"),
        (&*unreadable, "password_file: /nowhere/password: cannot be opened"),
        (&*plain, "expected tls for a password"),
        ("units: 5\n", "expected keys, found \"5\""),
    ] {
        let config = configured(folder.path(), text);
        let found = run(&["--config", &config, "--state-dir", &state]);
        let error = String::from_utf8(found.stderr).unwrap();
        assert_eq!(found.status.code(), Some(2), "{error}");
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains("secret"), "{error}");
    }
    let missing = run(&["--config", "/nowhere/bridge.yaml", "--state-dir", &state]);
    let error = String::from_utf8(missing.stderr).unwrap();
    assert_eq!(missing.status.code(), Some(2));
    assert!(error.contains("to write one: lvx bridge init"), "{error}");
}

#[test]
fn broker_that_is_away_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state").display().to_string();
    let password = folder.path().join("password");
    fs::write(&password, "secret\n").unwrap();
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
    // No broker is on this port.
    let text = format!(
        "{UNITS}http: {{listen: \"127.0.0.1:0\"}}\n\
         mqtt: {{host: 127.0.0.1, port: 1, username: a, password_file: {}}}\n",
        password.display()
    );
    let config = configured(folder.path(), &text);
    let mut bridge = Bridge::start(&["--config", &config, "--state-dir", &state]);
    // The two lines come in any order.
    let (mut listening, mut line) = (None, None);
    while listening.is_none() || line.is_none() {
        let next = bridge.lines.next().expect("two lines").unwrap();
        if next.contains("listening on 127.0.0.1:") {
            listening = Some(next);
        } else if next.contains("mqtt: ") {
            line = Some(next);
        }
    }
    let (listening, line) = (listening.unwrap(), line.unwrap());
    let address = listening.rsplit(' ').next().unwrap();
    assert!(line.contains("no broker at 127.0.0.1:1: connection refused"), "{line}");
    let metrics = get(address, "/metrics");
    let samples = metrics.lines().filter(|line| line.starts_with("lvx_mqtt_connected{"));
    assert!(samples.clone().count() == 1 && samples.clone().all(|line| line.ends_with("} 0")));
    bridge.signal(Signal::TERM);
    let rest: Vec<_> = bridge.lines.by_ref().map(Result::unwrap).collect();
    let repeats = |text: &str| rest.iter().filter(|line| line.contains(text)).count();
    assert_eq!((repeats("no broker"), repeats("secret")), (0, 0), "{rest:#?}");
    assert_eq!(bridge.process.wait().unwrap().code(), Some(0));
}

#[test]
fn tokens_are_made_listed_and_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state").display().to_string();
    let token = |arguments: &[&str]| {
        let found = run(&[&["token"], arguments, &["--state-dir", &state]].concat());
        (found.status.code(), String::from_utf8(found.stdout).unwrap())
    };
    let (status, made) = token(&["create", "grafana", "--expires", "30"]);
    assert!(status == Some(0) && made.starts_with("lvx_"), "{made}");
    assert_eq!(token(&["create", "grafana"]).0, Some(2));
    let (_, rotated) = token(&["rotate", "grafana"]);
    assert_ne!(made, rotated);
    assert!(token(&["list"]).1.starts_with("grafana  "));
    assert_eq!(token(&["revoke", "grafana"]).0, Some(0));
    assert_eq!(token(&["list", "--format", "json"]).1, "[]\n");
    assert_eq!(token(&["revoke", "grafana"]).0, Some(2));
}

#[test]
fn printed_unit_runs_the_given_program() {
    let found = run(&["--print", "systemd", "--user", "solar", "--config", "/etc/lvx/x.yaml"]);
    let text = String::from_utf8(found.stdout).unwrap();
    for line in [
        "Type=notify",
        "User=solar",
        "SupplementaryGroups=plugdev",
        "ExecStart=/usr/local/bin/lvx bridge --config /etc/lvx/x.yaml",
        "RestartPreventExitStatus=2",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    for placeholder in ["@lvx@", "@config@", "@user@", "@group@"] {
        assert!(!text.contains(placeholder), "{text}");
    }
    for wrong in [["--user", "a b"], ["--config", "x.yaml"], ["--lvx", "/tmp/../lvx"]] {
        let refused = run(&[&["--print", "systemd"], &wrong[..]].concat());
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}");
    }
}
