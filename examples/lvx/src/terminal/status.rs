//! The exit statuses of the tool.

use std::process::ExitCode;

/// The exit status of a command.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Status {
    /// Success without findings.
    Ok = 0,
    /// Differences or findings.
    Findings = 1,
    /// Invalid usage or input.
    Usage = 2,
    /// A unit could not be read.
    Unread = 3,
    /// A write that failed, could not be verified, or was not started.
    NotApplied = 4,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Ok => 0,
            Status::Findings => 1,
            Status::Usage => 2,
            Status::Unread => 3,
            Status::NotApplied => 4,
        })
    }
}
