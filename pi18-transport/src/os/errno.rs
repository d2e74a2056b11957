//! The meaning of an I/O error on an open device: whether the device is gone.
//!
//! The same error number can have different causes: `EPIPE` from a socket means that the peer is gone, from
//! a USB device that it refused one transfer. So the table gives the meaning, and each link decides which
//! meanings end the connection.

use std::io;

use rustix::io::Errno;

/// The meaning of an I/O error for the device behind a descriptor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Meaning {
    /// The device is gone. No other transfer on this descriptor can succeed.
    Gone,
    /// The peer of a connection closed it. On a USB device: only one transfer failed.
    Closed,
    /// A USB transfer got no answer: the device was unplugged and the kernel does not know it yet, or
    /// the device missed one transfer.
    Unanswered,
    /// The error does not show whether the device is present.
    Other,
}

impl Meaning {
    /// Returns the meaning of an error.
    pub(crate) fn of(error: &io::Error) -> Self {
        use io::ErrorKind::{
            BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected, NotFound, UnexpectedEof,
        };
        by_number(error).unwrap_or_else(|| match error.kind() {
            UnexpectedEof => Self::Gone,
            BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected | NotFound => {
                Self::Closed
            }
            _ => Self::Other,
        })
    }
}

fn by_number(error: &io::Error) -> Option<Meaning> {
    let number = error.raw_os_error()?;
    TABLE.iter().find(|(errno, _)| errno.raw_os_error() == number).map(|(_, meaning)| *meaning)
}

/// The error numbers that have no [`io::ErrorKind`].
///
/// Source: measured on Linux 6.1 and 6.12 with hidraw and ptys; for USB transfers,
/// `Documentation/driver-api/usb/error-codes.rst` of Linux 6.12.
const TABLE: &[(Errno, Meaning)] = &[
    // Reading from a hidraw node or a pty.
    (Errno::IO, Meaning::Gone),
    // Writing to a hidraw node.
    (Errno::NODEV, Meaning::Gone),
    // "No such device or address", but from a USB transfer: a defect of the host controller's driver.
    (Errno::NXIO, Meaning::Closed),
    #[cfg(target_os = "linux")]
    (Errno::TIME, Meaning::Unanswered),
    #[cfg(target_os = "linux")]
    (Errno::PROTO, Meaning::Unanswered),
    #[cfg(target_os = "linux")]
    (Errno::ILSEQ, Meaning::Unanswered),
    // The USB port is already switched off.
    #[cfg(target_os = "linux")]
    (Errno::SHUTDOWN, Meaning::Unanswered),
];

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn errno_with_and_without_error_kind_has_its_meaning() {
        let of = |errno: Errno| Meaning::of(&errno.into());
        assert_eq!([Errno::IO, Errno::NODEV].map(of), [Meaning::Gone; 2]);
        let closed = [Errno::PIPE, Errno::CONNRESET, Errno::NOENT, Errno::NXIO];
        assert_eq!(closed.map(of), [Meaning::Closed; 4]);
        assert_eq!([Errno::PROTO, Errno::SHUTDOWN].map(of), [Meaning::Unanswered; 2]);
        assert_eq!([Errno::TIMEDOUT, Errno::AGAIN, Errno::INTR].map(of), [Meaning::Other; 3]);
        assert_eq!(Meaning::of(&io::ErrorKind::UnexpectedEof.into()), Meaning::Gone);
    }
}
