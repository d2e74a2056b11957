//! `lvx decode` compared with a simple, slow reference, byte for byte.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

mod reference;

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
    thread,
};

const LVX: &str = env!("CARGO_BIN_EXE_lvx");

#[test]
fn decode_equals_reference_for_all_kinds_of_lines() {
    let mut log = reference::log::log(LINES, 31);
    log.extend(reference::log::polled(100));
    log.extend([&b"5e"[..], &b"20".repeat(20_000), b"\n", b"^1\\x0b\\xc2\\r"].concat());
    let mut child = Command::new(LVX)
        .arg("decode")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let (status, expected) = reference::decode(&log);
    let writing = thread::spawn(move || input.write_all(&log).unwrap());
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    let lines = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (found, expected) = (lines(&output.stdout), lines(&expected));
    for (found, expected) in found.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
    assert_eq!(output.status.code(), Some(status));
}

/// Number of lines, enough to contain each kind many times.
const LINES: usize = 20_000;

#[test]
fn line_is_printed_before_the_next_arrives() {
    let mut child = Command::new(LVX)
        .args(["decode", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        // A complete line and the start of the next one.
        input.write_all(b"MOD 5e443030353035d99f0d\nMOD ").unwrap();
        assert!(output.next().unwrap().unwrap().contains("hybrid"));
        input.write_all(b"5e443030353035d99f0d\n").unwrap();
        assert!(output.next().unwrap().unwrap().contains("hybrid"));
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}
