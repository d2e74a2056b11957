//! The error for a text that is not a value of its type.

/// The error for a text that is not a value of its type.
///
/// ```
/// use lvx_settings::Setting;
///
/// let error = "bulk".parse::<Setting>().unwrap_err();
/// assert_eq!(error.to_string(), "expected the key of a setting, found \"bulk\"");
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq, thiserror::Error)]
#[error("expected {expected}, found {found:?}")]
#[non_exhaustive]
pub struct ParseError {
    /// The expected form.
    pub expected: &'static str,
    /// The text that was found.
    pub found: String,
}

impl ParseError {
    pub(crate) fn new(expected: &'static str, found: &str) -> Self {
        Self { expected, found: found.to_owned() }
    }
}
