//! Many exchanges of clients through the socket, and of pollers, under faults of the lines: no wrong value on either side,
//! and a client that writes has the settings to itself.
//!
//! `LVX_LEASE_EXCHANGES` sets the number of exchanges.

use std::{
    io::Write,
    ops::AddAssign,
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use lvx_settings::{
    Action, Apply, Clock, Ending, HostClock, Options, Permissions, Plan, PlannedUnit, Record,
    Recorder, Setting, Settings, Unit, Units, run,
};
use pi18_proto::{AnyReply, DateTime, Dialect, OutputPriority, Query, SetCommand, SettingsState};
use pi18_transport::{
    Client, Error, Link, SetOutcome,
    bridge::{Access, Request, write_line},
    sim::{SharedBank, SimLink},
};

use super::{on_bank::OnBank, truth::Truth};
use crate::{
    config::LeaseConfig,
    control::WriteLocks,
    lease::{LeaseParts, Server, testing::TestPollers},
    poll::{Event, EventKind},
    storage::MemoryStorage,
};

/// Switches for faults of a line, each with the frozen measurements that make values comparable.
const FAULTS: [&str; 9] = [
    "frozen=on",
    "frozen=on&lose=0.002",
    "frozen=on&double=0.01",
    "frozen=on&flip=0.002",
    "frozen=on&junk=0.1",
    "frozen=on&late=0.05&late-by=1s",
    "frozen=on&late=0.05&late-by=4s",
    "frozen=on&stale=0.1",
    "frozen=on&silent=0.05",
];

/// Queries of clients. Some have replies of the same form.
const QUERIES: [&str; 11] = [
    "GS",
    "MOD",
    "PIRI",
    "PGS0",
    "PGS1",
    "PRI0",
    "PRI1",
    "FLAG",
    "FWS",
    "ED20260619",
    "ED20260620",
];

/// Names of the units.
const NAMES: [&str; 2] = ["left", "right"];

/// Number of threads that query. One more sets, one applies, and one closes connections early.
const QUERYING: usize = 4;

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    exchanges: u32,
    answered: u32,
    sets: u32,
    applied: u32,
    undone: u32,
    vanished: u32,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.exchanges += other.exchanges;
        self.answered += other.answered;
        self.sets += other.sets;
        self.applied += other.applied;
        self.undone += other.undone;
        self.vanished += other.vanished;
    }
}

#[test]
fn mixed_exchanges_show_no_wrong_value() {
    let total = std::env::var("LVX_LEASE_EXCHANGES").ok().and_then(|text| text.parse().ok());
    let total: u32 = total.unwrap_or(540);
    let rounds = u32::try_from(FAULTS.len()).unwrap();
    let (mut counts, mut polled) = (Counts::default(), 0);
    for (round, faults) in (0..).zip(FAULTS) {
        let bench = Bench::new(faults);
        counts += bench.run(total.div_ceil(rounds), round);
        let events = std::mem::take(&mut *bench.pollers.events.lock().unwrap());
        let answers: u32 = events.iter().map(|event| bench.check_event(event)).sum();
        assert!(answers > 20, "{faults}: the pollers got {answers} answers");
        polled += answers;
    }
    eprintln!("{counts:?}; {polled} answers to pollers");
    assert!(counts.exchanges >= total, "{counts:?}");
    assert!(counts.answered * 10 > counts.exchanges * 5, "{counts:?}");
    assert!(counts.sets > 0 && counts.applied > 0, "{counts:?}");
}

/// A bridge over a virtual bank.
struct Bench {
    pollers: TestPollers,
    locks: WriteLocks,
    truth: Truth,
    clock: SharedBank,
    folder: tempfile::TempDir,
    _server: Server,
}

