//! Plays back a capture: each request gets the bytes that were received for it.

use std::{
    collections::VecDeque,
    io,
    path::Path,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use jiff::Timestamp;

use super::{
    Link,
    capture::{CaptureDirection, CaptureLine},
};
use crate::{Error, ErrorKind, os::read_file, text::from_hex};

/// A link that answers like the captured device.
///
/// Each request is looked up from the current position to the end of the capture, then from the start.
/// The bytes arrive with their original delay, but on a simulated clock: waiting takes no real time.
///
/// ```
/// use pi18_proto::{Mode, WorkingMode};
/// use pi18_transport::{Client, Replay};
///
/// let capture = r#"
///     {"time":"2026-11-23T03:22:47.1Z","direction":"sent","hex":"5e503030364d4f44ddbe0d"}
///     {"time":"2026-11-23T03:22:47.6Z","direction":"received","hex":"5e443030353035d99f0d"}
/// "#;
/// let mut unit = Client::new(Replay::parse("my capture", capture)?);
/// assert_eq!(unit.read::<Mode>()?.working_mode, WorkingMode::HYBRID);
/// # Ok::<(), pi18_transport::Error>(())
/// ```
///
/// The address `replay:FILE` opens a capture file.
#[derive(Debug)]
pub struct Replay {
    name: String,
    exchanges: Vec<Exchange>,
    /// The index of the next exchange.
    next: usize,
    /// The bytes that were not received yet, and when they arrive.
    arriving: VecDeque<(Instant, Vec<u8>)>,
    now: Instant,
}

/// A request, and everything that was received before the next one.
#[derive(Debug)]
struct Exchange {
    sent: Vec<u8>,
    at: Timestamp,
    /// Bytes, and their delay after the request.
    received: Vec<(Duration, Vec<u8>)>,
}

impl Replay {
    /// Reads a capture from a file.
    ///
    /// # Errors
    /// If the file cannot be read, or a line is not a [`CaptureLine`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let name = format!("replay:{}", path.display());
        let text = read_file(path, MAX_BYTES).and_then(|bytes| {
            String::from_utf8(bytes)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
        });
        let text = text.map_err(|source| {
            let why = format!("cannot read the capture: {source}");
            Error::new(ErrorKind::Address, &*name, why)
        })?;
        Self::parse(name, &text)
    }

    /// Reads a capture from its text. `name` is its name in errors.
    ///
    /// # Errors
    /// If a line is not a [`CaptureLine`].
    pub fn parse(name: impl Into<String>, text: &str) -> Result<Self, Error> {
        let name = name.into();
        let mut exchanges: Vec<Exchange> = Vec::new();
        for (line, text) in (1..).zip(text.lines()) {
            if text.trim().is_empty() {
                continue;
            }
            let (time, direction, bytes) = read_line(text).map_err(|why| {
                Error::new(ErrorKind::Address, &*name, format!("line {line}: {why}"))
            })?;
            match (direction, exchanges.last_mut()) {
                (CaptureDirection::Sent, _) => {
                    exchanges.push(Exchange { sent: bytes, at: time, received: Vec::new() });
                }
                (CaptureDirection::Received, Some(exchange)) => {
                    let delay = time.duration_since(exchange.at).try_into().unwrap_or_default();
                    exchange.received.push((delay, bytes));
                }
                // The request for these bytes was sent before the capture began.
                (CaptureDirection::Received, None) => {}
            }
        }
        Ok(Self { name, exchanges, next: 0, arriving: VecDeque::new(), now: Instant::now() })
    }
}

fn read_line(text: &str) -> Result<(Timestamp, CaptureDirection, Vec<u8>), String> {
    let line: CaptureLine = serde_json::from_str(text)
        .map_err(|error| format!("expected time, direction and hex as JSON: {error}"))?;
    let time = line.time.parse().map_err(|error| format!("expected an RFC 3339 time: {error}"))?;
    Ok((time, line.direction, from_hex(&line.hex).map_err(|error| error.to_string())?))
}

impl Link for Replay {
    fn send(&mut self, bytes: &[u8], _deadline: Instant) -> Result<(), Error> {
        let (before, after) = self.exchanges.split_at(self.next.min(self.exchanges.len()));
        let search = (self.next..).zip(after).chain((0..).zip(before));
        let found = search.into_iter().find(|(_, exchange)| exchange.sent == bytes);
        let Some((index, exchange)) = found else {
            let request = bytes.escape_ascii().to_string();
            return Err(Error::new(
                ErrorKind::NotFound,
                &*self.name,
                format!("expected a captured exchange that starts with {request}, found none"),
            ));
        };
        let arrival = |(delay, bytes): &(Duration, Vec<u8>)| (self.now + *delay, bytes.clone());
        self.arriving = exchange.received.iter().map(arrival).collect();
        self.next = index + 1;
        Ok(())
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        match self.arriving.pop_front_if(|(due, _)| *due <= deadline.max(self.now)) {
            Some((due, bytes)) => {
                self.now = self.now.max(due);
                buffer.extend_from_slice(&bytes);
            }
            None => self.now = self.now.max(deadline),
        }
        Ok(())
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn now(&self) -> Instant {
        self.now
    }

    fn pause(&mut self, time: Duration) {
        self.now += time;
    }

    fn starts_quiet(&self) -> bool {
        true
    }
}

/// Maximum size of a capture: a day of uninterrupted traffic at 2400 baud takes about half of it.
const MAX_BYTES: usize = 128 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Client;

    const CAPTURE: &str = concat!(
        r#"{"time":"2026-11-23T03:22:47Z","direction":"sent","hex":"5e503030364d4f44ddbe0d"}"#,
        "\n",
        r#"{"time":"2026-11-23T03:22:48Z","direction":"received","hex":"5e443030353035"}"#,
        "\n",
        r#"{"time":"2026-11-23T03:22:48Z","direction":"received","hex":"d99f0d"}"#,
        "\n",
    );

    #[test]
    fn captured_request_can_be_repeated() {
        let mut client = Client::new(Replay::parse("replay:test", CAPTURE).unwrap());
        for _ in 0..3 {
            let mode: pi18_proto::Mode = client.read().unwrap();
            assert_eq!(mode.working_mode.0, 5);
        }
    }

    #[test]
    fn request_that_was_not_captured_is_named() {
        let mut client = Client::new(Replay::parse("replay:test", CAPTURE).unwrap());
        let error = client.read::<pi18_proto::GeneralStatus>().unwrap_err();
        assert_eq!(
            error.to_string(),
            r"replay:test: expected a captured exchange that starts with ^P005GSX\x14\r, found none"
        );
    }

    #[test]
    fn invalid_line_is_named_by_its_number() {
        let spoiled = CAPTURE.replace("d99f0d", "d99f0");
        let error = Replay::parse("replay:test", &spoiled).unwrap_err();
        assert!(error.is_address());
        assert_eq!(
            error.to_string(),
            "replay:test: line 3: hex: expected two digits per byte, found a single digit at the end"
        );
    }
}
