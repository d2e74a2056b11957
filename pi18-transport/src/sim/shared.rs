//! A bank with a clock, shared by links and servers.

mod pack_link;

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bytes::BytesMut;

use super::bank::Bank;
use crate::{Error, Link, error::Cause};

pub use pack_link::PackLink;

/// A bank with a clock, for several links, servers and threads. Clones refer to the same bank.
///
/// The clock is the system's ([`real_time`](Self::real_time)) or virtual
/// ([`virtual_time`](Self::virtual_time)). On a virtual clock, a test never sleeps.
///
/// ```
/// use std::time::Duration;
///
/// use pi18_proto::GeneralStatus;
/// use pi18_transport::{
///     Client,
///     sim::{Bank, BankConfig, SharedBank},
/// };
///
/// let switches = vec!["pace=2400".parse()?];
/// let bank = SharedBank::virtual_time(Bank::new(BankConfig { units: 2, switches })?);
/// let mut unit = Client::new(bank.link(0));
/// let status: GeneralStatus = unit.read()?;
/// assert_eq!(status.battery_capacity.0, 80);
///
/// // 10 bytes to the unit and 111 back take half a second at 2400 baud, on the virtual clock only.
/// assert!(bank.elapsed() > Duration::from_millis(500));
/// bank.with(|bank| bank.disconnect(0));
/// assert!(unit.read::<GeneralStatus>().unwrap_err().is_disconnected());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SharedBank(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<ClockedBank>,
    /// Notified after each change of a bank that follows a real clock.
    changed: Condvar,
    clock: RealClock,
    start: Instant,
}

/// The clock of a bank that is not in virtual time.
#[derive(Clone, Copy, Debug)]
enum RealClock {
    System,
    #[cfg(feature = "tokio")]
    Tokio,
}

#[derive(Debug)]
struct ClockedBank {
    bank: Bank,
    /// Virtual time since the start; `None` if the bank follows a real clock.
    elapsed: Option<Duration>,
    /// The concurrent links, by their wires.
    concurrent: BTreeMap<usize, Concurrent>,
}

/// A concurrent link.
#[derive(Clone, Debug, Default)]
struct Concurrent {
    /// Time until which the link waits, or `None` while it does not wait.
    until: Option<Duration>,
    /// Notified when the wait may be over.
    woken: Arc<Condvar>,
}

impl SharedBank {
    /// Creates a bank that follows the system's clock.
    #[must_use]
    pub fn real_time(bank: Bank) -> Self {
        Self::new(bank, None, RealClock::System)
    }

    /// Creates a bank that follows tokio's clock, which is the system's clock unless a test pauses it
    /// (`tokio::time::pause`). Use its [streams](Self::stream): a [`SimLink`] does not advance a paused
    /// clock.
    #[cfg(feature = "tokio")]
    #[must_use]
    pub fn tokio_time(bank: Bank) -> Self {
        Self::new(bank, None, RealClock::Tokio)
    }

    /// Creates a bank in virtual time. Its clock moves only when a link waits, and then jumps to the end of
    /// that wait. Concurrent threads need [`concurrent_links`](Self::concurrent_links).
    #[must_use]
    pub fn virtual_time(bank: Bank) -> Self {
        Self::new(bank, Some(Duration::ZERO), RealClock::System)
    }

    fn new(bank: Bank, elapsed: Option<Duration>, clock: RealClock) -> Self {
        Self(Arc::new(Inner {
            state: Mutex::new(ClockedBank { bank, elapsed, concurrent: BTreeMap::new() }),
            changed: Condvar::new(),
            clock,
            start: clock.now(),
        }))
    }

    /// Returns a link to a unit. If the unit does not exist, the link is disconnected.
    #[must_use]
    pub fn link(&self, unit: usize) -> SimLink {
        let wire = self.lock().bank.plug(unit);
        SimLink { shared: self.clone(), unit, wire, name: format!("sim:{unit}") }
    }

