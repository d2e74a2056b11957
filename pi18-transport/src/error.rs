//! Everything that can go wrong between opening a device and reading a reply.

mod cause;
mod kind;

use std::{error::Error as StdError, fmt, io};

use crate::os::errno::Meaning;

pub(crate) use cause::Cause;
pub use kind::ErrorKind;

/// The error of this crate: a device could not be opened or used, or a unit gave no valid reply.
///
/// - [`kind`](Self::kind) returns the cause as an [`ErrorKind`], with which a program decides what to do
///   next. The predicates, such as [`is_timeout`](Self::is_timeout), combine kinds.
/// - `Display` writes the message: the [place](Self::place), which is usually the device address, then
///   what was expected and what was found.
/// - [`hint`](Self::hint) returns what a person can do or check next, if that is known.
/// - `{error:#}` writes the message and the hint, separated by `"; "`. `Debug` writes the same, so that
///   the error stays readable when `main` returns it.
///
/// ```
/// use pi18_transport::{Client, ErrorKind};
///
/// let error = Client::open("usb:1").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Address);
///
/// let error = Client::open("/dev/no-such-device").unwrap_err();
/// assert!(error.is_not_found());
/// assert_eq!(error.place(), "/dev/no-such-device");
/// assert!(error.hint().is_some_and(|hint| hint.starts_with("is it plugged in?")));
/// assert_eq!(format!("{error:#}"), format!("{error}; {}", error.hint().unwrap()));
/// ```
///
/// # Errors of a link of your own
///
/// A [`Link`](crate::Link) creates its errors with [`Error::io`] after a failed system call, with
/// [`Error::gone`] if the device is gone, and with [`Error::new`] otherwise.
pub struct Error(Box<Inner>);

struct Inner {
    place: String,
    cause: Cause,
    hint: Option<String>,
}

impl Error {
    /// Creates an error of this kind. `place` is the device address, or the name of the link or file;
    /// `message` says what was expected and what was found, and does not repeat the place.
    ///
    /// ```
    /// use pi18_transport::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Busy, "can:0", "expected a free channel, found one in use")
    ///     .with_hint("stop the logger that uses channel 0");
    /// assert!(error.is_busy());
    /// assert_eq!(error.to_string(), "can:0: expected a free channel, found one in use");
    /// assert_eq!(error.hint(), Some("stop the logger that uses channel 0"));
    /// ```
    pub fn new(kind: ErrorKind, place: impl Into<String>, message: impl Into<String>) -> Self {
        Self::from_cause(place, Cause::Custom { kind, message: message.into(), source: None })
    }

