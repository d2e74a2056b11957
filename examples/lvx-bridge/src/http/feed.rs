//! The document of a bank with its sequence number, and the patches that lead to it.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value as Json, json};

use super::{
    document::{self, Clock},
    patch,
};
use crate::{Handle, Now, Snapshot};

/// The document of a bank. It is composed only while someone reads it, at most once a second.
#[derive(Debug)]
pub(super) struct Feed {
    /// Access to the core.
    pub(super) handle: Handle,
    /// Number of this feed within the run of the bridge.
    number: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    clock: Clock,
    seq: u64,
    document: Option<Arc<Json>>,
    /// Snapshot of the document.
    snapshot: Option<Arc<Snapshot>>,
    /// Time at which the document was composed.
    composed: Instant,
    /// Time of the last patch.
    patched: Instant,
    /// The last patches, the newest at the back.
    patches: VecDeque<Message>,
}

/// A message of the stream.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// Number of the document after the patch.
    pub(super) seq: u64,
    /// JSON of the message.
    pub(super) data: Arc<str>,
}

impl Feed {
    /// Creates the feed of a bank.
    pub(super) fn new(handle: Handle, now: Now) -> Self {
        let state = State {
            clock: Clock::new(now),
            seq: 0,
            document: None,
            snapshot: None,
            composed: now.instant,
            patched: now.instant,
            patches: VecDeque::new(),
        };
        let number = CREATED.fetch_add(1, Ordering::Relaxed);
        Self { handle, number, state: Mutex::new(state) }
    }

    /// Returns what is before the sequence number in the id of a message: the run of the bridge, and the feed. A new
    /// feed, after a start or a change of the configuration, counts from zero again.
    pub(super) fn id(&self) -> String {
        format!("{}-{}", self.handle.snapshot().session, self.number)
    }

    /// Returns the present document, at most a second old.
    pub(super) fn document(&self, now: Now) -> Json {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut document = Json::clone(&state.refresh(&self.handle, now));
        if let Some(members) = document.as_object_mut() {
            members.insert("seq".to_owned(), state.seq.into());
        }
        document
    }

    /// Returns the time until there can be another message, without a further change of the bank.
    pub(super) fn pause(&self, now: Now) -> Duration {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_behind(&self.handle.snapshot()) {
            state.wait(now).max(MIN_PAUSE)
        } else {
            MIN_PERIOD
        }
    }

    /// Returns the messages after number `seen`, oldest first; `None` if some are no longer held.
    pub(super) fn since(&self, seen: u64, now: Now) -> Option<Vec<Message>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.refresh(&self.handle, now);
        let missing = usize::try_from(state.seq.checked_sub(seen)?).ok()?;
        let held = state.patches.len();
        let skip = held.checked_sub(missing)?;
        Some(state.patches.iter().skip(skip).cloned().collect())
    }
}

impl State {
    /// Returns whether there is a newer snapshot than that of the document.
    fn is_behind(&self, snapshot: &Arc<Snapshot>) -> bool {
        self.snapshot.as_ref().is_some_and(|own| !Arc::ptr_eq(own, snapshot))
    }

    /// Returns the time until the next message may be sent.
    fn wait(&self, now: Now) -> Duration {
        MIN_PERIOD.saturating_sub(now.instant.saturating_duration_since(self.patched))
    }

    fn refresh(&mut self, handle: &Handle, now: Now) -> Arc<Json> {
        let snapshot = handle.snapshot();
        let age = now.instant.saturating_duration_since(self.composed);
        // After a pause, a change is sent at once.
        let is_due = age >= MIN_PERIOD || self.is_behind(&snapshot) && self.wait(now).is_zero();
        if let Some(document) = self.document.as_ref().filter(|_| !is_due) {
            return Arc::clone(document);
        }
        self.clock.adjust(now);
        let new = Arc::new(document::bank(&snapshot, now, &self.clock));
        self.snapshot = Some(snapshot);
        let old = self.document.replace(Arc::clone(&new));
        self.composed = now.instant;
        let Some(mut patch) = old.and_then(|old| patch::diff(&old, &new)) else { return new };
        // The time changes always. Alone it is sent only as a sign of life.
        let is_time_only =
            patch.as_object().is_some_and(|members| members.keys().all(|key| key == "now"));
        if is_time_only && now.instant.saturating_duration_since(self.patched) < HEARTBEAT {
            return new;
        }
        if let (Some(members), Some(time)) = (patch.as_object_mut(), new.get("now")) {
            // After messages that were left out, the reader has an older time than `old`.
            members.insert("now".to_owned(), time.clone());
        }
        self.patched = now.instant;
        self.seq += 1;
        let data = json!({ "seq": self.seq, "patch": patch }).to_string();
        if self.patches.len() >= MAX_PATCHES {
            self.patches.pop_front();
        }
        self.patches.push_back(Message { seq: self.seq, data: data.into() });
        new
    }
}

