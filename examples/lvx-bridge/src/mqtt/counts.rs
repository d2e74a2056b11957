//! Counts of the connection to the broker.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

/// What the connection of a bank to the broker has done. Counts start at zero with the connection's configuration.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Counts {
    /// Whether the broker has accepted the connection, and it still lasts.
    pub is_connected: bool,
    /// Connections that the broker accepted.
    pub connects: u64,
    /// Messages that the broker acknowledged.
    pub published: u64,
    /// Messages that the broker did not take, and those that were lost with the connection. The newest content is sent
    /// again.
    pub failed: u64,
    /// Events and results that were dropped, because too many waited for the broker or it did not take them.
    pub dropped: u64,
    /// Events and results that wait for the broker, and messages that it has not acknowledged.
    pub waiting: u64,
    /// Time of the last error: a connection that ended or was refused, a message or subscription that was refused.
    pub last_error: Option<Instant>,
}

/// Shares counts between the connection, which writes them, and the metrics. Clones share the same counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter(Arc<Mutex<Option<Counts>>>);

impl Meter {
    /// Returns the counts; `None` while the bank has no connection in its configuration.
    pub(crate) fn counts(&self) -> Option<Counts> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the counts, which begin with the first change.
    pub(super) fn update(&self, change: impl FnOnce(&mut Counts)) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(counts.get_or_insert_default());
    }

    /// Forgets the counts: the bank has no connection any more.
    pub(super) fn clear(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Sets the counts of a test.
    #[cfg(test)]
    pub(crate) fn set(&self, counts: Counts) {
        self.update(|own| *own = counts);
    }
}
