//! One line of a log: a frame, and what is known of it.

use pi18_transport::{Direction, from_hex};
use serde_json::Value as Json;

use crate::names;

/// What stands in a line.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Line {
    /// As given; JSON lines only.
    pub(crate) id: Option<Json>,
    /// What was asked, if the line says so.
    pub(crate) command: Option<String>,
    /// Which way the bytes went, in a capture.
    pub(crate) direction: Option<Direction>,
    pub(crate) bytes: Vec<u8>,
}

impl Line {
    /// Reads a line.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim_start_matches('\u{FEFF}').trim();
        if text.starts_with('{') {
            return Self::json(text);
        }
        if let Some((word, rest)) = text.split_once(char::is_whitespace)
            && (names::query_kind(word).is_some() || is_word(word))
        {
            let bytes = bytes(rest.trim())?;
            return Ok(Self { command: Some(word.to_owned()), bytes, ..Self::default() });
        }
        Ok(Self { bytes: bytes(text)?, ..Self::default() })
    }

    fn json(text: &str) -> Result<Self, String> {
        let object: Json = serde_json::from_str(text).map_err(|error| format!("JSON: {error}"))?;
        let text_of = |key: &str| object.get(key).and_then(Json::as_str);
        let hex = text_of("hex").ok_or("JSON: wanted a text \"hex\", found none")?;
        let direction = object.get("direction").cloned();
        Ok(Self {
            id: object.get("id").cloned(),
            command: text_of("command").map(str::to_owned),
            direction: direction.and_then(|direction| serde_json::from_value(direction).ok()),
            bytes: from_hex(hex).map_err(|error| error.to_string())?,
        })
    }
}

/// Letters that cannot be hex, such as a set command's mnemonic.
fn is_word(word: &str) -> bool {
    let plain = word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == ',');
    plain && !word.chars().all(|c| c.is_ascii_hexdigit())
}

/// Hex, or a frame with escapes.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    if text.contains(['^', '(', '\\']) {
        return unescape(unquote(text));
    }
    from_hex(text).map_err(|error| {
        format!("wanted JSON, hex, or a frame that starts with ^, optionally behind a command; as {error}")
    })
}

/// Without the quotes that Python and others put around bytes.
fn unquote(text: &str) -> &str {
    let inner = text.strip_prefix('b').unwrap_or(text);
    ['\'', '"']
        .iter()
        .find_map(|&quote| inner.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(text)
}

/// `\xNN`, `\r`, `\n`, `\t`, `\0` and a backslash before anything printable.
fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            bytes.extend(character.encode_utf8(&mut [0; 4]).bytes());
            continue;
        }
        match characters.next() {
            Some('x') => {
                let digits: String = characters.by_ref().take(2).collect();
                let byte = u8::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 2);
                bytes.push(
                    byte.ok_or(format!(
                        "escape: wanted \\x and two hex digits, found \\x{digits}"
                    ))?,
                );
            }
            Some('r') => bytes.push(b'\r'),
            Some('n') => bytes.push(b'\n'),
            Some('t') => bytes.push(b'\t'),
            Some('0') => bytes.push(0),
            Some(escaped @ ('\\' | '\'' | '"')) => {
                bytes.extend(escaped.encode_utf8(&mut [0; 4]).bytes());
            }
            other => {
                let found = other.map_or("nothing".to_owned(), |c| format!("\\{c}"));
                return Err(format!(
                    "escape: wanted \\xNN, \\r, \\n, \\t, \\0, \\\\, found {found}"
                ));
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODE: &[u8] = b"^D00505\xD9\x9F\r";

    #[test]
    fn every_way_to_write_a_frame_reads_alike() {
        for text in [
            r#"{"hex": "5e443030353035d99f0d"}"#,
            "5e443030353035d99f0d",
            "5E 44 30 30 35 30 35 D9 9F 0D",
            r"^D00505\xd9\x9f\r",
            r"b'^D00505\xd9\x9f\r'",
        ] {
            let line = Line::parse(text).unwrap();
            assert_eq!((&line.bytes[..], line.command), (MODE, None), "{text}");
        }
    }

    #[test]
    fn a_command_may_stand_before_it() {
        for (text, command) in [
            ("MOD 5e443030353035d99f0d", "MOD"),
            ("ED 5e443030353035d99f0d", "ED"),
            ("ED20260426 5e443030353035d99f0d", "ED20260426"),
            (r"PGS1 ^D00505\xd9\x9f\r", "PGS1"),
            (r#"{"id": 7, "command": "SET", "hex": "5e443030353035d99f0d"}"#, "SET"),
        ] {
            let line = Line::parse(text).unwrap();
            assert_eq!((&line.bytes[..], line.command.as_deref()), (MODE, Some(command)), "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_line() {
        let errors: Vec<_> = [
            "hello",
            "5e4",
            r"^D00505\xd",
            r"^D00505\q",
            "{",
            "{}",
            r#"{"hex": 5}"#,
            r#"{"hex": "5g"}"#,
        ]
        .map(|text| format!("{text}  =>  {}", Line::parse(text).unwrap_err()))
        .into();
        insta::assert_snapshot!(errors.join("\n"));
    }
}
