//! The snapshot that all outputs read.

use std::{sync::Arc, time::Instant};

use lvx_parallel::{Finding, Severity};

use super::{Totals, UnitView};
use crate::{Name, Now, alert::Alert, control::ControlView};

/// The whole state at one moment. Outputs share it and never change it.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Number of this run of the bridge; it increases with each start.
    pub session: u64,
    /// Number of this snapshot within the session; it increases by one.
    pub seq: u64,
    /// Time at which the snapshot was made.
    pub now: Now,
    /// Time at which the bridge started.
    pub started: Now,
    /// Name of the site.
    pub site: Name,
    /// Name of the bank.
    pub bank: Name,
    /// Units in the order of the configuration.
    pub units: Vec<Arc<UnitView>>,
    /// Sums over the units.
    pub totals: Totals,
    /// Findings of the last complete round; `None` before the first one.
    pub findings: Option<Vec<Finding>>,
    /// Time of the last complete round.
    pub judged_at: Option<Instant>,
    /// Alerts that are raised, the most severe first, and those that cleared recently.
    pub alerts: Vec<Alert>,
    /// Settings that can be changed, and the command in progress.
    pub control: ControlView,
}

impl Snapshot {
    /// Returns the unit with this name.
    #[must_use]
    pub fn unit(&self, name: &str) -> Option<&UnitView> {
        self.units.iter().map(Arc::as_ref).find(|unit| unit.name.as_str() == name)
    }

    /// Returns the severity of the most severe alert that is raised.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.alerts.iter().filter(|alert| alert.is_raised()).map(|alert| alert.severity).max()
    }
}
