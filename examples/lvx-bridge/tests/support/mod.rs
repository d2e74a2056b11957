//! A virtual bank, its pollers and its core, all in virtual time.
//!
//! Each poller runs in its own thread, as in the bridge. Its [`Cable`] leads to one of the units; cables can be
//! swapped and unplugged while the pollers run.

#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::missing_panics_doc,
    reason = "a panic fails the test"
)]

pub(crate) mod alarms;
pub(crate) mod broker;
pub(crate) mod chaos;
pub(crate) mod disk;
pub(crate) mod ledger;
pub(crate) mod oracle;
pub(crate) mod world;

use std::{
    fmt,
    ops::ControlFlow,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use lvx_bridge::{
    Name, Now,
    alert::Alerts,
    config::{AlertConfig, BankConfig, PollConfig, UnitConfig},
    poll::{Event, JobEffect, LinkUnit, Machine, Peers, Poller, Port, Wake},
    state::Core,
};
use pi18_proto::{AnyReply, Query, SerialNumber};
use pi18_transport::{
    Client, ClientConfig, Error, Link,
    bytes::BytesMut,
    sim::{Bank, SharedBank, SimLink},
};

/// Returns the configuration of the units of a virtual bank.
pub(crate) fn bank_config(bank: &SharedBank) -> BankConfig {
    let units =
        bank.with(|bank| (0..bank.units()).map(|unit| serial_of(bank, unit)).collect::<Vec<_>>());
    let units = (0..).zip(units).map(|(number, serial)| UnitConfig {
        name: format!("unit-{number}").parse().unwrap(),
        serial,
        address: format!("sim:{number}").parse().unwrap(),
    });
    BankConfig {
        name: "bank".parse().unwrap(),
        units: units.collect(),
        packs: Vec::new(),
        battery: None,
    }
}

/// Returns the serial number of a unit of a virtual bank.
pub(crate) fn serial_of(bank: &Bank, unit: usize) -> SerialNumber {
    match bank.peek(unit, Query::Identity) {
        Some(AnyReply::Identity(identity)) => identity.serial_number,
        reply => panic!("expected a serial number, found {reply:?}"),
    }
}

/// Returns the length of a run: `LVX_BRIDGE_DAYS` in days, or `short`.
pub(crate) fn run_time(short: Duration) -> Duration {
    let days = std::env::var("LVX_BRIDGE_DAYS").ok().and_then(|days| days.parse::<u64>().ok());
    days.map_or(short, |days| Duration::from_hours(24 * days))
}

/// The core, and the wall clock, which tests let jump.
pub(crate) struct State {
    pub(crate) core: Core,
    wall: Timestamp,
    start: Instant,
    pub(crate) events: u64,
    /// Number of suspends.
    suspends: usize,
    /// Number of the run of the bridge, which the pollers of earlier runs compare with their own.
    run: Arc<AtomicU64>,
    peers: Peers,
    units: usize,
}

impl State {
    /// Returns a state without values; time counts from `start`.
    pub(crate) fn new(config: &BankConfig, poll: &PollConfig, start: Instant) -> Self {
        let site: Name = "site".parse().unwrap();
        let wall: Timestamp = "2026-06-21T10:30:00Z".parse().unwrap();
        let now = Now { instant: start, wall };
        let alerts = Alerts::new(&AlertConfig::default(), None);
        let core = Core::new(&site, config, poll, alerts, 1, now);
        let (units, run) = (config.units.len(), Arc::default());
        Self { core, wall, start, events: 0, suspends: 0, run, peers: Peers::new(units), units }
    }

    /// Goes on with the core of another run of the bridge. All pollers start again.
    pub(crate) fn restart(&mut self, core: Core) {
        self.core = core;
        self.peers = Peers::new(self.units);
        self.run.fetch_add(1, Ordering::AcqRel);
    }

    /// Returns the present time on both clocks.
    pub(crate) fn now(&self, instant: Instant) -> Now {
        Now { instant, wall: self.wall + instant.saturating_duration_since(self.start) }
    }

    /// Suspends the computer of the bridge: its wall clock goes on, the monotonic one does not.
    pub(crate) fn suspend(&mut self, time: Duration) {
        self.wall += time;
        self.suspends += 1;
        let instant = self.core.snapshot().now.instant;
        self.core.resume(time, self.now(instant));
    }

    /// Lets the wall clock jump.
    pub(crate) fn jump(&mut self, by: SignedDuration) {
        self.wall += by;
    }

    /// Saves the energies, and shows them.
    pub(crate) fn show_saved(&mut self) -> Vec<u8> {
        let now = self.core.snapshot().now;
        let saved = self.core.take_saved();
        self.core.show_saved(now);
        saved
    }

    /// Takes an event.
    pub(crate) fn handle(&mut self, event: Event) {
        let now = self.now(event.at);
        self.events += 1;
        self.core.handle(event, now);
    }
}

/// Where each cable leads: the number of the unit, or none if it is unplugged.
pub(crate) type Routes = Arc<Vec<AtomicUsize>>;

/// The route of a cable that leads nowhere.
pub(crate) const UNPLUGGED: usize = usize::MAX;

/// Settings of a run.
pub(crate) struct Run {
    pub(crate) bank: SharedBank,
    pub(crate) poll: PollConfig,
    pub(crate) time: Duration,
    /// Whether cables can be swapped; without, a run needs less time.
    pub(crate) has_routes: bool,
}

/// What each poller did.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    /// Nanoseconds that the poller waited without an exchange.
    pub(crate) idle: AtomicU64,
}

