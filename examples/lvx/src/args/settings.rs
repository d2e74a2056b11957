//! The command line of the tasks about settings.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, ValueEnum};

use super::UNITS;
use crate::outcome::STATUSES;

/// Show where units are not as a profile wants them
///
/// Exit status 1 if something differs.
#[derive(Args, Debug)]
#[command(after_long_help = format!("{UNITS}\n\n{STATUSES}"))]
pub(crate) struct Diff {
    /// The profile, a YAML file; `-` is standard input
    #[arg(value_name = "PROFILE")]
    pub(crate) profile: PathBuf,
    /// The units
    #[arg(value_name = "UNIT", required = true)]
    pub(crate) units: Vec<String>,
    /// How to show the differences
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    Table,
    Json,
}

/// Check a profile: its text, its values, the rules between them
///
/// With --for, also against what these units can be set to. Nothing is written.
#[derive(Args, Debug)]
#[command(after_long_help = format!("{UNITS}\n\n{STATUSES}"))]
pub(crate) struct Validate {
    /// The profile, a YAML file; `-` is standard input
    #[arg(value_name = "PROFILE")]
    pub(crate) profile: PathBuf,
    /// A unit that it is for; may be given again
    #[arg(long = "for", value_name = "UNIT")]
    pub(crate) units: Vec<String>,
}

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

#[derive(Args, Debug)]
pub(crate) struct Place {
    /// Where journals, saved settings and the audit file are kept (default: lvx in
    /// `$XDG_STATE_HOME` or `~/.local/state`)
    #[arg(long, value_name = "DIR", env = "LVX_STATE_DIR", global = true)]
    pub(crate) state_dir: Option<PathBuf>,
}

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

/// Make a profile, or help an editor with one
#[derive(Args, Debug)]
pub(crate) struct Profile {
    #[command(subcommand)]
    pub(crate) task: ProfileTask,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProfileTask {
    /// Print a unit's settings as a commented profile
    Init {
        /// The unit
        #[arg(value_name = "UNIT")]
        unit: String,
    },
    /// Print the JSON schema of profiles, for editors
    Schema,
    /// Check and print the battery guard of this site
    ///
    /// The guard is in /etc/lvx/battery.yaml, or in the file that `LVX_BATTERY` names: `chemistry`,
    /// `cells`, `max_cell_voltage`, `min_cell_voltage` and optionally `max_bank_charge_current`, as under
    /// `battery` in a profile. `apply` and `set` obey it; a profile may only narrow it.
    Battery,
}

/// Reads `10m`, `12h`, `500ms`; at most a week.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    const EXPECTED: &str = "expected a time such as 500ms, 10m or 12h, at most 168h";
    let time: jiff::SignedDuration = text.parse().map_err(|_| EXPECTED)?;
    let time = Duration::try_from(time).ok().filter(|time| *time <= MAX_TIME);
    time.ok_or_else(|| EXPECTED.to_owned())
}

/// Reads the time that is left to call `lvx confirm`.
fn confirm_time(text: &str) -> Result<Duration, String> {
    let time = time(text).ok().filter(|time| *time >= Duration::from_secs(1));
    time.ok_or_else(|| "expected a time from 1s to 168h, such as 10m".to_owned())
}

/// A proof takes two readings.
fn proof_time(text: &str) -> Result<Duration, String> {
    let time = time(text)?;
    if time < Duration::from_millis(100) {
        Err("expected at least 100ms".to_owned())
    } else {
        Ok(time)
    }
}

/// Longest time that can be asked for.
const MAX_TIME: Duration = Duration::from_hours(7 * 24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_bounded_and_the_bound_is_stated() {
        assert_eq!(confirm_time("168h"), Ok(MAX_TIME));
        assert_eq!(confirm_time("1s"), Ok(Duration::from_secs(1)));
        for wrong in ["169h", "0s", "999ms", "-5m", "soon", "10"] {
            let error = confirm_time(wrong).unwrap_err();
            assert_eq!(error, "expected a time from 1s to 168h, such as 10m", "{wrong}");
        }
        assert!(time("169h").unwrap_err().ends_with("at most 168h"));
    }
}
