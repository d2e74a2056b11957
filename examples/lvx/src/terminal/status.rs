//! The exit statuses of the tool.

use std::process::ExitCode;

/// The exit statuses, the same for every task.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Status {
    /// All well.
    Ok = 0,
    /// Differences or findings.
    Findings = 1,
    /// Wrong usage or input.
    Usage = 2,
    /// A unit could not be read.
    Unread = 3,
    /// A write failed or could not be proved.
    Unproved = 4,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(match status {
            Status::Ok => 0,
            Status::Findings => 1,
            Status::Usage => 2,
            Status::Unread => 3,
            Status::Unproved => 4,
        })
    }
}
