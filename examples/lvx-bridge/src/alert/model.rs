//! Alerts and their changes.

use jiff::Timestamp;
use lvx_parallel::Severity;
use pi18_proto::SerialNumber;
use serde::{Deserialize, Serialize};

/// A finding that lasted, from its raise until it cleared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Identifier of the cause: the rule and the units. It is the same when the cause returns.
    pub id: String,
    /// Rule that found it, or `test`, `link`, `control` for alerts of the bridge itself.
    pub rule: String,
    /// Severity.
    pub severity: Severity,
    /// One sentence: what is wrong, on which units.
    pub title: String,
    /// Why it matters.
    pub why: String,
    /// What to do, in order.
    pub advice: Vec<String>,
    /// Values of the units, each with its name.
    pub values: Vec<(String, String)>,
    /// Serial numbers of the units.
    pub units: Vec<SerialNumber>,
    /// Time at which the finding was first seen.
    pub since: Timestamp,
    /// Time at which the alert was raised.
    pub raised: Timestamp,
    /// Who acknowledged it, and when.
    pub acknowledged: Option<Acknowledgement>,
    /// Time at which it cleared; `None` while it is raised.
    pub cleared: Option<Timestamp>,
}

impl Alert {
    /// Returns whether the alert is raised.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.cleared.is_none()
    }
}

/// Who acknowledged an alert, and when.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Name of the person or program.
    pub by: String,
    /// Time.
    pub at: Timestamp,
}

/// A change of an alert, of which hooks are notified.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Number. It increases with each notice, also over restarts, but not by one.
    pub number: u64,
    /// Time of the change.
    pub at: Timestamp,
    /// What changed.
    pub change: Change,
    /// The alert after the change.
    pub alert: Alert,
}

/// What changed about an alert.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It was raised.
    Raised,
    /// It cleared.
    Cleared,
    /// Someone acknowledged it.
    Acknowledged,
    /// Someone took the acknowledgement back.
    Unacknowledged,
    /// It is more severe now. An acknowledgement does not count any more.
    Worse,
    /// It is less severe now.
    Better,
}
