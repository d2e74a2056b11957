//! What can be wrong with a file that holds a bank or thresholds.

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
        let error = error.without_snippet().to_string();
        let first = error.lines().next().unwrap_or_default();
        let bare = first.strip_prefix("error: ").unwrap_or(first);
        let bare = bare.strip_prefix(&format!("{place}: ")).unwrap_or(bare);
        Self::new(place, bare.rsplit_once(" at line ").map_or(bare, |(why, _)| why))
    }

    pub(crate) fn json(error: &serde_json::Error) -> Self {
        let place = format!("line {} column {}", error.line(), error.column());
        let text = error.to_string();
        let why = text.rsplit_once(" at line ").map_or(text.as_str(), |(why, _)| why);
        Self::new(place, why)
    }
}
