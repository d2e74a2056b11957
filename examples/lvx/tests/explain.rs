//! `lvx explain`.
#![allow(clippy::unwrap_used, reason = "a panic fails the test")]

use std::process::{Command, Output};

fn lvx(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lvx")).args(arguments).output().unwrap()
}

/// Returns all output of a command with its exit status.
fn seen(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let status = output.status.code().unwrap();
    format!("{}{}exit status {status}", text(&output.stdout), text(&output.stderr))
}

#[test]
fn explain_shows_codes_and_lists() {
    insta::assert_snapshot!(seen(&lvx(&["explain", "83"])));
    for (words, start) in [
        (&["explain", "fault", "07"][..], "fault 07 overload time-out\n    why: "),
        (&["explain", "warning", "5"], "warning 05 battery voltage high\n"),
        (&["explain", "warning", "fan_locked"], "warning 04 fan locked\n"),
        (&["explain", "mode", "6"], "mode 06 charge\n"),
        (&["explain", "mode"], "mode 00 power on\nmode 01 standby\n"),
    ] {
        let output = lvx(words);
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        assert!(seen(&output).starts_with(start), "{words:?}: {}", seen(&output));
    }
    for (words, part) in [
        (&["explain", "99"][..], "unknown fault 99; `lvx explain fault` lists"),
        (&["explain", "0"], "unknown fault 0"),
        (&["explain", "warning", "18"], "unknown warning 18; `lvx explain warning`"),
        (&["explain", "mode", "300"], "unknown mode 300"),
        (&["explain", "alarm", "5"], "expected fault, warning or mode, found \"alarm\""),
    ] {
        let output = lvx(words);
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(seen(&output).contains(part), "{words:?}: {}", seen(&output));
    }
}
