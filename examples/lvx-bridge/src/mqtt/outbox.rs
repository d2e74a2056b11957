//! What is published when. No I/O, no clock.
//!
//! Each topic has one slot, which makes its payload from the newest snapshot when it is its turn. So nothing waits
//! in a queue while the broker is away, except the latest events and results.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Topics, change,
    discovery::Discovery,
    message::{Answer, Message, Undelivered},
    payload,
    slot::{Mark, Slot, Subject},
};
use crate::{Now, Snapshot, control::Command, entity, state::LinkState};

/// Number of messages that may wait for the broker's acknowledgement.
const MAX_IN_FLIGHT: usize = 16;

/// Number of events and results that wait while the broker is away. The oldest is dropped.
const MAX_QUEUED: usize = 64;

/// Number of events and results that are sent when the bridge stops, with the state and `offline` after them. The
/// queue of the connection has room for these and for those in flight.
const MAX_LAST: usize = 32;

/// Time between a full repetition and a second one: the first state after discovery can be lost in Home Assistant.
const AGAIN_AFTER: Duration = Duration::from_secs(4);

/// Least time between two looks for changes.
const CHECK_EVERY: Duration = Duration::from_millis(500);

/// Time between two looks for values that became too old, while nothing else changes.
const CHECK_AGES_EVERY: Duration = Duration::from_secs(2);

/// Birth messages that are answered at once, within [`BIRTH_WINDOW`]. More of them are answered with the next one.
const MAX_BIRTHS: usize = 3;
const BIRTH_WINDOW: Duration = Duration::from_mins(1);

/// Decides what is published when, for one bank.
#[derive(Debug)]
pub struct Outbox {
    topics: Topics,
    period: Duration,
    expiry: Duration,
    snapshot: Arc<Snapshot>,
    is_connected: bool,
    /// Whether discovery was sent on this connection. Values come after it.
    is_greeted: bool,
    slots: Vec<Slot>,
    discovery: Discovery,
    queue: VecDeque<Message>,
    /// Number of events and results that were dropped.
    dropped: u64,
    in_flight: BTreeMap<u64, (String, Item)>,
    next_token: u64,
    /// Time at which everything is sent again.
    full_at: Option<Instant>,
    /// Time at which the values are sent again.
    again_at: Option<Instant>,
    births: VecDeque<Instant>,
    checked: Option<(u64, Instant)>,
    results: change::Results,
    /// Retained topics of this bank that the broker may hold, from this run and earlier ones.
    retained: BTreeSet<String>,
    random: fastrand::Rng,
}

/// What a message in flight belongs to.
#[derive(Debug)]
enum Item {
    Slot(Subject),
    Discovery(String),
    Queued(Message),
    Removal(String),
}

impl Outbox {
    /// Creates the outbox of a bank. `period` is that of `state`, `expiry` the time after which the broker drops it;
    /// `retained` are the topics that earlier runs left at the broker.
    pub(super) fn new(
        topics: Topics,
        (period, expiry): (Duration, Duration),
        discovery: Discovery,
        retained: BTreeSet<String>,
        snapshot: Arc<Snapshot>,
        random: fastrand::Rng,
    ) -> Self {
        let slots = [Subject::Availability, Subject::Statics, Subject::Findings, Subject::State];
        let mut outbox = Self {
            topics,
            period: period.max(Duration::from_millis(100)),
            expiry,
            results: change::Results::new(&snapshot),
            snapshot,
            is_connected: false,
            is_greeted: false,
            slots: slots.map(Slot::new).into(),
            discovery,
            queue: VecDeque::new(),
            dropped: 0,
            in_flight: BTreeMap::new(),
            next_token: 0,
            full_at: None,
            again_at: None,
            births: VecDeque::new(),
            checked: None,
            retained,
            random,
        };
        outbox.follow_units();
        outbox
    }