    /// Returns a link to a battery pack. If the pack does not exist, the link is disconnected.
    #[must_use]
    pub fn pack_link(&self, pack: usize) -> PackLink {
        PackLink::new(self.clone(), pack)
    }

    /// Returns a link to each unit, for concurrent threads that use one link each.
    ///
    /// The virtual clock then moves only while all these links wait, and jumps to the end of the wait that
    /// ends first. The waits overlap, as in real time.
    ///
    /// Drop a link as soon as it is no longer used: the clock does not move while a link neither
    /// waits nor is dropped.
    ///
    /// ```
    /// use std::{thread, time::Duration};
    ///
    /// use pi18_transport::{
    ///     Link,
    ///     sim::{Bank, BankConfig, SharedBank},
    /// };
    ///
    /// let bank = SharedBank::virtual_time(Bank::new(BankConfig::default())?);
    /// thread::scope(|scope| {
    ///     for mut link in bank.concurrent_links() {
    ///         scope.spawn(move || link.pause(Duration::from_secs(60)));
    ///     }
    /// });
    /// assert_eq!(bank.elapsed(), Duration::from_secs(60));
    /// # Ok::<(), pi18_transport::sim::SwitchError>(())
    /// ```
    #[must_use]
    pub fn concurrent_links(&self) -> Vec<SimLink> {
        let units = self.with(|bank| bank.units());
        let links: Vec<_> = (0..units).map(|unit| self.link(unit)).collect();
        let waiting = links.iter().map(|link| (link.wire, Concurrent::default()));
        self.lock().concurrent.extend(waiting);
        links
    }

    /// Advances the bank to the present time and calls `f` with it, for example to change a switch.
    pub fn with<T>(&self, f: impl FnOnce(&mut Bank) -> T) -> T {
        let mut state = self.lock();
        let now = self.now_of(&state);
        state.bank.advance(now);
        let result = f(&mut state.bank);
        self.notify_changed(&state);
        result
    }

    /// Returns the time since the bank's start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.now_of(&self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, ClockedBank> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_of(&self, state: &ClockedBank) -> Duration {
        state.elapsed.unwrap_or_else(|| self.0.clock.now().saturating_duration_since(self.0.start))
    }

    /// Wakes the links that wait for a change of the bank. A wait in virtual time ends at its time, whatever changes.
    fn notify_changed(&self, state: &ClockedBank) {
        if state.elapsed.is_none() {
            self.0.changed.notify_all();
        }
    }

    /// Returns the time at which the next byte on a wire reaches either end.
    pub(super) fn next_due(&self, wire: usize) -> Option<Instant> {
        let due = self.lock().bank.next_due(wire)?;
        self.0.start.checked_add(due)
    }

    /// Waits until `until` or until the bank changes. A virtual clock jumps to `until`; if there are
    /// concurrent links, only once all of them wait.
    fn wait(&self, mut state: MutexGuard<'_, ClockedBank>, wire: usize, until: Duration) {
        let now = self.now_of(&state);
        if state.elapsed.is_none() {
            // It does not matter why the wait ended: the caller checks the bank again.
            let _ = self.0.changed.wait_timeout(state, until.saturating_sub(now));
        } else if let Some(link) = state.concurrent.get(&wire).cloned() {
            wait_concurrent(state, wire, Concurrent { until: Some(until), ..link });
        } else {
            state.jump(now.max(until));
        }
    }
}

