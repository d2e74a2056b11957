//! The pollers of a virtual bank in virtual time, for tests of jobs on their links.
//!
//! The clock moves only while a link waits. A poller that has nothing to ask waits for a job in real time, so that the
//! clock does not move while a test runs its own code.

use std::{
    ops::ControlFlow,
    sync::{
        Arc, Mutex, OnceLock, Weak,
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
    bytes::BytesMut,
    sim::{Bank, BankConfig, SharedBank, SimLink, Switches},
};

use super::relay_link::{RelayClock, VirtualClock};
use crate::{
    config::PollConfig,
    poll::{
        Event, EventKind, JobEffect, JobQueue, LinkHandle, LinkUnit, Machine, Peers, Poller, Port,
        Wake, job_queue,
    },
};

/// The pollers of a virtual bank.
pub(crate) struct TestPollers {
    pub(crate) bank: SharedBank,
    pub(crate) serials: Vec<SerialNumber>,
    pub(crate) links: Arc<[LinkHandle]>,
    pub(crate) events: Arc<Mutex<Vec<Event>>>,
    pub(crate) cables: Cables,
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
            cables: Cables::new(count),
            has_ended: Arc::default(),
            threads: Vec::new(),
        };
        let (mut links, all) = (Vec::new(), Arc::new(OnceLock::new()));
        for number in 0..count {
            let (jobs, waiting) = job_queue();
            let unit = Arc::new(Mutex::new(None));
            let poll = PollConfig::default();
            let machine =
                Machine::new(number, serials.clone(), poll, peers.clone(), epoch, number as u64);
            let mut port = TestPort {
                bank: bank.clone(),
                clock: bank.link(number),
                number,
                cables: pollers.cables.clone(),
                jobs: waiting,
                links: Arc::clone(&all),
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
        all.set(Arc::downgrade(&pollers.links)).unwrap();
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

    /// Waits until every configured unit answers.
    pub(crate) fn settle_all(&self) {
        let is_found = |serial| self.links.iter().any(|link| link.serial() == Some(serial));
        for _ in 0..10_000 {
            if self.serials.iter().all(|serial| is_found(*serial)) {
                return;
            }
            (0..self.links.len()).for_each(|link| self.step(link));
            self.bank.link(0).pause(Duration::from_millis(200));
        }
        panic!("expected all units, found {:?}", self.links);
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

/// The cables from the pollers to the units. Clones share them.
#[derive(Clone)]
pub(crate) struct Cables(Arc<Mutex<Routes>>);

/// Where the cables lead.
struct Routes {
    /// The unit at the end of each cable.
    units: Vec<usize>,
    /// How often each cable was plugged in again.
    plugs: Vec<u32>,
}

impl Cables {
    fn new(count: usize) -> Self {
        Self(Arc::new(Mutex::new(Routes { units: (0..count).collect(), plugs: vec![0; count] })))
    }

    /// Swaps the first two cables at the units: another unit answers on each link from now on.
    pub(crate) fn swap(&self) {
        self.0.lock().unwrap().units.swap(0, 1);
    }

    /// Unplugs all cables at the computer and plugs them in again, so that the links are closed.
    pub(crate) fn replug(&self) {
        self.0.lock().unwrap().plugs.iter_mut().for_each(|plugs| *plugs += 1);
    }

    /// Returns the unit at the end of a cable, and how often the cable was plugged in again.
    fn end(&self, number: usize) -> (usize, u32) {
        let routes = self.0.lock().unwrap();
        (routes.units[number], routes.plugs[number])
    }
}

/// The link of a poller, which leads to the unit at the end of its cable.
struct Cable {
    ends: Vec<SimLink>,
    cables: Cables,
    number: usize,
    /// How often the cable had been plugged in when it was opened.
    plugs: u32,
}

impl Cable {
    fn end(&mut self) -> Result<&mut SimLink, Error> {
        let (unit, plugs) = self.cables.end(self.number);
        if plugs != self.plugs {
            return Err(Error::gone("cable"));
        }
        Ok(&mut self.ends[unit])
    }
}

impl Link for Cable {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        self.end()?.send(bytes, deadline)
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        self.end()?.receive(buffer, deadline)
    }

    fn name(&self) -> &'static str {
        "cable"
    }

    fn now(&self) -> Instant {
        self.ends[0].now()
    }

    fn pause(&mut self, time: Duration) {
        self.ends[0].pause(time);
    }
}

/// A poller's view of a virtual bank.
struct TestPort {
    bank: SharedBank,
    clock: SimLink,
    number: usize,
    cables: Cables,
    links: Arc<OnceLock<Weak<[LinkHandle]>>>,
    jobs: JobQueue,
    unit: Arc<Mutex<Option<LinkUnit>>>,
    events: Arc<Mutex<Vec<Event>>>,
    has_ended: Arc<AtomicBool>,
}

impl Port for TestPort {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn open(&mut self) -> Result<Client, Error> {
        let (unit, plugs) = self.cables.end(self.number);
        if !self.bank.with(|bank| bank.is_connected(unit)) {
            return Err(Error::gone(format!("sim:{unit}")));
        }
        let ends = (0..self.bank.with(|bank| bank.units())).map(|unit| self.bank.link(unit));
        let (ends, cables) = (ends.collect(), self.cables.clone());
        let cable = Cable { ends, cables, number: self.number, plugs };
        let link: Box<dyn Link + Send> = Box::new(cable);
        Ok(Client::new(link))
    }

    fn wait(&mut self, until: Instant) -> Wake {
        if self.has_ended.load(Ordering::Acquire) {
            return Wake::Stop;
        }
        match self.jobs.next(Duration::ZERO) {
            Ok(job) => Wake::Job(job),
            Err(_) if until <= self.now() => Wake::Time,
            Err(_) => self.jobs.next(Duration::MAX).map_or(Wake::Stop, Wake::Job),
        }
    }

    fn report(&mut self, event: Event) -> ControlFlow<()> {
        self.events.lock().unwrap().push(event);
        ControlFlow::Continue(())
    }

    fn identify(&mut self, unit: Option<LinkUnit>) {
        *self.unit.lock().unwrap() = unit;
    }

    fn report_set(&mut self) {
        let links = self.links.get().unwrap().upgrade().unwrap();
        for (_, link) in links.iter().enumerate().filter(|(link, _)| *link != self.number) {
            link.set_elsewhere();
        }
    }
}
