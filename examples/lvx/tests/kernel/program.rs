//! Runs programs.

use std::{ffi::OsStr, path::PathBuf, process::Command};

/// Returns the path of the program under test, from the variable `LVX`: cargo's path does not exist in the guest.
pub(crate) fn lvx() -> PathBuf {
    std::env::var_os("LVX").expect("LVX names the program under test").into()
}

/// Runs a program to its end. Returns whether it succeeded, and both outputs.
pub(crate) fn run(program: impl AsRef<OsStr>, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(&program).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// Returns the output of a program. Panics if it fails.
#[track_caller]
pub(crate) fn output_of(program: impl AsRef<OsStr>, arguments: &[&str]) -> String {
    let (succeeded, text) = run(program, arguments);
    assert!(succeeded, "{arguments:?}: {text}");
    text
}
