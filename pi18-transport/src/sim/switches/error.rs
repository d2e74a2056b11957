//! The error of a wrong switch.

use std::fmt;

/// The error of a switch that does not exist, or of a value with the wrong form.
///
/// ```
/// use pi18_transport::sim::Switches;
///
/// let error = "lag=soon".parse::<Switches>().unwrap_err();
/// assert_eq!(error.to_string(), "switch \"lag\": expected a time such as 2s, found \"soon\"");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SwitchError {
    name: String,
    expected: String,
    found: Option<String>,
}

impl SwitchError {
    /// Creates the error of an unknown name; `similar` is the known name that is closest.
    pub(crate) fn unknown(name: &str, similar: Option<&str>) -> Self {
        let expected = match similar {
            Some(similar) => format!("a known switch, perhaps {similar:?}"),
            None => "a known switch".to_owned(),
        };
        Self { name: name.to_owned(), expected, found: None }
    }

    /// Creates the error of a value with the wrong form.
    pub(crate) fn value(name: &str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { name: name.to_owned(), expected: expected.into(), found: Some(found.into()) }
    }
}

impl fmt::Display for SwitchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "switch {:?}: expected {}", self.name, self.expected)?;
        self.found.as_ref().map_or(Ok(()), |found| write!(f, ", found {found:?}"))
    }
}

impl std::error::Error for SwitchError {}
