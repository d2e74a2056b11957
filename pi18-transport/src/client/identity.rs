//! Checks which unit answers.

use pi18_proto::SerialNumber;

use crate::{Error, error::Cause};

/// Returns an error if another unit than the expected one has answered.
pub(crate) fn check(place: &str, expected: SerialNumber, found: SerialNumber) -> Result<(), Error> {
    if found == expected {
        return Ok(());
    }
    Err(Error::from_cause(place, Cause::WrongUnit { expected, found })
        .with_hint("was a cable moved, or does the bridge lead to another unit?"))
}
