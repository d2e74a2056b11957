//! The latest overview, shared by the threads.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::event::{Event, PanicGuard};
use crate::overview::{Level, Overview, Past, Spans, Totals, Verdict};

/// The latest overview, the past, and the way to the thread that shows them. Clones share all.
#[derive(Clone, Debug)]
pub(super) struct Latest {
    shown: Arc<Mutex<Shown>>,
    events: SyncSender<Event>,
}

/// What is shown. The thread that draws has copies of the references, so that it never holds up the others.
#[derive(Debug)]
struct Shown {
    overview: Arc<Overview>,
    past: Arc<Past>,
}

impl Latest {
    /// Starts with a bank that was not read yet. `span` is that of the chart. Returns also the events.
    pub(super) fn new(title: &str, span: Duration) -> (Self, Receiver<Event>) {
        let (events, receiver) = sync_channel(MAX_WAITING);
        let verdict = Verdict {
            level: Level::Starting,
            title: title.to_owned(),
            detail: String::new(),
            step: None,
            since: None,
        };
        let overview = Arc::new(Overview {
            name: String::new(),
            verdict,
            units: Vec::new(),
            packs: Vec::new(),
            findings: Vec::new(),
        });
        let past = Arc::new(Past::new(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)));
        (Self { shown: Arc::new(Mutex::new(Shown { overview, past })), events }, receiver)
    }

    /// Returns the latest overview.
    pub(super) fn get(&self) -> Arc<Overview> {
        Arc::clone(&self.lock().overview)
    }

    /// Returns what was read in the past.
    pub(super) fn past(&self) -> Arc<Past> {
        Arc::clone(&self.lock().past)
    }

    /// Replaces the overview. `is_round` if the units were read once more.
    pub(super) fn put(&self, overview: Overview, is_round: bool) {
        let totals = overview.totals(Instant::now());
        let mut shown = self.lock();
        // What was not read once more is not seen once more.
        let totals = if is_round { totals } else { Totals::default() };
        Arc::make_mut(&mut shown.past).see(&totals, Timestamp::now().as_millisecond());
        shown.overview = Arc::new(overview);
        drop(shown);
        // If many events wait, the next one shows this overview, too.
        let _ = self.events.try_send(Event::Changed { is_round });
    }

    /// Replaces what a bridge has recorded.
    pub(super) fn put_recorded(&self, recorded: Spans) {
        Arc::make_mut(&mut self.lock().past).put_recorded(recorded);
        let _ = self.events.try_send(Event::Changed { is_round: false });
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::overview::overview;

    #[test]
    fn only_what_was_read_once_more_is_seen() {
        let value = |value: u32| serde_json::json!({ "status": "fresh", "value": value });
        let values =
            serde_json::json!({ "battery_voltage": value(54), "active_power": value(482) });
        let document = serde_json::json!({
            "now": 0, "verdict": { "level": "ok" }, "order": ["1"],
            "units": { "1": { "link": { "state": "up" }, "values": values } },
        });
        let bank = overview(&document, Instant::now()).unwrap();
        let (latest, events) = Latest::new("start", Duration::from_hours(1));
        for is_round in [false, true] {
            latest.put(bank.clone(), is_round);
            let window = latest.past().window(Timestamp::now().as_millisecond());
            assert_eq!(window.is_some(), is_round);
            assert!(matches!(events.recv(), Ok(Event::Changed { is_round: of }) if of == is_round));
        }
    }
}
