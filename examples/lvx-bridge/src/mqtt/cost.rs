//! The cost of a bank: allocations and published bytes of the core and the publisher, in virtual time.
//!
//! These guards fail if work for each round or each message grows a lot. They measure no time, so they hold on any
//! machine. docs/bridge.md has measured times.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use allocation_counter::measure;
use lvx_parallel::UnitSnapshot;
use pi18_proto::{AnyReply, Count, ParallelInstance, Query, SerialNumber};
use pi18_transport::sim::{Bank, BankConfig as VirtualBank};

use super::{
    Topics,
    connection::{Connection, Options},
    discovery::Discovery,
    outbox::Outbox,
};
use crate::{
    Name, Now,
    alert::Alerts,
    config::{
        AlertConfig, BankConfig, Config, HomeAssistantConfig, PollConfig, UnitConfig, read_secret,
    },
    home_assistant::{self, Controls},
    metrics,
    poll::{Answered, Event, EventKind, Group},
    state::Core,
    storage::MemoryStorage,
};

/// A bank of virtual units, its core, and a broker that acknowledges everything.
struct Bench {
    units: Bank,
    serials: Vec<SerialNumber>,
    poll: PollConfig,
    core: Core,
    outbox: Outbox,
    now: Now,
    elapsed: Duration,
    cost: Cost,
}

/// What the bank has cost since the last look.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    allocations: u64,
    /// Bytes that were allocated and are still held.
    held: i64,
    messages: usize,
    bytes: usize,
}

impl Bench {
    fn new(count: usize) -> Self {
        let units = Bank::new(VirtualBank { units: count, switches: Vec::new() }).unwrap();
        let serial = |unit| match units.peek(unit, Query::Identity) {
            Some(AnyReply::Identity(identity)) => identity.serial_number,
            reply => panic!("expected a serial number, found {reply:?}"),
        };
        let serials: Vec<_> = (0..count).map(serial).collect();
        let config = BankConfig {
            name: "bank".parse().unwrap(),
            units: (serials.iter().enumerate())
                .map(|(unit, serial)| UnitConfig {
                    name: format!("unit-{unit}").parse().unwrap(),
                    serial: *serial,
                    address: format!("sim:{unit}").parse().unwrap(),
                })
                .collect(),
            packs: Vec::new(),
            battery: None,
        };
        let (site, poll, now): (Name, _, _) =
            ("site".parse().unwrap(), PollConfig::default(), Now::system());
        let alerts = Alerts::new(&AlertConfig::default(), None);
        let core = Core::new(&site, &config, &poll, alerts, 1, now);
        let expiry = poll.fast * poll.stale_after_periods;
        let mut devices = home_assistant::Discovery::new(
            HomeAssistantConfig::default(),
            Controls::default(),
            expiry,
            Arc::new(MemoryStorage::default()),
        );
        let outbox = Outbox::new(
            Topics::new(&site, &config.name),
            (poll.fast, expiry),
            Discovery::new(Some(Box::new(move |bank, topics| devices.payloads(bank, topics)))),
            BTreeSet::new(),
            core.snapshot(),
            fastrand::Rng::with_seed(1),
        );
        let (elapsed, cost) = (Duration::ZERO, Cost::default());
        let mut bench = Self { units, serials, poll, core, outbox, now, elapsed, cost };
        for (link, serial) in bench.serials.clone().into_iter().enumerate() {
            bench.handle(link, |_| EventKind::Connected { serial });
        }
        bench.outbox.connected(now.instant);
        bench
    }

    /// Lets whole periods pass. In each of them, the units answer what is due, one after the other.
    fn run(&mut self, time: Duration) {
        let end = self.elapsed + time;
        while self.elapsed < end {
            for link in 0..self.serials.len() {
                self.handle(link, |bench| EventKind::Batch {
                    serial: bench.serials[link],
                    answers: bench.answers(link),
                });
                self.wait(Duration::from_millis(50));
            }
            for _ in 0..self.poll.fast.as_secs() {
                self.wait(Duration::from_secs(1));
                self.spend(|bench| bench.core.tick(bench.now));
            }
        }
    }

