//! What can go wrong around settings, beside what a link reports.

use std::{fmt, io, path::Path};

use pi18_proto::{ProtocolId, SerialNumber};

/// Why something around settings failed. Says where, what was wanted, what came and what to do.
pub struct Error(Box<ErrorKind>);

#[derive(Debug, thiserror::Error)]
enum ErrorKind {
    #[error(transparent)]
    Unit(pi18_transport::Error),
    #[error(
        "{place}: expected a unit that speaks PI18, found one that speaks PI{found}; it cannot be set by this program"
    )]
    Protocol { place: String, found: u16 },
    #[error(
        "{place}: expected unit {expected} from the first reply to the last, found unit {found} at the end; was the cable moved? ask again"
    )]
    Changed { place: String, expected: SerialNumber, found: SerialNumber },
    #[error("{place}: {why}")]
    File { place: String, why: String, source: Option<io::Error> },
    #[error("{place}: the run that writes it is still there")]
    Busy { place: String },
    #[error("{place}: {why}")]
    Plan { place: String, why: String },
}

impl Error {
    pub(crate) fn protocol(place: &str, found: ProtocolId) -> Self {
        ErrorKind::Protocol { place: place.to_owned(), found: found.protocol_id.0 }.into()
    }

    /// Another unit answered at the end than at the start.
    pub(crate) fn changed(place: &str, expected: SerialNumber, found: SerialNumber) -> Self {
        ErrorKind::Changed { place: place.to_owned(), expected, found }.into()
    }

    /// Something about a file: `what` says what was done with it.
    pub(crate) fn file(path: &Path, what: &str, source: io::Error) -> Self {
        let place = path.display().to_string();
        ErrorKind::File { place, why: format!("{what}: {source}"), source: Some(source) }.into()
    }

    /// A file that does not hold what it should.
    pub(crate) fn content(path: &Path, why: impl fmt::Display) -> Self {
        let place = path.display().to_string();
        ErrorKind::File { place, why: why.to_string(), source: None }.into()
    }

    /// A journal whose run goes on.
    pub(crate) fn busy(path: &Path) -> Self {
        ErrorKind::Busy { place: path.display().to_string() }.into()
    }

    pub(crate) fn plan(place: impl Into<String>, why: impl fmt::Display) -> Self {
        ErrorKind::Plan { place: place.into(), why: why.to_string() }.into()
    }

    /// A unit could not be read: the link's error.
    #[must_use]
    pub fn as_link(&self) -> Option<&pi18_transport::Error> {
        match &*self.0 {
            ErrorKind::Unit(error) => Some(error),
            _ => None,
        }
    }

    /// A file could not be read or written, or does not hold what it should.
    #[must_use]
    pub fn is_file(&self) -> bool {
        matches!(&*self.0, ErrorKind::File { .. })
    }

    /// A journal cannot be taken over: the run that writes it is still there.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(&*self.0, ErrorKind::Busy { .. })
    }

    /// What is wanted cannot be planned, or a plan does not hold together.
    #[must_use]
    pub fn is_plan(&self) -> bool {
        matches!(&*self.0, ErrorKind::Plan { .. })
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self(Box::new(kind))
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &*error.0 {
            ErrorKind::File { source: Some(source), .. } => source.kind(),
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

impl From<pi18_transport::Error> for Error {
    fn from(error: pi18_transport::Error) -> Self {
        ErrorKind::Unit(error).into()
    }
}

/// Writes the same text as `Display`, because a `main` that returns an error shows it by `Debug`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &*self.0 {
            ErrorKind::Unit(error) => Some(error),
            ErrorKind::File { source: Some(source), .. } => Some(source),
            _ => None,
        }
    }
}
