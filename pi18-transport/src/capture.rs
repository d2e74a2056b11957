//! Captures: all traffic of a link, a JSON object a line.
//!
//! ```text
//! {"time":"2026-11-23T03:22:47.123Z","direction":"sent","hex":"5e50303035475358140d"}
//! {"time":"2026-11-23T03:22:47.637Z","direction":"received","hex":"5e44313036…"}
//! ```
//!
//! [`Recorder`] writes them, [`Replay`](crate::Replay) plays them back.

use std::{
    fmt, io,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Error, Link, error::Kind};

/// One line of a capture.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CaptureLine {
    /// When the bytes went by, RFC 3339 in UTC.
    pub time: String,
    /// Which way.
    pub direction: Direction,
    /// The bytes, two hexadecimal digits each.
    pub hex: String,
}

/// Which way bytes went, seen from the host.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// From the host to the unit.
    Sent,
    /// From the unit to the host.
    Received,
}

/// A link that writes down all that goes over it.
///
/// What is received is written up to a carriage return a line, so that a frame stands in one line
/// however it came; the zeros that pad USB reports are left out.
pub struct Recorder<L: Link, W: io::Write> {
    link: L,
    out: W,
    started: (Timestamp, Instant),
    /// Received, and not written yet.
    pending: Vec<u8>,
}

impl<L: Link, W: io::Write> Recorder<L, W> {
    /// Writes the traffic of `link` to `out`.
    pub fn new(link: L, out: W) -> Self {
        let started = (Timestamp::now(), link.now());
        Self { link, out, started, pending: Vec::new() }
    }

    fn write_pending(&mut self) -> Result<(), Error> {
        let pending = std::mem::take(&mut self.pending);
        self.write(Direction::Received, &pending)
    }

    fn write(&mut self, direction: Direction, bytes: &[u8]) -> Result<(), Error> {
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
        written.map_err(|source| Error::new(self.link.name(), Kind::Recording(source)))
    }
}

impl<L: Link, W: io::Write> Link for Recorder<L, W> {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        self.write_pending()?;
        self.write(Direction::Sent, bytes)?;
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

impl<L: Link, W: io::Write> Drop for Recorder<L, W> {
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ = self.write_pending();
    }
}

impl<L: Link + fmt::Debug, W: io::Write> fmt::Debug for Recorder<L, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("link", &self.link).finish_non_exhaustive()
    }
}

/// Two lower-case digits a byte.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('?');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xF)]).collect()
}

/// Bytes from pairs of hexadecimal digits; blanks and colons between pairs are passed over.
///
/// # Errors
/// Says where a character is no such digit, or that one digit is left over.
pub fn from_hex(text: &str) -> Result<Vec<u8>, HexError> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut rest = text;
    loop {
        let mut pairs = rest.as_bytes();
        while let Some((&[high, low], after)) = pairs.split_first_chunk()
            && let (Some(high), Some(low)) = (nibble(high), nibble(low))
        {
            bytes.push(high << 4 | low);
            pairs = after;
        }
        let at = text.len() - pairs.len();
        rest = text.get(at..).unwrap_or_default();
        let mut characters = rest.chars();
        let wrong = |at, character| Err(HexError::Digit { at, character });
        match (characters.next(), characters.next()) {
            (None, _) => return Ok(bytes),
            (Some(c), _) if c.is_whitespace() || c == ':' => {
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            }
            (Some(c), _) if !c.is_ascii_hexdigit() => return wrong(at, c),
            (Some(_), None) => return Err(HexError::Odd),
            (Some(_), Some(second)) => return wrong(at + 1, second),
        }
    }
}

/// The value of a hexadecimal digit.
const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Why a text is no bytes in hexadecimal.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HexError {
    /// Something else than a digit.
    #[error("hex at character {at}: expected a digit 0 to 9 or a to f, found {character:?}")]
    Digit {
        /// Where, in bytes.
        at: usize,
        /// What is there.
        character: char,
    },
    /// An odd number of digits.
    #[error("hex: expected two digits a byte, found one left over at the end")]
    Odd,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_goes_both_ways() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(from_hex(&to_hex(&bytes)), Ok(bytes));
        assert_eq!(from_hex("5E 44:0d"), Ok(vec![0x5E, 0x44, 0x0D]));
        assert_eq!(from_hex("5"), Err(HexError::Odd));
        assert_eq!(from_hex("5x"), Err(HexError::Digit { at: 1, character: 'x' }));
        assert_eq!(from_hex("5 e"), Err(HexError::Digit { at: 1, character: ' ' }));
    }
}
