//! Battery packs of a virtual bank: read, judged together with the units, lost and found again.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic fails the test"
)]

use std::{
    ops::ControlFlow,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use lvx_bridge::{
    Now, Snapshot,
    alert::{Alert, Alerts},
    config::{AlertConfig, Config, PollConfig, read_secret},
    entity::PACK,
    poll::{Answered, Event, EventKind, PackEvent, PackMachine, PackPoller, PackPort, PackWake},
    state::{Core, LinkState, PackView, Value},
};
use lvx_parallel::{
    Gap, Reason, Severity, UnitSnapshot,
    pack::{PackAddress, PackClient},
};
use pi18_proto::{AnyReply, Count, ParallelInstance, Query};
use pi18_transport::{
    Error, Link,
    sim::{Bank, BankConfig, PackLink, SharedBank},
};

const PACKS: usize = 3;

/// A virtual bank with two units and three packs, and what reads it. Units are read at once, each five seconds; packs by
/// their pollers.
struct Site {
    bank: SharedBank,
    clock: PackLink,
    core: Core,
    pollers: Vec<(PackPoller, Port)>,
    start: Instant,
    wall: Timestamp,
    next_round: Instant,
}

/// The port of a pack. A wait ends at once; the site moves the clock.
struct Port {
    bank: SharedBank,
    pack: usize,
    now: Instant,
    until: Option<Instant>,
    events: Vec<PackEvent>,
}

impl PackPort for Port {
    fn now(&self) -> Instant {
        self.now
    }

    fn open(&mut self) -> Result<PackClient, Error> {
        let link: Box<dyn Link + Send> = Box::new(self.bank.pack_link(self.pack));
        Ok(PackClient::new(link, PackAddress::LP4_V2))
    }

    fn wait(&mut self, until: Instant) -> PackWake {
        self.until = Some(until);
        PackWake::Time
    }

    fn report(&mut self, event: PackEvent) -> ControlFlow<()> {
        self.events.push(event);
        ControlFlow::Continue(())
    }
}

impl Site {
    fn new() -> Self {
        let switches = vec!["frozen=on".parse().unwrap(); 2];
        let bank = SharedBank::virtual_time(Bank::new(BankConfig { units: 2, switches }).unwrap());
        let clock = bank.pack_link(0);
        let start = clock.now();
        let wall: Timestamp = "2026-06-21T10:30:00Z".parse().unwrap();
        let text = "
bank:
  units:
    - {name: unit-0, serial: 96132206100410, address: sim:0}
    - {name: unit-1, serial: 96132206100411, address: sim:1}
  packs:
    - {name: pack-0, address: sim:pack0}
    - {name: pack-1, address: sim:pack1}
    - {name: pack-2, address: sim:pack2}
";
        let config = Config::parse("test", text, &read_secret).unwrap();
        let (poll, now) = (PollConfig::default(), Now { instant: start, wall });
        let alerts = Alerts::new(&AlertConfig::default(), None);
        let core = Core::new(&config.site, &config.banks[0], &poll, alerts, 1, now);
        let poller = |pack| {
            let machine = PackMachine::new(&poll, start, start, 1);
            let port =
                Port { bank: bank.clone(), pack, now: start, until: None, events: Vec::new() };
            (PackPoller::new(pack, machine), port)
        };
        let pollers = (0..PACKS).map(poller).collect();
        let mut site = Self { bank, clock, core, pollers, start, wall, next_round: start };
        for unit in 0..2 {
            let serial = config.banks[0].units[unit].serial;
            let kind = EventKind::Connected { serial };
            let at = site.clock.now();
            site.core.handle(Event { link: unit, at, kind }, site.now());
        }
        site
    }

    fn now(&self) -> Now {
        let instant = self.clock.now();
        Now { instant, wall: self.wall + (instant - self.start) }
    }

    /// Runs for some seconds. `check` sees the snapshot after each judgement.
    fn run(&mut self, seconds: u64, mut check: impl FnMut(&Snapshot)) {
        let end = self.clock.now() + Duration::from_secs(seconds);
        let mut judged = self.core.snapshot().judged_at;
        while self.clock.now() < end {
            let due = self.pollers.iter().filter_map(|(_, port)| port.until).min();
            let next = due.unwrap_or(self.start).min(self.next_round);
            let wait = next.saturating_duration_since(self.clock.now());
            self.clock.pause(wait);
            let now = self.clock.now();
            if self.next_round <= now {
                self.round();
                self.next_round += Duration::from_secs(5);
            }
            for pack in 0..PACKS {
                let (poller, port) = &mut self.pollers[pack];
                port.now = self.clock.now();
                if port.until.is_some_and(|until| until > port.now) {
                    continue;
                }
                port.until = None;
                while port.until.is_none() {
                    assert!(poller.step(port).is_continue());
                    port.now = self.clock.now();
                }
                for event in std::mem::take(&mut port.events) {
                    let now = self.now();
                    self.core.handle_pack(event, now);
                }
            }
            let now = self.now();
            self.core.tick(now);
            let snapshot = self.core.snapshot();
            if snapshot.judged_at != judged {
                judged = snapshot.judged_at;
                check(&snapshot);
            }
        }
    }

    /// Reads all units.
    fn round(&mut self) {
        let peers = (0..=2).map(|number| ParallelInstance::new(Count(number)).unwrap());
        let queries: Vec<_> = UnitSnapshot::STATIC
            .iter()
            .chain(UnitSnapshot::DYNAMIC)
            .copied()
            .chain(
                peers.flat_map(|peer| [Query::ParallelRating(peer), Query::ParallelStatus(peer)]),
            )
            .collect();
        for unit in 0..2 {
            let at = self.clock.now();
            let answers = queries.iter().map(|query| {
                let reply: Option<AnyReply> = self.bank.with(|bank| bank.peek(unit, *query));
                let answer = reply.ok_or_else(|| Gap::new(Reason::Refused, ""));
                Answered { query: *query, answer, at, latency: Duration::from_millis(20) }
            });
            let serial = self.core.snapshot().units[unit].serial;
            let kind = EventKind::Batch { serial, answers: answers.collect() };
            let now = self.now();
            self.core.handle(Event { link: unit, at, kind }, now);
        }
    }

    fn switch(&self, pack: usize, text: &str) {
        self.bank.with(|bank| bank.switch_pack(pack, text)).unwrap();
    }
}

fn rules(snapshot: &Snapshot) -> Vec<&str> {
    let findings = snapshot.findings.iter().flatten();
    findings.filter(|found| found.severity >= Severity::Warning).map(|found| &*found.rule).collect()
}

fn is_up(pack: &PackView) -> bool {
    pack.link.state == LinkState::Up
}

fn value(snapshot: &Snapshot, pack: usize, key: &str) -> Value {
    let row = PACK.iter().find(|row| row.key == key).unwrap();
    row.value(&snapshot.packs[pack], snapshot.now)
}

#[test]
fn healthy_packs_are_read_and_judged_without_a_warning() {
    let mut site = Site::new();
    let mut judged = 0;
    site.run(120, |snapshot| {
        judged += 1;
        assert_eq!(rules(snapshot), [""; 0]);
    });
    // A round of the units each 5 s. The packs are read within it, so that they need no further ones.
    assert!((20..=40).contains(&judged), "{judged}");
    let snapshot = site.core.snapshot();
    for (number, pack) in snapshot.packs.iter().enumerate() {
        assert!(is_up(pack), "{:?}", pack.link);
        let label = pack.label.as_ref().unwrap();
        assert_eq!(label.model, "LFP-51.2V100Ah-V1.0");
        for key in ["voltage", "current", "power", "state_of_charge", "cell_16_voltage"] {
            let value = value(&snapshot, number, key);
            assert_eq!(value.status(), "fresh", "{key} {value:?}");
        }
        assert_eq!((pack.link.counts.connects, pack.link.counts.timeouts), (1, 0));
    }
}

#[test]
fn packs_that_are_chained_become_a_finding_that_names_the_chain_and_clears() {
    let mut site = Site::new();
    site.run(30, |_| {});
    site.switch(0, "chain=on");
    site.run(180, |_| {});
    let snapshot = site.core.snapshot();
    let up: Vec<_> = snapshot.packs.iter().map(|pack| is_up(pack)).collect();
    assert_eq!(up, [true, false, false]);
    assert_eq!(rules(&snapshot), ["pack-silent"]);
    assert_eq!(value(&snapshot, 1, "voltage").status(), "failed");
    assert_eq!(value(&snapshot, 0, "voltage").status(), "fresh");
    let alert = snapshot.alerts.iter().find(|alert| alert.is_raised()).unwrap();
    assert!(
        alert.title.contains("chained") && alert.title.ends_with("pack-1, pack-2"),
        "{alert:?}"
    );
    // Units are judged as before.
    let fresh =
        snapshot.units.iter().filter(|unit| unit.fresh("GS", snapshot.now.instant).is_some());
    assert_eq!((fresh.count(), snapshot.totals.fresh_units), (2, 2));

    site.switch(0, "chain=off");
    site.run(300, |_| {});
    let snapshot = site.core.snapshot();
    assert!(snapshot.packs.iter().all(|pack| is_up(pack)));
    assert_eq!(rules(&snapshot), [""; 0]);
    assert!(!snapshot.alerts.iter().any(Alert::is_raised), "{:?}", snapshot.alerts);
    // The port stayed open.
    assert_eq!(snapshot.packs[1].link.counts.connects, 1);
}

#[test]
fn finding_about_packs_remains_between_two_of_their_readings() {
    let mut site = Site::new();
    site.run(30, |_| {});
    site.switch(1, "drift=-40");
    site.run(60, |_| {});
    let mut rounds = 0;
    site.run(60, |snapshot| {
        rounds += 1;
        assert!(rules(snapshot).contains(&"pack-charge-drift"), "{:?}", snapshot.findings);
    });
    assert!(rounds >= 10, "{rounds}");
}

#[test]
fn alert_about_a_pack_stays_while_the_pack_is_silent() {
    let mut site = Site::new();
    site.switch(2, "cell=3:300");
    site.run(200, |_| {});
    let is_raised = |site: &Site| {
        let snapshot = site.core.snapshot();
        let mut alerts = snapshot.alerts.iter().filter(|alert| alert.is_raised());
        alerts.any(|alert| alert.rule == "pack-cell-spread")
    };
    assert!(is_raised(&site), "{:?}", site.core.snapshot().findings);
    site.switch(2, "silent=1");
    site.run(400, |_| {});
    assert!(is_raised(&site));
    site.switch(2, "silent=0");
    site.switch(2, "cell=3:0");
    site.run(400, |_| {});
    assert!(!is_raised(&site), "{:?}", site.core.snapshot().findings);
}

#[test]
fn values_of_a_pack_become_stale_after_a_suspend_and_fresh_again() {
    let mut site = Site::new();
    site.run(25, |_| {});
    let before = Arc::clone(&site.core.snapshot());
    assert_eq!(value(&before, 0, "voltage").status(), "fresh");
    let now = site.now();
    site.core.resume(Duration::from_hours(1), now);
    assert_eq!(value(&site.core.snapshot(), 0, "voltage").status(), "stale");
    site.run(20, |_| {});
    assert_eq!(value(&site.core.snapshot(), 0, "voltage").status(), "fresh");
}
