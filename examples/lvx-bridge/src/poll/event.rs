//! What a poller reports.

use std::time::{Duration, Instant};

use lvx_parallel::Gap;
use pi18_proto::{AnyReply, Query, SerialNumber};

/// A report of a poller.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Index of the link: the place of its unit in the configuration.
    pub link: usize,
    /// Time at which it happened, on the monotonic clock.
    pub at: Instant,
    /// What happened.
    pub kind: EventKind,
}

/// What happened on a link.
#[derive(Clone, Debug, PartialEq)]
pub enum EventKind {
    /// The link was opened, and this unit answered.
    Connected {
        /// Serial number of the unit.
        serial: SerialNumber,
    },
    /// The unit cannot be reached.
    Lost {
        /// Why: the reason and the text of the error.
        why: Gap,
        /// Time until the next attempt.
        retry_in: Duration,
    },
    /// The unit answered these questions. Its serial number was read before and after them.
    Batch {
        /// Serial number of the unit.
        serial: SerialNumber,
        /// The answers.
        answers: Vec<Answered>,
    },
    /// Another unit answers now: the cables were swapped. The answers of the last batch were discarded.
    Swapped {
        /// Serial number of the unit that answers now.
        serial: SerialNumber,
    },
}

/// The answer to one question.
#[derive(Clone, Debug, PartialEq)]
pub struct Answered {
    /// The question.
    pub query: Query,
    /// The reply, or why there is none.
    pub answer: Result<AnyReply, Gap>,
    /// Time at which the reply arrived.
    pub at: Instant,
    /// Duration of the exchange.
    pub latency: Duration,
}
