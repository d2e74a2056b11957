//! A running `lvx simulate`.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

/// A running simulator, killed at the end of the test.
pub(crate) struct Simulator {
    pub(crate) process: Child,
    /// Addresses of the units, then of the packs.
    pub(crate) addresses: Vec<String>,
}

impl Simulator {
    /// Starts a simulator of one unit.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_lvx"))
            .args(["simulate", "--units", "1", "--switch", "frozen=on"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let is_link = |line: &String| line.starts_with("unit ") || line.starts_with("pack ");
        let lines = lines.map_while(Result::ok).take_while(is_link);
        let address = |line: String| line.split_once(": ").unwrap().1.to_owned();
        Self { addresses: lines.map(address).collect(), process }
    }

    /// Ends the process with SIGKILL, so that it does not clean up.
    pub(crate) fn kill(&mut self) {
        // Fails if the process has already ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.kill();
    }
}
