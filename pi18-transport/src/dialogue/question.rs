//! What is sent to a unit in an exchange.

use std::fmt;

use pi18_proto::{Dialect, Query, RawQuery, Request, RequestFrame, SetCommand};

/// What is sent to a unit in an [`Exchange`](super::Exchange).
///
/// ```
/// use pi18_proto::Query;
/// use pi18_transport::dialogue::Question;
///
/// let question = Question::from(Query::Mode);
/// assert_eq!(question.to_string(), "MOD");
/// assert!(!question.is_set());
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Question {
    /// A query or a set command.
    Request(Request),
    /// A query that the crate does not know.
    Raw(RawQuery),
}

impl Question {
    /// Returns whether this is a set command, which is sent at most once.
    #[must_use]
    pub fn is_set(&self) -> bool {
        matches!(self, Self::Request(Request::Set(_)))
    }

    /// Returns whether this asks for the reply to `query`, which has no argument.
    pub(super) fn asks(&self, query: Query) -> bool {
        match self {
            Self::Request(request) => *request == query.into(),
            Self::Raw(raw) => raw.data() == query.info().mnemonic.as_bytes(),
        }
    }

    /// Returns the whole frame, ready to be sent.
    pub(super) fn to_frame(self, dialect: Dialect) -> RequestFrame {
        match self {
            Self::Request(request) => request.to_frame(dialect),
            Self::Raw(raw) => raw.to_frame(dialect),
        }
    }
}

impl From<Request> for Question {
    fn from(request: Request) -> Self {
        Self::Request(request)
    }
}

impl From<Query> for Question {
    fn from(query: Query) -> Self {
        Self::Request(query.into())
    }
}

impl From<SetCommand> for Question {
    fn from(command: SetCommand) -> Self {
        Self::Request(command.into())
    }
}

impl From<RawQuery> for Question {
    fn from(query: RawQuery) -> Self {
        Self::Raw(query)
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(request) => request.fmt(f),
            Self::Raw(raw) => raw.fmt(f),
        }
    }
}
