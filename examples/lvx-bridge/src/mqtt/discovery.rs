//! When the payloads of Home Assistant's discovery are published.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
};

use super::{Topics, change::mark, message::Message};
use crate::{Snapshot, state::Held};

/// Makes the discovery payloads of a bank: topic and payload of each device, the bank first.
pub(super) type Make = Box<dyn FnMut(&Snapshot, &Topics) -> Vec<(String, Vec<u8>)> + Send>;

/// Discovery payloads that have to be sent, and those that were.
pub(super) struct Discovery {
    make: Option<Make>,
    fingerprint: Option<u64>,
    waiting: VecDeque<Message>,
    sent: BTreeMap<String, u64>,
}

impl Discovery {
    /// Creates the state; without `make`, nothing is published.
    pub(super) fn new(make: Option<Make>) -> Self {
        Self { make, fingerprint: None, waiting: VecDeque::new(), sent: BTreeMap::new() }
    }

    /// Makes all payloads due.
    pub(super) fn repeat(&mut self, snapshot: &Snapshot, topics: &Topics) {
        self.forget();
        self.refresh(snapshot, topics);
    }

    /// Makes those payloads due that changed. Returns whether devices or their entities may have changed.
    pub(super) fn refresh(&mut self, snapshot: &Snapshot, topics: &Topics) -> bool {
        let fingerprint = fingerprint(snapshot);
        let Some(make) = &mut self.make else { return false };
        if self.fingerprint == Some(fingerprint) {
            return false;
        }
        self.fingerprint = Some(fingerprint);
        // What waits was not sent, so that it is queued again.
        for message in self.waiting.drain(..) {
            self.sent.remove(&message.topic);
        }
        let payloads = make(snapshot, topics);
        let named: BTreeSet<_> = payloads.iter().map(|(topic, _)| topic.clone()).collect();
        self.sent.retain(|topic, _| named.contains(topic));
        for (topic, payload) in payloads {
            let mark = mark(&payload);
            if self.sent.insert(topic.clone(), mark) != Some(mark) {
                self.waiting.push_back(Message::retained(topic, payload));
            }
        }
        true
    }

    /// Deletes the retained messages of topics.
    pub(super) fn remove(&mut self, topics: Vec<String>) {
        self.waiting.extend(topics.into_iter().map(|topic| Message::retained(topic, Vec::new())));
    }

    /// Returns whether a topic belongs to a device that exists.
    pub(super) fn has(&self, topic: &str) -> bool {
        self.sent.contains_key(topic)
    }

    /// Returns the next message.
    pub(super) fn next(&mut self) -> Option<Message> {
        self.waiting.pop_front()
    }

    /// Notes that a message was not delivered: it is made again at the next look.
    pub(super) fn lost(&mut self, topic: &str) {
        if let Some(sent) = self.sent.get_mut(topic) {
            *sent = 0;
        }
        self.fingerprint = None;
    }

    /// Forgets what was sent.
    pub(super) fn forget(&mut self) {
        self.fingerprint = None;
        self.waiting.clear();
        self.sent.clear();
    }
}

impl fmt::Debug for Discovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discovery").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}

/// Returns a mark of what the set of entities depends on: the units, the questions that they answer, the packs with
/// their labels, and the settings that can be changed with their options.
fn fingerprint(snapshot: &Snapshot) -> u64 {
    let answered = |held: &&Held| held.reply.is_some();
    let units: Vec<_> = snapshot
        .units
        .iter()
        .map(|unit| {
            let held = unit.held.iter().filter(answered).map(|held| held.query.info().mnemonic);
            (&unit.name, unit.serial, held.collect::<Vec<_>>())
        })
        .collect();
    let items = snapshot.control.items.iter();
    let items: Vec<_> = items.map(|item| (item.setting.key(), &item.options)).collect();
    let packs: Vec<_> = snapshot.packs.iter().map(|pack| (&pack.name, &pack.label)).collect();
    mark(&(units, packs, items))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        Now,
        mqtt::testing::{snapshot, unit},
    };

    #[test]
    fn discovery_arrives_at_a_slow_broker_while_the_payloads_change() {
        let now = Now::system();
        let mut snapshot = snapshot(1, now);
        snapshot.units = (0..30)
            .map(|index| {
                unit(&format!("u{index}"), &format!("961322061004{index:02}"), now.instant)
            })
            .map(Arc::new)
            .collect();
        let topics = Topics::new(&snapshot.site, &snapshot.bank);
        let mut discovery = Discovery::new(Some(Box::new(|snapshot: &Snapshot, _: &Topics| {
            let units = snapshot.units.iter();
            units.map(|unit| (format!("ha/{}", unit.name), b"{}".to_vec())).collect()
        })));
        let mut sent = BTreeSet::new();
        for round in 0..30_usize {
            // Another reply arrives, so that the payloads are made again before all were sent.
            Arc::make_mut(&mut snapshot.units[round]).held.clear();
            discovery.refresh(&snapshot, &topics);
            assert!(sent.insert(discovery.next().unwrap().topic));
        }
        assert_eq!(sent.len(), 30);
        assert!(discovery.next().is_none());
    }
}