    /// Creates the outbox of a bank without Home Assistant.
    #[must_use]
    pub fn plain(
        topics: Topics,
        times: (Duration, Duration),
        snapshot: Arc<Snapshot>,
        seed: u64,
    ) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self::new(topics, times, Discovery::new(None), BTreeSet::new(), snapshot, random)
    }

    /// Returns the numbers of messages that wait, of those in flight, and of retained topics.
    #[must_use]
    pub fn sizes(&self) -> [usize; 3] {
        [self.queue.len(), self.in_flight.len(), self.retained.len()]
    }

    /// Takes a snapshot. Events and results are queued; values wait for their turn.
    pub fn take_snapshot(&mut self, snapshot: Arc<Snapshot>, now: Now) {
        let before = std::mem::replace(&mut self.snapshot, snapshot);
        let snapshot = Arc::clone(&self.snapshot);
        for event in change::events(&before, &snapshot) {
            let payload = payload::event(&snapshot, now, event);
            self.push(Message::new(self.topics.event(), payload));
        }
        let results = self.results.changes(&self.snapshot, &self.topics);
        if !results.is_empty() {
            // A control that was refused has to show the old value again.
            self.make_due(&Subject::Statics, now.instant);
        }
        for result in results {
            self.push(result);
        }
        self.follow_units();
        let packs = |snapshot: &Snapshot| {
            snapshot.packs.iter().filter(|pack| pack.link.state == LinkState::Up).count()
        };
        if before.totals.fresh_units < self.snapshot.totals.fresh_units
            || packs(&before) < packs(&self.snapshot)
        {
            // A unit or pack that came back shows its values at once.
            self.make_due(&Subject::State, now.instant);
        }
        if before.judged_at != self.snapshot.judged_at {
            let half = self.period / 2;
            if let Some(slot) = self.slot(&Subject::State) {
                slot.hurry(
                    slot.last_sent().map_or(now.instant, |last| now.instant.max(last + half)),
                );
            }
        }
    }

    /// Queues the result of a command that was not taken.
    pub(super) fn refuse(&mut self, id: Option<&str>, why: &str, answer: Answer, now: Now) {
        let topic = answer.topic.unwrap_or_else(|| self.topics.command_result());
        let mut message = Message::new(topic, payload::refusal(id, why, now));
        message.correlation = answer.correlation;
        self.push(message);
        self.make_due(&Subject::Statics, now.instant);
    }

    /// Queues the result of an action that was carried out.
    pub(super) fn done(&mut self, command: &Command, answer: Answer, now: Now) {
        let topic = answer.topic.unwrap_or_else(|| self.topics.command_result());
        let mut message = Message::new(topic, payload::done(command, now));
        message.correlation = answer.correlation;
        self.push(message);
    }

    /// Queues the result of a command that the core refused, if it was not in a snapshot already.
    pub(super) fn refuse_once(&mut self, id: &str, why: &str, answer: Answer, now: Now) {
        if self.results.refuse(id) {
            self.refuse(Some(id), why, answer, now);
        }
    }

    /// Remembers where the sender of a command that was taken wants its result.
    pub(super) fn expect_result(&mut self, id: String, answer: Answer) {
        self.results.expect(id, answer);
    }

    /// Reports that the broker accepted the connection: everything is sent.
    pub fn connected(&mut self, now: Instant) {
        self.is_connected = true;
        self.is_greeted = false;
        self.make_due(&Subject::Availability, now);
        self.full_at = Some(now + self.jitter(Duration::ZERO, Duration::from_millis(500)));
    }

    /// Reports that the connection was lost: events and results in flight are queued again. Returns the number of
    /// messages that were in flight.
    pub fn disconnected(&mut self) -> u64 {
        self.is_connected = false;
        let in_flight = std::mem::take(&mut self.in_flight);
        let lost = number(in_flight.len());
        for (_, (_, item)) in in_flight.into_iter().rev() {
            match item {
                Item::Queued(message) if self.queue.len() < MAX_QUEUED => {
                    self.queue.push_front(message);
                }
                Item::Removal(topic) => _ = self.retained.insert(topic),
                Item::Queued(_) => self.dropped += 1,
                Item::Slot(_) | Item::Discovery(_) => {}
            }
        }
        self.slots.iter_mut().for_each(Slot::forget);
        self.discovery.forget();
        lost
    }

    /// Reports that Home Assistant started: everything is sent again, after a short random delay. Anyone may send
    /// this message, so only a few within a minute are answered at once.
    pub(super) fn birth(&mut self, now: Instant) {
        while self.births.front().is_some_and(|at| now.duration_since(*at) >= BIRTH_WINDOW) {
            self.births.pop_front();
        }
        if self.full_at.is_some() {
            return;
        }
        let wait = match self.births.front() {
            Some(first) if self.births.len() >= MAX_BIRTHS => *first + BIRTH_WINDOW,
            _ => now,
        };
        if self.births.len() >= MAX_BIRTHS {
            self.births.pop_front();
        }
        self.births.push_back(wait);
        let jitter = self.jitter(Duration::from_millis(200), Duration::from_secs(2));
        self.full_at = Some(wait + jitter);
    }

    /// Returns the next message and its number, which [`settle`](Self::settle) takes.
    pub fn next(&mut self, now: Now) -> Option<(u64, Message)> {
        if !self.is_connected || self.in_flight.len() >= MAX_IN_FLIGHT {
            return None;
        }
        self.check(now);
        let (item, message) = self.choose(now)?;
        let token = self.next_token;
        self.next_token += 1;
        self.in_flight.insert(token, (message.topic.clone(), item));
        if message.retain && !message.payload.is_empty() {
            self.retained.insert(message.topic.clone());
        }
        Some((token, message))
    }

    /// Takes what happened to a message. One that was lost is sent again; one that the broker rejected waits for its
    /// next turn. Returns the topic.
    pub fn settle(
        &mut self,
        token: u64,
        outcome: &Result<(), Undelivered>,
        now: Instant,
    ) -> Option<String> {
        let (topic, item) = self.in_flight.remove(&token)?;
        let is_lost = matches!(outcome, Err(Undelivered::Lost));
        match item {
            Item::Slot(subject) => {
                if let Some(slot) = self.slot(&subject) {
                    slot.settle(is_lost, now);
                }
            }
            Item::Discovery(topic) if is_lost => self.discovery.lost(&topic),
            // It is the oldest.
            Item::Queued(message) if is_lost && self.queue.len() < MAX_QUEUED => {
                self.queue.push_front(message);
            }
            Item::Queued(_) => self.dropped += u64::from(outcome.is_err()),
            Item::Removal(topic) if is_lost => _ = self.retained.insert(topic),
            Item::Discovery(_) | Item::Removal(_) => {}
        }
        Some(topic)
    }

    /// Returns the time at which [`next`](Self::next) has to be called, if nothing happens before.
    pub fn deadline(&self) -> Option<Instant> {
        if !self.is_connected || self.in_flight.len() >= MAX_IN_FLIGHT {
            return None;
        }
        let check = self.next_check().filter(|_| self.is_greeted);
        let is_next = |slot: &&Slot| self.is_greeted || *slot.subject() == Subject::Availability;
        let slots = self.slots.iter().filter(is_next).filter_map(Slot::due);
        slots.chain(self.full_at).chain(self.again_at).chain(check).min()
    }

    /// Returns the last messages of a run: the state, and that the bridge is offline.
    pub(super) fn farewell(&mut self, now: Now) -> Vec<(u64, Message)> {
        let state = self.message(&Subject::State, now);
        let offline = payload::availability(false, self.snapshot.session);
        let offline = Message::retained(self.topics.availability(), offline);
        let old = self.queue.len().saturating_sub(MAX_LAST);
        let queued: Vec<_> = self.queue.drain(..).skip(old).collect();
        let messages = queued.into_iter().chain(state.map(|(_, message)| message)).chain([offline]);
        messages
            .map(|message| {
                let token = self.next_token;
                self.next_token += 1;
                let item = Item::Queued(message.clone());
                self.in_flight.insert(token, (message.topic.clone(), item));
                (token, message)
            })
            .collect()
    }

    /// Returns whether messages wait for the broker's acknowledgement.
    pub(super) fn is_settled(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Returns the number of events and results that wait, and of messages that the broker has not acknowledged.
    pub(super) fn waiting(&self) -> u64 {
        number(self.queue.len() + self.in_flight.len())
    }

    /// Returns the number of events and results that were dropped, because too many waited or the broker did not take
    /// them.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Returns the retained topics that the broker may hold.
    pub(super) fn retained(&self) -> &BTreeSet<String> {
        &self.retained
    }

    /// Finds what has changed since the last look, and starts repetitions whose time has come.
    fn check(&mut self, now: Now) {
        if self.full_at.is_some_and(|at| at <= now.instant) {
            self.full_at = None;
            self.is_greeted = true;
            self.again_at = Some(now.instant + AGAIN_AFTER);
            self.discovery.repeat(&self.snapshot, &self.topics);
            self.remove_old_topics();
            self.slots.iter_mut().for_each(|slot| slot.hurry(now.instant));
        }
        if self.again_at.is_some_and(|at| at <= now.instant) {
            self.again_at = None;
            self.slots.iter_mut().for_each(|slot| slot.hurry(now.instant));
        }
        if !self.is_greeted || self.next_check().is_some_and(|at| now.instant < at) {
            return;
        }
        self.checked = Some((self.snapshot.seq, now.instant));
        if self.discovery.refresh(&self.snapshot, &self.topics) {
            self.remove_old_topics();
        }
        let subjects: Vec<_> = self.slots.iter().map(|slot| slot.subject().clone()).collect();
        for subject in subjects {
            if subject == Subject::State || subject == Subject::Availability {
                continue;
            }
            let Some(mark) = self.mark(&subject, now) else { continue };
            if let Some(slot) = self.slot(&subject) {
                slot.compare(mark, now.instant);
            }
        }
    }

    /// Returns the time of the next look for changes; `None` before the first one.
    fn next_check(&self) -> Option<Instant> {
        let (seq, at) = self.checked?;
        Some(at + if seq == self.snapshot.seq { CHECK_AGES_EVERY } else { CHECK_EVERY })
    }

    fn choose(&mut self, now: Now) -> Option<(Item, Message)> {
        let due = |slot: &&Slot| slot.due().is_some_and(|at| at <= now.instant);
        let first = self.slots.iter().find(due).map(|slot| slot.subject().clone());
        if !self.is_greeted && first != Some(Subject::Availability) {
            return None;
        }
        if first != Some(Subject::Availability)
            && let Some(message) = self.discovery.next()
        {
            let item = if message.payload.is_empty() {
                self.retained.remove(&message.topic);
                Item::Removal(message.topic.clone())
            } else {
                Item::Discovery(message.topic.clone())
            };
            return Some((item, message));
        }
        if let Some(subject) = first {
            let (mark, message) = self.message(&subject, now)?;
            let repeat = subject.repeat(self.period);
            let share = 1.0 - 0.1 * self.random.f64();
            let repeat = if subject == Subject::State { repeat } else { repeat.mul_f64(share) };
            if let Some(slot) = self.slot(&subject) {
                slot.sent(mark, now.instant, repeat);
            }
            return Some((Item::Slot(subject), message));
        }
        let message = self.queue.pop_front()?;
        Some((Item::Queued(message.clone()), message))
    }

    /// Returns the message of a slot, and the mark of its content.
    fn message(&self, subject: &Subject, now: Now) -> Option<(Mark, Message)> {
        let (mark, payload) = (self.mark(subject, now)?, self.payload(subject, now)?);
        let message = match subject {
            Subject::State => {
                Message { expiry: Some(self.expiry), ..Message::new(self.topics.state(), payload) }
            }
            Subject::Availability => Message::retained(self.topics.availability(), payload),
            Subject::Statics => Message::retained(self.topics.statics(), payload),
            Subject::Findings => Message::retained(self.topics.findings(), payload),
            Subject::Unit(name) => Message::retained(self.topics.unit_availability(name), payload),
            Subject::Pack(name) => Message::retained(self.topics.pack_availability(name), payload),
        };
        Some((mark, message))
    }

    /// Returns the mark of the content of a slot. Each look for changes needs it, so no payload is made for it.
    fn mark(&self, subject: &Subject, now: Now) -> Option<Mark> {
        let snapshot = &self.snapshot;
        let prompt = |prompt| Mark { prompt, ..Mark::default() };
        Some(match subject {
            Subject::State | Subject::Availability => Mark::default(),
            Subject::Statics => change::static_mark(snapshot, now),
            Subject::Findings => prompt(change::finding_mark(snapshot)),
            Subject::Unit(name) => prompt(change::link_mark(&snapshot.unit(name.as_str())?.link)),
            Subject::Pack(name) => prompt(change::link_mark(&snapshot.pack(name.as_str())?.link)),
        })
    }

    /// Returns the payload of a slot.
    fn payload(&self, subject: &Subject, now: Now) -> Option<Vec<u8>> {
        let snapshot = &self.snapshot;
        let values = |message| payload::values(snapshot, message, now);
        let envelope = |period, body| payload::envelope(snapshot, period, now, body);
        Some(match subject {
            Subject::State => envelope(self.period, values(entity::Message::State)),
            Subject::Statics => {
                envelope(subject.repeat(self.period), values(entity::Message::Static))
            }
            Subject::Availability => payload::availability(true, snapshot.session),
            Subject::Findings => envelope(subject.repeat(self.period), payload::findings(snapshot)),
            Subject::Unit(name) => {
                payload::unit_availability(snapshot.unit(name.as_str())?, snapshot.session)
            }
            Subject::Pack(name) => {
                payload::pack_availability(snapshot.pack(name.as_str())?, snapshot.session)
            }
        })
    }

    /// Keeps one slot per unit and pack of the snapshot.
    fn follow_units(&mut self) {
        let snapshot = Arc::clone(&self.snapshot);
        self.slots.retain(|slot| match slot.subject() {
            Subject::Unit(name) => snapshot.unit(name.as_str()).is_some(),
            Subject::Pack(name) => snapshot.pack(name.as_str()).is_some(),
            _ => true,
        });
        let units = snapshot.units.iter().map(|unit| Subject::Unit(unit.name.clone()));
        let packs = snapshot.packs.iter().map(|pack| Subject::Pack(pack.name.clone()));
        for subject in units.chain(packs) {
            if self.slot(&subject).is_none() {
                // After the bridge's own, before the values.
                self.slots.insert(1, Slot::new(subject));
            }
        }
    }

    /// Deletes retained messages of units, packs and devices that are no longer in the configuration.
    fn remove_old_topics(&mut self) {
        if self.snapshot.units.is_empty() {
            return;
        }
        let units =
            self.snapshot.units.iter().map(|unit| self.topics.unit_availability(&unit.name));
        let packs =
            self.snapshot.packs.iter().map(|pack| self.topics.pack_availability(&pack.name));
        let own = [self.topics.availability(), self.topics.statics(), self.topics.findings()];
        let known: BTreeSet<_> = own.into_iter().chain(units).chain(packs).collect();
        let old = self.retained.iter().filter(|topic| !known.contains(*topic));
        let old: Vec<_> = old.filter(|topic| !self.discovery.has(topic)).cloned().collect();
        self.discovery.remove(old);
    }

    fn push(&mut self, message: Message) {
        if self.queue.len() >= MAX_QUEUED {
            self.queue.pop_front();
            self.dropped += 1;
        }
        self.queue.push_back(message);
    }

    fn make_due(&mut self, subject: &Subject, at: Instant) {
        if let Some(slot) = self.slot(subject) {
            slot.hurry(at);
        }
    }

    fn slot(&mut self, subject: &Subject) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.subject() == subject)
    }

    fn jitter(&mut self, min: Duration, max: Duration) -> Duration {
        min + max.saturating_sub(min).mul_f64(self.random.f64())
    }
}

