//! What a rule has to say.

use std::fmt;

use serde::Serialize;

/// How bad it is. The greater, the worse.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing to do.
    Info,
    /// Works, but will not for long, or not as well as it should.
    Warning,
    /// Does not work, or harms something.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// What is the matter, why it matters, and what to do.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// Which rule says so.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is the matter, with the units and their values.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What to do about it.
    pub advice: String,
}