    /// Returns what a unit answers to the questions that are due.
    fn answers(&mut self, unit: usize) -> Vec<Answered> {
        self.units.advance(self.elapsed);
        let others = (0..self.serials.len()).map(|number| {
            ParallelInstance::new(Count(u8::try_from(number).unwrap().into())).unwrap()
        });
        let others = others
            .flat_map(|number| [Query::ParallelRating(number), Query::ParallelStatus(number)]);
        let all = UnitSnapshot::DYNAMIC.iter().chain(UnitSnapshot::STATIC).copied();
        let all = all.chain([Query::TotalEnergy]).chain(others);
        let round = self.elapsed.as_secs() / self.poll.fast.as_secs();
        let is_due = |query: &Query| {
            let period = Group::of(*query).period(&self.poll).as_secs() / self.poll.fast.as_secs();
            round.is_multiple_of(period)
        };
        let answer = |query| Answered {
            query,
            answer: Ok(self.units.peek(unit, query).unwrap()),
            at: self.now.instant,
            latency: Duration::from_millis(50),
        };
        all.filter(is_due).map(answer).collect()
    }

    fn handle(&mut self, link: usize, kind: impl FnOnce(&mut Self) -> EventKind) {
        self.spend(|bench| {
            let event = Event { link, at: bench.now.instant, kind: kind(bench) };
            bench.core.handle(event, bench.now);
        });
    }

    fn wait(&mut self, time: Duration) {
        self.elapsed += time;
        self.now.instant += time;
        self.now.wall += time;
        self.spend(|_| {});
    }

    /// Does some work, publishes what follows from it, and counts both.
    fn spend(&mut self, work: impl FnOnce(&mut Self)) {
        let mut sent = (0, 0);
        let info = measure(|| {
            work(self);
            self.outbox.take_snapshot(self.core.snapshot(), self.now);
            while let Some((token, message)) = self.outbox.next(self.now) {
                sent = (sent.0 + 1, sent.1 + message.topic.len() + message.payload.len());
                self.outbox.settle(token, &Ok(()), self.now.instant);
            }
        });
        let cost = &mut self.cost;
        (cost.messages, cost.bytes) = (cost.messages + sent.0, cost.bytes + sent.1);
        cost.allocations += info.count_total;
        cost.held += info.bytes_current;
    }
}

#[test]
fn rounds_allocate_and_publish_a_bounded_amount() {
    // Units, allocations in a round, and published bytes in an hour: a tenth more than
    // measured. Both are the same in each run.
    for (units, max_allocations, max_bytes) in MAX_COSTS {
        let mut bench = Bench::new(units);
        // The first minutes have discovery and the first values of everything.
        bench.run(Duration::from_mins(4));
        bench.cost = Cost::default();
        bench.run(Duration::from_mins(4));
        let (cost, rounds) = (bench.cost, 4 * 60 / bench.poll.fast.as_secs());
        let (allocations, bytes) = (cost.allocations / rounds, cost.bytes * 60 / 4);
        assert!(allocations <= max_allocations, "{units} units: {allocations} allocations a round");
        assert!(bytes <= max_bytes, "{units} units: {bytes} bytes an hour");
        assert!(cost.held <= MAX_HELD, "{units} units: {} bytes more are held", cost.held);
        let scrape = measure(|| drop(metrics::write(&[bench.core.snapshot()], bench.now)));
        assert!(scrape.count_total <= MAX_SCRAPE, "{units} units: {scrape:?}");
    }
}

#[tokio::test]
async fn connection_reserves_little_memory() {
    let text = "units: [{name: left, serial: 96132206100410}]\nmqtt: {host: localhost}\n";
    let config = Config::parse("bridge.yaml", text, &read_secret).unwrap();
    let options = Options::new(&config.mqtt.unwrap(), "lvx".to_owned()).unwrap();
    let cost = measure(|| drop(Connection::open(&options, Vec::new())));
    assert!(cost.bytes_max <= MAX_CONNECTION, "{cost:?}");
}

/// Number of units, most allocations in a round, and most bytes that are published in an hour.
const MAX_COSTS: [(usize, u64, usize); 2] = [(2, 1_660, 2_750_000), (9, 6_580, 10_300_000)];

/// Most bytes that a bank holds after four minutes, beyond those that it held before.
const MAX_HELD: i64 = 64 * 1024;

/// Most allocations of a scrape of Prometheus.
const MAX_SCRAPE: u64 = 5_200;

/// Most bytes that a connection to a broker reserves.
const MAX_CONNECTION: u64 = 256 * 1024;
