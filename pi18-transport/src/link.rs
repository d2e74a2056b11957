//! Links: byte streams to one device each, over USB, a serial port, TCP, or from a capture.

#[cfg(feature = "capture")]
mod capture;
#[cfg(all(feature = "hidraw", target_os = "linux"))]
mod follower;
#[cfg(all(feature = "hidraw", target_os = "linux"))]
mod hidraw;
#[cfg(any(feature = "serial", feature = "tcp"))]
mod reopen;
#[cfg(feature = "capture")]
mod replay;
#[cfg(feature = "serial")]
mod serial;
#[cfg(feature = "tcp")]
mod tcp;

use std::{
    fmt,
    os::fd::BorrowedFd,
    time::{Duration, Instant},
};

use bytes::BytesMut;

use crate::{Error, StopHandle};

#[cfg(feature = "capture")]
pub use capture::{CaptureDirection, CaptureLine, CaptureRecorder};
#[cfg(all(feature = "hidraw", target_os = "linux"))]
pub use follower::Follower;
#[cfg(all(feature = "hidraw", target_os = "linux"))]
pub use hidraw::Hidraw;
#[cfg(all(feature = "hidraw", feature = "tokio", target_os = "linux"))]
pub(crate) use hidraw::MAX_REPORT_INTERVAL;
#[cfg(all(test, feature = "hidraw", feature = "tokio", target_os = "linux"))]
pub(crate) use hidraw::tests::pair as hidraw_pair;
#[cfg(any(feature = "serial", feature = "tcp"))]
pub(crate) use reopen::Reopening;
#[cfg(all(feature = "tcp", feature = "tokio"))]
pub(crate) use reopen::{FIRST_PAUSE, MAX_PAUSE, MIN_PATIENCE};
#[cfg(feature = "capture")]
pub use replay::Replay;
#[cfg(feature = "serial")]
pub use serial::Serial;
#[cfg(feature = "tcp")]
pub use tcp::Tcp;

/// The speed of the serial ports of all known PI18 inverters, in baud.
pub const BAUD: u32 = 2400;

/// A byte stream to one device, with a clock.
///
/// Implement this trait for a connection that this crate does not support. Only `send`, `receive` and
/// `name` are required. The crate re-exports [`bytes`](crate::bytes), whose `BytesMut` is the buffer.
///
/// ```
/// use std::time::Instant;
///
/// use pi18_proto::{Mode, WorkingMode};
/// use pi18_transport::{Client, Error, Link, bytes::BytesMut};
///
/// /// A device that answers every request with the mode.
/// struct AlwaysHybrid;
///
/// impl Link for AlwaysHybrid {
///     fn send(&mut self, _bytes: &[u8], _deadline: Instant) -> Result<(), Error> {
///         Ok(())
///     }
///
///     fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
///         // A deadline in the past asks for bytes that are already here: none.
///         if deadline > Instant::now() {
///             buffer.extend_from_slice(b"^D00505\xD9\x9F\r");
///         }
///         Ok(())
///     }
///
///     fn name(&self) -> &str {
///         "always hybrid"
///     }
///
///     fn starts_quiet(&self) -> bool {
///         true
///     }
/// }
///
/// let mode: Mode = Client::new(AlwaysHybrid).read()?;
/// assert_eq!(mode.working_mode, WorkingMode::HYBRID);
/// # Ok::<(), Error>(())
/// ```
///
/// # How a client uses a link
///
/// A [`Client`](crate::Client) owns its link and calls one method at a time. Between two requests of the
/// program, it calls none. For each request that it sends, it
///
/// 1. takes old bytes: it calls [`receive`](Self::receive) with the present time as the deadline, until
///    nothing is appended;
/// 2. calls [`send`](Self::send) once, with a whole frame;
/// 3. calls `receive` with a later deadline, until the reply is complete or the time is over.
///
/// The client finds frames, checks them and repeats queries. A link only moves bytes: it passes on every
/// received byte in order, in pieces of any size, and sends nothing on its own. The client ignores zeros
/// between frames, with which USB adapters fill their reports, and the echo of a request.
///
/// # Time
///
/// Deadlines are times of the link's own clock, [`now`](Self::now). Links to real devices keep the default,
/// [`Instant::now`]. A link in simulated time implements `now` and [`pause`](Self::pause), and moves its clock
/// forward in `receive` instead of waiting. The clock must not go back.
///
/// # Errors
///
/// [`Error::io`] creates the error of a failed system call, and [`Error::gone`] that of a device that is
/// gone; [`Error::new`] creates every other. After an error, the client ends the request, and begins the next
/// one with a query that separates old replies from new ones. It does not open the link again.
///
/// Return an error of the kind [`Disconnected`](crate::ErrorKind::Disconnected) when the device is gone
/// and no later call on this link can succeed, so that programs open the link again. A link that finds its
/// device again by itself, as `Follower` does, returns the same kind once, and looks for the device in the
/// next `send`. First return the bytes that arrived before the device was gone.
pub trait Link {
    /// Sends all of `bytes` in order. Returns when the operating system or the device has taken them, not when
    /// they were answered.
    ///
    /// The link itself continues after an incomplete or interrupted write. If `deadline` has passed, it may
    /// fail without sending anything.
    ///
    /// # Errors
    /// If not all bytes can be sent by `deadline` ([`Timeout`](crate::ErrorKind::Timeout)), or the device
    /// is gone. Some of the bytes may have been sent: the client never sends the rest, and treats a set
    /// command as possibly carried out. An error of the kinds [`Busy`](crate::ErrorKind::Busy),
    /// [`PermissionDenied`](crate::ErrorKind::PermissionDenied) and
    /// [`InvalidRequest`](crate::ErrorKind::InvalidRequest) states that nothing was sent.
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error>;

