//! The command line of `lvx diff`, `lvx validate` and `lvx profile`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{
    format::Format,
    help::{STATUSES, UNITS},
};

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
