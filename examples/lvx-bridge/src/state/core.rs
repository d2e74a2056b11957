//! Takes events and makes snapshots.

use std::sync::Arc;

use super::{Snapshot, Totals};
use crate::{Name, Now, config::BankConfig, control::ControlView, poll::Event};

/// Takes the events of the pollers of one bank and makes its snapshots.
#[derive(Debug)]
pub struct Core {
    snapshot: Arc<Snapshot>,
}

impl Core {
    /// Creates the state before anything was read.
    #[must_use]
    pub fn new(site: &Name, config: &BankConfig, session: u64, now: Now) -> Self {
        let snapshot = Snapshot {
            session,
            seq: 0,
            now,
            started: now,
            site: site.clone(),
            bank: config.name.clone(),
            units: Vec::new(),
            totals: Totals::default(),
            findings: None,
            judged_at: None,
            alerts: Vec::new(),
            control: ControlView::default(),
        };
        Self { snapshot: Arc::new(snapshot) }
    }

    /// Takes an event.
    pub fn handle(&mut self, _event: Event, _now: Now) {}

    /// Returns the present snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshot)
    }
}
