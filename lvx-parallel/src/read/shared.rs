//! The bank that the reading threads share, and the gate at which they wait for each other.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{BankSnapshot, HostTime, Questions, UnitSnapshot};

/// A function that returns the questions to ask next, given the answers so far.
pub(crate) type More<'a> = dyn Fn(&BankSnapshot) -> Questions + Sync + 'a;

/// The bank that several threads fill.
pub(super) struct SharedBank<'a> {
    started: Option<HostTime>,
    /// The time from which the times of readings count.
    pub(super) start: Instant,
    units: Vec<Mutex<UnitSnapshot>>,
    gate: Gate,
    pub(super) more: &'a More<'a>,
}

impl<'a> SharedBank<'a> {
    /// Returns a bank of these units, none of which has been read.
    pub(super) fn new(
        start: Instant,
        units: impl Iterator<Item = UnitSnapshot>,
        more: &'a More<'a>,
    ) -> Self {
        let units: Vec<_> = units.map(Mutex::new).collect();
        let gate = Gate(units.iter().map(|_| AtomicUsize::new(0)).collect());
        Self { started: HostTime::now(), start, units, gate, more }
    }

    /// Returns the unit at a place, and the pass of its reader.
    pub(super) fn enter(&self, place: usize) -> Option<(&Mutex<UnitSnapshot>, Pass<'_>)> {
        Some((self.units.get(place)?, Pass(self.gate.0.get(place)?)))
    }

    /// Returns whether every reader that is still running has reached `stage`.
    pub(super) fn is_open(&self, stage: usize) -> bool {
        self.gate.0.iter().all(|reached| reached.load(Ordering::Acquire) >= stage)
    }

    /// Returns the number of units.
    pub(super) fn len(&self) -> usize {
        self.units.len()
    }

    /// Returns a copy of the answers so far.
    pub(super) fn snapshot(&self) -> BankSnapshot {
        let units = self.units.iter().map(|unit| lock(unit).clone());
        let mut bank = BankSnapshot::new(units);
        bank.started = self.started;
        bank
    }
}

/// Locks a unit. If its reader panicked, the answers that it had stored remain.
pub(super) fn lock(unit: &Mutex<UnitSnapshot>) -> MutexGuard<'_, UnitSnapshot> {
    unit.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The stage that each reader has reached.
///
/// Readers wait on the clocks of their own links, in small steps, so that real and virtual clocks
/// behave alike.
struct Gate(Vec<AtomicUsize>);

/// A reader's entry in the gate. Once it is dropped, no other reader waits for this one.
pub(super) struct Pass<'a>(&'a AtomicUsize);

impl Pass<'_> {
    /// Marks `stage` as reached.
    pub(super) fn reach(&self, stage: usize) {
        self.0.store(stage, Ordering::Release);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.reach(usize::MAX);
    }
}

/// The time that a reader waits before it checks the gate again.
pub(super) const GATE_INTERVAL: Duration = Duration::from_millis(2);
