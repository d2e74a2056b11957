//! Alerts: findings that lasted.

use jiff::Timestamp;
use lvx_parallel::{Finding, Severity};
use pi18_proto::SerialNumber;
use serde::{Deserialize, Serialize};

use crate::{Now, RequestError, config::AlertConfig};

/// A finding that lasted, from its raise until it cleared.
#[derive(Clone, Debug, PartialEq, Serialize)]
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

/// Decides which findings are alerts. It has no I/O and no clock.
#[derive(Debug, Default)]
pub struct Alerts {
    list: Vec<Alert>,
}

impl Alerts {
    /// Creates the state; `saved` is the text that [`saved`](Self::saved) returned before a restart.
    #[must_use]
    pub fn new(_config: &AlertConfig, _saved: Option<&[u8]>) -> Self {
        Self::default()
    }

    /// Takes the findings of a complete round.
    pub fn judge(&mut self, _findings: &[Finding], _now: Now) {}

    /// Lets time pass: alerts are raised and cleared when their time has come.
    pub fn tick(&mut self, _now: Now) {}

    /// Acknowledges an alert, or takes the acknowledgement back.
    ///
    /// # Errors
    /// If no such alert is raised.
    pub fn acknowledge(
        &mut self,
        id: &str,
        _by: &str,
        _is_acknowledged: bool,
        _now: Now,
    ) -> Result<(), RequestError> {
        Err(RequestError::Unknown(format!("expected the id of an alert, found {id:?}")))
    }

    /// Raises a test alert, which clears after a minute.
    pub fn test(&mut self, _by: &str, _now: Now) {}

    /// Returns the alerts that are raised, the most severe first, and those that cleared recently.
    #[must_use]
    pub fn list(&self) -> &[Alert] {
        &self.list
    }

    /// Returns what must survive a restart.
    #[must_use]
    pub fn saved(&self) -> Vec<u8> {
        Vec::new()
    }
}
