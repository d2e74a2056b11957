//! Journalled runs: what the bridge needs from the program that keeps their files.

use std::{io, time::Duration};

use lvx_settings::{Plan, Record, Recorder};
use pi18_proto::SerialNumber;

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

    /// Returns the runs of this user that are not finished, the oldest first, also those that the bridge did not start.
    ///
    /// # Errors
    /// If a journal cannot be read, so that the state of its run is unknown.
    fn unfinished(&self) -> io::Result<Vec<UnfinishedRun>>;

    /// Returns the runs of other users that are not finished.
    ///
    /// # Errors
    /// If the list of runs cannot be read.
    fn of_others(&self) -> io::Result<Vec<OthersRun>> {
        Ok(Vec::new())
    }

    /// Returns the recorder with which an unfinished run is continued.
    ///
    /// # Errors
    /// If the journal of this run is not the one that was read before, another program continues it, or another run
    /// uses one of its units.
    fn resume(&self, run: &UnfinishedRun) -> io::Result<Box<dyn Recorder>>;
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
    /// Command with which a person finishes or undoes the run.
    pub command: Option<String>,
}

impl UnfinishedRun {
    /// Checks that the journal is still the one that was read before.
    ///
    /// # Errors
    /// If it has another plan or other records.
    pub fn check_same(&self, plan: &Plan, records: &[Record]) -> io::Result<()> {
        if *plan == self.plan && records == self.records {
            return Ok(());
        }
        Err(io::Error::other("its journal has changed since it was read"))
    }
}

/// An unfinished run of another user, whose journal cannot be read.
#[derive(Clone, Debug)]
pub struct OthersRun {
    /// Number of the user.
    pub uid: u32,
    /// Name of the user, for messages.
    pub user: String,
    /// Units of the run, as the user has listed them.
    pub units: Vec<SerialNumber>,
}
