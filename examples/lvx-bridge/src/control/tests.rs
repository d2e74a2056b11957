//! Control over a virtual bank in virtual time.

mod faults;
mod kills;
mod single;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use jiff::{SignedDuration, Timestamp};
use lvx_settings::{Battery, Chemistry, HostClock, Millivolts, Setting, Settings};
use pi18_proto::{Amperes, AnyReply, Query};
use pi18_transport::Link;

use super::{
    Command, CommandState, CommandView, MemoryRuns, WriteLocks,
    operator::{ControlClock, Operator, OperatorParts},
    option_text,
};
use crate::{
    config::{BankConfig, ControlConfig, Resume, UnitConfig},
    lease::testing::TestPollers,
    poll::LinkHandle,
    storage::{MemoryStorage, Storage},
};

/// Control of a virtual bank, and what survives its restarts.
struct Site {
    pollers: TestPollers,
    config: ControlConfig,
    bank: BankConfig,
    storage: MemoryStorage,
    runs: MemoryRuns,
    locks: WriteLocks,
    stopped: Arc<AtomicBool>,
    /// Whether the audit file cannot be written.
    is_full: Arc<AtomicBool>,
    start: Instant,
    /// Links instead of those of the pollers.
    links: Option<Arc<[LinkHandle]>>,
    operator: Option<Operator>,
}

/// A disk that can be full.
struct Disk(MemoryStorage, Arc<AtomicBool>);

impl Storage for Disk {
    fn load(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        self.0.load(name)
    }

    fn save(&self, name: &str, content: &[u8]) -> io::Result<()> {
        if name == "control-bank.audit" && self.1.load(Ordering::Acquire) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.save(name, content)
    }
}

const CALM: &str = "frozen=on&soc=100&sun=0&grid=off";

impl Site {
    /// Starts the control of a bank with these switches for each unit.
    fn new(switches: &[&str]) -> Self {
        Self::with(TestPollers::start(switches))
    }

    fn with(pollers: TestPollers) -> Self {
        let units = (0..).zip(&pollers.serials).map(|(number, serial)| UnitConfig {
            name: format!("unit-{number}").parse().unwrap(),
            serial: *serial,
            address: format!("sim:{number}").parse().unwrap(),
        });
        let guard = Battery::new(Chemistry::Lfp, 16, Millivolts(2800), Millivolts(3600));
        let bank = BankConfig {
            name: "bank".parse().unwrap(),
            units: units.collect(),
            packs: Vec::new(),
            battery: Some(guard.with_max_bank_charge_current(Amperes(120))),
        };
        let config = ControlConfig {
            allow: vec![Setting::OutputPriority, Setting::Backlight, Setting::MaxChargeCurrent],
            max_writes_per_day: Some(u32::MAX),
            ..ControlConfig::default()
        };
        let start = pollers.bank.link(0).now();
        let mut site = Self {
            pollers,
            config,
            bank,
            storage: MemoryStorage::default(),
            runs: MemoryRuns::default(),
            locks: WriteLocks::default(),
            stopped: Arc::default(),
            is_full: Arc::default(),
            start,
            links: None,
            operator: None,
        };
        site.restart();
        site
    }

    fn clock(&self) -> ControlClock {
        let wall: Timestamp = "2026-06-21T10:00:00Z".parse().unwrap();
        ControlClock { relay: self.pollers.clock(), wall: Some((self.start, wall)) }
    }

    /// Starts the control again, as after the end of the program.
    fn restart(&mut self) {
        self.operator = None;
        self.pollers.settle();
        let host = self.pollers.bank.with(|bank| bank.peek(0, Query::Clock));
        let Some(AnyReply::Clock(host)) = host else { unreachable!() };
        let mut operator = Operator::new(OperatorParts {
            config: self.config.clone(),
            bank: self.bank.clone(),
            links: Arc::clone(self.links.as_ref().unwrap_or(&self.pollers.links)),
            storage: Arc::new(Disk(self.storage.clone(), Arc::clone(&self.is_full))),
            runs: Arc::new(self.runs.clone()),
            locks: self.locks.clone(),
            clock: self.clock(),
            host: HostClock::new(self.pollers.bank.link(0).now(), host.time),
            stopped: Arc::clone(&self.stopped),
        })
        .unwrap();
        operator.read_limits();
        operator.check_runs(true);
        self.operator = Some(operator);
    }

    fn operator(&mut self) -> &mut Operator {
        self.operator.as_mut().unwrap()
    }

    /// Returns a command with a new id that expires in 50 s.
    fn command(&self, key: &str, to: &str) -> Command {
        let now = self.clock().now().wall;
        Command {
            id: format!("{:x}", fastrand::u64(..)),
            key: key.to_owned(),
            from: None,
            seen: Vec::new(),
            to: to.to_owned(),
            by: "test".to_owned(),
            expires: Some(now + SignedDuration::from_secs(50)),
        }
    }

    /// Carries out a command, and returns its result.
    fn carry_out(&mut self, command: Command) -> CommandView {
        // Stays within the rate.
        self.pause(11);
        self.pollers.settle();
        let command = Command {
            expires: command.expires.map(|expires| expires + SignedDuration::from_secs(11)),
            ..command
        };
        let operator = self.operator();
        if let Ok(task) = operator.take(command) {
            operator.carry_out(task, &mut |_| {});
        }
        operator.view().results[0].clone()
    }

    fn pause(&self, seconds: u64) {
        self.pollers.bank.link(0).pause(std::time::Duration::from_secs(seconds));
    }

    /// Returns all settings of a unit, as it has them.
    fn truth(&self, unit: usize) -> Settings {
        let mut settings = Settings::default();
        for query in ["PIRI", "FLAG", "ACCT", "ACLT"] {
            let reply = self.pollers.bank.with(|bank| bank.peek(unit, query.parse().unwrap()));
            settings.take(&reply.unwrap(), None);
        }
        settings
    }

    fn truths(&self) -> Vec<Settings> {
        (0..self.pollers.serials.len()).map(|unit| self.truth(unit)).collect()
    }

    /// Returns the text of a setting that a unit has.
    fn value(&self, unit: usize, setting: Setting) -> String {
        self.truth(unit).get(setting).map(option_text).unwrap()
    }

    /// Returns the number of set commands that the units have received.
    fn received(&self) -> u64 {
        let count = self.pollers.serials.len();
        self.pollers.bank.with(|bank| (0..count).map(|unit| bank.set_counts(unit).received).sum())
    }
}
