//! The battery packs: a thread asks each one, and its last measurements are kept.

use std::{
    io,
    sync::mpsc::{Receiver, SyncSender},
    thread,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use lvx_parallel::{
    PackSnapshot, Reading,
    pack::{Label, Live, PackClient, PackConfig},
};
use pi18_transport::{Address, Error, printable};

use super::event::PanicGuard;
use crate::overview::Pack;

/// What the thread of a pack reports after a round.
#[derive(Debug)]
pub(super) struct PackReport {
    /// Model and firmware, if they were read in this round.
    label: Option<Label>,
    /// Measurements with their time, or why there are none.
    live: Result<(Live, Instant), Error>,
}

impl PackReport {
    /// Returns a report without a label.
    #[cfg(test)]
    pub(super) fn new(live: Result<(Live, Instant), Error>) -> Self {
        Self { label: None, live }
    }
}

/// Starts the thread of the pack at place `pack`. It ends when no one sends rounds or takes reports.
pub(super) fn start<M: Send + 'static>(
    pack: usize,
    address: Address,
    rounds: Receiver<()>,
    (reports, message): (SyncSender<M>, impl Fn(PackReport) -> M + Send + 'static),
    guard: PanicGuard,
) -> io::Result<()> {
    let run = move || {
        let _guard = guard;
        let (mut client, mut is_labelled) = (None, false);
        for () in rounds {
            let read = ask(&address, &mut client, is_labelled);
            is_labelled |= read.label.is_some();
            if reports.send(message(read)).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name(format!("pack {pack}")).spawn(run).map(drop)
}

/// Reads a pack once. Its port stays open while it is silent: an adapter may not be ready yet.
fn ask(address: &Address, client: &mut Option<PackClient>, is_labelled: bool) -> PackReport {
    let mut label = None;
    let mut read = || {
        let open = match client {
            Some(open) => open,
            None => client.insert(PackClient::open(address)?),
        };
        if !is_labelled {
            match open.label() {
                Ok(read) => label = Some(read),
                // A pack without a readable label has measurements.
                Err(error) if error.is_refused() || error.is_decode() => {}
                Err(error) => return Err(error),
            }
        }
        Ok((open.live()?, open.now()))
    };
    let live = read();
    PackReport { label, live }
}

/// The last measurements of one pack. It has no clock and no link.
#[derive(Debug)]
pub(super) struct PackAnswers {
    name: String,
    /// Whether a round is asked now.
    pub(super) is_busy: bool,
    /// Time at which the first round was begun.
    started: Option<Instant>,
    /// Time at which the last round was begun.
    asked: Option<Instant>,
    /// Whether the pack has answered.
    has_answered: bool,
    label: Option<Label>,
    /// The last two measurements, the older one first.
    read: Vec<(Live, Instant)>,
    lost: Option<(Error, Timestamp)>,
    settle: Duration,
}

impl PackAnswers {
    /// Starts without answers.
    pub(super) fn new(name: &str) -> Self {
        // A virtual adapter is ready at once.
        let is_virtual = name.starts_with("sim:");
        let settle = if is_virtual { Duration::ZERO } else { PackConfig::default().settle };
        Self {
            name: name.to_owned(),
            is_busy: false,
            started: None,
            asked: None,
            has_answered: false,
            label: None,
            read: Vec::new(),
            lost: None,
            settle,
        }
    }

    /// Begins a round if the pack is not busy, and not asked too often. Returns whether it is asked.
    pub(super) fn begin(&mut self, now: Instant) -> bool {
        let is_due = self.asked.is_none_or(|at| now.saturating_duration_since(at) >= PERIOD);
        if self.is_busy || !is_due {
            return false;
        }
        (self.is_busy, self.asked) = (true, Some(now));
        self.started.get_or_insert(now);
        true
    }

    /// Takes a report.
    pub(super) fn take(&mut self, report: PackReport, now: Instant, wall: Timestamp) {
        self.is_busy = false;
        if report.label.is_some() {
            self.label = report.label;
        }
        match report.live {
            Ok(live) => {
                self.read.push(live);
                let excess = self.read.len().saturating_sub(MAX_KEPT);
                self.read.drain(..excess);
                (self.lost, self.has_answered) = (None, true);
            }
            // Some adapters need a while after they are opened. Until then, a silent pack is not known.
            Err(error) if error.is_timeout() && self.is_settling(now) => {}
            Err(error) => {
                // The time of the first failure remains.
                let since = self.lost.as_ref().map_or(wall, |(_, since)| *since);
                self.lost = Some((error, since));
            }
        }
    }

    fn is_settling(&self, now: Instant) -> bool {
        let waited = self.started.map(|at| now.saturating_duration_since(at));
        !self.has_answered && waited.is_none_or(|waited| waited < self.settle)
    }

    /// Returns whether the pack can be judged: it answered, or is lost.
    pub(super) fn is_known(&self) -> bool {
        self.lost.is_some() || !self.read.is_empty()
    }

    /// Returns the time of the oldest measurements that are kept.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.read.iter().map(|(_, at)| *at).min()
    }

    /// Returns the pack as the rules judge it. Times count from `start`.
    pub(super) fn snapshot(&self, start: Instant) -> PackSnapshot {
        let mut pack = PackSnapshot::new(&*self.name);
        pack.label.clone_from(&self.label);
        for (live, at) in &self.read {
            pack.take(Ok(Reading::new(*live, at.saturating_duration_since(start))));
        }
        if let Some((error, _)) = &self.lost {
            pack.take(Err(error));
        }
        pack
    }

    /// Returns the pack as it is shown.
    pub(super) fn pack(&self, every: Duration) -> Pack {
        let mut pack = Pack::new(&self.name, (every * 3).max(MIN_LIMIT));
        let model = self.label.as_ref().map(|label| printable(&label.model).into_owned());
        pack.model = model.filter(|model| !model.is_empty());
        match (&self.lost, self.read.last()) {
            (Some((_, since)), _) => pack.lose(&self.snapshot(Instant::now()), Some(*since)),
            (None, Some((live, at))) => pack.read(*live, *at),
            (None, None) => {}
        }
        pack
    }
}

/// Least time between two rounds: older packs do not answer well if they are asked each second.
const PERIOD: Duration = Duration::from_millis(1900);
/// Measurements that are kept: the rules compare the last ones with those before.
const MAX_KEPT: usize = 2;
/// Least limit of age of measurements.
const MIN_LIMIT: Duration = Duration::from_secs(30);
