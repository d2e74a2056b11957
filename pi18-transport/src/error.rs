//! What can go wrong between asking a unit and having its answer.

use std::{fmt, io, time::Duration};

use pi18_proto::DecodeError;

/// Why a unit could not be asked, or did not answer as it should.
///
/// Says where it happened, what was wanted and what came, and what to do next where that is known.
/// Its `Debug` is the same text, so that a `main` that returns it tells it well.
pub struct Error(Box<Inner>);

struct Inner {
    place: String,
    kind: Kind,
    hint: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Kind {
    #[error("{why}")]
    Address { why: String },
    #[error("cannot be opened: {0}")]
    Open(#[source] io::Error),
    #[error("is in use by {holder}")]
    Busy { holder: String },
    #[error("disconnected: {0}")]
    Disconnected(#[source] io::Error),
    #[error("was taken away: {by}")]
    Taken { by: String, source: io::Error },
    #[error("{action} failed: {source}")]
    Io { action: &'static str, source: io::Error },
    #[error("expected a reply to {request} within {:.1} s, found {found}", waited.as_secs_f64())]
    Timeout { request: String, waited: Duration, found: String },
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
    #[error("expected a captured exchange, found none that starts with {request}")]
    NotCaptured { request: String },
    #[error("expected a unit with this serial number, found {found}")]
    NotFound { found: String },
    #[error("the capture cannot be written: {0}")]
    Recording(#[source] io::Error),
    #[error("line {line}: {why}")]
    Capture { line: usize, why: String },
}

impl Error {
    pub(crate) fn new(place: impl Into<String>, kind: Kind) -> Self {
        Self(Box::new(Inner { place: place.into(), kind, hint: None }))
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// An error of the operating system while `action` ("writing") was done on an open device at
    /// `place`. Those that mean that the device is no more are told as disconnected.
    pub fn io(place: impl Into<String>, action: &'static str, source: io::Error) -> Self {
        let kind =
            if is_gone(&source) { Kind::Disconnected(source) } else { Kind::Io { action, source } };
        Self::new(place, kind)
    }

    /// A device that was there and is gone, for a [`Link`](crate::Link) that finds out by other means
    /// than an error of the operating system.
    pub fn gone(place: impl Into<String>) -> Self {
        let source = io::Error::new(io::ErrorKind::NotConnected, "the device is gone");
        Self::new(place, Kind::Disconnected(source))
    }

    /// The address, or whatever else names where it happened.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.0.place
    }

    /// The address cannot be understood, or leads to nothing that could be a device.
    #[must_use]
    pub fn is_address(&self) -> bool {
        matches!(self.0.kind, Kind::Address { .. } | Kind::Capture { .. })
    }

    /// What goes over the link cannot be written to the capture.
    #[must_use]
    pub fn is_capture(&self) -> bool {
        matches!(self.0.kind, Kind::Recording(_))
    }

    /// Nothing is at the address: no such file or host, no unit of that serial number.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match &self.0.kind {
            Kind::Open(source) => source.kind() == io::ErrorKind::NotFound,
            Kind::NotFound { .. } | Kind::NotCaptured { .. } => true,
            _ => false,
        }
    }

    /// Another program holds the device.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(self.0.kind, Kind::Busy { .. })
    }

    /// The system does not let this user at the device.
    #[must_use]
    pub fn is_permission(&self) -> bool {
        matches!(&self.0.kind, Kind::Open(source) if source.kind() == io::ErrorKind::PermissionDenied)
    }

    /// The device was there and is gone, or was [taken](Self::is_taken).
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        matches!(self.0.kind, Kind::Disconnected(_) | Kind::Taken { .. })
    }

    /// The adapter is plugged in, and the kernel's HID driver does not have it: another program drives
    /// it directly, as NUT does, or the driver was unbound.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self.0.kind, Kind::Taken { .. })
    }

    /// No reply, or none that could be used, came in time.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        use io::ErrorKind::{TimedOut, WouldBlock};
        match &self.0.kind {
            Kind::Timeout { .. } => true,
            Kind::Io { source, .. } => matches!(source.kind(), TimedOut | WouldBlock),
            _ => false,
        }
    }

    /// The unit refused: it does not know the query.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self.0.kind, Kind::Refused { .. })
    }

    /// A sound reply came that cannot be read: a field is wrong, or it is of another type.
    #[must_use]
    pub fn is_decode(&self) -> bool {
        matches!(self.0.kind, Kind::Reply { .. } | Kind::OtherReply { .. })
    }

    /// Something answered that does not speak PI18, or sends more than any inverter can.
    #[must_use]
    pub fn is_not_pi18(&self) -> bool {
        matches!(self.0.kind, Kind::NotPi18 { .. } | Kind::Flooded { .. })
    }

    /// The device sent more bytes than any inverter can, and the exchange was ended.
    #[must_use]
    pub fn is_flooded(&self) -> bool {
        matches!(self.0.kind, Kind::Flooded { .. })
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.place, self.0.kind)?;
        if let Some(hint) = &self.0.hint {
            write!(f, "; {hint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.kind.source()
    }
}

/// Whether an error means that the device behind an open descriptor is no more.
///
/// Source: measured on Linux hidraw and ptys: `EIO` on read, `ENODEV` on write, hang-up in poll.
fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, NotFound, UnexpectedEof,
    };
    /// `EIO`, `ENXIO` and `ENODEV` have no kind of their own.
    const GONE: [i32; 3] = [5, 6, 19];
    error.raw_os_error().is_some_and(|code| cfg!(unix) && GONE.contains(&code))
        || matches!(
            error.kind(),
            BrokenPipe
                | ConnectionAborted
                | ConnectionReset
                | NotConnected
                | NotFound
                | UnexpectedEof
        )
}
