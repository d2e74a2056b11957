//! How a run ends: an exit status, and an error on standard error.

use std::{fmt::Display, io, process::ExitCode};

/// The exit statuses, the same for every task.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Status {
    /// All well.
    Well = 0,
    /// Differences or findings.
    Findings = 1,
    /// Wrong usage or input.
    Usage = 2,
    /// A unit could not be read.
    Unread = 3,
}

/// As `lvx --help` tells them.
pub(crate) const STATUSES: &str = "\
Exit status: 0 all well; 1 differences or findings; 2 wrong usage or input;
3 a unit could not be read.";

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Well => 0,
            Status::Findings => 1,
            Status::Usage => 2,
            Status::Unread => 3,
        })
    }
}

/// Why a run ends early.
#[derive(Debug)]
pub(crate) struct Failure {
    status: Status,
    text: String,
}

impl Failure {
    /// The user asked for something that cannot be.
    pub(crate) fn usage(text: impl Display) -> Self {
        Self { status: Status::Usage, text: text.to_string() }
    }

    /// Says it on standard error.
    pub(crate) fn tell(self) -> Status {
        complain(&self.text);
        self.status
    }
}

impl From<pi18_transport::Error> for Failure {
    fn from(error: pi18_transport::Error) -> Self {
        let usage = error.is_address() || error.is_capture();
        let status = if usage { Status::Usage } else { Status::Unread };
        Self { status, text: error.to_string() }
    }
}

/// Only standard output is written to with `?`.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::usage(format_args!("standard output: not all was written: {error}"))
    }
}

/// A line on standard error; if even that is closed, the exit status has to do.
pub(crate) fn complain(text: &str) {
    let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("lvx: {}\n", one_line(text)));
}

/// Text from outside may hold line ends and worse.
fn one_line(text: &str) -> String {
    let escape =
        |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}
