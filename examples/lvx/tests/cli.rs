//! Output, errors and exit statuses of `lvx`.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Output, Stdio},
};

const LVX: &str = env!("CARGO_BIN_EXE_lvx");

fn lvx(arguments: &[&str]) -> Output {
    lvx_reading(arguments, b"")
}

fn lvx_reading(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = Command::new(LVX)
        .args(arguments)
        .env_remove("LVX_UNIT")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Fails if the program does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// Returns all output of a command with its exit status.
fn seen(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let status = output.status.code().unwrap();
    format!("{}{}exit status {status}", text(&output.stdout), text(&output.stderr))
}

/// Returns the output without the finding about clocks, which depends on the present date.
fn seen_without_clocks(output: &Output) -> String {
    let mut is_about_clocks = false;
    let mut text = String::new();
    for line in seen(output).lines() {
        let continues = is_about_clocks && line.starts_with(' ');
        is_about_clocks = continues || line.starts_with("info: clocks differ from the computer");
        if !is_about_clocks {
            text.push_str(line);
            text.push('\n');
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// A path of a temporary file, removed at the end of the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("lvx-{}-{name}", std::process::id())))
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A running `lvx simulate`.
struct Simulator {
    child: Child,
    out: BufReader<ChildStdout>,
    addresses: Vec<String>,
}

impl Simulator {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(LVX)
            .arg("simulate")
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut addresses = Vec::new();
        loop {
            let mut line = String::new();
            assert_ne!(out.read_line(&mut line).unwrap(), 0, "lvx simulate has ended");
            match line.trim().split_once(": ") {
                Some((_, address)) => addresses.push(address.to_owned()),
                None => return Self { child, out, addresses },
            }
        }
    }

    fn stop(&mut self) -> i32 {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-INT", &id]).status().unwrap();
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn sync_check_of_commissioned_bank_is_healthy() {
    let output = lvx(&["sync-check", "sim:0?frozen=on", "sim:1"]);
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(seen_without_clocks(&output));
}

#[test]
fn sync_check_reports_fault() {
    let output = lvx(&["sync-check", "sim:0?frozen=on", "sim:1?fault=83"]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(seen_without_clocks(&output));
}

#[test]
fn sync_check_prints_json() {
    let output = lvx(&["sync-check", "sim:0?frozen=on", "sim:1?main=06303", "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["healthy"], false);
    assert_eq!(report["findings"][0]["rule"], "main-firmware");
}

#[test]
fn sync_check_with_missing_unit_checks_the_others() {
    let output = lvx(&["sync-check", "sim:0", "/dev/no-such-unit"]);
    assert_eq!(output.status.code(), Some(3));
    let seen = seen(&output);
    assert!(seen.contains("battery voltage"), "{seen}");
    assert!(seen.contains("could not be read: /dev/no-such-unit cannot be opened"), "{seen}");
}

#[test]
fn sync_check_with_lost_unit_checks_the_others() {
    let output = lvx(&["sync-check", "sim:0?frozen=on", "sim:1?disconnect=7"]);
    assert_eq!(output.status.code(), Some(3));
    let seen = seen(&output);
    assert!(seen.contains("a unit disappeared while it was read: sim:1"), "{seen}");
    assert!(seen.contains("55.0 V"), "{seen}");
    for command in ["compare", "dump"] {
        let output = lvx(&[command, "sim:0", "sim:1?disconnect=2"]);
        assert_eq!(output.status.code(), Some(3), "{command}");
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("sim:1: disconnected"),
            "{command}"
        );
    }
}

#[test]
fn saved_bank_gives_the_same_reports_as_its_units() {
    let saved = Scratch::new("bank.yaml");
    let switches = ["sim:0?frozen=on&float=53.0", "sim:1?slave=06126"];
    for format in ["yaml", "json"] {
        let dumped = lvx(&["dump", switches[0], switches[1], "--format", format]);
        assert_eq!(seen(&dumped).lines().last(), Some("exit status 0"));
        std::fs::write(&saved.0, &dumped.stdout).unwrap();
        for (command, status) in [("sync-check", 1), ("compare", 1)] {
            let live = lvx(&[command, switches[0], switches[1]]);
            assert_eq!(live.status.code(), Some(status));
            // The check of a file starts with the time of reading.
            let without_time = |output: &Output| match seen(output) {
                text if text.starts_with("read 20") => {
                    text.split_once("\n\n").unwrap().1.to_owned()
                }
                text => text,
            };
            let from_file = lvx(&[command, "--from", saved.path()]);
            assert_eq!(seen(&from_file).starts_with("read 20"), command == "sync-check");
            assert_eq!(without_time(&from_file), seen(&live), "{command}");
            let piped = lvx_reading(&[command, "--from", "-"], &dumped.stdout);
            assert_eq!(without_time(&piped), seen(&live), "{command}");
        }
        let again = lvx(&["dump", "--from", saved.path(), "--format", format]);
        assert_eq!(again.stdout, dumped.stdout);
    }
    let since = lvx(&["sync-check", "sim:0?frozen=on", "sim:1", "--baseline", saved.path()]);
    assert_eq!(since.status.code(), Some(0));
    assert!(seen(&since).contains("sim:0 float_voltage 53.0 V -> 54.0 V"), "{}", seen(&since));
    for choice in [["--only", "battery-voltage"], ["--skip", "baseline"]] {
        let arguments =
            [&["sync-check", "sim:0", "sim:1", "--baseline", saved.path()], &choice[..]];
        let refused = lvx(&arguments.concat());
        assert_eq!(refused.status.code(), Some(2), "{}", seen(&refused));
    }
}

#[test]
fn sync_check_options_select_rules_and_thresholds() {
    let offset = ["sync-check", "sim:0?frozen=on", "sim:1?battery-offset=0.4&fault=02"];
    let with = |more: &[&str]| lvx(&[&offset, more].concat()).status.code();
    assert_eq!(with(&[]), Some(1));
    assert_eq!(with(&["--skip", "fault"]), Some(1));
    assert_eq!(with(&["--skip", "fault,battery-voltage"]), Some(0));
    assert_eq!(with(&["--only", "slave-firmware", "--only", "clock"]), Some(0));
    let wide = "battery_voltage_spread=0.4";
    assert_eq!(with(&["--skip", "fault", "--threshold", wide]), Some(0));
    let file = Scratch::new("thresholds.yaml");
    std::fs::write(&file.0, "battery_voltage_spread: 0.4\n").unwrap();
    assert_eq!(with(&["--skip", "fault", "--thresholds", file.path()]), Some(0));
    let healthy = ["sync-check", "sim:0?frozen=on", "sim:1"];
    let with = |more: &[&str]| lvx(&[&healthy, more].concat()).status.code();
    assert_eq!(with(&["--bank-ah", "300", "--expect-firmware", "06306"]), Some(0));
    assert_eq!(with(&["--bank-ah", "200"]), Some(1));
    assert_eq!(with(&["--expect-firmware", "06440"]), Some(1));
}

#[test]
fn sync_check_usage_errors() {
    let bad = Scratch::new("bad.yaml");
    std::fs::write(&bad.0, "format: lvx-bank\nversion: 1\nunits:\n- nome: x\n").unwrap();
    let texts: Vec<_> = [
        &["sync-check"][..],
        &["sync-check", "sim:0", "sim:0"],
        &["sync-check", "sim:0", "sim:7"],
        &["sync-check", "sim:0", "--only", "faults"],
        &["sync-check", "sim:0", "--skip", "everything"],
        &["sync-check", "sim:0", "--threshold", "max_skew"],
        &["sync-check", "sim:0", "--threshold", "max_skew=long"],
        &["sync-check", "sim:0", "--threshold", "skew=3"],
        &["sync-check", "sim:0", "--expect-firmware", "063060000"],
        &["sync-check", "sim:0", "--from", "bank.yaml"],
        &["sync-check", "--from", "/no/such/file"],
        &["sync-check", "--from", bad.path()],
        &["compare", "--from", bad.path()],
        &["compare"],
    ]
    .map(|arguments| {
        let output = lvx(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        let shown = format!("$ lvx {}\n{}", arguments.join(" "), seen(&output));
        shown.replace(bad.path(), "bad.yaml")
    })
    .into();
    insta::assert_snapshot!(texts.join("\n\n"));
}

#[test]
fn sync_check_lists_rules_and_prints_markdown() {
    insta::assert_snapshot!(seen(&lvx(&["sync-check", "--list-rules"])));
    let output = lvx(&["sync-check", "sim:0?frozen=on", "sim:1", "--format", "markdown"]);
    assert!(seen(&output).starts_with("**healthy: 2 units, no error, no warning**"));
}

#[test]
fn sync_check_list_fits_80_columns() {
    let output = lvx(&["sync-check", "--list-rules"]);
    let text = seen(&output);
    let long = text.lines().find(|line| line.chars().count() > 80);
    assert_eq!(long, None);
    assert!(text.contains("charge-current "), "{text}");
}

#[test]
fn fault_is_printed_with_its_number_by_all_commands() {
    let fault = "83 parallel: battery voltages detected differ";
    for arguments in [
        &["query", "FWS", "sim:0?fault=83"][..],
        &["query", "PGS0", "sim:0?fault=83"],
        &["sync-check", "sim:0?fault=83", "sim:1", "--only", "fault"],
        &["apply", "PROFILE", "sim:0?fault=83", "sim:1"],
    ] {
        let profile = Scratch::new("fault.yaml");
        std::fs::write(&profile.0, "name: t\nsolar_power_priority: load-battery-utility\n")
            .unwrap();
        let arguments: Vec<_> = arguments
            .iter()
            .map(|&word| if word == "PROFILE" { profile.path() } else { word })
            .collect();
        let seen = seen(&lvx(&arguments));
        // Line breaks are ignored.
        let seen = seen.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(seen.contains(fault), "{arguments:?}: {seen}");
    }
}

#[test]
fn saved_bank_without_a_reply_is_incomplete() {
    let saved = Scratch::new("narrow.yaml");
    let dumped = lvx(&["dump", "sim:0", "sim:1?slave=06126"]);
    let text = String::from_utf8(dumped.stdout).unwrap();
    // Removes the reply to `FLAG`, as in a file of an older program.
    let mut kept = Vec::new();
    let mut is_flags = false;
    for line in text.lines() {
        is_flags = line == "  flags:" || (is_flags && line.starts_with("   "));
        if !is_flags {
            kept.push(line);
        }
    }
    std::fs::write(&saved.0, kept.join("\n")).unwrap();
    let checked = lvx(&["sync-check", "--from", saved.path()]);
    assert_eq!(checked.status.code(), Some(3));
    let text = seen(&checked);
    assert!(text.contains("some questions were not asked: sim:0 + sim:1 FLAG"), "{text}");
    let compared = lvx(&["compare", "--from", saved.path()]);
    assert_eq!(compared.status.code(), Some(3));
    assert!(seen(&compared).contains("the bank was read without: FLAG"), "{}", seen(&compared));
}

#[test]
fn compare_warns_about_same_serial_number() {
    let output = lvx(&["compare", "sim:0", "sim:0?soc=50"]);
    assert_eq!(output.status.code(), Some(1), "{}", seen(&output));
    assert!(seen(&output).contains("they may be one unit"), "{}", seen(&output));
}

#[test]
fn compare_shows_matching_and_different_settings() {
    let output = lvx(&["compare", "sim:0", "sim:1"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(seen(&output).contains("12/12 match, and 14/14 of the further settings"));
    let output = lvx(&["compare", "sim:0?frozen=on", "sim:1?bulk=55.0"]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(seen(&output));
    let output = lvx(&["compare", "sim:0", "sim:1?bulk=55.0", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["matches"], &json["agreeing"]["matching"]), (&false.into(), &11.into()));
}

#[test]
fn query_shows_every_field_with_its_unit() {
    insta::assert_snapshot!(seen(&lvx(&["query", "GS", "mod", "PGS1", "sim:0?frozen=on"])));
}

#[test]
fn query_prints_json_and_raw_frames() {
    insta::assert_snapshot!(seen(&lvx(&[
        "query",
        "MOD",
        "MCHGCR",
        "ID",
        "--format",
        "json",
        "sim:0?frozen=on"
    ])));
    insta::assert_snapshot!(seen(&lvx(&["query", "PI", "ID", "--format", "raw", "sim:0"])));
}

#[test]
fn query_list_shows_queries_and_fields() {
    insta::assert_snapshot!(seen(&lvx(&["query", "--list"])));
    insta::assert_snapshot!(seen(&lvx(&["query", "--list", "mod", "FWS"])));
}

#[test]
fn query_usage_errors() {
    let texts: Vec<_> = [
        &["query", "GX", "sim:0"][..],
        &["query", "ED20261340", "sim:0"],
        &["query", "PGS", "sim:0"],
        &["query", "POP1", "sim:0"],
        &["query", "PF", "sim:0"],
        &["query", "sim:0"],
        &["query", "GS", "usb:0"],
        &["query", "GS", "sim:7"],
        &["query", "GS", "sim:0?falt=83"],
        &["query", "GS", "/etc/passwd"],
        &["query", "GS", "/dev/null"],
        &["query", "GS", "hidraw:/dev/zero"],
        &["query", "GS", "sim:0", "sim:1"],
        &["query", "GS", "sim:0\nx"],
        &["query", "gsx", "sim:0"],
        &["query", "--list", "GS", "nope"],
        &["query", "GS", "hidraw0"],
        &["query", "GS", "replay:/no/such/file"],
        &["query", "GS"],
    ]
    .map(|arguments| format!("$ lvx {}\n{}", arguments.join(" "), seen(&lvx(arguments))))
    .into();
    insta::assert_snapshot!(texts.join("\n\n"));
}

#[test]
fn query_of_missing_device_fails_with_one_line() {
    for address in ["/dev/no-such-device", "serial:/dev/null", "tcp:127.0.0.1:1"] {
        let output = lvx(&["query", "GS", address]);
        assert_eq!(output.status.code(), Some(3), "{address}");
        assert!(output.stdout.is_empty());
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.contains("cannot be opened"), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
    }
}

#[test]
fn query_of_silent_unit_fails() {
    let output = lvx(&["query", "GS", "sim:0?silent=1&timeout=50ms"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(seen(&output).contains("found nothing"), "{}", seen(&output));
}

#[test]
fn query_prints_the_same_over_all_links() {
    let simulator = Simulator::start(&["--pty", "--tcp", "127.0.0.1:0", "--switch", "frozen=on"]);
    let capture = Scratch::new("capture.jsonl");
    let in_process = lvx(&["query", "GS", "MOD", "sim:0?frozen=on", "--capture", capture.path()]);
    assert_eq!(in_process.status.code(), Some(0));
    let mut addresses = vec![format!("replay:{}", capture.path())];
    addresses.extend(simulator.addresses.iter().take(2).cloned());
    assert!(
        addresses[1].starts_with("serial:") && addresses[2].starts_with("tcp:"),
        "{addresses:?}"
    );
    for address in addresses {
        let output = lvx(&["query", "GS", "MOD", &address]);
        assert_eq!(seen(&output), seen(&in_process), "{address}");
    }
}

#[test]
fn usb_capture_decodes_and_replays() {
    let capture = Scratch::new("usb.jsonl");
    let asked =
        lvx(&["query", "GS", "PIRI", "sim:0?reports=on&frozen=on", "--capture", capture.path()]);
    assert_eq!(asked.status.code(), Some(0));
    assert_eq!(lvx(&["decode", capture.path()]).status.code(), Some(0));
    let replayed = lvx(&["query", "GS", "PIRI", &format!("replay:{}", capture.path())]);
    assert_eq!(seen(&replayed), seen(&asked));
    let again = lvx(&["query", "GS", "sim:0", "--capture", capture.path()]);
    assert_eq!(again.status.code(), Some(2));
    assert!(seen(&again).contains("File exists"), "{}", seen(&again));
}

#[test]
fn query_of_absent_parallel_unit_warns() {
    let output = seen(&lvx(&["query", "PGS5", "sim:0"]));
    assert!(output.contains("(warning: the bank has no unit with this number"), "{output}");
}

#[test]
fn simulate_removes_links_when_interrupted() {
    let folder = Scratch::new("links");
    std::fs::create_dir(&folder.0).unwrap();
    let mut simulator = Simulator::start(&["--units", "3", "--link-dir", folder.path()]);
    assert_eq!(simulator.addresses.len(), 3);
    assert!(folder.0.join("ttyUSB2").is_symlink());
    assert_eq!(simulator.stop(), 0);
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0);
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut simulator.out, &mut rest).unwrap();
    assert_eq!(rest, "");
    std::fs::remove_dir(&folder.0).unwrap();
}

#[test]
fn query_of_device_in_use_names_the_process() {
    let simulator = Simulator::start(&["--units", "1"]);
    let address = &simulator.addresses[0];
    let held = pi18_transport::Client::open(address).unwrap();
    let texts = seen(&lvx(&["query", "GS", address]));
    assert!(texts.contains("is in use by"), "{texts}");
    assert!(texts.contains(&format!("(process {})", std::process::id())), "{texts}");
    assert!(texts.ends_with("exit status 3"), "{texts}");
    drop(held);
    assert_eq!(lvx(&["query", "GS", address]).status.code(), Some(0));
}

#[test]
fn simulate_usage_errors() {
    let texts: Vec<_> = [
        &["simulate", "--switch", "lgg=2s"][..],
        &["simulate", "--switch", "lag=two"],
        &["simulate", "--switch", "5:lag=2s"],
        &["simulate", "--switch", ":fault=83"],
        &["simulate", "--switch", "units=4"],
        &["simulate", "--tcp", "127.0.0.1:65535"],
        &["simulate", "--tcp", "nowhere"],
        &["simulate", "--functionfs", "/no/such/folder"],
        &["simulate", "--units", "1", "--functionfs", "/no/such/folder"],
    ]
    .map(|arguments| format!("$ lvx {}\n{}", arguments.join(" "), seen(&lvx(arguments))))
    .into();
    insta::assert_snapshot!(texts.join("\n\n"));
}

const LOG: &str = r#"{"id": "a", "command": "GS", "hex": "5e443130363233"}
{"id": "b", "command": "MOD", "hex": "5e443030353035d99f0d"}
{"id": "c", "hex": "5e443030353035d99f0d"}
{"id": "d", "command": "MOD", "hex": "5e443030353036d99f0d"}
FLAG 5e443032302c
ACCT 5e44303132303030302c30303030c21c0d
^1\x0b\xc2\r
(NAKss\r
b'^P005GSX\x14\r'
^S015MCHGV542,540\xcdH\r

hello
{"hex": "5e4"}
"#;

#[test]
fn decode_prints_one_line_per_input_line() {
    insta::assert_snapshot!(seen(&lvx_reading(&["decode"], LOG.as_bytes())));
}

#[test]
fn decode_of_capture_finds_the_query_of_each_reply() {
    let capture = Scratch::new("asked.jsonl");
    lvx(&["query", "PI", "MOD", "sim:0?frozen=on", "--capture", capture.path()]);
    let output = lvx(&["decode", capture.path()]);
    assert_eq!(output.status.code(), Some(0));
    insta::assert_snapshot!(seen(&output));
}

#[test]
fn decode_accepts_any_bytes() {
    let binary: Vec<u8> = (0..=255).cycle().take(5000).collect();
    let output = lvx_reading(&["decode", "-"], &binary);
    assert_eq!(output.status.code(), Some(2));
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["ok"], false);
    }
    for file in ["/no/such/file", "/"] {
        let output = lvx(&["decode", file]);
        assert_eq!(output.status.code(), Some(2));
        assert!(seen(&output).contains("cannot be read"), "{}", seen(&output));
    }
}

#[test]
fn full_standard_output_is_an_error() {
    for arguments in [
        &["query", "GS", "sim:0"][..],
        &["query", "--list"],
        &["completions", "bash"],
        &["sync-check", "sim:0", "sim:1"],
    ] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = Command::new(LVX).args(arguments).stdout(full).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(errors.starts_with("lvx: standard output: "), "{errors}");
    }
    let mut child = Command::new(LVX)
        .args(["query", "--list"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(!String::from_utf8(output.stderr).unwrap().contains("panic"));
}

#[test]
fn completions_contain_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let output = lvx(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0));
        assert!(seen(&output).contains("sync-check"));
    }
}

#[test]
fn units_with_observed_deviations_are_read() {
    for switches in [
        "edition=2017",
        "short-length=all",
        "charge-currents=120&max-charge=120",
        "rated-current=25",
        "strict-length=on&ignore-checksum=on&pi30=answer",
    ] {
        let units = ["sim:0?", "sim:1?"].map(|unit| format!("{unit}{switches}"));
        let output = lvx(&["sync-check", &units[0], &units[1]]);
        assert_eq!(output.status.code(), Some(0), "{switches}: {}", seen(&output));
    }
    let seen = seen(&lvx(&["query", "MCHGCR", "sim:0?charge-currents=120"]));
    assert!(seen.contains("100, 110, 120 A"), "{seen}");
}

#[test]
fn text_sent_by_busy_tcp_bridge_is_shown() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp:{}", listener.local_addr().unwrap());
    let bridge = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"Port already in use\r\n").unwrap();
    });
    let output = lvx(&["query", "MOD", &address]);
    bridge.join().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let seen = seen(&output);
    assert!(seen.contains("the other end had sent \"Port already in use\""), "{seen}");
}
