//! The pollers of a virtual bank in virtual time, for tests of jobs on their links.
//!
//! The clock moves only while a link waits. A poller that has nothing to ask waits for a job in real time, so that the
//! clock does not move while a test runs its own code.

use std::{
    ops::ControlFlow,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use lvx_parallel::Gap;
use pi18_proto::{AnyReply, Query, RatedInformation, SerialNumber};
use pi18_transport::{
    Client, Error, Link,
    sim::{Bank, BankConfig, SharedBank, SimLink, Switches},
};

use super::relay_link::{RelayClock, RelayLink, VirtualClock};
use crate::{
    config::PollConfig,
    poll::{
        Event, EventKind, Job, JobEffect, LinkHandle, LinkUnit, Machine, Peers, Poller, Port, Wake,
    },
};

/// The pollers of a virtual bank.
pub(crate) struct TestPollers {
    pub(crate) bank: SharedBank,
    pub(crate) serials: Vec<SerialNumber>,
    pub(crate) links: Arc<[LinkHandle]>,
    pub(crate) events: Arc<Mutex<Vec<Event>>>,
    /// The unit at the end of each cable.
    pub(crate) routes: Arc<Mutex<Vec<usize>>>,
    has_ended: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl TestPollers {
    /// Starts the pollers of a bank with these switches for each unit, and waits until all units answer.
    pub(crate) fn start(switches: &[&str]) -> Self {
        let switches: Vec<Switches> = switches.iter().map(|text| text.parse().unwrap()).collect();
        let config = BankConfig { units: switches.len(), switches };
        Self::poll(&SharedBank::virtual_time(Bank::new(config).unwrap()))
    }

    /// Starts the pollers of a bank, and waits until all units answer.
    pub(crate) fn poll(bank: &SharedBank) -> Self {
        let count = bank.with(|bank| bank.units());
        let serials: Vec<_> = (0..count).map(|unit| serial_of(bank, unit)).collect();
        let (peers, epoch) = (Peers::new(count), bank.link(0).now());
        let mut pollers = Self {
            bank: bank.clone(),
            serials: serials.clone(),
            links: Arc::new([]),
            events: Arc::default(),
            routes: Arc::new(Mutex::new((0..count).collect())),
            has_ended: Arc::default(),
            threads: Vec::new(),
        };
        let mut links = Vec::new();
        for number in 0..count {
            let (jobs, received) = mpsc::channel();
            let unit = Arc::new(Mutex::new(None));
            let poll = PollConfig::default();
            let machine =
                Machine::new(number, serials.clone(), poll, peers.clone(), epoch, number as u64);
            let mut port = TestPort {
                bank: bank.clone(),
                clock: bank.link(number),
                number,
                routes: Arc::clone(&pollers.routes),
                jobs: received,
                unit: Arc::clone(&unit),
                events: Arc::clone(&pollers.events),
                has_ended: Arc::clone(&pollers.has_ended),
            };
            links.push(LinkHandle::new(format!("sim:{number}"), jobs, unit));
            pollers
                .threads
                .push(thread::spawn(move || Poller::new(number, machine).run(&mut port)));
        }
        pollers.links = links.into();
        pollers.settle();
        pollers
    }

    /// Waits until every unit answers on its link.
    pub(crate) fn settle(&self) {
        for (number, link) in self.links.iter().enumerate() {
            while link.serial().is_none() {
                self.step(number);
                self.bank.link(0).pause(Duration::from_millis(200));
            }
        }
    }

    /// Waits until the poller of a link has done one more step.
    pub(crate) fn step(&self, link: usize) {
        // The poller does the job after its next step.
        let (sender, done) = mpsc::channel();
        let job = move |_: Result<&mut Client, &Gap>| {
            sender.send(()).unwrap();
            JobEffect::Unchanged
        };
        self.links[link].run(Box::new(job)).unwrap();
        done.recv().unwrap();
    }

    /// Returns the next answer to `PIRI` that a poller reports; `None` if it reports none although it does many steps.
    pub(crate) fn next_rated(&self, link: usize) -> Option<RatedInformation> {
        for _ in 0..20_000 {
            self.step(link);
            let events = std::mem::take(&mut *self.events.lock().unwrap());
            let batches = events.into_iter().filter(|event| event.link == link);
            let answers = batches.flat_map(|event| match event.kind {
                EventKind::Batch { answers, .. } => answers,
                _ => Vec::new(),
            });
            let mut found = answers.filter_map(|answer| match answer.answer {
                Ok(AnyReply::RatedInformation(rated)) => Some(rated),
                _ => None,
            });
            if let Some(rated) = found.next_back() {
                return Some(rated);
            }
        }
        None
    }

    /// Returns the clock of the bank.
    pub(crate) fn clock(&self) -> RelayClock {
        RelayClock::Virtual(Arc::new(BankClock(self.bank.clone())))
    }

    /// Returns a client of a unit, over jobs on the link where it answers.
    pub(crate) fn client(&self, unit: usize) -> Client<RelayLink> {
        let (serial, name) = (self.serials[unit], format!("bridge:{unit}"));
        let wait = Duration::from_secs(2);
        Client::new(RelayLink::new(&self.links, serial, name, wait, self.clock()))
    }
}

impl Drop for TestPollers {
    fn drop(&mut self) {
        self.has_ended.store(true, Ordering::Release);
        for link in self.links.iter() {
            let _ = link.run(Box::new(|_| JobEffect::Unchanged));
        }
        for thread in self.threads.drain(..) {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "a poller panicked");
        }
    }
}

/// Returns the serial number of a unit of a virtual bank.
pub(crate) fn serial_of(bank: &SharedBank, unit: usize) -> SerialNumber {
    match bank.with(|bank| bank.peek(unit, Query::Identity)) {
        Some(AnyReply::Identity(identity)) => identity.serial_number,
        reply => panic!("expected a serial number, found {reply:?}"),
    }
}

/// The clock of a virtual bank.
struct BankClock(SharedBank);

impl VirtualClock for BankClock {
    fn now(&self) -> Instant {
        self.0.link(0).now()
    }

    fn pause(&self, time: Duration) {
        self.0.link(0).pause(time);
    }
}

/// A poller's view of a virtual bank.
struct TestPort {
    bank: SharedBank,
    clock: SimLink,
    number: usize,
    routes: Arc<Mutex<Vec<usize>>>,
    jobs: mpsc::Receiver<Job>,
    unit: Arc<Mutex<Option<LinkUnit>>>,
    events: Arc<Mutex<Vec<Event>>>,
    has_ended: Arc<AtomicBool>,
}

impl Port for TestPort {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn open(&mut self) -> Result<Client, Error> {
        let unit = self.routes.lock().unwrap()[self.number];
        if !self.bank.with(|bank| bank.is_connected(unit)) {
            return Err(Error::gone(format!("sim:{unit}")));
        }
        let link: Box<dyn Link + Send> = Box::new(self.bank.link(unit));
        Ok(Client::new(link))
    }

    fn wait(&mut self, until: Instant) -> Wake {
        if self.has_ended.load(Ordering::Acquire) {
            return Wake::Stop;
        }
        match self.jobs.try_recv() {
            Ok(job) => Wake::Job(job),
            Err(_) if until <= self.now() => Wake::Time,
            Err(_) => self.jobs.recv().map_or(Wake::Stop, Wake::Job),
        }
    }

    fn report(&mut self, event: Event) -> ControlFlow<()> {
        self.events.lock().unwrap().push(event);
        ControlFlow::Continue(())
    }

    fn identify(&mut self, unit: Option<LinkUnit>) {
        *self.unit.lock().unwrap() = unit;
    }
}
