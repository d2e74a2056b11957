//! Brings about faults at random: cables that are unplugged or swapped, silence, late and damaged replies, jumps
//! of the wall clock, a full disk, resets of units, problems that alerts report, and kills of the bridge.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use jiff::SignedDuration;
use pi18_proto::{AnyReply, Dialect, Query, SetCommand};
use pi18_transport::{
    Link,
    sim::{Bank, SharedBank},
};

use super::{Routes, State, UNPLUGGED};

/// A problem of a unit that alerts report.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Problem {
    /// It measures another battery voltage.
    Voltmeter,
    /// Its bulk voltage is set otherwise.
    Bulk,
    /// It has a fault.
    Fault,
    /// Its output voltage is another one.
    Output,
    /// It cannot be reached.
    Unreachable,
    /// Its replies are damaged, or its cable was swapped.
    Line,
}

impl Problem {
    /// The problems that switches bring about.
    const ALL: [Self; 4] = [Self::Voltmeter, Self::Bulk, Self::Fault, Self::Output];

    /// Returns the switches that bring it about and end it.
    fn switches(self) -> [&'static str; 2] {
        match self {
            Self::Voltmeter => ["battery-offset=1.5", "battery-offset=0"],
            Self::Bulk => ["bulk=54.8", "bulk=56.4"],
            Self::Fault => ["fault=08", "fault=00"],
            Self::Output => ["output-offset=14", "output-offset=0"],
            Self::Unreachable => ["silent=1", "silent=0"],
            Self::Line => ["junk=0.05", "junk=0"],
        }
    }
}

/// What a step has changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    /// Whether values of the units changed.
    pub(crate) is_bank_changed: bool,
    /// Time in which they change.
    pub(crate) time: Duration,
    /// Units whose counter or clock was reset.
    pub(crate) resets: Vec<usize>,
    /// Whether the bridge is killed and started again.
    pub(crate) is_killed: bool,
    /// Whether a calm time ends.
    pub(crate) is_calm_over: bool,
}

/// Faults that depend on a seed only.
#[derive(Debug)]
pub(crate) struct Chaos {
    bank: SharedBank,
    random: fastrand::Rng,
    units: usize,
    /// For each cable, where it leads when it is plugged in again, and when.
    unplugged: Vec<Option<(usize, Duration)>>,
    /// For each unit, when it answers again.
    silent: Vec<Option<Duration>>,
    /// For each unit, when its USB adapter is found again.
    disconnected: Vec<Option<Duration>>,
    /// For each unit and problem, when it ends.
    problems: Vec<[Option<Duration>; 4]>,
    /// For each unit and problem, when it was there last.
    present: Vec<[Option<Duration>; 6]>,
    /// For each unit, since when it cannot be reached.
    unreachable: Vec<Option<Duration>>,
    /// For each unit, when its replies are no longer damaged.
    damaged: Vec<Option<Duration>>,
    /// For each unit, whether its clock is ahead.
    ahead: Vec<bool>,
    full_until: Option<Duration>,
    last_swap: Duration,
    /// Time at which the bridge is killed, because something has just changed that it has to remember.
    pub(crate) kill_at: Option<Duration>,
    is_switched: bool,
    /// Whether there are no faults at present.
    pub(crate) is_calm: bool,
    /// Begin of the last calm time.
    pub(crate) calm_since: Duration,
    /// Time of the last start of the bridge.
    pub(crate) restarted: Duration,
    /// Numbers of faults: unplugged, swapped, silent, disconnected, damaged, jumped, problems, resets, disk full,
    /// killed.
    pub(crate) counts: [u32; 10],
}

impl Chaos {
    pub(crate) fn new(bank: &SharedBank, seed: u64) -> Self {
        let units = bank.with(|bank| bank.units());
        Self {
            bank: bank.clone(),
            random: fastrand::Rng::with_seed(seed),
            units,
            unplugged: vec![None; units],
            silent: vec![None; units],
            disconnected: vec![None; units],
            problems: vec![[None; 4]; units],
            present: vec![[None; 6]; units],
            unreachable: vec![None; units],
            damaged: vec![None; units],
            ahead: vec![false; units],
            full_until: None,
            last_swap: Duration::ZERO,
            kill_at: None,
            is_switched: false,
            is_calm: false,
            calm_since: Duration::ZERO,
            restarted: Duration::ZERO,
            counts: [0; 10],
        }
    }

    /// Returns when a unit had a problem last.
    pub(crate) fn last_present(&self, problem: Problem, unit: usize) -> Option<Duration> {
        self.present[unit][problem as usize]
    }

    /// Returns since when a unit cannot be reached.
    pub(crate) fn unreachable_since(&self, unit: usize) -> Option<Duration> {
        self.unreachable[unit]
    }