fn number(count: usize) -> u64 {
    count.try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Query, RatedInformation, Reply};

    use super::*;
    use crate::{mqtt::testing::snapshot, state::Held, testing::answering};

    #[test]
    fn setting_that_becomes_too_old_is_published_although_nothing_else_changes() {
        let now = Now::system();
        let query = Query::RatedInformation;
        let (reply, _) = query.parse_reply(RatedInformation::SAMPLE.as_bytes()).unwrap();
        let (reply, max_age) = (Some((reply, now.instant)), Duration::from_mins(1));
        let held = Held { query, reply, failure: None, max_age };
        let mut bank = snapshot(1, now);
        bank.units = vec![Arc::new(answering("left", "96132206100410", held))];
        let topics = Topics::new(&bank.site, &bank.bank);
        let times = (Duration::from_secs(5), Duration::from_secs(15));
        let mut outbox = Outbox::plain(topics, times, Arc::new(bank), 1);
        outbox.connected(now.instant);
        let mut volts = Vec::new();
        for second in 0..80 {
            let passed = Duration::from_secs(second);
            let now = Now { instant: now.instant + passed, wall: now.wall + passed };
            while let Some((token, message)) = outbox.next(now) {
                if message.topic.ends_with("/static") {
                    let json: serde_json::Value = serde_json::from_slice(&message.payload).unwrap();
                    volts.push(json["units"]["left"]["bulk_voltage"].as_f64());
                }
                outbox.settle(token, &Ok(()), now.instant);
            }
        }
        volts.dedup();
        assert_eq!(volts, [Some(57.0), None]);
    }
}
