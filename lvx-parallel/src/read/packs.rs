//! Reads the battery packs of a bank: once before the units, and once after them, so that rules see two readings with
//! the units' measurements in between.
//!
//! The packs are asked one after another. One needs about 0.2 s for a reading.

use std::time::Instant;

use pi18_transport::{Error, Link};

use super::PackMember;
use crate::{
    PackSnapshot, Reading,
    pack::{Live, PackClient},
};

/// The packs of a bank with their ports.
pub(super) struct PackReader<L> {
    packs: Vec<(Option<PackClient<L>>, PackSnapshot)>,
}

impl<L: Link> PackReader<L> {
    pub(super) fn new(members: Vec<PackMember<L>>) -> Self {
        let pack = |member: PackMember<L>| {
            let unread = member.unread();
            (member.client.ok(), unread)
        };
        Self { packs: members.into_iter().map(pack).collect() }
    }

    /// Returns the earliest time of the ports' clocks.
    pub(super) fn now(&self) -> Option<Instant> {
        self.packs.iter().filter_map(|(client, _)| Some(client.as_ref()?.now())).min()
    }

    /// Reads each pack with its label. A silent pack is not waited for.
    pub(super) fn read(&mut self, start: Instant) {
        for (client, pack) in &mut self.packs {
            if let Some(client) = client {
                let outcome = first(client, pack, start);
                pack.take(outcome.as_ref().copied());
            }
        }
    }

    /// Reads each pack again and returns the packs. Packs that were silent are read last, because their adapters may
    /// need some time after they were opened.
    pub(super) fn read_again(mut self, start: Instant) -> Vec<PackSnapshot> {
        for (client, pack) in &mut self.packs {
            if let Some(client) = client
                && !pack.is_silent()
            {
                let outcome = live(client, start);
                pack.take(outcome.as_ref().copied());
            }
        }
        for (client, pack) in &mut self.packs {
            if let Some(client) = client
                && pack.is_silent()
                && !client.has_answered()
            {
                let outcome = client.wait().and_then(|()| first(client, pack, start));
                pack.take(outcome.as_ref().copied());
            }
        }
        self.packs.into_iter().map(|(_, pack)| pack).collect()
    }
}

/// Reads the label and the measurements of a pack. A pack without a readable label is read without it.
fn first<L: Link>(
    client: &mut PackClient<L>,
    pack: &mut PackSnapshot,
    start: Instant,
) -> Result<Reading<Live>, Error> {
    match client.label() {
        Ok(label) => pack.label = Some(label),
        Err(error) if error.is_refused() || error.is_decode() => {}
        Err(error) => return Err(error),
    }
    live(client, start)
}

fn live<L: Link>(client: &mut PackClient<L>, start: Instant) -> Result<Reading<Live>, Error> {
    let live = client.live()?;
    Ok(Reading::new(live, client.now().saturating_duration_since(start)))
}
