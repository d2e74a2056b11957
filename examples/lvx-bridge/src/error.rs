//! Why a request was not taken.

/// Why the core did not take a request.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RequestError {
    /// The core is busy or has ended.
    #[error("the bridge is busy; try again")]
    Busy,
    /// There is no such alert or setting.
    #[error("{0}")]
    Unknown(String),
    /// The request is refused, for this reason.
    #[error("{0}")]
    Refused(String),
}
