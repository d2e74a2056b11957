//! The snapshot that all outputs read.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use lvx_parallel::{Finding, Severity};

use super::{PackView, Totals, UnitView};
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
    /// Battery packs in the order of the configuration; none if only the units are watched.
    pub packs: Vec<Arc<PackView>>,
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

    /// Returns the pack with this name.
    #[must_use]
    pub fn pack(&self, name: &str) -> Option<&PackView> {
        self.packs.iter().map(Arc::as_ref).find(|pack| pack.name.as_str() == name)
    }

    /// Returns whether snapshots have stopped. While a bank is judged there are always new ones, even if no unit
    /// answers.
    #[must_use]
    pub fn is_overdue(&self, now: Now) -> bool {
        let limits = self.units.iter().flat_map(|unit| &unit.held).map(|held| held.max_age * 2);
        // Without an answer the period of the rounds is not known.
        let limit = limits.min().map_or(LONGEST_ROUND, |limit| limit.max(MIN_LIMIT));
        now.instant.saturating_duration_since(self.now.instant) > limit
    }

    /// Returns the severity of the most severe alert that is raised.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.alerts.iter().filter(|alert| alert.is_raised()).map(|alert| alert.severity).max()
    }
}

/// Least time without a snapshot after which it is overdue.
const MIN_LIMIT: Duration = Duration::from_mins(1);
/// Twice the limit of age of the longest period that can be configured.
const LONGEST_ROUND: Duration = Duration::from_hours(1);
