//! One battery pack with what the core remembers about it beside its view.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use lvx_parallel::{Gap, PackSnapshot, Reading, Reason, pack::Live};

use super::{LinkCounts, LinkState, LinkView, PackView};
use crate::{
    Now,
    config::{PackConfig, PollConfig},
    poll::{PackEventKind, PackGap},
};

/// A pack: its view in the snapshot, and what the core remembers beside it.
#[derive(Debug)]
pub(super) struct TrackedPack {
    pub(super) view: Arc<PackView>,
    /// The latest measurements, the oldest first. Rules compare them.
    readings: VecDeque<(Live, Instant)>,
    /// Why the pack is not read; `None` while it answers, and before the first attempt has ended.
    gap: Option<PackGap>,
    /// Whether it was measured since the packs were judged.
    pub(super) is_measured: bool,
    /// Whether it was lost or found since the packs were judged.
    pub(super) is_changed: bool,
    latencies: VecDeque<Duration>,
}

impl TrackedPack {
    pub(super) fn new(config: &PackConfig, poll: &PollConfig, now: Now) -> Self {
        let view = PackView {
            name: config.name.clone(),
            link: LinkView {
                address: config.address.place().to_owned(),
                state: LinkState::Starting,
                since: now.wall,
                counts: LinkCounts::default(),
                latency: None,
            },
            label: None,
            live: None,
            failure: None,
            max_age: poll.max_pack_age(),
        };
        Self {
            view: Arc::new(view),
            readings: VecDeque::new(),
            gap: None,
            is_measured: false,
            is_changed: false,
            latencies: VecDeque::new(),
        }
    }

    /// Takes what happened to the pack at `at`.
    pub(super) fn take(&mut self, kind: PackEventKind, at: Instant, now: Now) {
        let view = Arc::make_mut(&mut self.view);
        match kind {
            PackEventKind::Opened => view.link.counts.connects += 1,
            PackEventKind::Labelled(label) => view.label = Some(label),
            PackEventKind::Measured { live, latency } => {
                view.link.counts.exchanges += 1;
                if let Some((_, before)) = view.live.replace((live, at)) {
                    let is_missed = view.link.state == LinkState::Up
                        && at.saturating_duration_since(before) > view.max_age;
                    view.link.counts.missed_deadlines += u64::from(is_missed);
                }
                view.failure = None;
                if view.link.state != LinkState::Up {
                    (view.link.state, view.link.since) = (LinkState::Up, now.wall);
                    self.is_changed = true;
                }
                (self.gap, self.is_measured) = (None, true);
                keep(&mut self.readings, (live, at), MAX_READINGS);
                keep(&mut self.latencies, latency, MAX_LATENCIES);
                let mut latencies: Vec<_> = self.latencies.iter().copied().collect();
                latencies.sort();
                view.link.latency = latencies.get(latencies.len() / 2).copied();
            }
            PackEventKind::Missed(why) => {
                count(&mut view.link.counts, &why.gap);
                view.failure = Some(why.gap);
            }
            PackEventKind::Lost { why, retry_in } => {
                count(&mut view.link.counts, &why.gap);
                if !matches!(view.link.state, LinkState::Down { .. }) {
                    view.link.since = now.wall;
                    self.is_changed = true;
                }
                let retry_at = now.wall.checked_add(retry_in).ok();
                view.link.state = LinkState::Down { why: why.gap.text.clone(), retry_at };
                view.failure = Some(why.gap.clone());
                self.is_changed |= self.gap.as_ref().map(PackGap::kind) != Some(why.kind());
                self.gap = Some(why);
            }
        }
    }

    /// Takes a suspend of this computer: measurements are older by that time, and are not compared with later ones.
    pub(super) fn resume(&mut self, suspended: Duration) {
        let view = Arc::make_mut(&mut self.view);
        view.live = view.live.and_then(|(live, at)| Some((live, at.checked_sub(suspended)?)));
        self.readings.clear();
        (self.is_measured, self.is_changed) = (false, true);
    }

    /// Returns whether the pack is read.
    pub(super) fn is_up(&self) -> bool {
        self.view.link.state == LinkState::Up
    }

    /// Returns the time of the measurements that the rules judge; `None` if there are none.
    pub(super) fn judged_reading(&self, now: Instant) -> Option<Instant> {
        let (_, at) = self.view.live.as_ref()?;
        (self.gap.is_none() && self.view.is_fresh(now)).then_some(*at)
    }

    /// Returns the pack as the rules judge it. Times count from `start`.
    pub(super) fn snapshot(&self, start: Instant, now: Instant) -> PackSnapshot {
        let mut pack = PackSnapshot::new(self.view.name.as_str());
        pack.label.clone_from(&self.view.label);
        for (live, at) in &self.readings {
            pack.take(Ok(Reading::new(*live, at.saturating_duration_since(start))));
        }
        let old = || Gap::new(Reason::Old, "");
        let gap = match &self.gap {
            Some(PackGap { gap, is_aggregate }) => {
                pack.is_aggregate = *is_aggregate;
                Some(gap.clone())
            }
            None => pack.live.is_some().then(old).filter(|_| !self.view.is_fresh(now)),
        };
        if gap.is_some() {
            pack.earlier.extend(pack.live.take());
            let excess = pack.earlier.len().saturating_sub(PackSnapshot::MAX_EARLIER);
            pack.earlier.drain(..excess);
            pack.lost = gap;
        }
        pack
    }
}

/// Counts an exchange that failed.
fn count(counts: &mut LinkCounts, gap: &Gap) {
    match gap.reason {
        Reason::Refused => counts.refusals += 1,
        Reason::Silent => counts.timeouts += 1,
        Reason::Unreadable => counts.unreadable += 1,
        // Nothing was sent.
        _ => return,
    }
    counts.exchanges += 1;
}

/// Appends a value to the latest ones.
fn keep<T>(values: &mut VecDeque<T>, value: T, max: usize) {
    if values.len() >= max {
        values.pop_front();
    }
    values.push_back(value);
}

/// Number of measurements that rules compare.
const MAX_READINGS: usize = PackSnapshot::MAX_EARLIER + 1;

/// Number of exchanges of which the median time is shown.
const MAX_LATENCIES: usize = 15;
