//! Progress on a terminal.
#![allow(clippy::unwrap_used, reason = "a panic fails the test")]

use std::{
    fs::File,
    io::Read,
    process::{Command, Stdio},
    thread,
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

/// A unit that never answers. A query fails after three seconds.
const SILENT: &str = "sim:0?silent=1&timeout=1s";

/// Returns the standard error of a command, which is a terminal.
fn drawn(arguments: &[&str]) -> String {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let size = Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&terminal, size).unwrap();
    let path = ptsname(&terminal, Vec::new()).unwrap();
    let end = File::options().read(true).write(true).open(path.to_str().unwrap()).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_lvx"))
        .args(arguments)
        .env("TERM", "xterm")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(end)
        .spawn()
        .unwrap();
    let mut text = Vec::new();
    // Ends with an error when all slave descriptors are closed.
    let _ = File::from(terminal).read_to_end(&mut text);
    child.wait().unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

#[test]
fn progress_of_silent_unit_shows_query_and_waiting_time() {
    let runs = [
        &["sync-check", SILENT, "sim:1"][..],
        &["query", "GS", SILENT],
        &["profile", "init", SILENT],
    ];
    let runs = runs.map(|arguments| (arguments, thread::spawn(move || drawn(arguments))));
    for (arguments, run) in runs {
        let text = run.join().unwrap();
        assert!(text.contains("sim:0  "), "{arguments:?}: {text:?}");
        assert!(text.contains(", no reply for "), "{arguments:?}: {text:?}");
        assert!(text.contains(" s, waiting "), "{arguments:?}: {text:?}");
    }
}

#[test]
fn quiet_hides_progress() {
    for arguments in [["--quiet", "query", "GS", SILENT], ["query", "GS", SILENT, "--quiet"]] {
        let text = drawn(&arguments);
        assert!(!text.contains("sim:0  ") && !text.contains('\x1b'), "{arguments:?}: {text:?}");
    }
}

#[test]
fn progress_is_hidden_without_terminal() {
    let output = Command::new(env!("CARGO_BIN_EXE_lvx"))
        .args(["compare", SILENT, "sim:1", "--format", "json"])
        .output()
        .unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.lines().all(|line| line.starts_with("lvx: ")), "{errors}");
}