    /// Returns whether the disk is full.
    pub(crate) fn is_disk_full(&self) -> bool {
        self.full_until.is_some()
    }

    /// Ends faults whose time is over, and begins new ones.
    pub(crate) fn step(&mut self, state: &mut State, routes: &Routes, now: Duration) -> Changes {
        let cycle = now.as_secs() % CYCLE;
        let was_calm = std::mem::replace(&mut self.is_calm, cycle >= CYCLE - CALM);
        let is_calm_over = was_calm && !self.is_calm;
        let mut changes = Changes { is_calm_over, ..Changes::default() };
        if is_calm_over {
            return changes;
        }
        if self.is_calm && !was_calm {
            (self.calm_since, self.kill_at) = (now, None);
        }
        self.end(routes, now);
        if !self.is_calm {
            self.begin(state, routes, now, &mut changes);
        }
        self.note(routes, now);
        changes.is_bank_changed |= std::mem::take(&mut self.is_switched);
        changes
    }

    fn begin(&mut self, state: &mut State, routes: &Routes, now: Duration, changes: &mut Changes) {
        if self.happens(600) {
            self.unplug(routes, now);
        }
        // Within one batch of answers, cables are swapped at most once.
        if self.happens(300) && now > self.last_swap + Duration::from_secs(40) {
            self.swap(routes, now);
        }
        let unit = self.random.usize(0..self.units);
        if self.happens(900) && self.silent[unit].is_none() {
            self.silent[unit] = Some(now + self.time(600));
            self.switch(unit, "silent=1");
            self.counts[2] += 1;
        }
        if self.happens(900) && self.disconnected[unit].is_none() {
            self.disconnected[unit] = Some(now + self.time(120));
            self.bank.with(|bank| bank.disconnect(unit));
            self.counts[3] += 1;
        }
        if self.happens(120) {
            self.damage(unit, now);
        }
        if self.happens(1200) {
            let hours = self.random.i64(-50_000..50_000);
            state.jump(SignedDuration::from_hours(hours));
            self.counts[5] += 1;
            // A problem that begins before the bridge did, by the clock.
            self.begin_problem(unit, now);
        }
        if self.happens(10) {
            let load = self.random.u32(100..4000);
            self.switch(0, &format!("load={load}"));
        }
        if self.happens(300) {
            self.bank.with(|bank| pass(bank, now));
            (changes.is_bank_changed, changes.time) = (true, PASSING);
        }
        if self.happens(600) {
            self.begin_problem(unit, now);
        }
        if self.happens(900) && self.reset(unit) {
            self.counts[7] += 1;
            changes.resets.push(unit);
            changes.is_bank_changed = true;
        }
        if self.happens(1200) && self.full_until.is_none() {
            self.full_until = Some(now + self.time(1800));
            self.counts[8] += 1;
        }
        let is_killed = self.kill_at.take_if(|at| *at <= now).is_some() || self.happens(1500);
        if is_killed && now > self.restarted + Duration::from_secs(20) {
            self.restarted = now;
            self.counts[9] += 1;
            changes.is_killed = true;
        }
    }

    /// Ends faults whose time is over; in a calm time, all.
    fn end(&mut self, routes: &Routes, now: Duration) {
        let is_calm = self.is_calm;
        let is_over = |until: Duration| is_calm || until <= now;
        for (cable, slot) in self.unplugged.iter_mut().enumerate() {
            if let Some((unit, _)) = slot.take_if(|(_, until)| is_over(*until)) {
                routes[cable].store(unit, Ordering::Release);
            }
        }
        self.full_until.take_if(|until| is_over(*until));
        for unit in 0..self.units {
            if self.silent[unit].take_if(|until| is_over(*until)).is_some() {
                self.switch(unit, "silent=0");
            }
            if self.damaged[unit].take_if(|until| is_over(*until)).is_some() {
                self.repair(unit);
            }
            if self.disconnected[unit].take_if(|until| is_over(*until)).is_some() {
                self.bank.with(|bank| bank.reconnect(unit));
            }
            for problem in Problem::ALL {
                let slot = &mut self.problems[unit][problem as usize];
                if slot.take_if(|until| is_over(*until)).is_some() {
                    self.switch(unit, problem.switches()[1]);
                }
            }
        }
    }

    /// Notes what the units have now.
    fn note(&mut self, routes: &Routes, now: Duration) {
        for unit in 0..self.units {
            for (present, until) in self.present[unit].iter_mut().zip(self.problems[unit]) {
                if until.is_some() {
                    *present = Some(now);
                }
            }
            if self.damaged[unit].is_some() || self.last_swap == now {
                self.present[unit][Problem::Line as usize] = Some(now);
            }
            let is_plugged = routes.iter().any(|route| route.load(Ordering::Acquire) == unit);
            let is_reachable =
                is_plugged && self.silent[unit].is_none() && self.disconnected[unit].is_none();
            if is_reachable {
                self.unreachable[unit] = None;
            } else {
                self.unreachable[unit].get_or_insert(now);
                self.present[unit][Problem::Unreachable as usize] = Some(now);
            }
        }
    }

