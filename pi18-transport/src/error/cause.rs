//! The causes of errors, with their data and messages.

use std::{error::Error as StdError, io, time::Duration};

use pi18_proto::{DecodeError, RawQueryError, SerialNumber};

use super::ErrorKind;

/// The cause of an error. `Display` writes the message after the place.
///
/// Kinds whose data nothing else needs are [`Custom`](Self::Custom).
#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    #[error("cannot be opened: {0}")]
    Open(#[source] io::Error),
    #[error("disconnected: {0}")]
    Disconnected(#[source] io::Error),
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
    #[error("expected unit {expected}, found unit {found}")]
    WrongUnit { expected: SerialNumber, found: SerialNumber },
    #[error("stopped by this program")]
    Stopped,
    #[error("{0}")]
    Request(#[source] RawQueryError),
    #[error("{message}")]
    Custom { kind: ErrorKind, message: String, source: Option<Box<dyn StdError + Send + Sync>> },
}

impl Cause {
    pub(crate) fn kind(&self) -> ErrorKind {
        match self {
            Self::Open(source) => match source.kind() {
                io::ErrorKind::NotFound => ErrorKind::NotFound,
                io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
                io::ErrorKind::ConnectionRefused => ErrorKind::ConnectionRefused,
                io::ErrorKind::TimedOut => ErrorKind::Timeout,
                _ => ErrorKind::Io,
            },
            Self::Disconnected(_) => ErrorKind::Disconnected,
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => ErrorKind::Timeout,
                _ => ErrorKind::Io,
            },
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::Refused { .. } => ErrorKind::Refused,
            Self::Reply { .. } | Self::OtherReply { .. } => ErrorKind::Decode,
            Self::Flooded { .. } => ErrorKind::Flooded,
            Self::NotPi18 { .. } => ErrorKind::OtherProtocol,
            Self::WrongUnit { .. } => ErrorKind::WrongUnit,
            Self::Stopped => ErrorKind::Stopped,
            Self::Request(_) => ErrorKind::InvalidRequest,
            Self::Custom { kind, .. } => *kind,
        }
    }
}
