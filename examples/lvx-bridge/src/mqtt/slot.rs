//! When one topic is published.

use std::time::{Duration, Instant};

use crate::Name;

/// What a topic is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Subject {
    /// Availability of the bridge.
    Availability,
    /// Availability of a unit.
    Unit(Name),
    /// Availability of a battery pack.
    Pack(Name),
    /// Identity, settings and counters.
    Statics,
    /// Findings and alerts.
    Findings,
    /// Live values.
    State,
}

impl Subject {
    /// Returns the time after which a message is repeated without a change. `period` is that of live values.
    pub(super) fn repeat(&self, period: Duration) -> Duration {
        match self {
            Self::Statics => Duration::from_mins(15),
            Self::Availability | Self::Unit(_) | Self::Pack(_) | Self::Findings => {
                Duration::from_mins(5)
            }
            // A complete round asks for the message; this is for a bank whose rounds are not complete.
            Self::State => period * 3 / 2,
        }
    }
}

/// Numbers that change with the content of a message, but not with its time.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Mark {
    /// Content whose change is published at once.
    pub(super) prompt: u64,
    /// Content whose change waits until [`COUNTERS_EVERY`] after the last message.
    pub(super) counters: u64,
}

/// Least time between two messages if only counters have changed.
const COUNTERS_EVERY: Duration = Duration::from_mins(1);

/// When one topic is published next.
#[derive(Debug)]
pub(super) struct Slot {
    subject: Subject,
    due: Option<Instant>,
    last_sent: Option<Instant>,
    mark: Option<Mark>,
    is_in_flight: bool,
}

impl Slot {
    pub(super) fn new(subject: Subject) -> Self {
        Self { subject, due: None, last_sent: None, mark: None, is_in_flight: false }
    }

    pub(super) fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Returns the time of the next message; `None` while one is in flight, or before the connection.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.filter(|_| !self.is_in_flight)
    }

    pub(super) fn last_sent(&self) -> Option<Instant> {
        self.last_sent
    }

    /// Makes the next message due at `at`, if it is not due before.
    pub(super) fn hurry(&mut self, at: Instant) {
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// Makes a message due if the content changed since the last one.
    pub(super) fn compare(&mut self, mark: Mark, now: Instant) {
        match (self.mark, self.last_sent) {
            (Some(sent), _) if sent == mark => {}
            (Some(sent), Some(last)) if sent.prompt == mark.prompt => {
                self.hurry(last + COUNTERS_EVERY);
            }
            _ => self.hurry(now),
        }
    }

    /// Notes that a message was handed to the connection.
    pub(super) fn sent(&mut self, mark: Mark, now: Instant, repeat: Duration) {
        self.mark = Some(mark);
        self.last_sent = Some(now);
        self.due = Some(now + repeat);
        self.is_in_flight = true;
    }

    /// Notes what happened to the message in flight.
    pub(super) fn settle(&mut self, is_lost: bool, now: Instant) {
        self.is_in_flight = false;
        if is_lost {
            self.hurry(now);
        }
    }

    /// Forgets what was sent: the connection was lost.
    pub(super) fn forget(&mut self) {
        *self = Self::new(self.subject.clone());
    }
}
