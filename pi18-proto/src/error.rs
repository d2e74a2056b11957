//! The error types: for bytes that cannot be decoded, values out of range, and buffers that are too
//! short.

use core::fmt;

use crate::{FrameKind, value::write_quantity};

/// An error in received bytes. Its text gives the place, the expected and the found bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes do not start like a frame.
    #[error("frame: expected ^D, ^P, ^S, ^0, ^1 or (NAK, found {found}")]
    NotAFrame {
        /// The first bytes.
        found: Excerpt,
    },
    /// The bytes end before the carriage return that ends a frame.
    #[error("frame: expected a carriage return at its end, found the end after {length} bytes")]
    Unfinished {
        /// The number of bytes.
        length: usize,
    },
    /// The length after `^D`, `^P` or `^S` is not three digits, or fewer than two bytes follow it.
    #[error("frame length: expected {expected}, found {found}")]
    Length {
        /// A description of the expected bytes.
        expected: &'static str,
        /// The bytes found instead.
        found: Excerpt,
    },
    /// Bytes follow the checksum: the frame lost its carriage return, and padding or another frame
    /// follows.
    #[error("frame end: expected a carriage return after the checksum, found {found}")]
    End {
        /// The bytes after the checksum.
        found: Excerpt,
    },
    /// The checksum does not match the frame.
    #[error(
        "frame checksum: expected {:02X} {:02X}, found {:02X} {:02X}",
        expected[0], expected[1], found[0], found[1]
    )]
    Checksum {
        /// The checksum computed from the preceding bytes.
        expected: [u8; 2],
        /// The checksum received.
        found: [u8; 2],
    },
    /// More bytes than a frame can have arrived without a carriage return.
    #[error("frame: expected at most {limit} bytes up to a carriage return, found more")]
    TooLong {
        /// The maximum number of bytes.
        limit: usize,
    },
    /// The frame is of another kind than requested.
    #[error("frame: expected {expected}, found {found}")]
    Kind {
        /// A description of the requested kind.
        expected: &'static str,
        /// The kind of the frame.
        found: FrameKind,
    },
    /// A field is missing or malformed.
    #[error("{message} field {field} at offset {at}: expected {expected}, found {found}")]
    Field {
        /// The mnemonic of the command.
        message: &'static str,
        /// The name of the field.
        field: &'static str,
        /// The offset of the field in the data, in bytes.
        at: usize,
        /// A description of a well-formed field.
        expected: &'static str,
        /// The content of the field; empty if the data ends before it.
        found: Excerpt,
    },
    /// A request has bytes after its last field.
    #[error("{message} at offset {at}: expected the end, found {found}")]
    Trailing {
        /// The mnemonic of the command.
        message: &'static str,
        /// The offset of these bytes in the data.
        at: usize,
        /// The first of these bytes.
        found: Excerpt,
    },
    /// A value in a request has more or fewer digits than units require.
    #[error("{message}: expected each value with all its digits and no more, found {found}")]
    Width {
        /// The mnemonic of the command.
        message: &'static str,
        /// The first bytes of the data.
        found: Excerpt,
    },
    /// The data does not start with a known mnemonic.
    #[error("command: expected a known {expected}, found {found}")]
    UnknownCommand {
        /// The kind of the command: `query` or `set command`.
        expected: &'static str,
        /// The first bytes of the data.
        found: Excerpt,
    },
}

/// A buffer is too short for the bytes to be written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("buffer of {capacity} bytes: expected room for more")]
#[non_exhaustive]
pub struct EncodeError {
    /// The length of the buffer.
    pub capacity: usize,
}

/// A value is outside the range of its type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RangeError {
    /// The name of the value, such as `cut-off voltage`.
    pub name: &'static str,
    /// The allowed range.
    pub expected: &'static str,
    /// The number given, in multiples of `10^-decimals` units.
    pub found: u32,
    /// The number of digits after the decimal point.
    pub decimals: u8,
    /// The unit of the number; empty for a count.
    pub unit: &'static str,
}

impl fmt::Display for RangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: expected {}, found ", self.name, self.expected)?;
        write_quantity(f, self.found.into(), self.decimals, self.unit)
    }
}

impl core::error::Error for RangeError {}

/// A text that is not the displayed form of a value.
///
/// ```
/// use pi18_proto::Decivolts;
///
/// let error = "54.65 V".parse::<Decivolts>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "expected a voltage from 0.0 to 6553.5 V in steps of 0.1 V, found \"54.65 V\"",
/// );
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected {expected}, found {found}")]
#[non_exhaustive]
pub struct ParseError {
    /// A description of the expected text.
    pub expected: &'static str,
    /// The text.
    pub found: Excerpt,
}

impl ParseError {
    pub(crate) fn new(expected: &'static str, found: &str) -> Self {
        Self { expected, found: Excerpt::of(found.as_bytes()) }
    }
}

/// The first bytes of malformed input, kept in an error without allocation.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Excerpt {
    bytes: [u8; Self::KEPT],
    total: usize,
}

impl Excerpt {
    /// The maximum number of bytes kept.
    pub const KEPT: usize = 16;

    pub(crate) fn of(source: &[u8]) -> Self {
        let mut bytes = [0; Self::KEPT];
        for (to, from) in bytes.iter_mut().zip(source) {
            *to = *from;
        }
        Self { bytes, total: source.len() }
    }

    /// Returns the bytes kept, at most [`Excerpt::KEPT`].
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.total.min(Self::KEPT)).unwrap_or_default()
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.total == 0 {
            return f.write_str("nothing");
        }
        write!(f, "\"{}\"", self.bytes().escape_ascii())?;
        if self.total > Self::KEPT {
            write!(f, "… ({} bytes)", self.total)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpt_displays_escaped_bytes_and_total() {
        assert_eq!(std::format!("{}", Excerpt::of(b"4x9")), "\"4x9\"");
        assert_eq!(std::format!("{}", Excerpt::of(b"\x00\xFF")), r#""\x00\xff""#);
        assert_eq!(std::format!("{}", Excerpt::of(b"")), "nothing");
        let long = std::format!("{}", Excerpt::of(&[b'7'; 40]));
        assert_eq!(long, "\"7777777777777777\"… (40 bytes)");
    }
}