    fn unplug(&mut self, routes: &Routes, now: Duration) {
        let cable = self.random.usize(0..self.units);
        if self.unplugged[cable].is_none() {
            let unit = routes[cable].swap(UNPLUGGED, Ordering::AcqRel);
            self.unplugged[cable] = Some((unit, now + self.time(120)));
            self.counts[0] += 1;
        }
    }

    /// Swaps two cables that are plugged in.
    fn swap(&mut self, routes: &Routes, now: Duration) {
        let one = self.random.usize(0..self.units);
        let other = (one + self.random.usize(1..self.units.max(2))) % self.units;
        let is_free = |cable: usize| self.unplugged[cable].is_none();
        if one != other && is_free(one) && is_free(other) {
            let unit = routes[one].load(Ordering::Acquire);
            let unit = routes[other].swap(unit, Ordering::AcqRel);
            routes[one].store(unit, Ordering::Release);
            self.last_swap = now;
            self.counts[1] += 1;
        }
    }

    /// Damages the replies of a unit.
    fn damage(&mut self, unit: usize, now: Duration) {
        let chance = |random: &mut fastrand::Rng, max: u32| f64::from(random.u32(0..=max)) / 1000.0;
        for (name, max) in LINE {
            let value = chance(&mut self.random, *max);
            self.switch(unit, &format!("{name}={value}"));
        }
        let late_by = self.random.u32(500..5000);
        self.switch(unit, &format!("late-by={late_by}ms"));
        self.damaged[unit] = Some(now + self.time(300));
        self.counts[4] += 1;
    }

    /// Ends the damage to the replies of a unit.
    fn repair(&mut self, unit: usize) {
        for (name, _) in LINE {
            self.switch(unit, &format!("{name}=0"));
        }
    }

    fn begin_problem(&mut self, unit: usize, now: Duration) {
        let problem = Problem::ALL[self.random.usize(..Problem::ALL.len())];
        if self.problems[unit][problem as usize].is_none() {
            self.problems[unit][problem as usize] = Some(now + self.time(1200));
            self.switch(unit, problem.switches()[0]);
            self.counts[6] += 1;
        }
    }

    /// Clears the counters of a unit, or sets its clock. Returns whether the unit was reset.
    fn reset(&mut self, unit: usize) -> bool {
        if self.silent[unit].is_some() || self.disconnected[unit].is_some() {
            return false;
        }
        if self.random.bool() {
            self.ahead[unit] = !self.ahead[unit];
            let hours = if self.ahead[unit] { 100 } else { 0 };
            self.switch(unit, &format!("clock-offset={}s", hours * 3600));
        } else {
            let mut link = self.bank.link(unit);
            let deadline: Instant = link.now() + Duration::from_secs(1);
            let clear = SetCommand::ClearEnergy {}.to_frame(Dialect::Checksum);
            link.send(&clear, deadline).unwrap();
            let total = self.bank.with(|bank| bank.peek(unit, Query::TotalEnergy));
            assert!(matches!(total, Some(AnyReply::TotalEnergy(total)) if total.energy.0 == 0));
        }
        true
    }

    /// Changes a switch. After each, the bank finds its balance again, so that values change.
    fn switch(&mut self, unit: usize, text: &str) {
        self.bank.with(|bank| bank.switch(unit, text)).unwrap();
        self.is_switched = true;
    }

    /// Returns true once in `ticks` on average.
    fn happens(&mut self, ticks: u32) -> bool {
        self.random.u32(0..ticks) == 0
    }

    fn time(&mut self, max_seconds: u64) -> Duration {
        Duration::from_secs(self.random.u64(1..=max_seconds))
    }
}

/// Lets six minutes pass for sun, house and battery within a tenth of a second, and charges the battery again.
fn pass(bank: &mut Bank, now: Duration) {
    for text in ["frozen=off", "speed=3600"] {
        bank.switch(0, text).unwrap();
    }
    bank.advance(now + PASSING);
    for text in ["frozen=on", "soc=80"] {
        bank.switch(0, text).unwrap();
    }
}

/// Time in which six minutes pass.
const PASSING: Duration = Duration::from_millis(100);

/// Damages of a line, each with its greatest chance in thousandths.
const LINE: &[(&str, u32)] =
    &[("late", 50), ("stale", 50), ("junk", 50), ("lose", 1), ("double", 1), ("flip", 1)];

/// Seconds after which a calm time has ended, again and again.
const CYCLE: u64 = 7200;

/// Seconds of a calm time.
const CALM: u64 = 1200;
