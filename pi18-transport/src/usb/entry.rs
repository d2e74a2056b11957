//! One adapter in a roster, and the result of its last probe.

use std::{
    mem,
    time::{Duration, Instant},
};

use pi18_proto::{Query, SerialNumber};

use super::{
    adapter::Adapter,
    backoff::{Backoff, MAX_DELAY},
};
use crate::{Error, Hidraw, error::Cause};

/// An adapter in a [`Roster`](crate::Roster), from plugging in to unplugging.
#[derive(Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The adapter.
    pub adapter: Adapter,
    /// When the adapter was first found in sysfs.
    since: Instant,
    state: ProbeState,
    backoff: Backoff,
}

#[derive(Debug)]
enum ProbeState {
    NotProbed,
    /// The first probe is running, since then.
    Probing(Instant),
    /// A probe failed, and another one is running.
    ProbingAgain(Error),
    /// A probe failed; the next one is due then.
    Failed(Error, Instant),
    /// A probe found a unit.
    Identified {
        serial: SerialNumber,
        /// The time at which the probe ended.
        at: Instant,
        /// The open node, until it is taken.
        node: Option<Hidraw>,
    },
}

impl Entry {
    /// Creates the entry of an adapter that was first found `now`. `timeout` is the client's timeout.
    pub(super) fn new(adapter: Adapter, now: Instant, timeout: Duration) -> Self {
        let backoff = Backoff::new(timeout);
        Self { adapter, since: now, state: ProbeState::NotProbed, backoff }
    }

    /// Returns the serial number of the unit, once it is known.
    #[must_use]
    pub fn unit(&self) -> Option<SerialNumber> {
        match self.state {
            ProbeState::Identified { serial, .. } => Some(serial),
            _ => None,
        }
    }

    /// Returns why the serial number is not known, once a probe has failed.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        match &self.state {
            ProbeState::Failed(error, _) | ProbeState::ProbingAgain(error) => Some(error),
            ProbeState::NotProbed | ProbeState::Probing(_) | ProbeState::Identified { .. } => None,
        }
    }

    /// Returns the device node as text, for errors.
    pub(super) fn place(&self) -> String {
        self.adapter.node.display().to_string()
    }

    /// Begins a probe if one is due, and returns how long it may wait for a reply.
    pub(super) fn begin_probe(&mut self, now: Instant) -> Option<Duration> {
        self.state = match mem::replace(&mut self.state, ProbeState::NotProbed) {
            ProbeState::NotProbed => ProbeState::Probing(now),
            ProbeState::Failed(error, due) if due <= now => ProbeState::ProbingAgain(error),
            state => {
                self.state = state;
                return None;
            }
        };
        Some(self.backoff.next_timeout())
    }

    /// Ends a probe that found a unit. `node` stays open, so that its number is not reused.
    pub(super) fn identify(&mut self, serial: SerialNumber, node: Option<Hidraw>, now: Instant) {
        self.state = ProbeState::Identified { serial, at: now, node };
    }

    /// Ends a probe that failed. The next one is due after a delay.
    pub(super) fn fail(&mut self, error: Error, now: Instant) {
        let delay = self.backoff.next_delay(&error);
        self.state = ProbeState::Failed(error, now + delay);
    }

    /// Ends a probe that the system could not start. The next one is due after the longest delay.
    pub(super) fn fail_to_start(&mut self, error: Error, now: Instant) {
        self.state = ProbeState::Failed(error, now + MAX_DELAY);
    }

    /// Returns the time at which the next probe is due, if the last one failed.
    pub(super) fn next_probe(&self) -> Option<Instant> {
        match self.state {
            ProbeState::Failed(_, due) => Some(due),
            _ => None,
        }
    }

    /// Makes the next probe due at once if the last one had no permission to open the node.
    pub(super) fn retry_without_permission(&mut self, now: Instant) {
        if let ProbeState::Failed(error, due) = &mut self.state
            && error.is_permission()
        {
            *due = now;
        }
    }

    /// Marks the first probe as failed if it has been running too long, and returns whether that is so.
    /// The probe continues, and its result still counts.
    pub(super) fn give_up_if_stuck(&mut self, now: Instant) -> bool {
        let is_stuck = matches!(self.state, ProbeState::Probing(since) if now >= since + STUCK);
        if is_stuck {
            let request = Query::Identity.to_string();
            let timeout = Cause::Timeout { request, waited: STUCK, found: None };
            self.state = ProbeState::ProbingAgain(Error::from_cause(self.place(), timeout));
        }
        is_stuck
    }

    /// Returns whether this adapter could turn out to have the serial number that `other` reported: it
    /// was present at that time, and its first probe has not ended.
    ///
    /// Adapters that appeared later do not count. Otherwise one with a loose contact would keep all
    /// other units from being found.
    pub(super) fn may_duplicate(&self, other: &Self) -> bool {
        let ProbeState::Identified { at, .. } = other.state else { return true };
        matches!(self.state, ProbeState::NotProbed | ProbeState::Probing(_)) && self.since <= at
    }

    /// Takes the open node of the unit.
    pub(super) fn take_node(&mut self) -> Option<Hidraw> {
        match &mut self.state {
            ProbeState::Identified { node, .. } => node.take(),
            _ => None,
        }
    }

    /// Forgets the unit, so that the adapter is probed again.
    pub(super) fn forget(&mut self) {
        self.state = ProbeState::NotProbed;
    }

    /// Closes the node of an identified unit, which stays known, and ignores the result of a running probe.
    pub(super) fn release(&mut self, now: Instant) {
        self.state = match mem::replace(&mut self.state, ProbeState::NotProbed) {
            ProbeState::Identified { serial, at, .. } => {
                ProbeState::Identified { serial, at, node: None }
            }
            ProbeState::ProbingAgain(error) => ProbeState::Failed(error, now),
            ProbeState::NotProbed | ProbeState::Probing(_) => ProbeState::NotProbed,
            state @ ProbeState::Failed(..) => state,
        };
    }
}

/// The time after which a first probe is stuck: longer than it takes with or without a reply, but shorter
/// than a write to an adapter that does not accept data, which blocks for five seconds.
const STUCK: Duration = Duration::from_secs(2);