impl Bench {
    fn new(faults: &str) -> Self {
        let pollers = TestPollers::start(&[faults, faults]);
        let (folder, locks) = (tempfile::tempdir().unwrap(), WriteLocks::default());
        let socket = folder.path().join("bridge.sock");
        let group = "no-such-group".to_owned();
        let names = NAMES.map(|name| name.parse().unwrap());
        let parts = LeaseParts {
            config: LeaseConfig { socket, group, allow_writes: true },
            units: names.into_iter().zip(pollers.serials.iter().copied()).collect(),
            links: pollers.links.to_vec(),
            locks: locks.clone(),
            storage: Arc::new(MemoryStorage::default()),
            allows_tcp_units: false,
        };
        let (server, clock) = (Server::bind_with(parts, u32::MAX).unwrap(), pollers.bank.clone());
        let bench = Self { pollers, locks, truth: Truth::new(2), clock, folder, _server: server };
        // The pollers have asked since the start.
        let start = bench.now().checked_sub(bench.clock.elapsed()).unwrap();
        for unit in 0..2 {
            bench.truth.is(unit, bench.priority(unit), usize::MAX, || start);
        }
        bench
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("bridge.sock")
    }

    fn now(&self) -> Instant {
        self.clock.link(0).now()
    }

    fn open(&self, unit: usize) -> Result<Client<OnBank>, Error> {
        let link = OnBank::open(NAMES[unit], &self.socket(), &self.clock)?;
        Ok(Client::new(link).expecting(self.pollers.serials[unit]))
    }

    fn peek(&self, unit: usize, query: Query) -> Option<AnyReply> {
        self.pollers.bank.with(|bank| bank.peek(unit, query))
    }

    /// Returns the output priority that a unit has.
    fn priority(&self, unit: usize) -> u8 {
        match self.peek(unit, Query::RatedInformation) {
            Some(AnyReply::RatedInformation(rated)) => rated.output_priority.0,
            reply => panic!("{reply:?}"),
        }
    }

    /// Carries out exchanges on all threads.
    fn run(&self, total: u32, round: u64) -> Counts {
        let sum = Mutex::new(Counts::default());
        thread::scope(|scope| {
            for number in 0..QUERYING + 3 {
                let sum = &sum;
                scope.spawn(move || {
                    let random = fastrand::Rng::with_seed(round * 100 + number as u64);
                    let mut user = User { bench: self, number, random, counts: Counts::default() };
                    let share = if number < QUERYING { total / 6 } else { total / 9 };
                    while user.counts.exchanges <= share {
                        user.counts.exchanges += 1;
                        match number.checked_sub(QUERYING) {
                            None => user.ask(number % 2),
                            Some(0) => user.set(),
                            Some(1) => user.apply(),
                            Some(_) => user.vanish(),
                        }
                    }
                    *sum.lock().unwrap() += user.counts;
                });
            }
        });
        sum.into_inner().unwrap()
    }

    /// Checks the answers that a poller reports, and returns their number.
    fn check_event(&self, event: &Event) -> u32 {
        let EventKind::Batch { serial, answers } = &event.kind else { return 0 };
        let unit = self.pollers.serials.iter().position(|known| known == serial).unwrap();
        let mut count = 0;
        for answer in answers {
            let Ok(reply) = answer.answer else { continue };
            count += 1;
            let changes =
                matches!(answer.query, Query::Clock | Query::DayEnergy(_) | Query::TotalEnergy);
            if !changes {
                let asked = answer.at.checked_sub(answer.latency).unwrap();
                self.check(unit, answer.query, reply, asked, answer.at);
            }
        }
        count
    }

    /// Checks a reply of a unit that was asked and answered at these times.
    fn check(&self, unit: usize, query: Query, reply: AnyReply, from: Instant, to: Instant) {
        if let AnyReply::RatedInformation(rated) = reply {
            let priority = rated.output_priority.0;
            assert!(
                self.truth.allows(unit, priority, from, to),
                "{} never had the output priority {priority} from {from:?} to {to:?}",
                NAMES[unit]
            );
        }
        let known = self.peek(unit, query).map(calm);
        assert_eq!(known, Some(calm(reply)), "{query} of {}", NAMES[unit]);
    }

