//! What changed between two snapshots.

use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{
    Topics,
    message::{Answer, Message},
    payload::{self, Event},
    slot::Mark,
};
use crate::{
    Now, Snapshot,
    control::{CommandState, CommandView},
    entity::{self, BANK, Entity, Kind, PACK, UNIT},
    state::{LinkState, LinkView, Value},
};

/// Returns a number that changes with the content. It is compared within a run only.
pub(super) fn mark(content: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    hasher.finish()
}

/// Returns the mark of a `static` message, without making the message. A counter that increases changes `counters` only;
/// one that becomes known or unknown changes `prompt`.
pub(super) fn static_mark(snapshot: &Snapshot, now: Now) -> Mark {
    let (mut prompt, mut counters) = (DefaultHasher::new(), DefaultHasher::new());
    for unit in &snapshot.units {
        (&unit.name, unit.serial).hash(&mut prompt);
        add_values(UNIT, |entity| entity.value(unit, now), &mut prompt, &mut counters);
    }
    for pack in &snapshot.packs {
        pack.name.hash(&mut prompt);
        add_values(PACK, |entity| entity.value(pack, now), &mut prompt, &mut counters);
    }
    add_values(BANK, |entity| entity.value(snapshot, now), &mut prompt, &mut counters);
    if !snapshot.control.items.is_empty() {
        payload::control(snapshot).hash(&mut prompt);
    }
    Mark { prompt: prompt.finish(), counters: counters.finish() }
}

/// Adds the values of a table that belong to `static`.
fn add_values<T>(
    table: &[Entity<T>],
    value: impl Fn(&Entity<T>) -> Value,
    prompt: &mut DefaultHasher,
    counters: &mut DefaultHasher,
) {
    for entity in table.iter().filter(|entity| entity.message == entity::Message::Static) {
        let value = value(entity);
        value.status().hash(prompt);
        let is_counter = matches!(entity.kind, Kind::Counter | Kind::Daily);
        value.fresh().hash(if is_counter { counters } else { prompt });
    }
}

/// Returns the mark of the availability of a unit or pack.
pub(super) fn link_mark(link: &LinkView) -> u64 {
    let why = match &link.state {
        LinkState::Down { why, .. } => Some(why),
        LinkState::Starting | LinkState::Up => None,
    };
    mark(&(link.state == LinkState::Up, why))
}

/// Returns a mark of the findings and alerts. Measured values in them do not count: they change each round.
pub(super) fn finding_mark(snapshot: &Snapshot) -> u64 {
    let findings: Option<Vec<_>> = snapshot.findings.as_ref().map(|findings| {
        let units = |finding: &lvx_parallel::Finding| -> Vec<_> {
            finding.values.iter().map(|value| value.unit.clone()).collect()
        };
        let marks = findings.iter();
        marks.map(|finding| (finding.rule.clone(), finding.severity, units(finding))).collect()
    });
    let raised = snapshot.alerts.iter().filter(|alert| alert.is_raised());
    let alerts: Vec<_> = raised
        .map(|alert| (&alert.id, alert.severity, alert.raised, alert.acknowledged.is_some()))
        .collect();
    mark(&(findings, alerts))
}

/// Returns what happened to alerts, units and packs between two snapshots.
pub(super) fn events<'a>(before: &Snapshot, now: &'a Snapshot) -> Vec<Event<'a>> {
    let alerts = now.alerts.iter().filter_map(|alert| {
        let old = before.alerts.iter().find(|old| old.id == alert.id);
        let kind = match old {
            // Alerts from before the start are in the first snapshot.
            None if alert.is_raised() => "alert-raised",
            Some(old) if old.is_raised() && !alert.is_raised() => "alert-cleared",
            Some(old) if !old.is_raised() && alert.is_raised() => "alert-raised",
            Some(old) if old.acknowledged != alert.acknowledged => "alert-acknowledged",
            Some(old) if old.severity != alert.severity => "alert-changed",
            _ => return None,
        };
        Some(Event::Alert(kind, alert))
    });
    let units = now.units.iter().filter(|unit| {
        let old = before.units.iter().find(|old| old.serial == unit.serial);
        old.is_some_and(|old| has_turned(&old.link, &unit.link))
    });
    let packs = now.packs.iter().filter(|pack| {
        before.pack(pack.name.as_str()).is_some_and(|old| has_turned(&old.link, &pack.link))
    });
    let units = units.map(|unit| Event::Unit(unit));
    alerts.chain(units).chain(packs.map(|pack| Event::Pack(pack))).collect()
}

