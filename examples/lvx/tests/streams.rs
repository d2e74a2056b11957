//! Input and output of `lvx`: special files, closed pipes, hostile text.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

use std::{
    fs, io,
    process::{Command, Output, Stdio},
};

const LVX: &str = env!("CARGO_BIN_EXE_lvx");

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(LVX);
    command.args(arguments).env_remove("LVX_UNIT").stdin(Stdio::null());
    command
}

fn lvx(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A temporary folder with files for a test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn file(&self, name: &str, text: &str) -> String {
        fs::write(self.0.path().join(name), text).unwrap();
        self.path(name)
    }

    fn pipe(&self, name: &str) -> String {
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, self.path(name), mode).unwrap();
        self.path(name)
    }

    /// Saves a bank with `lvx dump`. Returns its path.
    fn bank(&self) -> String {
        let dumped = lvx(&["dump", "sim:0?frozen=on&fault=83", "sim:1"]);
        self.file("bank.yaml", &String::from_utf8(dumped.stdout).unwrap())
    }

    fn profile(&self) -> String {
        self.file("profile.yaml", "backlight: off\n")
    }
}

#[test]
fn closed_pipe_keeps_the_exit_status() {
    let folder = Folder::new();
    let (bank, profile, state) = (folder.bank(), folder.profile(), folder.path("state"));
    let log =
        folder.file("log", &"MOD 5e443030353035d99f0d\nMOD 5e443030353036d99f0d\n".repeat(5000));
    let plan = folder.path("plan.json");
    let unit = "sim:0?frozen=on";
    for (arguments, status) in [
        (&["query", "GS", "PIRI", unit][..], 0),
        (&["query", "--list"], 0),
        (&["query", "GS", "--format", "json", "sim:0?silent=1&timeout=50ms"], 3),
        (&["decode", &log], 1),
        (&["sync-check", "--from", &bank], 1),
        (&["sync-check", "--from", &bank, "--format", "markdown"], 1),
        (&["sync-check", "--list-rules"], 0),
        (&["compare", "--from", &bank], 0),
        (&["dump", "--from", &bank, "--format", "json"], 0),
        (&["diff", &profile, unit], 1),
        (&["validate", &profile], 0),
        (&["validate", &profile, "--for", unit], 0),
        (&["apply", &profile, unit], 0),
        (&["apply", &profile, unit, "--format", "json"], 0),
        (&["apply", &profile, unit, "--yes-serial", "96132206100410"], 0),
        (&["restore", "--state-dir", &state], 0),
        (&["profile", "init", unit], 0),
        (&["profile", "schema"], 0),
        (&["simulate", "--list-switches"], 0),
        (&["completions", "bash"], 0),
        (&["--help"], 0),
        (&["apply", "--help"], 0),
        (&["--version"], 0),
        (&["apply", &profile, unit, "--save-plan", &plan], 0),
    ] {
        let run = |stdout: Stdio| {
            let _ = fs::remove_file(&plan);
            command(arguments).env("LVX_STATE_DIR", &state).stdout(stdout).output().unwrap()
        };
        let open = run(Stdio::piped());
        assert_eq!(open.status.code(), Some(status), "{arguments:?}: {}", errors(&open));
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let closed = run(writer.into());
        assert_eq!(closed.status.code(), Some(status), "{arguments:?}: {}", errors(&closed));
        // Names of journals contain the time, so only the lines are counted.
        let lines = |output: &Output| errors(output).lines().count();
        assert_eq!(lines(&closed), lines(&open), "{arguments:?}: {}", errors(&closed));
        assert!(!errors(&closed).contains("ipe"), "{}", errors(&closed));
    }
}

#[test]
fn decode_of_stream_ends_when_output_is_closed() {
    let (stdin, mut writing) = io::pipe().unwrap();
    let (reader, stdout) = io::pipe().unwrap();
    let mut child = command(&["decode"]).stdin(stdin).stdout(stdout).spawn().unwrap();
    drop(reader);
    io::Write::write_all(&mut writing, b"MOD 5e443030353035d99f0d\n").unwrap();
    // The stream stays open.
    assert_eq!(child.wait().unwrap().code(), Some(0));
    drop(writing);
}

#[test]
fn devices_pipes_and_folders_are_refused_as_files() {
    let folder = Folder::new();
    let (pipe, profile) = (folder.pipe("pipe"), folder.profile());
    for (file, found) in [("/dev/zero", "a device"), (&*pipe, "a named pipe"), ("/", "a folder")] {
        let replay = format!("replay:{file}");
        for arguments in [
            &["decode", file][..],
            &["query", "GS", &replay],
            &["sync-check", "--from", file],
            &["sync-check", "sim:0", "--baseline", file],
            &["sync-check", "sim:0", "--thresholds", file],
            &["compare", "--from", file],
            &["dump", "--from", file],
            &["diff", file, "sim:0"],
            &["validate", file],
            &["apply", file, "sim:0"],
            &["links", "--dry-run", "--units", file],
        ] {
            let output = lvx(arguments);
            let text = errors(&output);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
            let expected = format!("expected a regular file, found {found}");
            assert!(text.contains(&expected), "{arguments:?}: {text}");
        }
    }
    assert!(lvx(&["validate", &profile]).status.success());
}

