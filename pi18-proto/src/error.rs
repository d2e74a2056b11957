//! What can be wrong with bytes, and with a buffer that is to take them.

use core::fmt;

/// Why bytes are not what they should be: the place, what was wanted, what was there.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// No frame of this protocol starts like this.
    #[error("frame: expected ^D, ^P, ^S, ^0, ^1 or (NAK, found {found}")]
    NotAFrame {
        /// How it starts.
        found: Excerpt,
    },
    /// The bytes end before the frame does.
    #[error("frame: expected a carriage return at its end, found the end after {have} bytes")]
    Unfinished {
        /// How many bytes there were.
        have: usize,
    },
    /// The three characters after `^D`, `^P` or `^S` are no number, or too little follows them.
    #[error("frame length: expected {wanted}, found {found}")]
    Length {
        /// What should be there.
        wanted: &'static str,
        /// What is there.
        found: Excerpt,
    },
    /// The frame goes on after its checksum: it lost its carriage return, and another one follows.
    #[error("frame end: expected a carriage return after the checksum, found {found}")]
    End {
        /// What follows the checksum.
        found: Excerpt,
    },
    /// The checksum does not belong to the frame.
    #[error(
        "frame checksum: expected {:02X} {:02X}, found {:02X} {:02X}",
        wanted[0], wanted[1], found[0], found[1]
    )]
    Checksum {
        /// What the bytes before it call for.
        wanted: [u8; 2],
        /// What came.
        found: [u8; 2],
    },
    /// More bytes came without a carriage return than any frame has.
    #[error("frame: expected at most {limit} bytes up to a carriage return, found more")]
    TooLong {
        /// The most that is taken.
        limit: usize,
    },
    /// A frame of another kind than was asked for.
    #[error("frame: expected {wanted}, found {found}")]
    Kind {
        /// The kind that was wanted.
        wanted: &'static str,
        /// The kind that came.
        found: crate::FrameKind,
    },
    /// A field that cannot be read, or that is missing.
    #[error("{message} field {field} at offset {at}: expected {wanted}, found {found}")]
    Field {
        /// The command's mnemonic.
        message: &'static str,
        /// The field's name.
        field: &'static str,
        /// Where the field starts, counted in bytes from the first byte of the data.
        at: usize,
        /// What a well-formed field holds.
        wanted: &'static str,
        /// What it holds; empty if the data ended before it.
        found: Excerpt,
    },
    /// A request goes on after its last field.
    #[error("{message} at offset {at}: expected the end, found {found}")]
    Trailing {
        /// The command's mnemonic.
        message: &'static str,
        /// Where the surplus starts, counted in bytes from the first byte of the data.
        at: usize,
        /// How the surplus starts.
        found: Excerpt,
    },
    /// A request whose values do not have the digits that units want.
    #[error("{message}: expected each value with all its digits and no more, found {found}")]
    Width {
        /// The command's mnemonic.
        message: &'static str,
        /// How the data starts.
        found: Excerpt,
    },
    /// No command starts like this.
    #[error("command: expected a known {wanted}, found {found}")]
    UnknownCommand {
        /// `query` or `set command`.
        wanted: &'static str,
        /// How the data starts.
        found: Excerpt,
    },
}

/// The buffer given is too short for what is to be written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("buffer of {have} bytes: expected room for more")]
#[non_exhaustive]
pub struct EncodeError {
    /// How long the buffer is.
    pub have: usize,
}

/// A value that its type does not allow.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{what}: expected {wanted}, found {found}")]
#[non_exhaustive]
pub struct RangeError {
    /// What the value was for.
    pub what: &'static str,
    /// What is allowed.
    pub wanted: &'static str,
    /// The number given, in the step of its type.
    pub found: u32,
}

/// The first bytes of something that could not be read, small enough to travel in an error.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Excerpt {
    bytes: [u8; Self::KEPT],
    total: usize,
}

impl Excerpt {
    /// How many bytes are kept.
    pub const KEPT: usize = 16;

    pub(crate) fn of(source: &[u8]) -> Self {
        let mut bytes = [0; Self::KEPT];
        for (to, from) in bytes.iter_mut().zip(source) {
            *to = *from;
        }
        Self { bytes, total: source.len() }
    }

    /// The bytes kept, at most [`Excerpt::KEPT`].
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
    fn shows_bytes_a_person_can_read() {
        assert_eq!(std::format!("{}", Excerpt::of(b"4x9")), "\"4x9\"");
        assert_eq!(std::format!("{}", Excerpt::of(b"\x00\xFF")), r#""\x00\xff""#);
        assert_eq!(std::format!("{}", Excerpt::of(b"")), "nothing");
        let long = std::format!("{}", Excerpt::of(&[b'7'; 40]));
        assert_eq!(long, "\"7777777777777777\"… (40 bytes)");
    }
}
