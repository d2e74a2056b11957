//! Brings about faults at random: cables that are unplugged or swapped, silence, late and damaged replies, jumps
//! of the wall clock.

use std::{sync::atomic::Ordering, time::Duration};

use jiff::SignedDuration;
use pi18_transport::sim::SharedBank;

use super::{Routes, State, UNPLUGGED};

/// Faults that depend on a seed only.
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
    last_swap: Duration,
    /// Numbers of faults: unplugged, swapped, silent, disconnected, damaged, jumped.
    pub(crate) counts: [u32; 6],
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
            last_swap: Duration::ZERO,
            counts: [0; 6],
        }
    }

    /// Ends faults whose time is over, and begins new ones. Returns whether the load was changed.
    pub(crate) fn step(&mut self, state: &mut State, routes: &Routes, now: Duration) -> bool {
        self.end(routes, now);
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
            let chance =
                |random: &mut fastrand::Rng, max: u32| f64::from(random.u32(0..=max)) / 1000.0;
            for name in ["late", "stale", "junk"] {
                let value = chance(&mut self.random, 50);
                self.switch(unit, &format!("{name}={value}"));
            }
            for name in ["lose", "double", "flip"] {
                let value = chance(&mut self.random, 1);
                self.switch(unit, &format!("{name}={value}"));
            }
            let late_by = self.random.u32(500..5000);
            self.switch(unit, &format!("late-by={late_by}ms"));
            self.counts[4] += 1;
        }
        if self.happens(1800) {
            let hours = self.random.i64(-50_000..50_000);
            state.jump(SignedDuration::from_hours(hours));
            self.counts[5] += 1;
        }
        let is_load_changed = self.happens(5);
        if is_load_changed {
            let load = self.random.u32(100..6000);
            self.switch(0, &format!("load={load}"));
        }
        is_load_changed
    }

    /// Ends faults whose time is over.
    fn end(&mut self, routes: &Routes, now: Duration) {
        let is_over = |until: Duration| until <= now;
        for (cable, slot) in self.unplugged.iter_mut().enumerate() {
            if let Some((unit, _)) = slot.take_if(|(_, until)| is_over(*until)) {
                routes[cable].store(unit, Ordering::Release);
            }
        }
        for unit in 0..self.units {
            if self.silent[unit].take_if(|until| is_over(*until)).is_some() {
                self.switch(unit, "silent=0");
            }
            if self.disconnected[unit].take_if(|until| is_over(*until)).is_some() {
                self.bank.with(|bank| bank.reconnect(unit));
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

    fn switch(&self, unit: usize, text: &str) {
        self.bank.with(|bank| bank.switch(unit, text)).unwrap();
    }

    /// Returns true once in `ticks` on average.
    fn happens(&mut self, ticks: u32) -> bool {
        self.random.u32(0..ticks) == 0
    }

    fn time(&mut self, max_seconds: u64) -> Duration {
        Duration::from_secs(self.random.u64(1..=max_seconds))
    }
}
