//! Captures: all traffic of a link, one JSON object per line.
//!
//! ```text
//! {"time":"2026-11-23T03:22:47.123Z","direction":"sent","hex":"5e50303035475358140d"}
//! {"time":"2026-11-23T03:22:47.637Z","direction":"received","hex":"5e44313036…"}
//! ```
//!
//! [`CaptureRecorder`] writes a capture, [`Replay`](crate::Replay) plays it back.

use std::os::fd::BorrowedFd;
use std::{
    fmt, io,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Link;
use crate::{Error, ErrorKind, StopHandle, text::to_hex};

/// One line of a capture.
///
/// ```
/// use pi18_transport::{CaptureDirection, CaptureLine, from_hex};
///
/// let line = r#"{"time":"2026-11-23T03:22:47.1Z","direction":"sent","hex":"5e503030364d4f44ddbe0d"}"#;
/// let line: CaptureLine = serde_json::from_str(line)?;
/// assert_eq!(line.direction, CaptureDirection::Sent);
/// assert_eq!(from_hex(&line.hex)?, b"^P006MOD\xDD\xBE\r");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CaptureLine {
    /// The time at which the bytes were sent or received: RFC 3339, in UTC.
    pub time: String,
    /// The direction of the bytes.
    pub direction: CaptureDirection,
    /// The bytes, two hexadecimal digits each.
    pub hex: String,
}

/// The direction of bytes, seen from the host.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CaptureDirection {
    /// From the host to the unit.
    Sent,
    /// From the unit to the host.
    Received,
}

/// A link that writes all traffic of another link to a capture.
///
/// Received bytes are collected up to a carriage return, so that a frame is one line of the capture even
/// if it arrived in pieces. The zeros that pad USB reports are left out.
///
/// ```
/// use pi18_proto::Mode;
/// use pi18_transport::{Address, CaptureRecorder, Client, Replay};
///
/// let mut capture = Vec::new();
/// let link = "sim:0".parse::<Address>()?.link()?;
/// let recorded: Mode = Client::new(CaptureRecorder::new(link, &mut capture)).read()?;
///
/// let replay = Replay::parse("capture", std::str::from_utf8(&capture)?)?;
/// let replayed: Mode = Client::new(replay).read()?;
/// assert_eq!(recorded, replayed);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct CaptureRecorder<L: Link, W: io::Write> {
    link: L,
    out: W,
    started: (Timestamp, Instant),
    /// Received bytes that were not written yet.
    pending: Vec<u8>,
}

impl<L: Link, W: io::Write> CaptureRecorder<L, W> {
    /// Creates a recorder that writes the traffic of `link` to `out`.
    pub fn new(link: L, out: W) -> Self {
        let started = (Timestamp::now(), link.now());
        Self { link, out, started, pending: Vec::new() }
    }

    fn write_pending(&mut self) -> Result<(), Error> {
        let pending = std::mem::take(&mut self.pending);
        self.write(CaptureDirection::Received, &pending)
    }

    fn write(&mut self, direction: CaptureDirection, bytes: &[u8]) -> Result<(), Error> {
        if bytes.is_empty() {
            return Ok(());
        }
        let (wall, instant) = self.started;
        let elapsed = self.link.now().saturating_duration_since(instant);
        let time = format!("{:.3}", wall.checked_add(elapsed).unwrap_or(wall));
        let line = CaptureLine { time, direction, hex: to_hex(bytes) };
        let written = serde_json::to_string(&line)
            .map_err(io::Error::from)
            .and_then(|text| writeln!(self.out, "{text}"))
            .and_then(|()| self.out.flush());
        written.map_err(|source| {
            let message = format!("cannot write the capture: {source}");
            Error::new(ErrorKind::Capture, self.link.name(), message).with_source(source)
        })
    }
}

impl<L: Link, W: io::Write> Link for CaptureRecorder<L, W> {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        self.write_pending()?;
        self.write(CaptureDirection::Sent, bytes)?;
        self.link.send(bytes, deadline)
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        let len_before = buffer.len();
        self.link.receive(buffer, deadline)?;
        for &byte in buffer.get(len_before..).unwrap_or_default() {
            if byte == 0 && self.pending.is_empty() {
                continue;
            }
            self.pending.push(byte);
            if byte == b'\r' {
                self.write_pending()?;
            }
        }
        Ok(())
    }

    fn name(&self) -> &str {
        self.link.name()
    }

    fn now(&self) -> Instant {
        self.link.now()
    }

    fn pause(&mut self, time: Duration) {
        self.link.pause(time);
    }

    fn reopen(&mut self, deadline: Instant) -> Result<bool, Error> {
        self.link.reopen(deadline)
    }

    fn stopped_by(&mut self, handle: &StopHandle) {
        self.link.stopped_by(handle);
    }

    fn starts_quiet(&self) -> bool {
        self.link.starts_quiet()
    }

    fn is_shared(&self) -> bool {
        self.link.is_shared()
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.link.as_fd()
    }
}

impl<L: Link, W: io::Write> Drop for CaptureRecorder<L, W> {
    fn drop(&mut self) {
        // An error cannot be returned from here.
        let _ = self.write_pending();
    }
}

impl<L: Link + fmt::Debug, W: io::Write> fmt::Debug for CaptureRecorder<L, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaptureRecorder").field("link", &self.link).finish_non_exhaustive()
    }
}
