//! Names in topics, URLs and metrics.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A name of a site, a bank or a unit: 1 to 32 characters of `a` to `z`, `0` to `9` and `-`, for topics, URLs and
/// identifiers that need no escaping. It begins and ends with a letter or digit.
///
/// ```
/// use lvx_bridge::Name;
///
/// let name: Name = "garage-2".parse()?;
/// assert_eq!(name.as_str(), "garage-2");
/// assert!("Garage 2".parse::<Name>().is_err());
/// # Ok::<(), lvx_bridge::NameError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// Returns a name that the program itself chose.
    pub(crate) fn literal(text: &'static str) -> Self {
        debug_assert!(text.parse::<Self>().is_ok(), "expected a name");
        Self(text.to_owned())
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A text is not a [`Name`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected 1 to 32 of a-z, 0-9 and -, with a letter or digit at both ends, found {0:?}")]
pub struct NameError(String);

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let fits = (1..=32).contains(&text.len())
            && text.chars().all(|c| is_word(c) || c == '-')
            && text.starts_with(is_word)
            && text.ends_with(is_word);
        if fits { Ok(Self(text.to_owned())) } else { Err(NameError(text.to_owned())) }
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
