//! Recorders for tests: one that keeps everything in memory, and one that also runs a script.

use std::{io, time::Duration};

use lvx_settings::{Action, Audit, Plan, Record, Recorder, RunDirection, Unit};
use pi18_proto::DateTime;
use pi18_transport::sim::SharedBank;

/// Keeps everything in memory, and checks that each write is announced.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Whether the old settings were saved.
    pub(crate) begun: bool,
    pub(crate) records: Vec<Record>,
    /// Commands that were sent, with their outcomes.
    pub(crate) audit: Vec<String>,
    /// Whether saving the old settings fails.
    pub(crate) no_backup: bool,
    /// Number of records after which the journal is full.
    pub(crate) full_at: Option<usize>,
    /// Number of writes after which the run is interrupted.
    pub(crate) interrupt_at: Option<usize>,
    /// Whether the new settings are confirmed.
    pub(crate) confirms: bool,
}

impl Memory {
    /// Returns the recorder of a run that is resumed, whose old settings were saved before.
    pub(crate) fn resumed() -> Self {
        Self { begun: true, ..Self::default() }
    }
}

impl Recorder for Memory {
    fn begin(&mut self, _plan: &Plan, _units: &[Unit]) -> io::Result<()> {
        if self.no_backup {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.begun = true;
        Ok(())
    }

    fn record(&mut self, record: &Record, _at: Option<DateTime>) -> io::Result<()> {
        assert!(self.begun, "recorded before the old settings were saved");
        if self.full_at.is_some_and(|max| self.records.len() >= max) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.records.push(record.clone());
        Ok(())
    }

    fn audit(&mut self, line: &Audit) {
        let last = self.records.last();
        let announced = matches!(last, Some(Record::Writing { .. } | Record::Correcting { .. }));
        // Only an undo goes on without a journal.
        let excused = self.full_at.is_some() && line.direction == RunDirection::Backward;
        assert!(announced || excused, "written without an announcement");
        self.audit.push(format!("{} {}", line.command, line.outcome));
    }

    fn is_confirmed(&mut self) -> bool {
        self.confirms
    }

    fn is_interrupted(&mut self) -> bool {
        self.interrupt_at.is_some_and(|max| self.audit.len() >= max)
    }
}

/// What a test does before an action.
pub(crate) type Hook = Box<dyn FnMut(&SharedBank, &mut Memory, &Action)>;

/// Keeps everything in memory, and lets a test act before each action, and interrupt and confirm at a
/// time of the bank.
pub(crate) struct Script {
    pub(crate) memory: Memory,
    bank: SharedBank,
    pub(crate) hook: Hook,
    pub(crate) interrupt_after: Option<Duration>,
    /// Time of a second interrupt.
    pub(crate) hurry_after: Option<Duration>,
    /// Returns whether the new settings are confirmed.
    pub(crate) confirm: Box<dyn FnMut(&SharedBank) -> bool>,
}

impl Script {
    pub(crate) fn new(bank: &SharedBank) -> Self {
        Self {
            memory: Memory::resumed(),
            bank: bank.clone(),
            hook: Box::new(|_, _, _| {}),
            interrupt_after: None,
            hurry_after: None,
            confirm: Box::new(|_| false),
        }
    }

    fn passed(&self, time: Option<Duration>) -> bool {
        time.is_some_and(|time| self.bank.elapsed() >= time)
    }
}

impl Recorder for Script {
    fn begin(&mut self, plan: &Plan, units: &[Unit]) -> io::Result<()> {
        self.memory.begin(plan, units)
    }

    fn record(&mut self, record: &Record, at: Option<DateTime>) -> io::Result<()> {
        self.memory.record(record, at)
    }

    fn audit(&mut self, line: &Audit) {
        self.memory.audit(line);
    }

    fn watch(&mut self, action: &Action) {
        (self.hook)(&self.bank, &mut self.memory, action);
    }

    fn is_confirmed(&mut self) -> bool {
        self.memory.is_confirmed() || (self.confirm)(&self.bank)
    }

    fn is_interrupted(&mut self) -> bool {
        self.memory.is_interrupted() || self.passed(self.interrupt_after)
    }

    fn interrupts(&mut self) -> u32 {
        u32::from(self.is_interrupted()) + u32::from(self.passed(self.hurry_after))
    }
}
