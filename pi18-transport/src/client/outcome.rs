//! What becomes of a query or a set command.

use std::time::Instant;

use pi18_proto::{AnyReply, Query, QueryReply};

use crate::error::ErrorKind;

/// What became of a set command. What the unit has afterwards is proved by reading back alone.
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
/// An outcome that is not looked at is a mistake, which the compiler reports:
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
    /// The unit answered `^0`: a value outside its list, a mode that forbids it, or a command that it
    /// does not know.
    Refused,
    /// Something came back that says neither; the command may have been carried out.
    Garbled,
    /// Nothing came back, or the link failed; the command may have been carried out.
    Silent,
    /// The device went away; the command may have been carried out.
    Gone,
}

/// What a unit answered to a query.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TimedReply {
    /// What was asked.
    pub query: Query,
    /// The answer.
    pub reply: AnyReply,
    /// The whole frame as it came.
    pub frame: Vec<u8>,
    /// What was forgiven: a wrong length, surplus fields.
    pub warnings: Vec<String>,
    /// When it was there.
    pub at: Instant,
}

impl TimedReply {
    /// The reply as one of a given type.
    pub(super) fn into_reply<R: QueryReply>(self) -> Result<R, ErrorKind> {
        R::from_reply(self.reply).ok_or_else(|| ErrorKind::OtherReply {
            request: self.query.to_string(),
            expected: R::MNEMONIC,
        })
    }
}

/// How an exchange ends.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The reply to a query.
    Answer(Answered),
    /// `^1`
    Accepted,
    /// `^0`
    Refused,
    /// A set command was sent, and the reply is neither `^1` nor `^0`.
    Garbled,
    /// A set command was sent, and no reply arrived.
    Silent,
    /// A query got no valid reply, or a set command was not sent.
    Failed(ErrorKind),
}

/// The reply to a query.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) reply: AnyReply,
    pub(super) frame: Vec<u8>,
    pub(super) warnings: Vec<String>,
}

impl Outcome {
    /// Returns whether two replies mean the same.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Answer(a), Self::Answer(b)) => a.frame == b.frame,
            (Self::Accepted, Self::Accepted) | (Self::Refused, Self::Refused) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use pi18_proto::{GeneralStatus, Mode, WorkingMode};

    use super::*;
    use crate::Error;

    #[test]
    fn a_reply_of_another_type_is_no_time_out() {
        let reply = AnyReply::Mode(Mode { working_mode: WorkingMode::HYBRID });
        let at = Instant::now();
        let reading =
            || TimedReply { query: Query::Mode, reply, frame: vec![], warnings: vec![], at };
        assert_eq!(reading().into_reply::<Mode>().unwrap().working_mode, WorkingMode::HYBRID);
        let error = Error::new("test", reading().into_reply::<GeneralStatus>().unwrap_err());
        assert!(error.is_decode() && !error.is_timeout());
        assert_eq!(error.to_string(), "test: expected a reply to GS, found one to MOD");
    }
}