#[test]
fn too_large_file_is_refused() {
    let folder = Folder::new();
    let large = folder.path("large");
    fs::File::create(&large).unwrap().set_len(1 << 30).unwrap();
    let replay = format!("replay:{large}");
    for arguments in [
        &["query", "GS", &replay][..],
        &["sync-check", "--from", &large],
        &["sync-check", "sim:0", "--thresholds", &large],
        &["validate", &large],
        &["apply", &large, "sim:0"],
        &["links", "--dry-run", "--units", &large],
    ] {
        let output = lvx(arguments);
        let text = errors(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
        assert!(text.contains("expected at most "), "{arguments:?}: {text}");
    }
    let zeros = fs::File::open("/dev/zero").unwrap();
    let output = command(&["validate", "-"]).stdin(zeros).output().unwrap();
    assert!(errors(&output).contains("standard input: cannot be read: expected at most "));
}

#[test]
fn pipe_of_process_substitution_is_read() {
    let command = r#""$LVX" validate <(echo 'backlight: off') && "$LVX" decode <(echo MOD 5e443030353035d99f0d)"#;
    let output = Command::new("bash").args(["-c", command]).env("LVX", LVX).output().unwrap();
    assert!(output.status.success(), "{}", errors(&output));
}

/// Right-to-left override, isolate, zero-width space, escape, C1 introducer.
const HOSTILE: &str = "\u{202e}\u{2066}\u{200b}\u{1b}[2J\u{9b}31m";

#[track_caller]
fn assert_printable(output: &Output) {
    for text in [&output.stdout, &output.stderr] {
        let text = String::from_utf8(text.clone()).unwrap();
        let raw = |c: char| c != '\n' && !pi18_transport::is_printable(c);
        assert!(!text.contains(raw), "{text:?}");
    }
}

#[test]
fn hostile_text_is_escaped() {
    let folder = Folder::new();
    let yaml = HOSTILE.replace('\u{1b}', "\\x1b");
    let hostile_bank = fs::read_to_string(folder.bank()).unwrap();
    let hostile_bank = hostile_bank.replacen("sim:0", &format!("\"{yaml}\""), 1);
    assert!(hostile_bank.contains(&yaml));
    let bank = folder.file("hostile.yaml", &hostile_bank);
    let profile = folder.file("profile.yaml", &format!("backlight: {HOSTILE}\n{HOSTILE}: 5\n"));
    let json = HOSTILE.replace('\u{1b}', "\\u001b");
    let log = format!("{HOSTILE}\n{{\"id\":\"{json}\",\"command\":\"{json}\",\"hex\":\"5e\"}}\n");
    let log = folder.file("log", &log);
    let thresholds = folder.file("thresholds.yaml", &format!("\"{yaml}\": 5\n"));
    let missing = folder.path(HOSTILE);
    for arguments in [
        &["sync-check", "--from", &bank][..],
        &["sync-check", "--from", &bank, "--format", "markdown"],
        &["sync-check", "--from", &bank, "--format", "json"],
        &["sync-check", "sim:0", "--baseline", &bank],
        &["sync-check", "sim:0", "--thresholds", &thresholds],
        &["sync-check", "sim:0", "--threshold", HOSTILE],
        &["compare", "--from", &bank],
        &["compare", "--from", &bank, "--format", "markdown"],
        &["dump", "--from", &bank],
        &["validate", &profile],
        &["validate", &missing],
        &["apply", &missing, "sim:0"],
        &["decode", &log],
        &["query", HOSTILE, "sim:0"],
        &["query", "GS", &missing],
        &["diff", "-", HOSTILE],
        &["restore", &missing],
    ] {
        assert_printable(
            &command(arguments).env("LVX_STATE_DIR", folder.path("state")).output().unwrap(),
        );
    }
    // JSON preserves the text.
    let output = lvx(&["decode", &log]);
    let last = String::from_utf8(output.stdout).unwrap();
    let last: serde_json::Value = serde_json::from_str(last.lines().last().unwrap()).unwrap();
    assert_eq!(last["id"], HOSTILE);
}

#[test]
fn hostile_names_are_escaped_in_markdown() {
    let folder = Folder::new();
    let bank = fs::read_to_string(folder.bank()).unwrap();
    let bank = folder.file("bank.yaml", &bank.replacen("sim:1", "\"a|b\u{202e}<script>\"", 1));
    let output = lvx(&["compare", "--from", &bank, "--format", "markdown"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(r"| a\|b\\u202e\<script\> |"), "{text}");
}

#[test]
fn lists_and_plans_fit_80_columns() {
    let folder = Folder::new();
    let text = "output_priority: solar_utility_battery\ncharger_priority: solar_first\n\
                bulk_voltage: 56.0 V\nfloat_voltage: 53.5 V\nstop_charge_voltage: 53 V\n";
    let profile = folder.file("profile.yaml", text);
    let mut runs = vec![
        vec!["query", "--list"],
        vec!["simulate", "--list-switches"],
        vec!["sync-check", "--list-rules"],
        vec!["apply", &profile, "sim:0?frozen=on", "sim:1", "--no-battery-guard"],
    ];
    runs.extend(pi18_proto::Query::LIST.iter().map(|info| vec!["query", "--list", info.mnemonic]));
    for arguments in runs {
        let output =
            command(&arguments).env("LVX_STATE_DIR", folder.path("state")).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", errors(&output));
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            assert!(line.chars().count() <= 80, "{arguments:?}: {line}");
        }
    }
}
