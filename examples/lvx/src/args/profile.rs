//! The command line of `lvx diff`, `lvx validate` and `lvx profile`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{
    format::Format,
    help::{STATUSES, UNITS},
};

/// Show settings of units that differ from a profile
///
/// The exit status is 1 if any setting differs.
#[derive(Args, Debug)]
#[command(after_long_help = format!("{UNITS}\n\n{STATUSES}"))]
pub(crate) struct Diff {
    /// Profile (YAML); `-` is standard input
    #[arg(value_name = "PROFILE")]
    pub(crate) profile: PathBuf,
    /// Units to compare with the profile
    #[arg(value_name = "UNIT", required = true)]
    pub(crate) units: Vec<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
}

/// Check the syntax, the values and the consistency of a profile
///
/// With --for, also checks the values against the limits of the given units. Never writes to a unit.
#[derive(Args, Debug)]
#[command(after_long_help = format!("{UNITS}\n\n{STATUSES}"))]
pub(crate) struct Validate {
    /// Profile (YAML); `-` is standard input
    #[arg(value_name = "PROFILE")]
    pub(crate) profile: PathBuf,
    /// Unit to validate the profile for; may be repeated
    #[arg(long = "for", value_name = "UNIT")]
    pub(crate) units: Vec<String>,
}

/// Create a profile, print its schema, or check the battery guard
#[derive(Args, Debug)]
pub(crate) struct Profile {
    #[command(subcommand)]
    pub(crate) task: ProfileTask,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProfileTask {
    /// Print a unit's settings as a profile with comments
    Init {
        /// Unit to read
        #[arg(value_name = "UNIT")]
        unit: String,
    },
    /// Print the JSON schema of profiles for editors
    Schema,
    /// Check and print the battery guard of this site
    ///
    /// The battery guard describes the battery: `apply` and `set` refuse voltages and currents outside its
    /// limits. It is read from /etc/lvx/battery.yaml, or from the file named by `LVX_BATTERY`, and has the
    /// keys of `battery` in a profile: `chemistry`, `cells`, `max_cell_voltage`, `min_cell_voltage` and the
    /// optional `max_bank_charge_current`. A profile can only narrow it.
    Battery,
}