/// Number of feeds that were created.
static CREATED: AtomicU64 = AtomicU64::new(0);

/// Least time between two messages.
pub(super) const MIN_PERIOD: Duration = Duration::from_secs(1);
/// Least time for which a reader waits.
const MIN_PAUSE: Duration = Duration::from_millis(10);
/// Greatest time between two messages while someone listens.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Number of patches that are held for clients that reconnect.
const MAX_PATCHES: usize = 32;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{self, FakeCore};

    fn feed() -> (Feed, FakeCore, Now) {
        let now = Now::system();
        let (handle, core) = testing::handle(testing::bank(now));
        (Feed::new(handle, now), core, now)
    }

    fn after(now: Now, millis: u64) -> Now {
        let time = Duration::from_millis(millis);
        Now { instant: now.instant + time, wall: now.wall + time }
    }

    fn change(core: &FakeCore, watts: i64) {
        core.snapshots.send_modify(|bank| {
            let mut new = bank.as_ref().clone();
            new.seq += 1;
            new.totals.pv_power = Some(watts);
            *bank = Arc::new(new);
        });
    }

    #[test]
    fn applied_patches_give_the_present_document() {
        let (feed, core, mut now) = feed();
        let mut copy = feed.document(now);
        let mut seq = 0;
        for round in 0..100 {
            now = after(now, 700);
            if round % 3 == 0 {
                change(&core, round);
            }
            if round == 50 {
                core.snapshots.send_modify(|bank| {
                    let mut new = bank.as_ref().clone();
                    testing::unplug(&mut new, 0);
                    *bank = Arc::new(new);
                });
            }
            for message in feed.since(seq, now).unwrap() {
                assert_eq!(message.seq, seq + 1);
                seq = message.seq;
                let message: Json = serde_json::from_str(&message.data).unwrap();
                patch::apply(&mut copy, &message["patch"]);
            }
        }
        let mut document = feed.document(now);
        for document in [&mut document, &mut copy] {
            let members = document.as_object_mut().unwrap();
            members.remove("seq");
            members.remove("now");
        }
        assert_eq!(copy, document);
        assert!(seq > 20);
    }

    #[test]
    fn messages_come_at_most_once_a_second_and_at_least_every_five() {
        let (feed, core, start) = feed();
        feed.document(start);
        change(&core, 1);
        assert!(feed.since(0, after(start, 999)).unwrap().is_empty());
        assert_eq!(feed.since(0, after(start, 1000)).unwrap().len(), 1);
        for second in 2..6 {
            assert_eq!(feed.since(1, after(start, second * 1000)).unwrap().len(), 0, "{second}");
        }
        let message = feed.since(1, after(start, 6000)).unwrap().remove(0);
        let message: Json = serde_json::from_str(&message.data).unwrap();
        let members: Vec<_> = message["patch"].as_object().unwrap().keys().collect();
        assert_eq!(members, ["now"]);
    }

    #[test]
    fn reader_that_missed_too_much_is_told() {
        let (feed, core, start) = feed();
        feed.document(start);
        for second in 1..40 {
            change(&core, second);
            feed.since(0, after(start, u64::try_from(second).unwrap() * 1000));
        }
        let now = after(start, 40_000);
        assert!(feed.since(0, now).is_none());
        assert!(feed.since(1000, now).is_none());
        assert_eq!(feed.since(38, now).unwrap().len(), 1);
    }

    #[test]
    fn clock_that_was_set_changes_the_times_but_no_value() {
        let (feed, _core, start) = feed();
        feed.document(start);
        let serial = feed.handle.snapshot().units[0].serial.to_string();
        let jumped = Now {
            instant: start.instant + MIN_PERIOD,
            wall: start.wall + Duration::from_hours(24),
        };
        let group = feed.document(jumped)["units"][&serial]["groups"]["GS"].clone();
        assert_eq!(group["status"], "fresh");
        let age = jumped.wall.as_duration().as_secs_f64() - group["at"].as_f64().unwrap();
        assert!((0.9..=1.1).contains(&age), "{age}");
    }
}
