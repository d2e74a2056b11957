//! How a run ends: an exit status, and an error on standard error.

use std::{fmt::Display, io, io::IsTerminal, process::ExitCode};

use lvx_settings::{DiagnosticStyle, Diagnostics};
use pi18_transport::printable;

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
    /// A write failed or could not be proved.
    Unproved = 4,
}

/// As `lvx --help` tells them.
pub(crate) const STATUSES: &str = "\
Exit status: 0 all well; 1 differences or findings; 2 wrong usage or input;
3 a unit could not be read; 4 not applied: a write failed or could not be
proved, or none was begun.";

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Well => 0,
            Status::Findings => 1,
            Status::Usage => 2,
            Status::Unread => 3,
            Status::Unproved => 4,
        })
    }
}

/// Why a run ends early.
#[derive(Debug)]
pub(crate) struct Failure {
    status: Status,
    /// Another program is at work on what was asked for.
    is_busy: bool,
    /// Each of them is told on a line of its own.
    told: Vec<String>,
    /// A text that is already laid out.
    report: Option<Box<Diagnostics>>,
}

impl Failure {
    fn new(status: Status, text: impl Display) -> Self {
        Self { status, is_busy: false, told: vec![text.to_string()], report: None }
    }

    /// The user asked for something that cannot be.
    pub(crate) fn usage(text: impl Display) -> Self {
        Self::new(Status::Usage, text)
    }

    /// The same, for several reasons.
    pub(crate) fn usages(told: Vec<String>) -> Self {
        Self { status: Status::Usage, is_busy: false, told, report: None }
    }

    /// Something was to be written, and nothing was.
    pub(crate) fn unproved(text: impl Display) -> Self {
        Self::new(Status::Unproved, text)
    }

    /// Whether another program is at work on what was asked for.
    #[cfg(unix)]
    pub(crate) fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// The same, and something more.
    pub(crate) fn and(mut self, text: impl Display) -> Self {
        self.told.push(text.to_string());
        self
    }

    /// The reasons, for programs; a report that is laid out is not among them.
    #[cfg(unix)]
    pub(crate) fn told(&self) -> &[String] {
        &self.told
    }

    /// Says it on standard error.
    pub(crate) fn tell(self) -> Status {
        if let Some(report) = self.report {
            complain_of(&report);
        }
        self.told.iter().for_each(|text| complain(text));
        self.status
    }
}

impl From<lvx_settings::Error> for Failure {
    fn from(error: lvx_settings::Error) -> Self {
        let usage = error.is_file() || error.is_plan() || error.is_busy();
        let is_busy = error.is_busy();
        let error = if is_busy {
            format!("{error}; `lvx confirm` keeps what waits, Ctrl-C in that run undoes it")
        } else {
            error.to_string()
        };
        let status = if usage { Status::Usage } else { Status::Unread };
        Self { is_busy, ..Self::new(status, error) }
    }
}

impl From<Diagnostics> for Failure {
    fn from(found: Diagnostics) -> Self {
        Self {
            status: Status::Usage,
            is_busy: false,
            told: Vec::new(),
            report: Some(Box::new(found)),
        }
    }
}

impl From<pi18_transport::Error> for Failure {
    fn from(error: pi18_transport::Error) -> Self {
        let usage = error.is_address() || error.is_capture();
        Self::new(if usage { Status::Usage } else { Status::Unread }, error)
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
    let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("lvx: {}\n", printable(text)));
}

/// What is wrong or unwise in a file, underlined, on standard error.
pub(crate) fn complain_of(found: &Diagnostics) {
    let colors =
        io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
    let text = found.render(if colors { DiagnosticStyle::Color } else { DiagnosticStyle::Plain });
    let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("{text}\n"));
}

/// Something that is going on, on standard error.
pub(crate) fn progress(text: &str) {
    let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("{}\n", printable(text)));
}
