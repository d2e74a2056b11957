//! Cables that are swapped while links stay open, and a bridge that serves other hosts as well.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::BytesMut;
use lvx_settings::{Apply, ApplyReport, Clock, Recorder, Units};
use pi18_proto::REFUSED;
use pi18_transport::{
    Client, Error, Link,
    sim::{SharedBank, SimLink},
};

use super::{client, host};

/// The cables between the ports of this computer and the units of a bank.
#[derive(Clone)]
pub(crate) struct Cables {
    bank: SharedBank,
    state: Arc<Mutex<CableState>>,
}

struct CableState {
    /// The unit at each port.
    units: Vec<usize>,
    /// Number of set commands that get another host's refusal before their answer.
    refusals: usize,
    /// For each unit, the time until which it cannot be opened.
    away: Vec<Duration>,
    /// Number of times that a link was opened again.
    reopened: usize,
}

impl Cables {
    pub(crate) fn new(bank: &SharedBank) -> Self {
        let count = bank.with(|bank| bank.units());
        let state = CableState {
            units: (0..count).collect(),
            refusals: 0,
            away: vec![Duration::ZERO; count],
            reopened: 0,
        };
        Self { bank: bank.clone(), state: Arc::new(Mutex::new(state)) }
    }

    fn with<T>(&self, act: impl FnOnce(&mut CableState) -> T) -> T {
        act(&mut self.state.lock().unwrap())
    }

    /// Swaps the cables at two ports.
    pub(crate) fn swap(&self, one: usize, other: usize) {
        self.with(|state| state.units.swap(one, other));
    }

    /// Sends another host's refusal before the answer to the next set command.
    pub(crate) fn refuse_another_host(&self) {
        self.with(|state| state.refusals += 1);
    }

    /// Unplugs a unit for some time.
    pub(crate) fn unplug(&self, unit: usize, time: Duration) {
        let until = self.bank.elapsed().saturating_add(time);
        self.with(|state| state.away[unit] = until);
        self.bank.with(|bank| bank.disconnect(unit));
    }

    pub(crate) fn reopened(&self) -> usize {
        self.with(|state| state.reopened)
    }

    /// Returns the port that leads to a unit.
    pub(crate) fn port_of(&self, unit: usize) -> usize {
        self.with(|state| state.units.iter().position(|known| *known == unit).unwrap())
    }

    /// Returns a client of the unit at a port.
    pub(crate) fn client(&self, port: usize) -> Client<Cable> {
        let count = self.bank.with(|bank| bank.units());
        let links = (0..count).map(|unit| self.bank.link(unit)).collect();
        Client::new(Cable { cables: self.clone(), port, links, pending: BytesMut::new() })
    }

    /// Opens a port again, and connects its unit if the time of [`unplug`](Self::unplug) has passed.
    pub(crate) fn reopen(&self, port: usize) -> Client<Cable> {
        let now = self.bank.elapsed();
        let unit = self.with(|state| {
            state.reopened += 1;
            let unit = state.units[port];
            (now >= state.away[unit]).then_some(unit)
        });
        if let Some(unit) = unit {
            self.bank.with(|bank| bank.reconnect(unit));
        }
        self.client(port)
    }

    /// Carries out a run with the units where the cables lead at its start.
    pub(crate) fn run(&self, apply: Apply, recorder: &mut dyn Recorder) -> ApplyReport {
        let count = apply.plan().units.len();
        let clock = host(&mut client(&self.bank, 0));
        let ports: Vec<_> = (0..count).map(|unit| self.port_of(unit)).collect();
        let clients = ports.iter().map(|port| self.client(*port)).collect();
        let time = SimClock { link: self.bank.link(0), slept: Duration::ZERO };
        let mut units = Units::new(clients, clock)
            .timed_by(time)
            .reopened_by(|place| Ok(self.reopen(ports[place])));
        lvx_settings::run(apply, &mut units, recorder)
    }
}

/// The clock of a virtual bank, on a computer that can sleep.
pub(crate) struct SimClock {
    pub(crate) link: SimLink,
    /// Time that it sleeps at each pause.
    pub(crate) slept: Duration,
}

impl Clock for SimClock {
    fn now(&mut self) -> Instant {
        self.link.now()
    }

    fn pause(&mut self, time: Duration) {
        self.link.pause(time);
    }

    /// Counts a sleep for each half second of the bank's time.
    fn boot_time(&mut self) -> Duration {
        let pauses = self.link.bank().elapsed().as_millis() / 500;
        self.link.bank().elapsed() + self.slept * u32::try_from(pauses).unwrap()
    }
}

/// The link at one port.
pub(crate) struct Cable {
    cables: Cables,
    port: usize,
    /// Links to all units.
    links: Vec<SimLink>,
    /// Bytes that another host caused.
    pending: BytesMut,
}

impl Cable {
    fn link(&mut self) -> &mut SimLink {
        let unit = self.cables.with(|state| state.units[self.port]);
        &mut self.links[unit]
    }
}

impl Link for Cable {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        let refused = bytes.starts_with(b"^S")
            && self.cables.with(|state| {
                let left = state.refusals;
                state.refusals = left.saturating_sub(1);
                left > 0
            });
        if refused {
            self.pending.extend_from_slice(REFUSED);
        }
        self.link().send(bytes, deadline)
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        if !self.pending.is_empty() {
            buffer.extend_from_slice(&self.pending.split());
            return Ok(());
        }
        self.link().receive(buffer, deadline)
    }

    fn name(&self) -> &str {
        self.links[self.port].name()
    }

    fn now(&self) -> Instant {
        self.links[0].now()
    }

    fn pause(&mut self, time: Duration) {
        self.links[0].pause(time);
    }
}
