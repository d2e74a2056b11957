//! The command line of `lvx confirm`, `lvx restore` and `lvx runs`.

use clap::{Args, Subcommand};

use super::{
    format::Format,
    help::{STATUSES, UNITS},
    state_dir::Place,
    write::{Care, Consent, Permit},
};

/// Keep what `lvx apply --confirm-within` has written
#[derive(Args, Debug)]
pub(crate) struct Confirm {
    /// The run's name, or the path of its journal; not needed if only one run waits
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,
    #[command(flatten)]
    pub(crate) place: Place,
}

const RESTORE_EXAMPLES: &str = "\
Examples:
  lvx restore                           what was left, and what can be done
  lvx restore RUN --undo                what undoing a finished run would write
  lvx restore RUN --undo --confirm      puts back what the units had
  lvx restore RUN --finish --confirm    does what is left to do
  lvx restore RUN --forget              you have seen to it by other means";

/// Undo a run of `lvx apply`, or bring one to an end that was stopped
///
/// An open run is one that was stopped, or could not undo everything: it is undone, finished or
/// forgotten. A run that ended is undone by a new run, with the same checks and consent. Units that
/// are named are restored without the others.
#[derive(Args, Debug)]
#[command(after_help = RESTORE_EXAMPLES, after_long_help = format!("{RESTORE_EXAMPLES}\n\n{UNITS}\n\n{STATUSES}"))]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command line")]
pub(crate) struct Restore {
    /// The run's name (`lvx runs`), or the path of its journal; not needed if only one was left
    #[arg(value_name = "RUN")]
    pub(crate) run: Option<String>,
    /// Where the units are now, if no longer where they were; those that are not named are left out
    #[arg(value_name = "UNIT")]
    pub(crate) units: Vec<String>,
    /// Put back what the units had before
    #[arg(long, conflicts_with_all = ["finish", "forget"])]
    pub(crate) undo: bool,
    /// Do what is left to do
    #[arg(long, conflicts_with = "forget")]
    pub(crate) finish: bool,
    /// Leave everything as it is, and do not offer it again
    #[arg(long)]
    pub(crate) forget: bool,
    /// Take a journal that is not in your state folder, or was edited, by its path: a new run does what
    /// it says, under every check; the units have to be named
    #[arg(long, conflicts_with = "forget")]
    pub(crate) foreign: bool,
    #[command(flatten)]
    pub(crate) permit: Permit,
    #[command(flatten)]
    pub(crate) consent: Consent,
    #[command(flatten)]
    pub(crate) care: Care,
}

/// List past and open runs: what changed, how they ended, what can be done now
#[derive(Args, Debug)]
pub(crate) struct Runs {
    #[command(subcommand)]
    pub(crate) task: Option<RunsTask>,
    #[command(flatten)]
    pub(crate) place: Place,
    /// How to show the list
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RunsTask {
    /// Show a run with its plan and its journal
    Show {
        /// The run's name, or the path of its journal
        #[arg(value_name = "RUN")]
        run: String,
    },
    /// Remove old finished runs; open ones are kept
    Prune {
        /// Runs whose journal was last written this many days ago or earlier
        #[arg(long, value_name = "DAYS", default_value_t = 365)]
        older_than: u32,
        /// Only list them
        #[arg(long)]
        dry_run: bool,
    },
}
