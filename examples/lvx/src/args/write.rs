//! The command line of `lvx apply` and `lvx set`, and the options of commands that write settings.

use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::{
    format::Format,
    help::{STATUSES, UNITS},
    state_dir::StateDir,
    time::{confirm_time, time, verify_time},
};

const APPLY_EXAMPLES: &str = "\
Examples:
  lvx apply profile.yaml sim:0 sim:1              show the plan
  lvx apply profile.yaml sn:… sn:… --confirm      ask for consent, then write
  lvx apply profile.yaml sn:… --save-plan p.json  save the plan for review
  lvx apply p.json --confirm                      carry out exactly this plan";

/// Apply a profile or a saved plan to units
///
/// Verifies every write by reading it back, and undoes all writes if one fails. Without --confirm or
/// --yes-serial, only shows the plan. Saves the present settings before the first write and records every
/// write in a journal, from which `lvx restore` can finish or undo an interrupted run.
#[derive(Args, Debug)]
#[command(after_help = APPLY_EXAMPLES, after_long_help = format!("{APPLY_EXAMPLES}\n\n{UNITS}\n\n{STATUSES}"))]
pub(crate) struct Apply {
    /// Profile (YAML) or saved plan (JSON)
    #[arg(value_name = "PROFILE|PLAN")]
    pub(crate) source: PathBuf,
    /// Units to write to [default: the units of the plan, if you saved it]
    #[arg(value_name = "UNIT")]
    pub(crate) units: Vec<String>,
    #[command(flatten)]
    pub(crate) options: WriteOptions,
}

const SET_EXAMPLES: &str = "\
Examples:
  lvx set output_priority=solar_utility_battery sim:0 sim:1
                                      show the plan
  lvx set bulk_voltage=55.2 float_voltage=54 sn:… sn:… --confirm
                                      ask for consent, then write
  lvx set clock=host sn:… --confirm   set the clock to this computer's time
  lvx profile init UNIT               list all settings and their values";

/// Change single settings of units
///
/// Works like `lvx apply` with a profile of these settings: the same plan, checks, consent, journal and
/// verification. Without --confirm or --yes-serial, only shows the plan.
#[derive(Args, Debug)]
#[command(override_usage = "lvx set [OPTIONS] KEY=VALUE... UNIT...")]
#[command(after_help = SET_EXAMPLES, after_long_help = format!("{SET_EXAMPLES}\n\n{UNITS}\n\n{STATUSES}"))]
pub(crate) struct Set {
    /// Settings by profile key (`bulk_voltage=55.2`), then units
    #[arg(value_name = "KEY=VALUE|UNIT", required = true)]
    pub(crate) words: Vec<String>,
    #[command(flatten)]
    pub(crate) options: WriteOptions,
}

/// The options of commands that write settings.
#[derive(Args, Debug)]
pub(crate) struct WriteOptions {
    #[command(flatten)]
    pub(crate) consent: ConsentOptions,
    #[command(flatten)]
    pub(crate) permit: PermitOptions,
    /// Write the plan to a new file
    #[arg(long, value_name = "FILE")]
    pub(crate) save_plan: Option<PathBuf>,
    /// Undo all writes unless `lvx confirm` is called within this time (1s to 168h)
    #[arg(long, value_name = "TIME", value_parser = confirm_time)]
    pub(crate) confirm_within: Option<Duration>,
    #[command(flatten)]
    pub(crate) timing: RunOptions,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
}

/// Exceptions to the default restrictions of a plan.
#[derive(Args, Debug)]
pub(crate) struct PermitOptions {
    /// Allow changes of these installation settings, such as `output_mode,machine_type`
    #[arg(long, value_name = "KEY", value_delimiter = ',')]
    pub(crate) allow_installation: Vec<String>,
    /// Allow changes of battery type and of bulk, float and cut-off voltage without a complete battery guard
    #[arg(long)]
    pub(crate) no_battery_guard: bool,
    /// Allow changing settings that must agree in a bank on only some of its units
    #[arg(long)]
    pub(crate) one_unit: bool,
}

/// Consent to the writes of a plan.
#[derive(Args, Debug)]
pub(crate) struct ConsentOptions {
    /// Write, after asking on the terminal for the last four digits of each serial number
    #[arg(long, conflicts_with = "yes_serial")]
    pub(crate) confirm: bool,
    /// Write without asking, for scripts; requires the complete serial number of each unit
    #[arg(long, value_name = "SN", value_delimiter = ',')]
    pub(crate) yes_serial: Vec<String>,
}

/// Timing and safety of a run.
#[derive(Args, Debug)]
pub(crate) struct RunOptions {
    /// Wait up to this time (such as 12h) for a unit that refuses a write because it is charging
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) wait_idle: Option<Duration>,
    /// Delay between a write and reading it back
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "500ms")]
    pub(crate) pause: Duration,
    /// Maximum time for a unit to report a new value
    #[arg(long, value_name = "TIME", value_parser = verify_time, default_value = "15s")]
    pub(crate) within: Duration,
    /// Maximum time without a connection to a unit, in total per write
    #[arg(long, value_name = "TIME", value_parser = time, default_value = "1m")]
    pub(crate) away: Duration,
    /// Start even if a run of this user (name or number) on the same units is not finished; may be
    /// repeated
    #[arg(long, value_name = "USER")]
    pub(crate) ignore_runs_of: Vec<String>,
    #[command(flatten)]
    pub(crate) state: StateDir,
}