    /// Waits until no client can write to a unit, and notes its value. No command of this sender is on its way then.
    fn note(&self, unit: usize, sender: usize) {
        loop {
            if let Ok(_lock) = self.locks.take(&[self.pollers.serials[unit]], "the test") {
                self.truth.is(unit, self.priority(unit), sender, || self.now());
                return;
            }
            thread::yield_now();
        }
    }
}

/// A thread with clients.
struct User<'a> {
    bench: &'a Bench,
    number: usize,
    random: fastrand::Rng,
    counts: Counts,
}

impl User<'_> {
    fn may_become(&self, unit: usize, priority: u8) {
        self.bench.truth.may_become(unit, priority, self.number, || self.bench.now());
    }

    /// Asks a unit over one connection, and checks the reply.
    fn ask(&mut self, unit: usize) {
        let query: Query = self.random.choice(QUERIES).unwrap().parse().unwrap();
        let Ok(mut client) = self.bench.open(unit) else { return };
        let from = client.now();
        match client.query(query) {
            Ok(reply) => {
                self.counts.answered += 1;
                self.bench.check(unit, query, reply.reply, from, client.now());
            }
            Err(_) => self.bench.pollers.settle_all(),
        }
    }

    /// Sets a unit, and checks the outcome.
    fn set(&mut self) {
        let (unit, priority) = (self.random.usize(0..2), self.random.u8(0..2));
        let Ok(mut client) = self.bench.open(unit) else { return };
        let command: SetCommand = format!("POP{priority}").parse().unwrap();
        self.may_become(unit, priority);
        match client.set(command) {
            Ok(SetOutcome::Accepted) => {
                (self.counts.answered, self.counts.sets) =
                    (self.counts.answered + 1, self.counts.sets + 1);
                // This client still has write access.
                assert_eq!(self.bench.priority(unit), priority);
            }
            Ok(SetOutcome::Refused) => panic!("no unit refuses this"),
            Ok(_) | Err(_) => self.bench.pollers.settle_all(),
        }
        drop(client);
        self.bench.note(unit, self.number);
    }

    /// Applies a setting to both units, and checks the report.
    fn apply(&mut self) {
        let bench = self.bench;
        let Some(AnyReply::Clock(time)) = bench.peek(0, Query::Clock) else { unreachable!() };
        let host = HostClock::new(bench.now(), time.time);
        let clients = [0, 1].map(|unit| bench.open(unit)).into_iter().collect();
        let Ok::<Vec<Client<OnBank>>, _>(clients) = clients else { return };
        let mut units = Units::new(clients, host)
            .reopened_by(|unit| bench.open(unit))
            .timed_by(BankClock(bench.clock.link(0), bench.now()));
        let Ok(read) = units.read() else { return bench.pollers.settle_all() };
        self.counts.answered += 1;
        let priority = self.random.u8(0..2);
        let mut target = Settings::default();
        let words = ["solar_utility_battery", "solar_battery_utility"];
        let value = Setting::OutputPriority.parse(words[usize::from(priority)]).unwrap();
        target.set(Setting::OutputPriority, Some(value)).unwrap();
        let planned =
            read.into_iter().map(|(address, unit)| PlannedUnit::new(address, unit, target));
        let made = host.time(bench.now());
        let plan = Plan::new(planned.collect(), Permissions::default(), made);
        let Ok(plan) = plan else { return };
        let mut watch =
            Watch { bench, sender: self.number, written: Vec::new(), is_reopened: false };
        let report = run(Apply::new(plan, Options::default()), &mut units, &mut watch);
        // The run still has write access to the units that it wrote to, unless a link was opened again.
        if report.ending == Ending::Applied && !watch.is_reopened {
            let is_right = |unit: &usize| bench.priority(*unit) == priority;
            assert!(watch.written.iter().all(is_right), "{report}");
        }
        match report.ending {
            Ending::Applied => self.counts.applied += 1,
            Ending::Undone => self.counts.undone += 1,
            _ => {}
        }
        drop(units);
        (0..2).for_each(|unit| bench.note(unit, self.number));
    }

    /// Begins something, and closes the connection without an answer.
    fn vanish(&mut self) {
        self.counts.vanished += 1;
        let unit = self.random.usize(0..2);
        match self.random.u8(0..12) {
            0 => self.bench.pollers.cables.replug(),
            1 => {
                self.bench.pollers.cables.swap();
                self.bench.pollers.cables.replug();
            }
            _ => {}
        }
        let Ok(mut stream) = UnixStream::connect(self.bench.socket()) else { return };
        let access = |access| Request::Open { version: 1, unit: NAMES[unit].to_owned(), access };
        let frame = |id, bytes| Request::Frame { id, wait_ms: 2000, turn_ms: None, bytes };
        let query = Query::GeneralStatus.to_frame(Dialect::Checksum).to_vec();
        let read = write_line(&access(Access::Read));
        let asked = write_line(&frame(1, query.clone()));
        let priority = self.random.u8(0..2);
        let lines = match self.random.u8(0..6) {
            0 => Vec::new(),
            1 => [read, asked].concat(),
            2 => [read, asked[..self.random.usize(1..asked.len())].to_vec()].concat(),
            3 => [read, asked, write_line(&frame(2, query.clone())), write_line(&frame(3, query))]
                .concat(),
            4 => b"{\"type\":\"dance\"}\n".to_vec(),
            _ => {
                let set: SetCommand = format!("POP{priority}").parse().unwrap();
                self.may_become(unit, priority);
                let set = frame(1, set.to_frame(Dialect::Checksum).to_vec());
                [write_line(&access(Access::Write)), write_line(&set)].concat()
            }
        };
        let _ = stream.write_all(&lines);
        drop(stream);
        self.bench.pollers.step(unit);
        self.bench.note(unit, self.number);
    }
}

