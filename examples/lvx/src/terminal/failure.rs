//! The error that ends a command, with its exit status.

use std::{fmt::Display, io};

use lvx_settings::Diagnostics;

use super::{
    messages::{print_diagnostics, print_error},
    status::Status,
};

/// Why a run ends early.
#[derive(Debug)]
pub(crate) struct Failure {
    status: Status,
    /// Another program is at work on what was asked for.
    is_busy: bool,
    /// Each of them is told on a line of its own.
    messages: Vec<String>,
    /// A text that is already laid out.
    report: Option<Box<Diagnostics>>,
}

impl Failure {
    fn new(status: Status, text: impl Display) -> Self {
        Self { status, is_busy: false, messages: vec![text.to_string()], report: None }
    }

    /// The user asked for something that cannot be.
    pub(crate) fn usage(text: impl Display) -> Self {
        Self::new(Status::Usage, text)
    }

    /// The same, for several reasons.
    pub(crate) fn usage_list(messages: Vec<String>) -> Self {
        Self { status: Status::Usage, is_busy: false, messages, report: None }
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
    pub(crate) fn with_message(mut self, text: impl Display) -> Self {
        self.messages.push(text.to_string());
        self
    }

    /// The reasons, for programs; a report that is laid out is not among them.
    #[cfg(unix)]
    pub(crate) fn messages(&self) -> &[String] {
        &self.messages
    }

    /// Says it on standard error.
    pub(crate) fn print(self) -> Status {
        if let Some(report) = self.report {
            print_diagnostics(&report);
        }
        self.messages.iter().for_each(|text| print_error(text));
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
            messages: Vec::new(),
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