    /// Waits for bytes until `deadline`, and appends all that have arrived to `buffer`.
    ///
    /// It returns as soon as there is at least one byte. With a deadline in the past or present, it appends
    /// the bytes that have already arrived, without waiting. It never removes bytes from `buffer`. If
    /// nothing arrives, it appends nothing and returns `Ok`; it may do that early, for example after a signal.
    ///
    /// # Errors
    /// If the device is gone or reading fails, and nothing was appended. The absence of bytes is no error.
    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error>;

    /// Returns the name that errors use as their [place](Error::place), usually the device address.
    fn name(&self) -> &str;

    /// Returns the current time of the link's clock; by default [`Instant::now`].
    fn now(&self) -> Instant {
        Instant::now()
    }

    /// Waits for `time` on the link's clock; by default, this thread sleeps. [`Client::pause`] calls it,
    /// never a request.
    ///
    /// [`Client::pause`]: crate::Client::pause
    fn pause(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    /// Opens the link again if it was disconnected, and waits until `deadline` for the device. Returns
    /// whether it was opened; `false` if it was still open, or cannot be opened again.
    ///
    /// The client calls it before each request. The default returns `false`.
    ///
    /// # Errors
    /// If the link cannot be opened again by `deadline`.
    fn reopen(&mut self, deadline: Instant) -> Result<bool, Error> {
        let _ = deadline;
        Ok(false)
    }

    /// Lets `handle` end the waits of this link.
    ///
    /// The client ends waits in [`receive`](Self::receive) and [`pause`](Self::pause) itself. A link that
    /// may wait in [`send`](Self::send) or [`reopen`](Self::reopen) keeps the handle, and
    /// [checks](StopHandle::check) it while it waits. The default does nothing.
    fn stopped_by(&mut self, handle: &StopHandle) {
        let _ = handle;
    }

    /// Returns whether no reply to an earlier request can arrive when the link is new; by default false. If
    /// true, the client sends its first request without a query before it that separates old replies from
    /// new ones. A serial port, a USB device or a network connection does not start quiet.
    fn starts_quiet(&self) -> bool {
        false
    }

    /// Returns whether replies to other hosts may arrive, as from a bridge that several hosts use; by default
    /// false. If true, the client asks for a reply that could belong to another request two or three times.
    ///
    /// The client calls this and `starts_quiet` once, when it is created.
    fn is_shared(&self) -> bool {
        false
    }

    /// Returns a descriptor that becomes readable when bytes have arrived or the device is gone; by default
    /// `None`. With it, a program waits for several links, or for a link and other events: it polls the
    /// descriptor (`poll`, `epoll`, an async runtime), then calls [`receive`](Self::receive) with a deadline in
    /// the past.
    ///
    /// Use it only to poll: reading from it takes bytes away from the link. Get it again after each call of
    /// another method, because a link that finds its device again has a new one. A link without a device
    /// at present returns `None`, and so must a link while it holds received bytes that the descriptor does
    /// not show.
    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl<L: Link + ?Sized> Link for Box<L> {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        (**self).send(bytes, deadline)
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        (**self).receive(buffer, deadline)
    }

    fn name(&self) -> &str {
        (**self).name()
    }

    fn now(&self) -> Instant {
        (**self).now()
    }

    fn pause(&mut self, time: Duration) {
        (**self).pause(time);
    }

    fn reopen(&mut self, deadline: Instant) -> Result<bool, Error> {
        (**self).reopen(deadline)
    }

    fn stopped_by(&mut self, handle: &StopHandle) {
        (**self).stopped_by(handle);
    }

    fn starts_quiet(&self) -> bool {
        (**self).starts_quiet()
    }

    fn is_shared(&self) -> bool {
        (**self).is_shared()
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        (**self).as_fd()
    }
}

/// Writes the name of the link. A link need not implement `Debug` for this.
impl fmt::Debug for dyn Link + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Link").field(&self.name()).finish()
    }
}

/// Writes the name of the link. A link need not implement `Debug` for this.
impl fmt::Debug for dyn Link + Send + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Link").field(&self.name()).finish()
    }
}

#[cfg(all(test, feature = "sim"))]
mod tests {
    use super::*;
    use crate::Client;

    #[test]
    fn boxed_link_and_its_client_show_the_name_of_the_link() {
        let link: Box<dyn Link> = Box::new(crate::sim::open("0").unwrap());
        assert_eq!(format!("{link:?}"), "Link(\"sim:0\")");
        let client = format!("{:?}", Client::open("sim:0").unwrap());
        assert!(client.starts_with("Client { link: Link(\"sim:0\"), config: "), "{client}");
    }
}