/// Notes what a run may write.
struct Watch<'a> {
    bench: &'a Bench,
    sender: usize,
    /// Units to which the run has written.
    written: Vec<usize>,
    is_reopened: bool,
}

impl Recorder for Watch<'_> {
    fn begin(&mut self, _plan: &Plan, _units: &[Unit]) -> std::io::Result<()> {
        Ok(())
    }

    fn record(&mut self, _record: &Record, _at: Option<DateTime>) -> std::io::Result<()> {
        Ok(())
    }

    fn watch(&mut self, action: &Action) {
        match action {
            Action::Write(write) => {
                self.written.push(write.unit);
                for priority in 0..2 {
                    let now = || self.bench.now();
                    self.bench.truth.may_become(write.unit, priority, self.sender, now);
                }
            }
            Action::Reopen { .. } => {
                self.is_reopened = true;
                self.bench.pollers.settle_all();
            }
            _ => {}
        }
    }
}

/// The clock of the bank, for a run.
struct BankClock(SimLink, Instant);

impl Clock for BankClock {
    fn now(&mut self) -> Instant {
        self.0.now()
    }

    fn pause(&mut self, time: Duration) {
        self.0.pause(time);
    }

    fn boot_time(&mut self) -> Duration {
        self.0.now().saturating_duration_since(self.1)
    }
}

/// Returns a reply without the flag that settings were changed, and without the setting that is changed.
fn calm(reply: AnyReply) -> AnyReply {
    match reply {
        AnyReply::GeneralStatus(mut status) => {
            status.settings = SettingsState(0);
            status.into()
        }
        AnyReply::RatedInformation(mut rated) => {
            rated.output_priority = OutputPriority(0);
            rated.into()
        }
        reply => reply,
    }
}
