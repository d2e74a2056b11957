//! Mishaps around applying: edited plans, long waits, torn journals, units that change places.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

#[path = "../bank/mod.rs"]
mod bank;
mod battery_types;
mod cables;
mod checks;
mod edited;
mod links;
mod numbers;
mod reports;
mod restores;
mod strays;
mod waits;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bank::{
    Fate, Memory, STATIC, apply_meddled, apply_to, bank, client, host, idle_bank, is_set, other,
    plan_for, planned, profile, received, run_with, settings_of,
};
use lvx_settings::{
    Action, Apply, ApplyProgress, ApplyReport, Audit, Ending, Journal, Options, Past, Permissions,
    Plan, Record, Recorder, ResumeMode, Step, Unit, Units,
};
use pi18_proto::{Amperes, ChargerPriority, DateTime, Decivolts, OutputMode, SolarPriority};
use pi18_transport::{Link, SetOutcome, sim::SharedBank};

fn switch(bank: &SharedBank, unit: usize, switches: &str) {
    bank.with(|bank| switches.split('&').try_for_each(|s| bank.switch(unit, s))).unwrap();
}

type Hook = Box<dyn FnMut(&SharedBank, &Action)>;

/// Keeps in memory, and lets a test look on, interrupt and confirm at a time.
struct Keep {
    memory: Memory,
    bank: SharedBank,
    interrupt_after: Option<Duration>,
    /// A second interrupt.
    hurry_after: Option<Duration>,
    confirm_after: Option<Duration>,
    /// The settings cannot be saved.
    no_backup: bool,
    hook: Hook,
}

impl Keep {
    fn new(bank: &SharedBank) -> Self {
        Self {
            memory: Memory { begun: true, ..Memory::default() },
            bank: bank.clone(),
            interrupt_after: None,
            hurry_after: None,
            confirm_after: None,
            no_backup: false,
            hook: Box::new(|_, _| {}),
        }
    }
}

impl Recorder for Keep {
    fn begin(&mut self, plan: &Plan, units: &[Unit]) -> std::io::Result<()> {
        if self.no_backup {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.memory.begin(plan, units)
    }
    fn record(&mut self, record: &Record, at: Option<DateTime>) -> std::io::Result<()> {
        self.memory.record(record, at)
    }
    fn audit(&mut self, line: &Audit) {
        self.memory.audit(line);
    }
    fn watch(&mut self, action: &Action) {
        (self.hook)(&self.bank, action);
    }
    fn is_confirmed(&mut self) -> bool {
        self.confirm_after.is_some_and(|time| self.bank.elapsed() >= time)
    }
    fn is_interrupted(&mut self) -> bool {
        self.interrupt_after.is_some_and(|time| self.bank.elapsed() >= time)
    }
    fn interrupts(&mut self) -> u32 {
        let times = [self.interrupt_after, self.hurry_after];
        let passed = times.iter().flatten().filter(|time| self.bank.elapsed() >= **time);
        u32::try_from(passed.count()).unwrap()
    }
}

/// Runs over plain links that come back when they are opened again.
fn run_keep(bank: &SharedBank, apply: Apply, keep: &mut Keep) -> ApplyReport {
    let count = apply.plan().units.len();
    let clock = host(&mut client(bank, 0));
    let clients = (0..count).map(|at| client(bank, at)).collect();
    let mut units = Units::new(clients, clock).reopened_by(|unit| {
        bank.with(|bank| bank.reconnect(unit));
        Ok(client(bank, unit))
    });
    lvx_settings::run(apply, &mut units, keep)
}
