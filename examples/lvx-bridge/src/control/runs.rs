//! Journalled runs: what the bridge needs from the program that keeps their files.

use std::{io, time::Duration};

use lvx_settings::{Plan, Record, Recorder};

/// The journalled runs of this computer. The tool implements it with its state folder, so that its own commands
/// see the runs of the bridge, and the bridge sees theirs.
///
/// The bridge calls it from the thread of a bank, and uses the recorders only there.
pub trait Runs: Send + Sync {
    /// Registers a run on the units of a plan, which keeps other runs from them. Nothing is written to a unit
    /// before this returns.
    ///
    /// # Errors
    /// If another run uses one of the units, an earlier run on them is not finished, or the files cannot be
    /// created.
    fn start(&self, plan: &Plan) -> io::Result<StartedRun>;

    /// Returns the runs that are not finished, the oldest first, also those that the bridge did not start.
    ///
    /// # Errors
    /// If a journal cannot be read, so that the state of its run is unknown.
    fn unfinished(&self) -> io::Result<Vec<UnfinishedRun>>;

    /// Returns the recorder with which an unfinished run is continued.
    ///
    /// # Errors
    /// If there is no such run, or another program continues it.
    fn resume(&self, name: &str) -> io::Result<Box<dyn Recorder>>;
}

/// A run that was registered.
pub struct StartedRun {
    /// Name of the run, which people use to undo it.
    pub name: String,
    /// Stores the records of the run.
    pub recorder: Box<dyn Recorder>,
}

impl std::fmt::Debug for StartedRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StartedRun").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A run that did not end, or that ended with units in different states.
#[derive(Clone, Debug)]
pub struct UnfinishedRun {
    /// Name of the run, which people use to undo it.
    pub name: String,
    /// The plan, with the settings of the units before the run.
    pub plan: Plan,
    /// The records, in the order in which they were written.
    pub records: Vec<Record>,
    /// Time since the last record was written.
    pub age: Duration,
}
