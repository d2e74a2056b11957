//! The values that a setting of each unit had, and when.

use std::{
    sync::{Mutex, MutexGuard},
    time::Instant,
};

/// The output priority of each unit over time.
pub(super) struct Truth(Vec<Mutex<Values>>);

#[derive(Default)]
struct Values {
    versions: Vec<Version>,
    /// Values that set commands may bring, and who sends them.
    pending: Vec<(usize, u8)>,
}

struct Version {
    at: Instant,
    priority: u8,
    /// Whether the unit has it. Otherwise, it may get it at any time from then on.
    is_certain: bool,
}

impl Truth {
    pub(super) fn new(units: usize) -> Self {
        Self((0..units).map(|_| Mutex::default()).collect())
    }

    /// Notes that a set command of a sender may reach the unit from now on.
    pub(super) fn may_become(
        &self,
        unit: usize,
        priority: u8,
        sender: usize,
        now: impl Fn() -> Instant,
    ) {
        let mut values = self.lock(unit);
        values.pending.push((sender, priority));
        values.versions.push(Version { at: now(), priority, is_certain: false });
    }

    /// Notes that the unit has this value, and that no set command of this sender is on its way.
    pub(super) fn is(&self, unit: usize, priority: u8, sender: usize, now: impl Fn() -> Instant) {
        let mut values = self.lock(unit);
        values.pending.retain(|(other, _)| *other != sender);
        let at = now();
        values.versions.push(Version { at, priority, is_certain: true });
        // Those of others may still come.
        let pending = values.pending.clone().into_iter();
        let pending = pending.map(|(_, priority)| Version { at, priority, is_certain: false });
        values.versions.extend(pending);
    }

    /// Returns whether the unit may have had this value at some time between these two.
    pub(super) fn allows(&self, unit: usize, priority: u8, from: Instant, to: Instant) -> bool {
        let versions = &self.lock(unit).versions;
        let first = versions.iter().rposition(|version| version.is_certain && version.at < from);
        let possible = versions.iter().skip(first.unwrap_or(0));
        possible.take_while(|version| version.at <= to).any(|version| version.priority == priority)
    }

    fn lock(&self, unit: usize) -> MutexGuard<'_, Values> {
        self.0[unit].lock().unwrap()
    }
}
