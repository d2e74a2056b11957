//! One line of a log: a frame with its id, command and direction.

use std::{borrow::Cow, fmt};

use pi18_transport::{CaptureDirection, from_hex};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value as Json;

use crate::input;

/// The content of a line.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Line<'a> {
    /// Id of a JSON line, unchanged.
    pub(crate) id: Option<Id<'a>>,
    /// Command that the frame answers, if given.
    pub(crate) command: Option<Cow<'a, str>>,
    /// Direction of the bytes, in a capture.
    pub(crate) direction: Option<CaptureDirection>,
    pub(crate) bytes: Vec<u8>,
}

/// The id of a line.
#[derive(Debug, PartialEq)]
pub(crate) enum Id<'a> {
    Text(&'a str),
    Unsigned(u64),
    Signed(i64),
    Other(Json),
}

impl<'a> Line<'a> {
    /// Parses a line.
    pub(crate) fn parse(text: &'a str) -> Result<Self, String> {
        let text = text.trim_start_matches('\u{FEFF}').trim();
        if text.starts_with('{') {
            return match serde_json::from_str(text) {
                Ok(Plain(object)) => object.line(),
                // Other JSON, or invalid JSON with its error.
                Err(_) => Self::json(text),
            };
        }
        if let Some((word, rest)) = text.split_once(char::is_whitespace)
            && (is_mnemonic(word) || input::query_kind(word).is_some())
        {
            let bytes = bytes(rest.trim())?;
            return Ok(Self { command: Some(word.into()), bytes, ..Self::default() });
        }
        Ok(Self { bytes: bytes(text)?, ..Self::default() })
    }

    fn json(text: &str) -> Result<Self, String> {
        let object: Json = serde_json::from_str(text).map_err(|error| format!("JSON: {error}"))?;
        let text_of = |key: &str| object.get(key).and_then(Json::as_str);
        let hex = text_of("hex").ok_or(NO_HEX)?;
        let direction = object.get("direction").cloned();
        Ok(Self {
            id: object.get("id").cloned().map(Id::Other),
            command: text_of("command").map(|command| command.to_owned().into()),
            direction: direction.and_then(|direction| serde_json::from_value(direction).ok()),
            bytes: from_hex(hex).map_err(|error| error.to_string())?,
        })
    }
}

const NO_HEX: &str = "JSON: expected a string \"hex\", found none";

/// A JSON object whose values are integers and strings without escapes, as in logs of programs; parsed
/// without copying. The last value of a duplicate key counts, as in [`Json`].
struct Plain<'a>(PlainLine<'a>);

#[derive(Default)]
struct PlainLine<'a> {
    id: Option<Atom<'a>>,
    command: Option<Atom<'a>>,
    direction: Option<Atom<'a>>,
    hex: Option<Atom<'a>>,
}

#[derive(Clone, Copy)]
enum Atom<'a> {
    Text(&'a str),
    Unsigned(u64),
    Signed(i64),
}

impl<'a> Atom<'a> {
    fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl<'a> PlainLine<'a> {
    fn line(self) -> Result<Line<'a>, String> {
        let hex = self.hex.and_then(Atom::text).ok_or(NO_HEX)?;
        let direction = match self.direction.and_then(Atom::text) {
            Some("sent") => Some(CaptureDirection::Sent),
            Some("received") => Some(CaptureDirection::Received),
            _ => None,
        };
        Ok(Line {
            id: self.id.map(|id| match id {
                Atom::Text(text) => Id::Text(text),
                Atom::Unsigned(number) => Id::Unsigned(number),
                Atom::Signed(number) => Id::Signed(number),
            }),
            command: self.command.and_then(Atom::text).map(Cow::Borrowed),
            direction,
            bytes: from_hex(hex).map_err(|error| error.to_string())?,
        })
    }
}

impl<'de> Deserialize<'de> for Plain<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Plain<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Plain<'de>, A::Error> {
                let mut line = PlainLine::default();
                while let Some((key, value)) = map.next_entry::<&str, Atom<'_>>()? {
                    match key {
                        "id" => line.id = Some(value),
                        "command" => line.command = Some(value),
                        "direction" => line.direction = Some(value),
                        "hex" => line.hex = Some(value),
                        _ => {}
                    }
                }
                Ok(Plain(line))
            }
        }

        deserializer.deserialize_map(Reader)
    }
}

impl<'de> Deserialize<'de> for Atom<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Atom<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an integer or a string without escapes")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Atom<'de>, E> {
                Ok(Atom::Text(text))
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Atom<'de>, E> {
                Ok(Atom::Unsigned(number))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Atom<'de>, E> {
                Ok(Atom::Signed(number))
            }
        }

        deserializer.deserialize_any(Reader)
    }
}

/// Returns whether a word may be a mnemonic and cannot be hex.
fn is_mnemonic(word: &str) -> bool {
    let plain = word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == ',');
    plain && !word.chars().all(|c| c.is_ascii_hexdigit())
}

/// Parses hex, or a frame with escapes.
fn bytes(text: &str) -> Result<Vec<u8>, String> {
    if text.contains(['^', '(', '\\']) {
        return unescape(unquote(text));
    }
    from_hex(text).map_err(|error| {
        format!("expected JSON, hex, or a frame that starts with ^, optionally after a command; as {error}")
    })
}

/// Removes the quotes of byte strings, such as those of Python.
fn unquote(text: &str) -> &str {
    let inner = text.strip_prefix('b').unwrap_or(text);
    ['\'', '"']
        .iter()
        .find_map(|&quote| inner.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(text)
}

/// Resolves the escapes `\xNN`, `\r`, `\n`, `\t`, `\0`, `\\`, `\'` and `\"`.
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
                bytes.push(byte.ok_or(format!(
                    "escape: expected \\x and two hex digits, found \\x{digits}"
                ))?);
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
                    "escape: expected \\xNN, \\r, \\n, \\t, \\0, \\\\, found {found}"
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
    fn all_forms_of_a_frame_parse_to_the_same_bytes() {
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
    fn command_before_frame_is_parsed() {
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
    fn invalid_lines_name_the_expected_form() {
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
