//! Bytes as hexadecimal text, and back.

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
