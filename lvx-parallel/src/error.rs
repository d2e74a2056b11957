//! What can be wrong with a file that holds a bank or thresholds.

use serde_json::error::Category;
use serde_saphyr::Error as YamlError;

/// Why a text holds no bank or no thresholds. Says where, what was wanted and what was there.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{place}: {why}")]
pub struct FormatError {
    pub(crate) place: String,
    pub(crate) why: String,
}

impl FormatError {
    pub(crate) fn new(place: impl Into<String>, why: impl Into<String>) -> Self {
        Self { place: place.into(), why: why.into() }
    }

    /// Line and column as people count, and the reason in one line.
    pub(crate) fn yaml(error: &serde_saphyr::Error) -> Self {
        let place = match error.location() {
            Some(at) => format!("line {} column {}", at.line(), at.column()),
            None => "the text".to_owned(),
        };
        Self::new(place, yaml_reason(error))
    }

    pub(crate) fn json(error: &serde_json::Error) -> Self {
        let place = format!("line {} column {}", error.line(), error.column());
        let text = error.to_string();
        let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(why, _)| why);
        let why = match error.classify() {
            Category::Data => reworded(text),
            Category::Eof => "expected more JSON, found the end of the text".to_owned(),
            Category::Syntax | Category::Io => "expected JSON, found something else".to_owned(),
        };
        Self::new(place, why)
    }
}

/// The reason in our words: those of the library are for programmers.
fn yaml_reason(error: &YamlError) -> String {
    match error {
        YamlError::WithSnippet { error, .. } | YamlError::AliasError { error, .. } => {
            yaml_reason(error)
        }
        YamlError::Message { msg, .. } if is_ours(msg) => reworded(msg),
        YamlError::SerdeInvalidType { unexpected, expected, .. }
        | YamlError::SerdeInvalidValue { unexpected, expected, .. } => {
            format!("expected {}, found {}", expected_words(expected), found_words(unexpected))
        }
        YamlError::SerdeInvalidLength { len, expected, .. } => {
            format!("expected {}, found {len} entries", expected_words(expected))
        }
        YamlError::SerdeUnknownVariant { variant: found, expected, .. }
        | YamlError::SerdeUnknownField { field: found, expected, .. } => {
            format!("expected one of {}, found {found}", expected.join(", "))
        }
        YamlError::SerdeMissingField { field, .. } => {
            format!("expected the key {field}, found none")
        }
        YamlError::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("one");
            format!("expected each key once, found {key} again")
        }
        YamlError::InvalidScalar { ty, .. } => {
            format!("expected {}, found something else", expected_words(ty))
        }
        YamlError::Unexpected { expected, .. } => {
            format!("expected {}, found something else", expected_words(expected))
        }
        YamlError::Eof { .. } => "expected more, found the end of the text".to_owned(),
        YamlError::MultipleDocuments { .. } => {
            "expected one document, found a second (---)".to_owned()
        }
        YamlError::NullIntoString { .. } => "expected a text, found nothing".to_owned(),
        _ => "expected plain YAML, found something else".to_owned(),
    }
}

/// Whether a message was written by the types that are read, not by the reader.
fn is_ours(message: &str) -> bool {
    message.contains("expected ") || message.contains(", found ") || message.starts_with("invalid ")
}

/// What `serde` says, as the rest of this crate says it.
fn reworded(text: &str) -> String {
    let invalid = ["invalid type: ", "invalid value: "];
    if let Some(rest) = invalid.iter().find_map(|start| text.strip_prefix(start))
        && let Some((found, expected)) = rest.rsplit_once(", expected ")
    {
        return format!("expected {}, found {}", expected_words(expected), found_words(found));
    }
    let unknown = ["unknown field ", "unknown variant "];
    if let Some(rest) = unknown.iter().find_map(|start| text.strip_prefix(start))
        && let Some((found, expected)) = rest.split_once(", expected ")
    {
        return format!("expected {}, found {}", bare(expected), bare(found));
    }
    if let Some(key) = text.strip_prefix("missing field ") {
        return format!("expected the key {}, found none", bare(key));
    }
    if let Some(key) = text.strip_prefix("duplicate field ") {
        return format!("expected each key once, found {} again", bare(key));
    }
    text.to_owned()
}

fn bare(text: &str) -> String {
    text.replace('`', "")
}

fn expected_words(expected: &str) -> &str {
    match expected {
        "a map" | "mapping start" => "keys and values",
        text if text.starts_with("struct ") => "keys and values",
        "a sequence" | "sequence start" => "a list",
        "a string" => "a text",
        "string scalar" | "scalar" => "one value",
        "a boolean" | "boolean" => "true or false",
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" | "f32" | "f64"
        | "floating point" => "a number",
        text => text,
    }
}

fn found_words(found: &str) -> String {
    let kinds = ["string ", "integer ", "floating point ", "boolean "];
    match found {
        "map" => "keys and values".to_owned(),
        "sequence" => "a list".to_owned(),
        "null" | "unit value" => "nothing".to_owned(),
        text => bare(kinds.iter().find_map(|kind| text.strip_prefix(kind)).unwrap_or(text)),
    }
}