impl Usage {
    /// Returns the time without an exchange.
    pub(crate) fn idle(&self) -> Duration {
        Duration::from_nanos(self.idle.load(Ordering::Relaxed))
    }
}

impl Run {
    /// Polls the bank until the time is over. `on_event` is called with the state after each event, and `on_tick`
    /// each second, before the core's `tick`, to bring about faults.
    pub(crate) fn run(
        &self,
        on_event: impl Fn(&mut State, &Event) + Sync,
        on_tick: impl FnMut(&mut State, &Routes, Duration) + Send,
    ) -> (State, Vec<Usage>) {
        self.run_with(on_event, on_tick, |_, _| {}, || TICK_TIME)
    }

    /// Does the same as [`run`](Self::run). `after_tick` is called after the core's `tick`, and `pause` returns the time
    /// between two ticks.
    pub(crate) fn run_with(
        &self,
        on_event: impl Fn(&mut State, &Event) + Sync,
        on_tick: impl FnMut(&mut State, &Routes, Duration) + Send,
        after_tick: impl FnMut(&mut State, Duration) + Send,
        pause: impl FnMut() -> Duration + Send,
    ) -> (State, Vec<Usage>) {
        let config = bank_config(&self.bank);
        let links = self.bank.concurrent_links();
        let ticker = self.bank.concurrent_links().swap_remove(0);
        let start = ticker.now();
        let count = links.len();
        let routes: Routes = Arc::new((0..count).map(AtomicUsize::new).collect());
        let state = Mutex::new(State::new(&config, &self.poll, start));
        let usages: Vec<_> = (0..count).map(|_| Usage::default()).collect();
        let current = Arc::clone(&lock(&state).run);
        let configured: Vec<_> = config.units.iter().map(|unit| unit.serial).collect();
        thread::scope(|scope| {
            let end = start + self.time;
            {
                let (state, routes) = (&state, Arc::clone(&routes));
                scope.spawn(move || tick(ticker, state, &routes, end, on_tick, after_tick, pause));
            }
            for (number, link) in links.into_iter().enumerate() {
                let configured = configured.clone();
                let ends = if self.has_routes { count } else { 0 };
                let ends = (0..ends).map(|unit| self.bank.link(unit)).collect();
                let cable = Cable { clock: link, ends, routes: Arc::clone(&routes), number };
                let mut port = VirtualPort {
                    cable: SharedCable(Arc::new(Mutex::new(cable))),
                    end,
                    state: &state,
                    usage: &usages[number],
                    on_event: &on_event,
                    suspends: 0,
                    run: 0,
                    current: Arc::clone(&current),
                };
                let poll = self.poll;
                scope.spawn(move || {
                    let mut epoch = start;
                    while port.now() < end {
                        let peers = port.start();
                        let seed = number.try_into().unwrap();
                        let machine =
                            Machine::new(number, configured.clone(), poll, peers, epoch, seed);
                        let mut poller = Poller::new(number, machine);
                        while port.now() < end && poller.step(&mut port).is_continue() {}
                        epoch = port.now();
                    }
                });
            }
        });
        (state.into_inner().unwrap(), usages)
    }
}

