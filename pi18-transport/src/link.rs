//! Links: byte streams to one device each, over USB, a serial port, TCP, or from a capture.

#[cfg(feature = "capture")]
mod capture;
#[cfg(all(feature = "hidraw", target_os = "linux"))]
mod follower;
#[cfg(all(feature = "hidraw", target_os = "linux"))]
mod hidraw;
#[cfg(feature = "capture")]
mod replay;
#[cfg(feature = "serial")]
mod serial;
#[cfg(feature = "tcp")]
mod tcp;

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use bytes::BytesMut;

use crate::Error;

#[cfg(feature = "capture")]
pub use capture::{CaptureDirection, CaptureLine, CaptureRecorder};
#[cfg(all(feature = "hidraw", target_os = "linux"))]
pub use follower::Follower;
#[cfg(all(feature = "hidraw", target_os = "linux"))]
pub use hidraw::Hidraw;
#[cfg(all(feature = "hidraw", feature = "tokio", target_os = "linux"))]
pub(crate) use hidraw::MAX_REPORT_INTERVAL;
#[cfg(feature = "capture")]
pub use replay::Replay;
#[cfg(feature = "serial")]
pub use serial::Serial;
#[cfg(feature = "tcp")]
pub use tcp::Tcp;

/// The speed of the serial ports of all known PI18 inverters, in baud.
pub const BAUD: u32 = 2400;

/// A byte stream to one device.
///
/// A link also has a clock, so that a link with simulated time can be tested without waiting.
///
/// Implement this trait for a connection that this crate does not support:
///
/// ```
/// use std::time::Instant;
///
/// use bytes::BytesMut;
/// use pi18_proto::{Mode, WorkingMode};
/// use pi18_transport::{Client, Error, Link};
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
pub trait Link {
    /// Sends all of `bytes`.
    ///
    /// # Errors
    /// If not all bytes can be sent by `deadline`, or the device is gone.
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error>;

    /// Waits for bytes until `deadline` and appends them to `buffer`; appends nothing if none arrive. With
    /// a deadline in the past, appends the bytes that have already arrived, without waiting.
    ///
    /// # Errors
    /// If the device is gone or reading fails.
    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error>;

    /// Returns the name that errors use, usually the device address.
    fn name(&self) -> &str;

    /// Returns the current time of the link's clock.
    fn now(&self) -> Instant {
        Instant::now()
    }

    /// Waits for `time` on the link's clock.
    fn pause(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    /// Returns whether no reply to an earlier request can arrive when the link is new. If so, the client
    /// sends its first request without a query before it that separates old replies from new ones.
    fn starts_quiet(&self) -> bool {
        false
    }

    /// Returns whether replies to other hosts may arrive, as from a bridge that several hosts use. If so,
    /// the client confirms a reply that could belong to another request by a query after it.
    fn is_shared(&self) -> bool {
        false
    }

    /// Returns a descriptor that becomes readable when bytes have arrived or the device is gone, for a
    /// program that waits for several links. `None` if the link has no descriptor, or no device at present.
    ///
    /// Use it only to wait. The descriptor can change with each call of another method: a link that finds its
    /// device again has a new one.
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
