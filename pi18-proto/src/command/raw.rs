//! Queries that this crate does not know.

use core::{fmt, str::FromStr};

use super::{RequestFrame, SetCommand};
use crate::{Dialect, FrameKind, Text, error::Excerpt};

/// The data of a query that this crate does not know, such as one that only newer firmware has.
///
/// It is always sent as a query (`^P`). Data that has the form of a known set command is rejected as well,
/// in case a unit does not distinguish the two.
///
/// ```
/// use pi18_proto::{Dialect, RawQuery};
///
/// let query = RawQuery::new(b"XYZ1")?;
/// assert_eq!(*query.to_frame(Dialect::NoChecksum), *b"^P007XYZ1\r");
///
/// assert!(RawQuery::new(b"POP1").is_err());
/// assert!(RawQuery::new(b"XYZ\r").is_err());
/// # Ok::<(), pi18_proto::RawQueryError>(())
/// ```
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct RawQuery(Text);

impl RawQuery {
    /// The maximum number of characters.
    pub const CAPACITY: usize = Text::CAPACITY;

    /// Creates a query from its data: 1 to [`CAPACITY`](Self::CAPACITY) printable ASCII characters without
    /// `^` and `(`, with which frames start.
    ///
    /// # Errors
    /// If there are more, fewer or other characters, or the data has the form of a known set command.
    pub fn new(data: &[u8]) -> Result<Self, RawQueryError> {
        let found = Excerpt::of(data);
        let text = Text::new(data)
            .filter(|_| !data.is_empty() && !data.iter().any(|byte| matches!(byte, b'^' | b'(')))
            .ok_or(RawQueryError::Characters { found })?;
        match SetCommand::LIST.iter().find(|info| has_form(data, info.mnemonic, info.example)) {
            Some(info) => Err(RawQueryError::SetCommand { found, mnemonic: info.mnemonic }),
            None => Ok(Self(text)),
        }
    }

    /// Returns the data.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// Returns the whole frame, ready to be sent.
    #[must_use]
    pub fn to_frame(&self, dialect: Dialect) -> RequestFrame {
        RequestFrame::new(FrameKind::Query, dialect, |out| out.bytes(self.data()))
    }
}

/// Returns whether `data` starts with the mnemonic of a set command and continues like its example, with
/// other digits and letters.
fn has_form(data: &[u8], mnemonic: &str, example: &str) -> bool {
    let is_alike = |(a, b): (&u8, &u8)| {
        a == b
            || (a.is_ascii_digit() && b.is_ascii_digit())
            || (a.is_ascii_alphabetic() && b.is_ascii_alphabetic())
    };
    data.starts_with(mnemonic.as_bytes())
        && data.len() == example.len()
        && data.iter().zip(example.as_bytes()).all(is_alike)
}

impl FromStr for RawQuery {
    type Err = RawQueryError;

    fn from_str(data: &str) -> Result<Self, RawQueryError> {
        Self::new(data.as_bytes())
    }
}

impl fmt::Display for RawQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for RawQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Data that cannot be sent as a [`RawQuery`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RawQueryError {
    /// The data is empty or too long, or has other characters than allowed.
    #[error(
        "query data: expected 1 to {} printable ASCII characters without ^ and (, found {found}",
        RawQuery::CAPACITY
    )]
    Characters {
        /// The first bytes of the data.
        found: Excerpt,
    },
    /// The data has the form of a known set command.
    #[error(
        "query data: expected a query, found {found} in the form of the set command {mnemonic}"
    )]
    SetCommand {
        /// The first bytes of the data.
        found: Excerpt,
        /// The mnemonic of the set command.
        mnemonic: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::*;
    use crate::Query;

    #[track_caller]
    fn rejected(data: &[u8]) -> std::string::String {
        RawQuery::new(data).unwrap_err().to_string()
    }

    #[test]
    fn every_set_command_is_rejected_with_other_values_too() {
        for info in SetCommand::LIST {
            assert!(RawQuery::new(info.example.as_bytes()).is_err(), "{}", info.example);
        }
        assert_eq!(
            rejected(b"POP9"),
            "query data: expected a query, found \"POP9\" in the form of the set command POP"
        );
    }

    #[test]
    fn every_known_query_is_accepted() {
        for info in Query::LIST {
            let raw = RawQuery::new(info.example.as_bytes()).unwrap();
            let query: Query = info.example.parse().unwrap();
            let dialect = Dialect::Checksum;
            assert_eq!(*raw.to_frame(dialect), *query.to_frame(dialect));
        }
    }

    #[test]
    fn data_that_could_end_the_frame_or_does_not_fit_is_rejected() {
        for data in [&b""[..], b"AB\r", b"A\0", b"A^S", b"A(", b"\xE4", &[b'X'; 24]] {
            assert!(matches!(RawQuery::new(data).unwrap_err(), RawQueryError::Characters { .. }));
        }
        assert_eq!(
            rejected(b"AB\r"),
            r#"query data: expected 1 to 23 printable ASCII characters without ^ and (, found "AB\r""#
        );
        let longest = RawQuery::new(&[b'X'; RawQuery::CAPACITY]).unwrap();
        assert_eq!(longest.to_frame(Dialect::Checksum).len(), RequestFrame::CAPACITY - 1);
    }
}
