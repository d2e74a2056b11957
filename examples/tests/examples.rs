//! Each example runs against the virtual unit and prints what it promises.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

use std::{path::PathBuf, process::Command};

/// What an example prints. Cargo builds the examples of a package before its tests.
#[track_caller]
fn prints(example: &str, arguments: &[&str]) -> String {
    let tests = std::env::current_exe().unwrap();
    let folder: PathBuf = tests.ancestors().nth(2).unwrap().join("examples");
    let output = Command::new(folder.join(example)).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn read_status() {
    insta::assert_snapshot!(prints("read_status", &["sim:0?frozen=on"]));
}

#[test]
fn watch_status() {
    insta::assert_snapshot!(prints("watch_status", &["sim:0?frozen=on", "2"]));
}

#[test]
fn list_settings() {
    let printed = prints("list_settings", &["sim:0?frozen=on"]);
    // The virtual bank stands still in another year than this computer.
    let lines: Vec<_> = printed.lines().filter(|line| !line.contains("Clock")).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn decode_capture() {
    insta::assert_snapshot!(prints("decode_capture", &[]));
}

#[test]
fn fake_inverter() {
    insta::assert_snapshot!(prints("fake_inverter", &[]));
}

#[test]
fn check_parallel() {
    insta::assert_snapshot!(prints("check_parallel", &["sim:0?frozen=on", "sim:1?fault=83"]));
}

#[test]
fn compare_units() {
    insta::assert_snapshot!(prints("compare_units", &["sim:0?frozen=on", "sim:1?float=53.0"]));
}

#[test]
fn total_power() {
    insta::assert_snapshot!(prints("total_power", &["sim:0?frozen=on", "sim:1"]));
}