/// Lets the core tick.
fn tick(
    mut link: SimLink,
    state: &Mutex<State>,
    routes: &Routes,
    end: Instant,
    mut on_tick: impl FnMut(&mut State, &Routes, Duration),
    mut after_tick: impl FnMut(&mut State, Duration),
    mut pause: impl FnMut() -> Duration,
) {
    let start = link.now();
    while link.now() < end {
        link.pause(pause());
        let mut state = lock(state);
        let instant = link.now();
        on_tick(&mut state, routes, instant - start);
        let now = state.now(instant);
        state.core.tick(now);
        after_tick(&mut state, instant - start);
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The port of a poller in virtual time.
struct VirtualPort<'a, F> {
    cable: SharedCable,
    end: Instant,
    state: &'a Mutex<State>,
    usage: &'a Usage,
    on_event: &'a F,
    /// Number of suspends that the poller knows of.
    suspends: usize,
    /// The run of the bridge that the poller belongs to.
    run: u64,
    current: Arc<AtomicU64>,
}

impl<F> VirtualPort<'_, F> {
    /// Belongs to the present run of the bridge from now on.
    fn start(&mut self) -> Peers {
        let state = lock(self.state);
        self.run = self.current.load(Ordering::Acquire);
        self.suspends = state.suspends;
        state.peers.clone()
    }

    fn is_current(&self) -> bool {
        self.run == self.current.load(Ordering::Acquire)
    }
}

impl<F: Fn(&mut State, &Event)> Port for VirtualPort<'_, F> {
    fn now(&self) -> Instant {
        self.cable.now()
    }

    fn open(&mut self) -> Result<Client, Error> {
        if !lock(&self.cable.0).is_plugged() {
            return Err(Error::gone("cable"));
        }
        let link: Box<dyn Link + Send> = Box::new(SharedCable(Arc::clone(&self.cable.0)));
        let mut config = ClientConfig::default();
        config.tries = 2;
        Ok(Client::with_config(link, config))
    }

    fn wait(&mut self, until: Instant) -> Wake {
        let until = until.min(self.end);
        while self.is_current() {
            let suspends = lock(self.state).suspends;
            if std::mem::replace(&mut self.suspends, suspends) != suspends {
                return Wake::Job(Box::new(|_| JobEffect::Resumed));
            }
            let time = until.saturating_duration_since(self.now()).min(MAX_WAIT);
            if time.is_zero() {
                break;
            }
            let nanos = u64::try_from(time.as_nanos()).unwrap();
            self.usage.idle.fetch_add(nanos, Ordering::Relaxed);
            self.cable.pause(time);
        }
        if self.now() >= self.end || !self.is_current() { Wake::Stop } else { Wake::Time }
    }

    fn report(&mut self, event: Event) -> ControlFlow<()> {
        let mut state = lock(self.state);
        if !self.is_current() {
            return ControlFlow::Break(());
        }
        state.handle(event.clone());
        (self.on_event)(&mut state, &event);
        ControlFlow::Continue(())
    }

    fn identify(&mut self, _unit: Option<LinkUnit>) {}

    fn report_set(&mut self) {}
}

/// A cable from a poller to one of the units. It owns a link to each unit, and a concurrent link as its clock.
struct Cable {
    clock: SimLink,
    /// Empty if the cable always leads to the unit of its clock.
    ends: Vec<SimLink>,
    routes: Routes,
    number: usize,
}

impl Cable {
    fn is_plugged(&self) -> bool {
        self.routes[self.number].load(Ordering::Acquire) != UNPLUGGED
    }

    fn end(&mut self) -> Result<&mut SimLink, Error> {
        if self.ends.is_empty() {
            return Ok(&mut self.clock);
        }
        let route = self.routes[self.number].load(Ordering::Acquire);
        self.ends.get_mut(route).ok_or_else(|| Error::gone("cable"))
    }
}

/// A cable that a client and its port share.
#[derive(Clone)]
struct SharedCable(Arc<Mutex<Cable>>);

impl SharedCable {
    fn now(&self) -> Instant {
        lock(&self.0).clock.now()
    }

    fn pause(&self, time: Duration) {
        lock(&self.0).clock.pause(time);
    }
}

impl Link for SharedCable {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        lock(&self.0).end()?.send(bytes, deadline)
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        let mut cable = lock(&self.0);
        if cable.ends.is_empty() {
            return cable.clock.receive(buffer, deadline);
        }
        let before = buffer.len();
        loop {
            let now = cable.clock.now();
            // The other links do not wait, so that their time does not move the clock.
            cable.end()?.receive(buffer, now)?;
            if buffer.len() > before || now >= deadline {
                return Ok(());
            }
            cable.clock.pause((deadline - now).min(TICK));
        }
    }

    fn name(&self) -> &'static str {
        "cable"
    }

    fn now(&self) -> Instant {
        Self::now(self)
    }

    fn pause(&mut self, time: Duration) {
        Self::pause(self, time);
    }
}

impl fmt::Debug for SharedCable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedCable")
    }
}

/// Time between two ticks of the core.
const TICK_TIME: Duration = Duration::from_secs(1);

/// Longest wait of a poller before it looks whether the bridge was restarted.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Time between two looks at a cable that can be swapped.
const TICK: Duration = Duration::from_millis(20);
