//! Captures: all traffic of a link, a JSON object a line.
//!
//! ```text
//! {"time":"2026-11-23T03:22:47.123Z","direction":"sent","hex":"5e50303035475358140d"}
//! {"time":"2026-11-23T03:22:47.637Z","direction":"received","hex":"5e44313036…"}
//! ```
//!
//! [`CaptureRecorder`] writes them, [`Replay`](crate::Replay) plays them back.

use std::{
    fmt, io,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Link;
use crate::{Error, error::ErrorKind, text::to_hex};

/// One line of a capture.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CaptureLine {
    /// When the bytes went by, RFC 3339 in UTC.
    pub time: String,
    /// Which way.
    pub direction: CaptureDirection,
    /// The bytes, two hexadecimal digits each.
    pub hex: String,
}

/// Which way bytes went, seen from the host.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CaptureDirection {
    /// From the host to the unit.
    Sent,
    /// From the unit to the host.
    Received,
}

/// A link that writes down all that goes over it.
///
/// What is received is written up to a carriage return a line, so that a frame stands in one line
/// however it came; the zeros that pad USB reports are left out.
pub struct CaptureRecorder<L: Link, W: io::Write> {
    link: L,
    out: W,
    started: (Timestamp, Instant),
    /// Received, and not written yet.
    pending: Vec<u8>,
}

impl<L: Link, W: io::Write> CaptureRecorder<L, W> {
    /// Writes the traffic of `link` to `out`.
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
        written.map_err(|source| Error::new(self.link.name(), ErrorKind::Recording(source)))
    }
}

impl<L: Link, W: io::Write> Link for CaptureRecorder<L, W> {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        self.write_pending()?;
        self.write(CaptureDirection::Sent, bytes)?;
        self.link.send(bytes, deadline)
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        let known = buffer.len();
        self.link.receive(buffer, deadline)?;
        for &byte in buffer.get(known..).unwrap_or_default() {
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

    fn starts_quiet(&self) -> bool {
        self.link.starts_quiet()
    }

    fn is_shared(&self) -> bool {
        self.link.is_shared()
    }
}

impl<L: Link, W: io::Write> Drop for CaptureRecorder<L, W> {
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ = self.write_pending();
    }
}

impl<L: Link + fmt::Debug, W: io::Write> fmt::Debug for CaptureRecorder<L, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaptureRecorder").field("link", &self.link).finish_non_exhaustive()
    }
}
