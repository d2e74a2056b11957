//! The latest overview, shared by the threads.

use std::sync::{
    Arc, Mutex, PoisonError,
    mpsc::{Receiver, SyncSender, sync_channel},
};

use super::event::{Event, PanicGuard};
use crate::overview::{Level, Overview, Verdict};

/// The latest overview, and the way to the thread that shows it. Clones share both.
#[derive(Clone, Debug)]
pub(super) struct Latest {
    overview: Arc<Mutex<Arc<Overview>>>,
    events: SyncSender<Event>,
}

impl Latest {
    /// Starts with a bank that was not read yet. Returns also the events.
    pub(super) fn new(title: &str) -> (Self, Receiver<Event>) {
        let (events, receiver) = sync_channel(MAX_WAITING);
        let verdict = Verdict {
            level: Level::Starting,
            title: title.to_owned(),
            detail: String::new(),
            step: None,
            since: None,
        };
        let (name, units, findings) = (String::new(), Vec::new(), Vec::new());
        let overview = Arc::new(Overview { name, verdict, units, findings });
        (Self { overview: Arc::new(Mutex::new(overview)), events }, receiver)
    }

    /// Returns the latest overview.
    pub(super) fn get(&self) -> Arc<Overview> {
        Arc::clone(&self.overview.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the overview. `is_round` if the units were read once more.
    pub(super) fn put(&self, overview: Overview, is_round: bool) {
        *self.overview.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(overview);
        // If many events wait, the next one shows this overview, too.
        let _ = self.events.try_send(Event::Changed { is_round });
    }

    /// Returns the way to the thread that shows the overview.
    pub(super) fn events(&self) -> SyncSender<Event> {
        self.events.clone()
    }

    /// Returns a guard that reports the panic of its thread.
    pub(super) fn panic_guard(&self) -> PanicGuard {
        PanicGuard(self.events())
    }
}

/// Greatest number of events that wait.
const MAX_WAITING: usize = 64;
