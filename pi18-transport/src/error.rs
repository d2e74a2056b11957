//! Everything that can go wrong between opening a device and reading a reply.

use std::{fmt, io, time::Duration};

use pi18_proto::DecodeError;

use crate::os::errno::Meaning;

/// The error of this crate: a device could not be opened or used, or a unit gave no valid reply.
///
/// The message names the place (usually the device address), what was expected and what was found, and
/// often a next step. `Debug` prints the same message, so that it stays readable when `main` returns the
/// error. The predicates distinguish the causes:
///
/// ```
/// use pi18_transport::Client;
///
/// let error = Client::open("usb:1").unwrap_err();
/// assert!(error.is_address());
///
/// let error = Client::open("/dev/no-such-device").unwrap_err();
/// assert!(error.is_not_found());
/// assert_eq!(error.place(), "/dev/no-such-device");
/// ```
///
/// A [`Link`](crate::Link) of your own creates its errors with [`Error::io`] and [`Error::gone`].
pub struct Error(Box<Inner>);

struct Inner {
    place: String,
    kind: ErrorKind,
    hint: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum ErrorKind {
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
    #[error("cannot write the capture: {0}")]
    Recording(#[source] io::Error),
    #[error("line {line}: {why}")]
    Capture { line: usize, why: String },
}

impl Error {
    pub(crate) fn new(place: impl Into<String>, kind: ErrorKind) -> Self {
        Self(Box::new(Inner { place: place.into(), kind, hint: None }))
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Returns the error of an address that cannot be used.
    pub(crate) fn address(text: &str, why: impl Into<String>) -> Self {
        Self::new(format!("address {text:?}"), ErrorKind::Address { why: why.into() })
    }

    /// Returns the error of an address with a serial number that cannot identify a unit.
    pub(crate) fn serial_number(text: &str) -> Self {
        let why =
            "expected a serial number of 8 to 20 digits, not a placeholder such as 55355535553555";
        Self::address(text, why)
    }

    /// Creates the error of a failed system call on an open device.
    ///
    /// `action` names what failed, as in "writing failed: …". An error that means that the device is
    /// gone, such as `ENODEV` or a closed connection, makes the result
    /// [disconnected](Self::is_disconnected).
    ///
    /// ```
    /// use std::io;
    /// use pi18_transport::Error;
    ///
    /// let error = Error::io("tcp:bridge:8888", "writing", io::ErrorKind::BrokenPipe.into());
    /// assert!(error.is_disconnected());
    ///
    /// let error = Error::io("tcp:bridge:8888", "writing", io::ErrorKind::TimedOut.into());
    /// assert_eq!(error.to_string(), "tcp:bridge:8888: writing failed: timed out");
    /// ```
    pub fn io(place: impl Into<String>, action: &'static str, source: io::Error) -> Self {
        let kind = match Meaning::of(&source) {
            Meaning::Gone | Meaning::Closed => ErrorKind::Disconnected(source),
            Meaning::Unanswered | Meaning::Other => ErrorKind::Io { action, source },
        };
        Self::new(place, kind)
    }

    /// Creates the error of a device that is gone, for a [`Link`](crate::Link) that notices it without a
    /// failed system call.
    pub fn gone(place: impl Into<String>) -> Self {
        let source = io::Error::new(io::ErrorKind::NotConnected, "the device is gone");
        Self::new(place, ErrorKind::Disconnected(source))
    }

    /// Returns the place of the error: the device address, or the name of the link or file.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.0.place
    }

    /// Returns whether the address or the capture file cannot be used: it has a syntax error, or the
    /// path is not a device.
    #[must_use]
    pub fn is_address(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Address { .. } | ErrorKind::Capture { .. })
    }

    /// Returns whether the traffic could not be written to the capture.
    #[must_use]
    pub fn is_capture(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Recording(_))
    }

    /// Returns whether the target does not exist: no such device node or host, no unit with the serial
    /// number, or no such request in the capture.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        match &self.0.kind {
            ErrorKind::Open(source) => source.kind() == io::ErrorKind::NotFound,
            ErrorKind::NotFound { .. } | ErrorKind::NotCaptured { .. } => true,
            _ => false,
        }
    }

    /// Returns whether another program has locked the device.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Busy { .. })
    }

    /// Returns whether this user has no permission to open the device.
    #[must_use]
    pub fn is_permission(&self) -> bool {
        matches!(&self.0.kind, ErrorKind::Open(source) if source.kind() == io::ErrorKind::PermissionDenied)
    }

    /// Returns whether the device disappeared after it was opened, or is [taken](Self::is_taken).
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Disconnected(_) | ErrorKind::Taken { .. })
    }

    /// Returns whether the adapter is plugged in but not bound to the kernel's HID driver: another
    /// program drives it directly, as NUT does, or the driver was unbound.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Taken { .. })
    }

    /// Returns whether no valid reply arrived in time.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        use io::ErrorKind::{TimedOut, WouldBlock};
        match &self.0.kind {
            ErrorKind::Timeout { .. } => true,
            ErrorKind::Io { source, .. } => matches!(source.kind(), TimedOut | WouldBlock),
            _ => false,
        }
    }

    /// Returns whether the unit refused the request: older firmware does not support every query.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Refused { .. })
    }

    /// Returns whether a reply with a valid checksum could not be decoded: a field is invalid, or the
    /// reply is of another type.
    #[must_use]
    pub fn is_decode(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Reply { .. } | ErrorKind::OtherReply { .. })
    }

    /// Returns whether the device does not use PI18, or [sends more](Self::is_flooded) than any
    /// inverter can.
    #[must_use]
    pub fn is_not_pi18(&self) -> bool {
        matches!(self.0.kind, ErrorKind::NotPi18 { .. } | ErrorKind::Flooded { .. })
    }

    /// Returns whether the exchange was ended because the device sent more bytes than any inverter can.
    #[must_use]
    pub fn is_flooded(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Flooded { .. })
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