/// Waits in virtual time as one of the concurrent links.
fn wait_concurrent(mut state: MutexGuard<'_, ClockedBank>, wire: usize, link: Concurrent) {
    let (until, woken) = (link.until, Arc::clone(&link.woken));
    state.concurrent.insert(wire, link);
    while state.elapsed < until {
        if !state.advance() {
            state = woken.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
    if let Some(link) = state.concurrent.get_mut(&wire) {
        link.until = None;
    }
}

impl RealClock {
    fn now(self) -> Instant {
        match self {
            Self::System => Instant::now(),
            #[cfg(feature = "tokio")]
            Self::Tokio => tokio::time::Instant::now().into_std(),
        }
    }
}

impl ClockedBank {
    /// Moves the virtual clock to the end of the earliest wait, and wakes the links whose wait is over. Does nothing and
    /// returns `false` unless all concurrent links wait, or if a link whose wait is over did not continue yet.
    fn advance(&mut self) -> bool {
        let all: Option<Vec<Duration>> = self.concurrent.values().map(|link| link.until).collect();
        let Some(next) = all.and_then(|all| all.into_iter().min()) else { return false };
        if Some(next) <= self.elapsed {
            return false;
        }
        self.jump(next);
        true
    }

    /// Moves the virtual clock, and wakes the concurrent links whose wait is over.
    fn jump(&mut self, to: Duration) {
        self.elapsed = Some(to);
        let is_over = |link: &&Concurrent| link.until.is_some_and(|until| until <= to);
        self.concurrent.values().filter(is_over).for_each(|link| link.woken.notify_one());
    }
}

/// A link to one unit of a bank, from [`SharedBank::link`] or [`open`](super::open).
///
/// ```
/// use std::time::Duration;
///
/// use bytes::BytesMut;
/// use pi18_transport::{
///     Link,
///     sim::{Bank, BankConfig, SharedBank},
/// };
///
/// let bank = SharedBank::virtual_time(Bank::new(BankConfig::default())?);
/// let mut link = bank.link(1);
/// let deadline = link.now() + Duration::from_secs(1);
/// link.send(b"^P005PIq\x8b\r", deadline)?;
/// let mut reply = BytesMut::new();
/// link.receive(&mut reply, deadline)?;
/// assert_eq!(reply, &b"^D00518;\x03\r"[..]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct SimLink {
    shared: SharedBank,
    unit: usize,
    wire: usize,
    name: String,
}

impl SimLink {
    /// Returns the bank to which the link leads.
    #[must_use]
    pub fn bank(&self) -> &SharedBank {
        &self.shared
    }

    /// Returns the number of the wire.
    pub(super) fn wire(&self) -> usize {
        self.wire
    }

    /// Returns how often the wire was unplugged.
    pub(super) fn disconnects(&self) -> u64 {
        self.shared.lock().bank.disconnects(self.wire)
    }

    /// Attaches a USB adapter to the host's end, so that replies arrive in HID reports.
    #[cfg(target_os = "linux")]
    pub(super) fn with_adapter(self) -> Self {
        self.shared.lock().bank.attach_adapter(self.wire);
        self
    }

    fn disconnected(&self) -> Error {
        let why = io::Error::new(io::ErrorKind::NotConnected, "the virtual cable is unplugged");
        Error::from_cause(&self.name, Cause::Disconnected(why))
    }
}

impl Link for SimLink {
    fn send(&mut self, bytes: &[u8], _deadline: Instant) -> Result<(), Error> {
        let mut state = self.shared.lock();
        let now = self.shared.now_of(&state);
        state.bank.send(self.wire, bytes, now);
        let connected = state.bank.is_connected(self.unit);
        self.shared.notify_changed(&state);
        if connected { Ok(()) } else { Err(self.disconnected()) }
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        let deadline = deadline.saturating_duration_since(self.shared.0.start);
        let before = buffer.len();
        loop {
            let mut state = self.shared.lock();
            let now = self.shared.now_of(&state);
            let connected = state.bank.is_connected(self.unit);
            state.bank.receive(self.wire, now, buffer);
            if buffer.len() > before {
                return Ok(());
            }
            if !connected {
                return Err(self.disconnected());
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
        if state.concurrent.remove(&self.wire).is_some() {
            state.advance();
        }
    }
}

impl fmt::Debug for SimLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimLink").field("name", &self.name).finish_non_exhaustive()
    }
}
