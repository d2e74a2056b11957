//! A bank with a clock, and links to its units.

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::BytesMut;

use super::bank::Bank;
use crate::{Error, Link, error::ErrorKind};

/// A bank that several links and servers use at the same time. Clones are the same bank.
#[derive(Clone, Debug)]
pub struct SharedBank(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<ClockedBank>,
    /// Somebody did something to the bank.
    changed: Condvar,
    start: Instant,
}

#[derive(Debug)]
struct ClockedBank {
    bank: Bank,
    /// How far a made-up clock is; a real one is asked.
    elapsed: Option<Duration>,
    /// The wires of links that wait for one another, and until when those wait that do.
    together: BTreeMap<usize, Option<Duration>>,
}

impl SharedBank {
    /// A bank that follows the system's clock.
    #[must_use]
    pub fn real(bank: Bank) -> Self {
        Self::new(bank, None)
    }

    /// A bank whose clock only moves when a link waits, and then at once to where it waits for.
    /// Threads side by side need [`links_side_by_side`](Self::links_side_by_side).
    #[must_use]
    pub fn virtual_time(bank: Bank) -> Self {
        Self::new(bank, Some(Duration::ZERO))
    }

    fn new(bank: Bank, elapsed: Option<Duration>) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::new(ClockedBank { bank, elapsed, together: BTreeMap::new() }),
            changed: Condvar::new(),
            start: Instant::now(),
        }))
    }

    /// A link to a unit. That of a unit that does not exist is disconnected.
    #[must_use]
    pub fn link(&self, unit: usize) -> SimLink {
        let wire = self.lock().bank.plug(unit);
        SimLink { shared: self.clone(), unit, wire, name: format!("sim:{unit}") }
    }

    /// Links to all units for threads that run side by side, one each: a made-up clock then goes on
    /// only once every one of them waits, to the earliest of what they wait for, so that what one
    /// waits for takes no time from the others.
    ///
    /// A link that is dropped is waited for no longer. One that is neither used nor dropped stops the
    /// clock for the others.
    #[must_use]
    pub fn links_side_by_side(&self) -> Vec<SimLink> {
        let units = self.with(|bank| bank.units());
        let links: Vec<_> = (0..units).map(|unit| self.link(unit)).collect();
        self.lock().together.extend(links.iter().map(|link| (link.wire, None)));
        links
    }

    /// Does something with the bank as it is now.
    pub fn with<T>(&self, act: impl FnOnce(&mut Bank) -> T) -> T {
        let mut state = self.lock();
        let now = self.now_of(&state);
        state.bank.advance(now);
        let done = act(&mut state.bank);
        self.0.changed.notify_all();
        done
    }

    /// How long the bank has been going.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.now_of(&self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, ClockedBank> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_of(&self, state: &ClockedBank) -> Duration {
        state.elapsed.unwrap_or_else(|| self.0.start.elapsed())
    }

    /// When something happens on a wire the next time.
    #[cfg(unix)]
    pub(super) fn next_due(&self, wire: usize) -> Option<Instant> {
        let due = self.lock().bank.next_due(wire)?;
        self.0.start.checked_add(due)
    }

    /// Waits until `until` or until somebody did something; a made-up clock goes there at once, or
    /// as soon as all that wait for one another do.
    fn wait(&self, mut state: MutexGuard<'_, ClockedBank>, wire: usize, until: Duration) {
        let now = self.now_of(&state);
        if state.elapsed.is_none() {
            // Why it ends does not matter: whoever waits looks again.
            let _ = self.0.changed.wait_timeout(state, until.saturating_sub(now));
        } else if state.together.contains_key(&wire) {
            self.wait_together(state, wire, until);
        } else {
            state.elapsed = Some(now.max(until));
        }
    }

    fn wait_together(&self, mut state: MutexGuard<'_, ClockedBank>, wire: usize, until: Duration) {
        state.together.insert(wire, Some(until));
        while self.now_of(&state) < until {
            // Who has got there already comes on by himself.
            if let Some(next) = state.next_of_all()
                && Some(next) > state.elapsed
            {
                state.elapsed = Some(next);
                self.0.changed.notify_all();
                continue;
            }
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.together.insert(wire, None);
    }
}

impl ClockedBank {
    /// What the first of those that wait for one another waits for, if all of them wait.
    fn next_of_all(&self) -> Option<Duration> {
        let all: Option<Vec<Duration>> = self.together.values().copied().collect();
        all?.into_iter().min()
    }
}

/// A link to one unit of a bank.
pub struct SimLink {
    shared: SharedBank,
    unit: usize,
    wire: usize,
    name: String,
}

impl SimLink {
    /// The bank it leads to.
    #[must_use]
    pub fn bank(&self) -> &SharedBank {
        &self.shared
    }

    #[cfg(unix)]
    pub(super) fn wire(&self) -> usize {
        self.wire
    }

    /// How often it was disconnected so far.
    #[cfg(unix)]
    pub(super) fn pulls(&self) -> u64 {
        self.shared.lock().bank.pulls(self.wire)
    }

    /// The same with a USB adapter at its end: replies come in reports.
    #[cfg(target_os = "linux")]
    pub(super) fn in_reports(self) -> Self {
        self.shared.lock().bank.put_in_reports(self.wire);
        self
    }

    fn gone(&self) -> Error {
        let why = io::Error::new(io::ErrorKind::NotConnected, "the virtual cable is unplugged");
        Error::new(&self.name, ErrorKind::Disconnected(why))
    }
}

impl Link for SimLink {
    fn send(&mut self, bytes: &[u8], _deadline: Instant) -> Result<(), Error> {
        let mut state = self.shared.lock();
        let now = self.shared.now_of(&state);
        state.bank.host_sends(self.wire, bytes, now);
        let connected = state.bank.is_connected(self.unit);
        drop(state);
        self.shared.0.changed.notify_all();
        if connected { Ok(()) } else { Err(self.gone()) }
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        let deadline = deadline.saturating_duration_since(self.shared.0.start);
        let before = buffer.len();
        loop {
            let mut state = self.shared.lock();
            let now = self.shared.now_of(&state);
            let connected = state.bank.is_connected(self.unit);
            state.bank.take(self.wire, now, buffer);
            if buffer.len() > before {
                return Ok(());
            }
            if !connected {
                return Err(self.gone());
            }
            if now >= deadline {
                return Ok(());
            }
            let due = state.bank.next_due(self.wire).unwrap_or(deadline);
            self.shared.wait(state, self.wire, due.min(deadline));
        }
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn now(&self) -> Instant {
        self.shared.0.start + self.shared.elapsed()
    }

    fn pause(&mut self, time: Duration) {
        let state = self.shared.lock();
        if let Some(elapsed) = state.elapsed {
            self.shared.wait(state, self.wire, elapsed.saturating_add(time));
        } else {
            drop(state);
            std::thread::sleep(time);
        }
    }
}

impl Drop for SimLink {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.bank.unplug(self.wire);
        if state.together.remove(&self.wire).is_some() {
            drop(state);
            self.shared.0.changed.notify_all();
        }
    }
}

impl fmt::Debug for SimLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimLink").field("name", &self.name).finish_non_exhaustive()
    }
}