/// Returns whether a unit or pack answers again, or does not answer any more.
fn has_turned(old: &LinkView, new: &LinkView) -> bool {
    let is_up = |link: &LinkView| link.state == LinkState::Up;
    old.state != LinkState::Starting && is_up(old) != is_up(new)
}

/// Finds results of commands that were not published yet.
#[derive(Debug)]
pub(super) struct Results {
    /// Id and state of the latest results, at most [`Self::MAX_SEEN`].
    seen: VecDeque<(String, CommandState)>,
    expected: VecDeque<(String, Answer)>,
}

impl Results {
    const MAX_SEEN: usize = 64;
    const MAX_EXPECTED: usize = 16;

    /// Starts with the results of a snapshot, which earlier runs published.
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        let mut results = Self { seen: VecDeque::new(), expected: VecDeque::new() };
        for command in views(snapshot) {
            results.is_new(&command.id, command.state);
        }
        results
    }

    /// Remembers where a result goes. The oldest of too many is forgotten: its result goes to the common topic.
    pub(super) fn expect(&mut self, id: String, answer: Answer) {
        if self.expected.len() >= Self::MAX_EXPECTED {
            self.expected.pop_front();
        }
        self.expected.push_back((id, answer));
    }

    /// Returns the messages for results that are new in a snapshot.
    pub(super) fn changes(&mut self, snapshot: &Snapshot, topics: &Topics) -> Vec<Message> {
        let mut messages = Vec::new();
        for command in views(snapshot) {
            if !self.is_new(&command.id, command.state) {
                continue;
            }
            let place = self.expected.iter().position(|(id, _)| *id == command.id);
            let answer = place.and_then(|place| self.expected.get(place)).cloned();
            if let Some(place) = place.filter(|_| command.state != CommandState::Pending) {
                self.expected.remove(place);
            }
            let answer = answer.map(|(_, answer)| answer).unwrap_or_default();
            let topic = answer.topic.unwrap_or_else(|| topics.command_result());
            let mut message = Message::new(topic, payload::result(command));
            message.correlation = answer.correlation;
            messages.push(message);
        }
        messages
    }

    /// Notes that a command was refused. Returns whether that was not published yet.
    pub(super) fn refuse(&mut self, id: &str) -> bool {
        self.is_new(id, CommandState::Refused)
    }

    fn is_new(&mut self, id: &str, state: CommandState) -> bool {
        if self.seen.iter().any(|seen| seen.0 == id && seen.1 == state) {
            return false;
        }
        if self.seen.len() >= Self::MAX_SEEN {
            self.seen.pop_front();
        }
        self.seen.push_back((id.to_owned(), state));
        true
    }
}

/// Returns the results of a snapshot, the oldest first.
fn views(snapshot: &Snapshot) -> impl Iterator<Item = &CommandView> {
    let control = &snapshot.control;
    control.results.iter().take(Results::MAX_SEEN / 2).rev().chain(&control.command)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::{alert::Alerts, testing};

    #[test]
    fn alert_after_a_jump_of_the_clock_is_an_event() {
        let now = Now::system();
        let (before, mut after) = (testing::bank(now), testing::bank(now));
        let mut alerts = Alerts::default();
        let wall = now.wall - SignedDuration::from_hours(1);
        alerts.test("me", Now { wall, ..now });
        after.alerts = alerts.list().to_vec();
        let events = events(&before, &after);
        assert!(matches!(events.as_slice(), [Event::Alert("alert-raised", _)]), "{events:?}");
    }
}
