//! The causes of errors, with their data and messages.

use std::{error::Error as StdError, io, time::Duration};

use pi18_proto::{DecodeError, RawQueryError};

use super::ErrorKind;

/// The cause of an error. `Display` writes the message after the place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    #[error("{why}")]
    Address { why: String },
    #[error("cannot be opened: {0}")]
    Open(#[source] io::Error),
    #[error("is in use by {holder}")]
    Busy { holder: String },
    #[error("disconnected: {0}")]
    Disconnected(#[source] io::Error),
    #[error("detached from the kernel's HID driver: {by}")]
    Taken { by: String, source: io::Error },
    #[error("{action} failed: {source}")]
    Io { action: &'static str, source: io::Error },
    #[error(
        "expected a reply to {request} within {:.1} s, found {}",
        waited.as_secs_f64(),
        found.as_deref().unwrap_or("nothing")
    )]
    Timeout {
        request: String,
        waited: Duration,
        /// Description of the last bytes that arrived, if any did.
        found: Option<String>,
    },
    #[error("{request} was refused (^0)")]
    Refused { request: String },
    #[error("the reply to {request} cannot be read: {source}")]
    Reply { request: String, source: DecodeError },
    #[error("expected a reply to {expected}, found one to {request}")]
    OtherReply { request: String, expected: &'static str },
    #[error("expected a reply to {request}, found {bytes} bytes, more than an inverter can send")]
    Flooded { request: String, bytes: usize },
    #[error("expected a PI18 inverter, found a device that answers {found}")]
    NotPi18 { found: String },
    #[error("expected a captured exchange that starts with {request}, found none")]
    NotCaptured { request: String },
    #[error("expected a unit with this serial number, found {found}")]
    NotFound { found: String },
    #[error("{0}")]
    Request(#[source] RawQueryError),
    #[error("cannot write the capture: {0}")]
    Recording(#[source] io::Error),
    #[error("line {line}: {why}")]
    Capture { line: usize, why: String },
    #[error("{message}")]
    Custom { kind: ErrorKind, message: String, source: Option<Box<dyn StdError + Send + Sync>> },
}

impl Cause {
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Address { .. } | Self::Capture { .. } => ErrorKind::Address,
            Self::Open(source) => match source.kind() {
                io::ErrorKind::NotFound => ErrorKind::NotFound,
                io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
                io::ErrorKind::ConnectionRefused => ErrorKind::ConnectionRefused,
                io::ErrorKind::TimedOut => ErrorKind::Timeout,
                _ => ErrorKind::Io,
            },
            Self::Busy { .. } => ErrorKind::Busy,
            Self::Disconnected(_) => ErrorKind::Disconnected,
            Self::Taken { .. } => ErrorKind::Taken,
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => ErrorKind::Timeout,
                _ => ErrorKind::Io,
            },
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::Refused { .. } => ErrorKind::Refused,
            Self::Reply { .. } | Self::OtherReply { .. } => ErrorKind::Decode,
            Self::Flooded { .. } => ErrorKind::Flooded,
            Self::NotPi18 { .. } => ErrorKind::OtherProtocol,
            Self::NotCaptured { .. } | Self::NotFound { .. } => ErrorKind::NotFound,
            Self::Request(_) => ErrorKind::InvalidRequest,
            Self::Recording(_) => ErrorKind::Capture,
            Self::Custom { kind, .. } => *kind,
        }
    }
}
