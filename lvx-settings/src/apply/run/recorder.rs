//! Storage for the records of a run, and the source of its confirmations and interrupts.

use std::io;

use pi18_proto::{DateTime, SerialNumber};
use serde::Serialize;

use crate::{Action, ApplyReport, Ending, Journal, Plan, Record, RunDirection, Settings, Unit};

/// Stores the records of a run, and reports confirmations and interrupts to it.
///
/// A [`Journal`] is a recorder that is never interrupted or confirmed. [`Hooks`](crate::Hooks) add functions to
/// it. A program can also implement the trait:
///
/// ```
/// use std::io;
///
/// use lvx_settings::{Action, Journal, Plan, Record, Recorder, Unit};
/// use pi18_proto::DateTime;
///
/// struct Console {
///     journal: Journal,
///     /// Set by a signal handler or a button.
///     interrupts: std::sync::Arc<std::sync::atomic::AtomicU32>,
/// }
///
/// impl Recorder for Console {
///     fn begin(&mut self, plan: &Plan, units: &[Unit]) -> io::Result<()> {
///         self.journal.begin(plan, units)
///     }
///     fn record(&mut self, record: &Record, at: Option<DateTime>) -> io::Result<()> {
///         self.journal.record(record, at)
///     }
///     fn watch(&mut self, action: &Action) {
///         if let Action::Write(write) = action {
///             println!("step {}: writing {:?}", write.step + 1, write.to);
///         }
///     }
///     fn interrupts(&mut self) -> u32 {
///         self.interrupts.load(std::sync::atomic::Ordering::Relaxed)
///     }
/// }
/// ```
pub trait Recorder {
    /// Saves the current settings of the units, and begins the journal.
    ///
    /// # Errors
    /// If they cannot be saved. In this case nothing is written to any unit.
    fn begin(&mut self, plan: &Plan, units: &[Unit]) -> io::Result<()>;

    /// Stores a record. When this returns, the record must survive a crash.
    ///
    /// # Errors
    /// If the record cannot be stored. In this case no further step is begun, and the run is undone.
    fn record(&mut self, record: &Record, at: Option<DateTime>) -> io::Result<()>;

    /// Receives the report of the run.
    fn end(&mut self, _report: &ApplyReport) {}

    /// Receives each set command after it was sent, for an audit log.
    fn audit(&mut self, _line: &Audit) {}

    /// Receives each action before it is carried out, for a progress display.
    fn watch(&mut self, _action: &Action) {}

    /// Returns whether the new settings were confirmed.
    fn is_confirmed(&mut self) -> bool {
        false
    }

    /// Returns whether the run was interrupted.
    fn is_interrupted(&mut self) -> bool {
        false
    }

    /// Returns the number of interrupts so far. The first one undoes the run; a further one ends the waits of
    /// the undo.
    fn interrupts(&mut self) -> u32 {
        u32::from(self.is_interrupted())
    }
}

/// The first line of a journal holds the settings of the units before the run, so no other backup is needed.
impl Recorder for Journal {
    /// Creates the file.
    fn begin(&mut self, plan: &Plan, _units: &[Unit]) -> io::Result<()> {
        if plan == self.plan() {
            return Ok(self.create_file()?);
        }
        let path = self.path().display();
        let why = format!("{path}: expected the journal of this plan, found that of another plan");
        Err(io::Error::new(io::ErrorKind::InvalidInput, why))
    }

    fn record(&mut self, record: &Record, at: Option<DateTime>) -> io::Result<()> {
        Ok(self.append(record, at)?)
    }

    /// Records the end of a run that wrote nothing, if the file was created before its checks.
    fn end(&mut self, report: &ApplyReport) {
        if matches!(report.ending, Ending::Refused | Ending::NothingToDo) {
            // The units are unchanged, so a journal that stays open does no harm.
            self.end_unwritten(report.ending).ok();
        }
    }
}

/// A set command that was sent, for an audit log.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Audit {
    /// Time of this computer when the command was sent.
    pub at: Option<DateTime>,
    /// Address of the unit.
    pub address: String,
    /// Serial number of the unit.
    pub serial_number: SerialNumber,
    /// The command as it was sent.
    pub command: String,
    /// Settings that the command sets.
    pub settings: Settings,
    /// Whether the command does a step of the plan or undoes it.
    pub direction: RunDirection,
    /// Outcome of the command: `accepted`, `refused`, `garbled`, `silent` or `gone`.
    pub outcome: &'static str,
}
