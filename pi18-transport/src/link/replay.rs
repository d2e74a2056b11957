//! Plays a capture back: the same requests get the same bytes.

use std::{
    collections::VecDeque,
    io::{self, ErrorKind::InvalidData},
    path::Path,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use jiff::Timestamp;

use super::{
    Link,
    capture::{CaptureDirection, CaptureLine},
};
use crate::{Error, error::ErrorKind, os::read_file, text::from_hex};

/// A device that answers as one did while it was captured.
///
/// A request is looked up from where the capture stands, and from its start if it does not come
/// again. What was received comes as long after the request as it did then, but time is made up:
/// waiting takes none.
#[derive(Debug)]
pub struct Replay {
    name: String,
    exchanges: Vec<Exchange>,
    at: usize,
    ready: VecDeque<(Instant, Vec<u8>)>,
    now: Instant,
}

/// A request and all that came before the next one.
#[derive(Debug)]
struct Exchange {
    sent: Vec<u8>,
    at: Timestamp,
    /// How long after the request it came.
    received: Vec<(Duration, Vec<u8>)>,
}

impl Replay {
    /// Opens a capture.
    ///
    /// # Errors
    /// If the file cannot be read, or a line is none of a capture.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let name = format!("replay:{}", path.display());
        let text = read_file(path, MAX_BYTES).and_then(|bytes| {
            String::from_utf8(bytes).map_err(|error| io::Error::new(InvalidData, error))
        });
        let text = text.map_err(|source| {
            let why = format!("it cannot be read: {source}; `--capture FILE` writes such a file");
            Error::new(&*name, ErrorKind::Address { why })
        })?;
        Self::parse(name, &text)
    }

    /// A capture from its text; errors call it `name`.
    ///
    /// # Errors
    /// If a line is none of a capture.
    pub fn parse(name: impl Into<String>, text: &str) -> Result<Self, Error> {
        let name = name.into();
        let mut exchanges: Vec<Exchange> = Vec::new();
        for (line, text) in (1..).zip(text.lines()) {
            if text.trim().is_empty() {
                continue;
            }
            let (time, direction, bytes) = read_line(text)
                .map_err(|why| Error::new(&*name, ErrorKind::Capture { line, why }))?;
            match (direction, exchanges.last_mut()) {
                (CaptureDirection::Sent, _) => {
                    exchanges.push(Exchange { sent: bytes, at: time, received: Vec::new() });
                }
                (CaptureDirection::Received, Some(exchange)) => {
                    let delay = time.duration_since(exchange.at).try_into().unwrap_or_default();
                    exchange.received.push((delay, bytes));
                }
                // What came before the first request answers nothing in this capture.
                (CaptureDirection::Received, None) => {}
            }
        }
        Ok(Self { name, exchanges, at: 0, ready: VecDeque::new(), now: Instant::now() })
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
        let (before, after) = self.exchanges.split_at(self.at.min(self.exchanges.len()));
        let place = (self.at..).zip(after).chain((0..).zip(before));
        let found = place.into_iter().find(|(_, exchange)| exchange.sent == bytes);
        let Some((at, exchange)) = found else {
            let found = bytes.escape_ascii().to_string();
            return Err(Error::new(&*self.name, ErrorKind::NotCaptured { request: found }));
        };
        let due = |(delay, bytes): &(Duration, Vec<u8>)| (self.now + *delay, bytes.clone());
        self.ready = exchange.received.iter().map(due).collect();
        self.at = at + 1;
        Ok(())
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        match self.ready.pop_front_if(|(due, _)| *due <= deadline.max(self.now)) {
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

/// Most bytes of a capture: a day of all traffic at 2400 baud takes about half of it.
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
    fn answers_as_captured_again_and_again() {
        let mut client = Client::new(Replay::parse("replay:test", CAPTURE).unwrap());
        for _ in 0..3 {
            let mode: pi18_proto::Mode = client.read().unwrap();
            assert_eq!(mode.working_mode.0, 5);
        }
    }

    #[test]
    fn says_what_was_not_captured() {
        let mut client = Client::new(Replay::parse("replay:test", CAPTURE).unwrap());
        let error = client.read::<pi18_proto::GeneralStatus>().unwrap_err();
        assert_eq!(
            error.to_string(),
            r"replay:test: expected a captured exchange that starts with ^P005GSX\x14\r, found none"
        );
    }

    #[test]
    fn names_the_line_that_is_none_of_a_capture() {
        let spoiled = CAPTURE.replace("d99f0d", "d99f0");
        let error = Replay::parse("replay:test", &spoiled).unwrap_err();
        assert!(error.is_address());
        assert_eq!(
            error.to_string(),
            "replay:test: line 3: hex: expected two digits a byte, found one left over at the end"
        );
    }
}
