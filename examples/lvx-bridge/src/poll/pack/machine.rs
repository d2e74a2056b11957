//! The states of one pack: closed, or open with what is asked next. No I/O, no clock.

use std::time::{Duration, Instant};

use lvx_parallel::{
    Reason,
    pack::{Label, Live, PackConfig as ClientConfig},
};

use super::{
    super::{backoff::Backoff, schedule::next_multiple},
    event::{PackEventKind, PackGap},
};
use crate::config::PollConfig;

/// What the poller of a pack has to do next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PackStep {
    /// Opens the port.
    Open,
    /// Reads model and firmware.
    Label,
    /// Reads the measurements.
    Measure,
    /// Waits until this time.
    Wait(Instant),
}

/// Decides what is asked of one pack, and when. It has no I/O and no clock.
///
/// Measurements are read at multiples of their period, counted from the same time as for the units, so that both can be
/// compared. An open port stays open while the pack is silent: some adapters need up to 40 s before they pass on the first
/// byte, and opening them again starts that time again.
#[derive(Debug)]
pub struct PackMachine {
    period: Duration,
    epoch: Instant,
    state: State,
    backoff: Backoff,
    /// Time from which the measurements may be read.
    due: Instant,
    /// Time from which the label may be read; `None` once it is known.
    label_due: Option<Instant>,
    /// Time between two attempts to read the label.
    label_pause: Duration,
    /// Number of failures in a row.
    failures: u32,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed { retry_at: Instant },
    Open { opened: Instant, has_answered: bool },
}

impl PackMachine {
    /// Creates the machine of a pack, whose port is opened at once. Periods count from `epoch`; times of retries vary
    /// with `seed`.
    #[must_use]
    pub fn new(poll: &PollConfig, epoch: Instant, now: Instant, seed: u64) -> Self {
        Self {
            period: poll.packs,
            epoch,
            state: State::Closed { retry_at: now },
            backoff: Backoff::new(seed),
            due: now,
            label_due: Some(now),
            label_pause: MIN_LABEL_PAUSE,
            failures: 0,
        }
    }

    /// Returns what to do now.
    #[must_use]
    pub fn next(&self, now: Instant) -> PackStep {
        match self.state {
            State::Closed { retry_at } if retry_at > now => PackStep::Wait(retry_at),
            State::Closed { .. } => PackStep::Open,
            State::Open { .. } if self.due > now => PackStep::Wait(self.due),
            State::Open { .. } if self.label_due.is_some_and(|due| due <= now) => PackStep::Label,
            State::Open { .. } => PackStep::Measure,
        }
    }

    /// Takes the result of opening the port.
    pub fn opened(&mut self, result: Result<(), PackGap>, now: Instant) -> PackEventKind {
        match result {
            Ok(()) => {
                self.state = State::Open { opened: now, has_answered: false };
                (self.due, self.failures) = (now, 0);
                self.ask_label(now);
                PackEventKind::Opened
            }
            Err(why) => self.close(why, now),
        }
    }

    /// Takes the answer to the question for the label. Without one, the pack is measured all the same.
    pub fn labelled(
        &mut self,
        result: Result<Label, PackGap>,
        now: Instant,
    ) -> Option<PackEventKind> {
        match result {
            Ok(label) => {
                self.label_due = None;
                Some(PackEventKind::Labelled(label))
            }
            Err(why) if why.gap.reason == Reason::Gone => Some(self.close(why, now)),
            Err(_) => {
                self.label_due = Some(now + self.label_pause);
                self.label_pause = (self.label_pause * 2).min(MAX_LABEL_PAUSE);
                None
            }
        }
    }

    /// Takes the answer to the question for the measurements, which was sent at `asked`.
    pub fn measured(
        &mut self,
        result: Result<Live, PackGap>,
        asked: Instant,
        now: Instant,
    ) -> Option<PackEventKind> {
        let why = match result {
            Ok(live) => {
                if let State::Open { has_answered, .. } = &mut self.state {
                    *has_answered = true;
                }
                self.failures = 0;
                self.backoff.reset();
                self.due = next_multiple(self.epoch, self.period, asked + self.period / 2);
                let latency = now.saturating_duration_since(asked);
                return Some(PackEventKind::Measured { live, latency });
            }
            Err(why) if why.gap.reason == Reason::Gone => return Some(self.close(why, now)),
            Err(why) => why,
        };
        if let State::Open { opened, has_answered: false } = self.state
            && why.gap.reason == Reason::Silent
            && now < opened + ClientConfig::default().settle
        {
            // The adapter may not be ready.
            self.due = now + RETRY;
            return None;
        }
        self.failures = self.failures.saturating_add(1);
        if self.failures == 1 {
            self.due = now + RETRY;
            return Some(PackEventKind::Missed(why));
        }
        let factor = 2_u32.saturating_pow(self.failures.saturating_sub(2));
        let pause = self.period.saturating_mul(factor).min(MAX_PAUSE.max(self.period));
        let from = now + pause.saturating_sub(self.period / 2);
        self.due = next_multiple(self.epoch, self.period, from);
        // Another pack may be there now.
        self.ask_label(now);
        Some(PackEventKind::Lost { why, retry_in: self.due.saturating_duration_since(now) })
    }

    /// Lets a closed port be opened soon, because a device appeared or disappeared.
    pub fn hotplug(&mut self, now: Instant) {
        self.backoff.reset();
        if let State::Closed { retry_at } = &mut self.state {
            *retry_at = (*retry_at).min(now + HOTPLUG_DELAY);
        }
    }

    /// Lets everything be read again, because this computer was suspended.
    pub fn resumed(&mut self, now: Instant) {
        self.hotplug(now);
        self.due = self.due.min(now);
        self.ask_label(now);
    }

    fn ask_label(&mut self, now: Instant) {
        (self.label_due, self.label_pause) = (Some(now), MIN_LABEL_PAUSE);
    }

    /// Closes the port, which is opened again later.
    fn close(&mut self, why: PackGap, now: Instant) -> PackEventKind {
        let retry_in = self.backoff.next();
        self.state = State::Closed { retry_at: now + retry_in };
        PackEventKind::Lost { why, retry_in }
    }
}

/// Time after which a pack that did not answer is asked again, before it counts as lost.
const RETRY: Duration = Duration::from_secs(1);

/// Longest time between two attempts to measure a pack that is lost.
const MAX_PAUSE: Duration = Duration::from_mins(1);

/// Times between two attempts to read a label that could not be read.
const MIN_LABEL_PAUSE: Duration = Duration::from_secs(10);
const MAX_LABEL_PAUSE: Duration = Duration::from_hours(1);

/// Time that udev needs to set the group of a new device node; see `pi18_transport`.
const HOTPLUG_DELAY: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests;
