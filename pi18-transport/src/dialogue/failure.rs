//! The reason why an exchange gave no result.

use std::fmt;

use crate::{Error, ErrorKind, error::Cause};

/// The reason why an exchange gave no result: no valid reply to a query arrived, or a set command was not
/// sent.
///
/// [`at`](Self::at) makes an [`Error`] of it.
#[derive(Debug)]
pub struct Failure(Cause);

impl Failure {
    pub(super) fn new(cause: Cause) -> Self {
        Self(cause)
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind()
    }

    /// Returns the error, with a hint that fits its kind. `place` is the name of the connection, usually the
    /// device address.
    pub fn at(self, place: impl Into<String>) -> Error {
        let hint = match &self.0 {
            Cause::Timeout { found: None, .. } => {
                "is the unit on, is the cable connected, and is this the right port?"
            }
            Cause::Timeout { found: Some(_), .. } => {
                "is the unit slow (try ?timeout=5s), is another program using it, or is the cable damaged?"
            }
            Cause::NotPi18 { .. } => {
                "UPSs have the same USB adapter, and other inverters use another protocol"
            }
            Cause::Flooded { .. } => {
                "the device at this address is not an inverter, or its bridge is defective"
            }
            _ => return Error::from_cause(place, self.0),
        };
        Error::from_cause(place, self.0).with_hint(hint)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
