//! The error of this crate.

use std::{fmt, io, path::Path};

use pi18_proto::{ProtocolId, SerialNumber};

/// An error of a unit, a file or a plan. The text names the place, the value expected and the value found.
///
/// ```
/// use std::path::Path;
///
/// use lvx_settings::Past;
///
/// let error = Past::read(Path::new("no-such.journal")).unwrap_err();
/// assert!(error.is_file());
/// assert!(error.to_string().starts_with("no-such.journal: "));
/// ```
pub struct Error(Box<ErrorKind>);

#[derive(Debug, thiserror::Error)]
enum ErrorKind {
    #[error(transparent)]
    Unit(pi18_transport::Error),
    #[error(
        "{place}: expected a unit with protocol PI18, found PI{found}; settings of other protocols are not supported"
    )]
    Protocol { place: String, found: u16 },
    #[error(
        "{place}: expected unit {expected} in all replies, found unit {found} at the end; if the cable was moved, try again"
    )]
    Changed { place: String, expected: SerialNumber, found: SerialNumber },
    #[error("{place}: {why}")]
    File { place: String, why: String, source: Option<io::Error> },
    #[error("{place}: the run that writes this journal has not ended")]
    Busy { place: String },
    #[error("{place}: {why}")]
    Plan { place: String, why: String },
}

impl Error {
    /// Returns the error for a unit with another protocol.
    pub(crate) fn protocol(place: &str, found: ProtocolId) -> Self {
        ErrorKind::Protocol { place: place.to_owned(), found: found.protocol_id.0 }.into()
    }

    /// Returns the error for a unit that changed while it was read.
    pub(crate) fn changed(place: &str, expected: SerialNumber, found: SerialNumber) -> Self {
        ErrorKind::Changed { place: place.to_owned(), expected, found }.into()
    }

    /// Returns the error for a failed file operation, which `what` describes.
    pub(crate) fn file(path: &Path, what: &str, source: io::Error) -> Self {
        let place = path.display().to_string();
        ErrorKind::File { place, why: format!("{what}: {source}"), source: Some(source) }.into()
    }

    /// Returns the error for a file with wrong content.
    pub(crate) fn content(path: &Path, why: impl fmt::Display) -> Self {
        let place = path.display().to_string();
        ErrorKind::File { place, why: why.to_string(), source: None }.into()
    }

    /// Returns the error for a journal whose run has not ended.
    pub(crate) fn busy(path: &Path) -> Self {
        ErrorKind::Busy { place: path.display().to_string() }.into()
    }

    /// Returns the error for a plan that cannot be made or is inconsistent.
    pub(crate) fn plan(place: impl Into<String>, why: impl fmt::Display) -> Self {
        ErrorKind::Plan { place: place.into(), why: why.to_string() }.into()
    }

    /// Returns the error of the link, if a unit could not be read.
    ///
    /// ```
    /// use lvx_settings::Error;
    /// use pi18_transport::Client;
    ///
    /// let error = Error::from(Client::open("no-such-link").unwrap_err());
    /// assert!(error.as_link().is_some());
    /// ```
    #[must_use]
    pub fn as_link(&self) -> Option<&pi18_transport::Error> {
        match &*self.0 {
            ErrorKind::Unit(error) => Some(error),
            _ => None,
        }
    }

    /// Returns whether a file could not be read or written, or has wrong content.
    #[must_use]
    pub fn is_file(&self) -> bool {
        matches!(&*self.0, ErrorKind::File { .. })
    }

    /// Returns whether a journal cannot be used because the run that writes it has not ended.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(&*self.0, ErrorKind::Busy { .. })
    }

    /// Returns whether a plan cannot be made or is inconsistent.
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

/// Writes the message and the hint, because a `main` that returns an error prints it with `Debug`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:#}")
    }
}

/// Writes the message; with `{:#}`, also the [hint](pi18_transport::Error::hint) of an error of a link.
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
