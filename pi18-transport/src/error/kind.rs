//! The kinds of errors.

/// The kind of an [`Error`](crate::Error): what a program needs to decide what to do next.
///
/// ```
/// use pi18_transport::{Client, ErrorKind};
///
/// let advice = match Client::open("tcp:localhost:1").map_err(|error| error.kind()) {
///     Ok(_) => "read it",
///     Err(ErrorKind::Address) => "correct the address",
///     Err(ErrorKind::Busy | ErrorKind::ConnectionRefused | ErrorKind::Timeout) => "try again later",
///     Err(_) => "show the error to a person",
/// };
/// assert_eq!(advice, "try again later");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The address, or the capture file that it names, cannot be used: it has a syntax error, the path is
    /// not a device, or this program was built without that kind of link. Another try has the same
    /// result: correct the address.
    Address,
    /// The target does not exist: no such device node or host, no unit with the serial number, or no such
    /// request in the capture. It may appear when the unit is plugged in or switched on.
    NotFound,
    /// This user has no permission to open the device. The hint names the group or the udev rule that
    /// gives access. For half a second after the device was plugged in, udev may still be about to set
    /// its group: try again.
    PermissionDenied,
    /// Another program has locked the device. Opening waited up to two seconds for it. Try again later,
    /// or ask the user to stop that program, which the message names if it is known.
    Busy,
    /// The host has no service at the TCP port, or its bridge already serves another client. Try again
    /// later, and have the user check the port.
    ConnectionRefused,
    /// No valid reply, or no connection, was there in time. A query was already repeated as often as
    /// [`ClientConfig::tries`](crate::ClientConfig) allows. Try again later: the unit may be off or busy,
    /// or may need a longer timeout.
    Timeout,
    /// The unit refused the request with `^0`. It answers the same request in the same state the same
    /// way: older firmware does not support every query.
    Refused,
    /// The data of a query cannot be sent as a query. Nothing was sent: correct the data.
    InvalidRequest,
    /// A reply with a valid checksum could not be decoded: a field is invalid, or the reply is of another
    /// type. The unit uses an edition of the protocol that this crate does not know. The
    /// [source](std::error::Error::source) names the field.
    Decode,
    /// The device disappeared after it was opened, or the peer closed the connection. The link cannot be
    /// used any more, except a `Follower`, which looks for its unit at the next request: open it again.
    Disconnected,
    /// The USB adapter is plugged in but not bound to the kernel's HID driver: another program drives it
    /// directly, as NUT does, or the driver was unbound. The hint says how to get it back.
    Taken,
    /// The device answers, but does not use PI18: it may be a UPS, which has the same USB adapter, or an
    /// inverter with another protocol. Do not send it anything else.
    OtherProtocol,
    /// The device sent more bytes than any inverter can: it is not an inverter, or its bridge is
    /// defective.
    Flooded,
    /// Another unit answers than the one that was expected: a cable may have been moved. Settings meant
    /// for the expected unit must not be sent.
    WrongUnit,
    /// Another part of the program stopped the wait or the request. It is no fault of the device.
    Stopped,
    /// The traffic could not be written to a capture, for example because the disk is full. The device may
    /// be fine.
    Capture,
    /// Another failure of the operating system; the [source](std::error::Error::source) is its error. The
    /// device may still be there: try again, or open it again.
    Io,
}
