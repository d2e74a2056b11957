//! What is wrong with a switch.

use std::fmt;

/// A switch that does not exist, or a value that it does not take.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SwitchError {
    name: String,
    expected: String,
    found: Option<String>,
}

impl SwitchError {
    /// A name that is not in the list; `similar` is the name that was perhaps meant.
    pub(super) fn unknown(name: &str, similar: Option<&str>) -> Self {
        let expected = match similar {
            Some(similar) => format!("a name from the list, perhaps {similar:?}"),
            None => "a name from the list".to_owned(),
        };
        Self { name: name.to_owned(), expected, found: None }
    }

    /// A value of the wrong form.
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
