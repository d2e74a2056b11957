//! The outcome of an exchange, and the results of queries and set commands.

use std::time::Instant;

use pi18_proto::{AnyReply, Query, QueryReply, RawQuery};

use super::failure::Failure;
use crate::{Error, error::Cause};

/// How an exchange has ended.
///
/// [`Exchange::reply`](super::Exchange::reply) and [`Exchange::set_outcome`](super::Exchange::set_outcome)
/// convert it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The reply to a query.
    Reply(TimedReply),
    /// The reply to a query that the crate does not know.
    Raw(RawReply),
    /// The reply `^1` to a set command.
    Accepted,
    /// The reply `^0`.
    Refused,
    /// A set command was sent, and the reply is neither `^1` nor `^0`.
    Garbled,
    /// A set command was sent, and no reply arrived.
    Silent,
    /// A query got no valid reply, or a set command was not sent.
    Failed(Failure),
}

impl Outcome {
    /// Returns whether two outcomes are the same reply.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Accepted, Self::Accepted) | (Self::Refused, Self::Refused) => true,
            _ => self.frame().is_some() && self.frame() == other.frame(),
        }
    }

    /// Returns the frame of a reply with data.
    pub(super) fn frame(&self) -> Option<&[u8]> {
        match self {
            Self::Reply(reply) => Some(&reply.frame),
            Self::Raw(reply) => Some(&reply.frame),
            _ => None,
        }
    }
}

/// The result of a set command. It does not prove the new value: only reading the setting back does.
///
/// ```
/// # #![deny(unused_must_use)]
/// # use pi18_transport::{Client, SetOutcome};
/// let mut unit = Client::open("sim:0")?;
/// let outcome = unit.set("POP1".parse()?)?;
/// assert_eq!(outcome, SetOutcome::Accepted);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The compiler reports an outcome that is ignored:
///
/// ```compile_fail
/// # #![deny(unused_must_use)]
/// # use pi18_transport::Client;
/// let mut unit = Client::open("sim:0")?;
/// unit.set("POP1".parse()?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[must_use = "a set command that was sent may have been refused or lost"]
pub enum SetOutcome {
    /// The unit answered `^1`.
    Accepted,
    /// The unit answered `^0`: it does not allow the value, its mode forbids the change, or it does not
    /// support the command.
    Refused,
    /// The reply is neither `^1` nor `^0`. The unit may have carried out the command.
    Garbled,
    /// No reply arrived, or the link failed. The unit may have carried out the command.
    Silent,
    /// The device disappeared. The unit may have carried out the command.
    Gone,
}

/// The reply to a query, with its frame, time and warnings.
///
/// ```
/// use pi18_proto::{AnyReply, Query};
/// use pi18_transport::Client;
///
/// let mut unit = Client::open("sim:0")?;
/// let reply = unit.query(Query::Mode)?;
/// assert!(matches!(reply.reply, AnyReply::Mode(_)));
/// assert!(reply.frame.starts_with(b"^D005") && reply.warnings.is_empty());
/// # Ok::<(), pi18_transport::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TimedReply {
    /// The query.
    pub query: Query,
    /// The decoded reply.
    pub reply: AnyReply,
    /// The whole frame that was received.
    pub frame: Vec<u8>,
    /// The deviations that were tolerated: a wrong length field, or additional fields.
    pub warnings: Vec<String>,
    /// When the reply was complete, on the link's clock.
    pub at: Instant,
}

/// The reply to a query that the crate does not know, with its frame, time and warnings. See
/// [`Client::ask_raw`](crate::Client::ask_raw).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RawReply {
    /// The query.
    pub query: RawQuery,
    /// The data of the reply, without the head of the frame and the checksum.
    pub data: Vec<u8>,
    /// The whole frame that was received.
    pub frame: Vec<u8>,
    /// The deviations that were tolerated: a wrong length field.
    pub warnings: Vec<String>,
    /// When the reply was complete, on the link's clock.
    pub at: Instant,
}

/// A reply of a known type with its time and warnings. See
/// [`Client::read_timed`](crate::Client::read_timed).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Timed<R> {
    /// The reply.
    pub value: R,
    /// When the reply was complete, on the link's clock.
    pub at: Instant,
    /// The deviations that were tolerated: a wrong length field, or additional fields.
    pub warnings: Vec<String>,
}

impl TimedReply {
    /// Returns the reply as the expected type. `place` is the name of the link in an error.
    ///
    /// # Errors
    /// If the reply is of another type.
    pub fn into_timed<R: QueryReply>(self, place: &str) -> Result<Timed<R>, Error> {
        let Self { query, reply, at, warnings, .. } = self;
        let Some(value) = R::from_reply(reply) else {
            let cause = Cause::OtherReply { request: query.to_string(), expected: R::MNEMONIC };
            return Err(Error::from_cause(place, cause));
        };
        Ok(Timed { value, at, warnings })
    }
}

#[cfg(test)]
mod tests {
    use pi18_proto::{GeneralStatus, Mode, WorkingMode};

    use super::*;

    #[test]
    fn reply_of_another_type_is_a_decode_error() {
        let reply = AnyReply::Mode(Mode::new(WorkingMode::HYBRID));
        let at = Instant::now();
        let timed =
            || TimedReply { query: Query::Mode, reply, frame: vec![], warnings: vec![], at };
        assert_eq!(
            timed().into_timed::<Mode>("test").unwrap().value.working_mode,
            WorkingMode::HYBRID
        );
        let error = timed().into_timed::<GeneralStatus>("test").unwrap_err();
        assert!(error.is_decode() && !error.is_timeout());
        assert_eq!(error.to_string(), "test: expected a reply to GS, found one to MOD");
    }
}
