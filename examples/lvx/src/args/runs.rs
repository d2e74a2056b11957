//! The command line of `lvx confirm`, `lvx restore` and `lvx runs`.

use clap::{Args, Subcommand};

use super::{
    format::Format,
    help::{STATUSES, UNITS},
    state_dir::StateDir,
    write::{ConsentOptions, PermitOptions, RunOptions},
};

/// Keep the settings that `lvx apply --confirm-within` wrote
#[derive(Args, Debug)]
pub(crate) struct Confirm {
    /// Name of the run or path of its journal [default: the only run that waits for confirmation]
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,
    #[command(flatten)]
    pub(crate) state: StateDir,
}

const RESTORE_EXAMPLES: &str = "\
Examples:
  lvx restore                           show the open run and the options
  lvx restore RUN --undo                show the writes of an undo
  lvx restore RUN --undo --confirm      write the old settings back
  lvx restore RUN --finish --confirm    carry out the remaining writes
  lvx restore RUN --forget              close the run without any write";

/// Undo a run of `lvx apply`, or finish an interrupted one
///
/// A run is open if it was interrupted or could not undo all writes; it can be undone, finished or forgotten.
/// A finished run is undone by a new run with the same checks and consent. If units are given, only these
/// are restored.
#[derive(Args, Debug)]
#[command(after_help = RESTORE_EXAMPLES, after_long_help = format!("{RESTORE_EXAMPLES}\n\n{UNITS}\n\n{STATUSES}"))]
#[expect(clippy::struct_excessive_bools, reason = "each is a command line option")]
pub(crate) struct Restore {
    /// Name of the run (see `lvx runs`) or path of its journal [default: the only open run]
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,
    /// Current addresses of the units to restore [default: all units at their addresses in the run]
    #[arg(value_name = "UNIT")]
    pub(crate) units: Vec<String>,
    /// Write the old settings back
    #[arg(long, conflicts_with_all = ["finish", "forget"])]
    pub(crate) undo: bool,
    /// Carry out the remaining writes
    #[arg(long, conflicts_with = "forget")]
    pub(crate) finish: bool,
    /// Close the run and leave the units as they are
    #[arg(long)]
    pub(crate) forget: bool,
    /// Use the journal at this path, even if it is not in your state folder or was edited; requires UNIT
    ///
    /// The writes of the journal are carried out or undone by a new run, with all checks.
    #[arg(long, conflicts_with = "forget")]
    pub(crate) foreign: bool,
    #[command(flatten)]
    pub(crate) permit: PermitOptions,
    #[command(flatten)]
    pub(crate) consent: ConsentOptions,
    #[command(flatten)]
    pub(crate) timing: RunOptions,
}

/// List runs: their changes, results and possible next steps
#[derive(Args, Debug)]
pub(crate) struct Runs {
    #[command(subcommand)]
    pub(crate) task: Option<RunsTask>,
    #[command(flatten)]
    pub(crate) state: StateDir,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunsTask {
    /// Show the plan and the journal of a run
    Show {
        /// Name of the run or path of its journal
        #[arg(value_name = "RUN")]
        run: String,
    },
    /// Remove old finished runs; open runs are kept
    Prune {
        /// Minimum age of the last journal entry, in days
        #[arg(long, value_name = "DAYS", default_value_t = 365)]
        older_than: u32,
        /// List the runs without removing them
        #[arg(long)]
        dry_run: bool,
    },
}
