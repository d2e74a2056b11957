//! The link to a unit or a pack, as the snapshot shows it.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

/// State of a link and its statistics.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LinkView {
    /// Address of the link on which the unit was last found.
    pub address: String,
    /// Whether the unit can be asked.
    pub state: LinkState,
    /// Time since which the link has this state.
    pub since: Timestamp,
    /// Counters since the bridge started.
    pub counts: LinkCounts,
    /// Median time of an exchange in the last minutes.
    pub latency: Option<Duration>,
}

/// Whether a unit can be asked.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum LinkState {
    /// The link is being opened for the first time.
    Starting,
    /// The unit answers.
    Up,
    /// The unit cannot be reached.
    Down {
        /// Text of the error.
        why: String,
        /// Time of the next attempt.
        retry_at: Option<Timestamp>,
    },
}

/// Counters of a link.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct LinkCounts {
    /// Exchanges.
    pub exchanges: u64,
    /// Exchanges without a reply.
    pub timeouts: u64,
    /// Questions that the unit refused.
    pub refusals: u64,
    /// Replies that could not be decoded.
    pub unreadable: u64,
    /// Times that the link was opened.
    pub connects: u64,
    /// Questions that were asked later than their limit of age.
    pub missed_deadlines: u64,
}
