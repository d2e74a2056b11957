//! Converts outcomes into the results that all clients return.

use super::{
    exchange::Exchange,
    outcome::{Outcome, RawReply, SetOutcome, TimedReply},
};
use crate::{Error, error::Cause};

impl Exchange {
    /// Returns the result of a query that has ended with this outcome or with an error of the link.
    ///
    /// `place` is the name of the connection in errors, usually the device address.
    ///
    /// # Errors
    /// If no valid reply arrived in time, the unit refused the query, or the link failed.
    pub fn reply(&self, place: &str, ended: Result<Outcome, Error>) -> Result<TimedReply, Error> {
        match ended? {
            Outcome::Reply(reply) => Ok(reply),
            outcome => Err(self.without_reply(place, outcome)),
        }
    }

    /// Returns the result of a query that the crate does not know, which has ended with this outcome or with
    /// an error of the link.
    ///
    /// `place` is the name of the connection in errors, usually the device address.
    ///
    /// # Errors
    /// If no valid reply arrived in time, the unit refused the query, or the link failed.
    pub fn raw_reply(&self, place: &str, ended: Result<Outcome, Error>) -> Result<RawReply, Error> {
        match ended? {
            Outcome::Raw(reply) => Ok(reply),
            outcome => Err(self.without_reply(place, outcome)),
        }
    }

    /// Returns the error of a query with an outcome that is no reply.
    fn without_reply(&self, place: &str, outcome: Outcome) -> Error {
        if let Outcome::Failed(failure) = outcome {
            return failure.at(place);
        }
        let request = self.question().to_string();
        Error::from_cause(place, Cause::Refused { request })
    }

    /// Returns the result of a set command that has ended with this outcome or with an error of the link.
    ///
    /// `place` is the name of the connection in errors, usually the device address.
    ///
    /// # Errors
    /// If the command was **not** sent: the unit did not answer a query before it, or the link failed.
    pub fn set_outcome(
        &self,
        place: &str,
        ended: Result<Outcome, Error>,
    ) -> Result<SetOutcome, Error> {
        match ended {
            Ok(Outcome::Accepted) => Ok(SetOutcome::Accepted),
            Ok(Outcome::Refused) => Ok(SetOutcome::Refused),
            Ok(Outcome::Garbled | Outcome::Reply(_) | Outcome::Raw(_)) => Ok(SetOutcome::Garbled),
            Ok(Outcome::Failed(failure)) => Err(failure.at(place)),
            Err(error) if !self.was_sent() => Err(error),
            Err(error) if error.is_disconnected() => Ok(SetOutcome::Gone),
            Ok(Outcome::Silent) | Err(_) => Ok(SetOutcome::Silent),
        }
    }
}
