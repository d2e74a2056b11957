//! The error that ends a command, with its exit status.

use std::{fmt::Display, io};

use lvx_settings::Diagnostics;

use super::{
    messages::{print_diagnostics, print_error},
    status::Status,
};

/// An error that ends a command.
#[derive(Debug)]
pub(crate) struct Failure {
    status: Status,
    /// Whether another program uses the requested unit or run.
    is_busy: bool,
    /// Error messages, one line each.
    messages: Vec<String>,
    /// Diagnostics with source snippets.
    report: Option<Box<Diagnostics>>,
}

impl Failure {
    fn new(status: Status, text: impl Display) -> Self {
        Self { status, is_busy: false, messages: vec![format!("{text:#}")], report: None }
    }

    /// Creates an error for invalid usage or input.
    pub(crate) fn usage(text: impl Display) -> Self {
        Self::new(Status::Usage, text)
    }

    /// Creates an error for invalid usage or input with several messages.
    pub(crate) fn usage_list(messages: Vec<String>) -> Self {
        Self { status: Status::Usage, is_busy: false, messages, report: None }
    }

    /// Creates an error for settings that were not applied.
    pub(crate) fn not_applied(text: impl Display) -> Self {
        Self::new(Status::NotApplied, text)
    }

    /// Returns whether another program uses the requested unit or run.
    pub(crate) fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// Adds a message.
    pub(crate) fn with_message(mut self, text: impl Display) -> Self {
        self.messages.push(format!("{text:#}"));
        self
    }

    /// Returns the messages, without diagnostics.
    pub(crate) fn messages(&self) -> &[String] {
        &self.messages
    }

    /// Prints the messages on standard error and returns the exit status.
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
            format!(
                "{error:#}; if this run waits for confirmation, `lvx confirm` keeps its writes; Ctrl-C in its terminal undoes them"
            )
        } else {
            format!("{error:#}")
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
        let status = if usage { Status::Usage } else { Status::Unread };
        if error.is_address() && error.place().starts_with("replay:") {
            return Self::new(
                status,
                format_args!("{error:#}; `lvx query --capture` writes captures"),
            );
        }
        Self::new(status, error)
    }
}

/// Converts an error of standard output, the only writer used with `?`.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::usage(format_args!("standard output: {error}"))
    }
}
