//! A way to a unit: bytes there, bytes back, and the time that goes by.

mod capture;
#[cfg(target_os = "linux")]
mod follower;
#[cfg(target_os = "linux")]
mod hidraw;
mod replay;
mod serial;
mod tcp;

use std::time::{Duration, Instant};

use bytes::BytesMut;

use crate::Error;

pub use capture::{CaptureDirection, CaptureLine, CaptureRecorder};
#[cfg(target_os = "linux")]
pub use follower::Follower;
#[cfg(target_os = "linux")]
pub use hidraw::Hidraw;
pub use replay::Replay;
pub use serial::{BAUD, Serial};
pub use tcp::Tcp;

/// A byte stream to one device.
///
/// The link also tells the time, so that one whose time is made up can be tested without waiting.
/// Implement it for a way that this crate does not know.
pub trait Link {
    /// Sends all of `bytes`.
    ///
    /// # Errors
    /// If they cannot all be handed over by `deadline`, or the device is gone.
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error>;

    /// Waits for bytes and appends what has come; appends nothing if nothing has by `deadline`.
    /// A deadline that is past takes what is there and does not wait.
    ///
    /// # Errors
    /// If the device is gone or fails.
    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error>;

    /// Where it leads, as errors name it.
    fn name(&self) -> &str;

    /// The time now.
    fn now(&self) -> Instant {
        Instant::now()
    }

    /// Lets time go by.
    fn pause(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    /// Whether nothing can be on its way from an earlier conversation. If so, the first question
    /// needs no other one before it to tell old answers from new.
    fn starts_quiet(&self) -> bool {
        false
    }

    /// Whether replies to other hosts' questions may arrive here, as a bridge passes them on that
    /// several hosts share. If so, a reply that could answer another question is confirmed by a
    /// question behind it.
    fn is_shared(&self) -> bool {
        false
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
}
