//! Converts bytes to hexadecimal text and back.

/// Returns two lower-case hexadecimal digits for each byte.
///
/// ```
/// assert_eq!(pi18_transport::to_hex(b"^P"), "5e50");
/// ```
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('?');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xF)]).collect()
}

/// Converts pairs of hexadecimal digits to bytes. White space and colons between pairs are ignored.
///
/// ```
/// assert_eq!(pi18_transport::from_hex("5E:50 0d")?, b"^P\r");
/// # Ok::<(), pi18_transport::HexError>(())
/// ```
///
/// # Errors
/// If a character is not a hexadecimal digit, or the number of digits is odd.
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

/// Returns the value of a hexadecimal digit.
const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// The error of [`from_hex`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum HexError {
    /// A character that is not a hexadecimal digit.
    #[error("hex at character {at}: expected a digit 0 to 9 or a to f, found {character:?}")]
    Digit {
        /// The offset of the character, in bytes.
        at: usize,
        /// The character.
        character: char,
    },
    /// An odd number of digits.
    #[error("hex: expected two digits per byte, found a single digit at the end")]
    Odd,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_text_converts_to_bytes_and_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(from_hex(&to_hex(&bytes)), Ok(bytes));
        assert_eq!(from_hex("5E 44:0d"), Ok(vec![0x5E, 0x44, 0x0D]));
        assert_eq!(from_hex("5"), Err(HexError::Odd));
        assert_eq!(from_hex("5x"), Err(HexError::Digit { at: 1, character: 'x' }));
        assert_eq!(from_hex("5 e"), Err(HexError::Digit { at: 1, character: ' ' }));
    }
}
