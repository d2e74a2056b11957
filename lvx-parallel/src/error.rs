//! Errors in files with a bank or thresholds, and in names of rules and thresholds.

use serde_json::error::Category;
use serde_saphyr::Error as YamlError;

/// An error in a saved bank, in thresholds, or in the name of a rule: the place, what was expected, and
/// what was found.
///
/// ```
/// use lvx_parallel::Thresholds;
///
/// let error = Thresholds::parse("max_skew: soon").unwrap_err();
/// let text = "line 1 column 1: expected a duration from 0 to 65535 s, found \"soon\"";
/// assert_eq!(error.to_string(), text);
/// ```
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{place}: {why}")]
pub struct FormatError {
    pub(crate) place: String,
    pub(crate) why: String,
}

impl FormatError {
    /// Returns an error with its place, and what was expected and found there.
    pub(crate) fn new(place: impl Into<String>, why: impl Into<String>) -> Self {
        Self { place: place.into(), why: why.into() }
    }

    /// Returns the error for a name that is not one of `names`. It suggests the most similar name, or
    /// lists all.
    pub(crate) fn unknown_name(kind: &str, found: &str, names: &[&str]) -> Self {
        let distance = |name: &str| strsim::damerau_levenshtein(name, found);
        let near = names.iter().min_by_key(|name| distance(name));
        let why = match near.filter(|near| distance(near) <= near.len() / 3) {
            Some(near) => format!("expected the name of {kind}, perhaps {near}"),
            None => format!("expected the name of {kind}: one of {}", names.join(", ")),
        };
        Self::new(found.escape_debug().to_string(), why)
    }

    /// Converts an error of the YAML reader. Lines and columns count from 1.
    pub(crate) fn yaml(error: &serde_saphyr::Error) -> Self {
        let place = match error.location() {
            Some(at) => format!("line {} column {}", at.line(), at.column()),
            None => "the text".to_owned(),
        };
        Self::new(place, yaml_reason(error))
    }

    /// Converts an error of the JSON reader.
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

/// Returns the reason in words for users. The messages of the library are written for programmers.
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

/// Returns whether a message comes from the type that is deserialized, not from the YAML reader.
fn is_ours(message: &str) -> bool {
    message.contains("expected ") || message.contains(", found ") || message.starts_with("invalid ")
}

/// Returns a message of `serde` in the words of this crate.
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
