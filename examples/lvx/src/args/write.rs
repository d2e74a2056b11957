//! The command line of `lvx apply` and `lvx set`, and the options of commands that write settings.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::{
    format::Format,
    help::{STATUSES, UNITS},
    state_dir::Place,
    time::{confirm_time, proof_time, time},
};

const APPLY_EXAMPLES: &str = "\
Examples:
  lvx apply profile.yaml sim:0 sim:1              shows what would be written
  lvx apply profile.yaml sn:… sn:… --confirm      asks, then writes
  lvx apply profile.yaml sn:… --save-plan p.json  keeps the plan to look at it
  lvx apply p.json --confirm                      carries out exactly that plan";

/// Bring units to what a profile wants: every write proved, everything undone if one fails
///
/// Without --confirm or --yes-serial nothing is written: the plan is shown. Before the first write
/// the present settings are saved, and every write is noted in a journal, from which `lvx restore`
/// goes on if this program is stopped.
#[derive(Args, Debug)]
#[command(after_help = APPLY_EXAMPLES, after_long_help = format!("{APPLY_EXAMPLES}\n\n{UNITS}\n\n{STATUSES}"))]
pub(crate) struct Apply {
    /// The profile (YAML), or a plan that was saved (JSON)
    #[arg(value_name = "PROFILE|PLAN")]
    pub(crate) what: PathBuf,
    /// The units; a plan names its own
    #[arg(value_name = "UNIT")]
    pub(crate) units: Vec<String>,
    #[command(flatten)]
    pub(crate) how: Carry,
}

const SET_EXAMPLES: &str = "\
Examples:
  lvx set output_priority=solar_utility_battery sim:0 sim:1
                                      shows what would be written
  lvx set bulk_voltage=55.2 float_voltage=54 sn:… sn:… --confirm
                                      asks, then writes
  lvx set clock=host sn:… --confirm   the time of this computer
  lvx profile init UNIT               every setting and its values";

/// Set some settings of units, as `lvx apply` does with a profile
///
/// The same plan, checks, questions, journal and proof; only the profile is in the words. Without
/// --confirm or --yes-serial nothing is written: the plan is shown.
#[derive(Args, Debug)]
#[command(override_usage = "lvx set [OPTIONS] KEY=VALUE... UNIT...")]
#[command(after_help = SET_EXAMPLES, after_long_help = format!("{SET_EXAMPLES}\n\n{UNITS}\n\n{STATUSES}"))]
pub(crate) struct Set {
    /// Settings (`bulk_voltage=55.2`), by the keys of a profile, and units
    #[arg(value_name = "KEY=VALUE|UNIT", required = true)]
    pub(crate) words: Vec<String>,
    #[command(flatten)]
    pub(crate) how: Carry,
}

/// The options of tasks that write settings.
#[derive(Args, Debug)]
pub(crate) struct Carry {
    #[command(flatten)]
    pub(crate) consent: Consent,
    #[command(flatten)]
    pub(crate) permit: Permit,
    /// Write the plan to a file
    #[arg(long, value_name = "FILE")]
    pub(crate) save_plan: Option<PathBuf>,
    /// Undo everything unless `lvx confirm` is called in this time: 1s to 168h, such as 10m
    #[arg(long, value_name = "TIME", value_parser = confirm_time)]
    pub(crate) confirm_within: Option<Duration>,
    #[command(flatten)]
    pub(crate) care: Care,
    /// How to show the plan, and how it ended
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
}

/// What a plan may do beyond the usual.
#[derive(Args, Debug)]
pub(crate) struct Permit {
    /// Installation settings that may be changed, each by its key (`output_mode,machine_type`)
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    pub(crate) allow_installation: Vec<String>,
    /// Write battery type, bulk, float or cut-off voltage although no complete battery guard is known
    #[arg(long)]
    pub(crate) no_battery_guard: bool,
    /// Change settings on which the units of a bank must agree although a unit is left out
    #[arg(long)]
    pub(crate) one_unit: bool,
}

/// The second time that it is asked for.
#[derive(Args, Debug)]
pub(crate) struct Consent {
    /// Write, after asking on the terminal for the last four digits of each serial number
    #[arg(long, conflicts_with = "yes_serial")]
    pub(crate) confirm: bool,
    /// Write, without asking: the whole serial number of each unit, for scripts
    #[arg(long, value_name = "SN", value_delimiter = ',')]
    pub(crate) yes_serial: Vec<String>,
}

/// How carefully, and where it is kept.
#[derive(Args, Debug)]
pub(crate) struct Care {
    /// Wait so long for an idle window where a unit refuses because it charges, such as 12h
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) wait_idle: Option<Duration>,
    /// Between a write and reading it back
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "500ms")]
    pub(crate) pause: Duration,
    /// How long a unit may go on showing an old value
    #[arg(long, value_name = "TIME", value_parser = proof_time, default_value = "15s")]
    pub(crate) within: Duration,
    /// How long the link to a unit may be in trouble during a step, all interruptions together
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "1m")]
    pub(crate) away: Duration,
    /// Begin although a run of this user (name or number) on the same units did not come to an end;
    /// may be given again
    #[arg(long, value_name = "USER")]
    pub(crate) ignore_runs_of: Vec<String>,
    #[command(flatten)]
    pub(crate) place: Place,
}