    /// Sets the hint: what a person can do or check next, without the full stop.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// Sets the [source](StdError::source) of an error that [`Error::new`] created. The message does not
    /// show the source. An error that was created in another way keeps its source.
    ///
    /// ```
    /// use std::error::Error as _;
    ///
    /// use pi18_transport::{Error, ErrorKind};
    ///
    /// let found = "38k4".parse::<u32>().unwrap_err();
    /// let error = Error::new(ErrorKind::Address, "can:0", format!("the speed is wrong: {found}"))
    ///     .with_source(found);
    /// assert!(error.source().is_some());
    /// ```
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        if let Cause::Custom { source: none @ None, .. } = &mut self.0.cause {
            *none = Some(source.into());
        }
        self
    }

    /// Creates the error of a failed system call on an open device.
    ///
    /// `action` names what failed, as in "writing failed: …". An error that means that the device is
    /// gone, such as `ENODEV` or a closed connection, has the kind [`ErrorKind::Disconnected`]; a
    /// timeout has the kind [`ErrorKind::Timeout`], and every other error [`ErrorKind::Io`].
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
        let cause = match Meaning::of(&source) {
            Meaning::Gone | Meaning::Closed => Cause::Disconnected(source),
            Meaning::Unanswered | Meaning::Other => Cause::Io { action, source },
        };
        Self::from_cause(place, cause)
    }

    /// Creates the error of a device that is gone, for a [`Link`](crate::Link) that notices it without a
    /// failed system call. Its kind is [`ErrorKind::Disconnected`].
    pub fn gone(place: impl Into<String>) -> Self {
        let source = io::Error::new(io::ErrorKind::NotConnected, "the device is gone");
        Self::from_cause(place, Cause::Disconnected(source))
    }

    pub(crate) fn from_cause(place: impl Into<String>, cause: Cause) -> Self {
        Self(Box::new(Inner { place: place.into(), cause, hint: None }))
    }

    /// Returns the error of an address that cannot be used.
    pub(crate) fn address(text: &str, why: impl Into<String>) -> Self {
        Self::new(ErrorKind::Address, format!("address {text:?}"), why)
    }

    /// Returns the error of an address with a serial number that cannot identify a unit.
    pub(crate) fn serial_number(text: &str) -> Self {
        let why =
            "expected a serial number of 8 to 20 digits, not a placeholder such as 55355535553555";
        Self::address(text, why)
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.cause.kind()
    }

    /// Returns the place of the error: the device address, or the name of the link or file.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.0.place
    }

    /// Returns what a person can do or check next, if that is known. It starts in lower case and has no
    /// full stop at the end.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Returns whether the address or the capture file cannot be used: it has a syntax error, or the
    /// path is not a device.
    #[must_use]
    pub fn is_address(&self) -> bool {
        self.kind() == ErrorKind::Address
    }

    /// Returns whether the traffic could not be written to the capture.
    #[must_use]
    pub fn is_capture(&self) -> bool {
        self.kind() == ErrorKind::Capture
    }

    /// Returns whether the target does not exist: no such device node or host, no unit with the serial
    /// number, or no such request in the capture.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.kind() == ErrorKind::NotFound
    }

    /// Returns whether another program has locked the device.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.kind() == ErrorKind::Busy
    }

    /// Returns whether this user has no permission to open the device.
    #[must_use]
    pub fn is_permission(&self) -> bool {
        self.kind() == ErrorKind::PermissionDenied
    }

    /// Returns whether the device disappeared after it was opened, or is [taken](Self::is_taken).
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        matches!(self.kind(), ErrorKind::Disconnected | ErrorKind::Taken)
    }

    /// Returns whether the adapter is plugged in but not bound to the kernel's HID driver: another
    /// program drives it directly, as NUT does, or the driver was unbound.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.kind() == ErrorKind::Taken
    }

    /// Returns whether no valid reply, or no connection, was there in time.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout
    }

    /// Returns whether the unit refused the request: older firmware does not support every query.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.kind() == ErrorKind::Refused
    }

    /// Returns whether a reply with a valid checksum could not be decoded: a field is invalid, or the
    /// reply is of another type.
    #[must_use]
    pub fn is_decode(&self) -> bool {
        self.kind() == ErrorKind::Decode
    }

    /// Returns whether the device does not use PI18, or [sends more](Self::is_flooded) than any
    /// inverter can.
    #[must_use]
    pub fn is_not_pi18(&self) -> bool {
        matches!(self.kind(), ErrorKind::OtherProtocol | ErrorKind::Flooded)
    }

    /// Returns whether the exchange was ended because the device sent more bytes than any inverter can.
    #[must_use]
    pub fn is_flooded(&self) -> bool {
        self.kind() == ErrorKind::Flooded
    }
}

/// Writes the message and the hint, as `{:#}` does.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:#}")
    }
}

/// Writes the message; with `{:#}`, also the hint.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.place, self.0.cause)?;
        match &self.0.hint {
            Some(hint) if f.alternate() => write!(f, "; {hint}"),
            _ => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause.source()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternate_and_debug_text_end_with_the_hint() {
        let error = Error::gone("can:0").with_hint("is the cable connected?");
        assert_eq!(error.to_string(), "can:0: disconnected: the device is gone");
        let all = "can:0: disconnected: the device is gone; is the cable connected?";
        assert_eq!([format!("{error:#}"), format!("{error:?}"), format!("{error:#?}")], [all; 3]);
        let error = Error::gone("can:0");
        assert_eq!(format!("{error:#}"), error.to_string());
    }

    #[test]
    fn kind_of_a_failed_open_follows_the_system_error() {
        use io::ErrorKind as Io;

        let kind = |kind: Io| Error::from_cause("x", Cause::Open(kind.into())).kind();
        assert_eq!(kind(Io::NotFound), ErrorKind::NotFound);
        assert_eq!(kind(Io::PermissionDenied), ErrorKind::PermissionDenied);
        assert_eq!(kind(Io::ConnectionRefused), ErrorKind::ConnectionRefused);
        assert_eq!(kind(Io::TimedOut), ErrorKind::Timeout);
        assert_eq!(kind(Io::InvalidInput), ErrorKind::Io);
    }

    #[test]
    fn kind_of_a_failed_call_follows_its_meaning_for_the_device() {
        let kind = |kind: io::ErrorKind| Error::io("x", "reading", kind.into()).kind();
        assert_eq!(kind(io::ErrorKind::ConnectionReset), ErrorKind::Disconnected);
        assert_eq!(kind(io::ErrorKind::WouldBlock), ErrorKind::Timeout);
        assert_eq!(kind(io::ErrorKind::InvalidData), ErrorKind::Io);
    }

    #[test]
    fn source_is_kept_and_not_replaced() {
        let source = |error: &Error| error.source().map(ToString::to_string);
        let custom = Error::new(ErrorKind::Io, "x", "is full");
        assert_eq!(source(&custom), None);
        let custom = custom.with_source("first").with_source("second");
        assert_eq!(source(&custom).as_deref(), Some("first"));
        assert_eq!(custom.to_string(), "x: is full");
        let gone = Error::gone("x").with_source("second");
        assert_eq!(source(&gone).as_deref(), Some("the device is gone"));
    }
}
