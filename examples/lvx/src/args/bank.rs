//! The command line of `lvx sync-check`, `lvx compare` and `lvx dump`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::help::{STATUSES, UNITS};

/// The units of a bank, or a file in their place
#[derive(Args, Debug)]
pub(crate) struct Bank {
    /// The units of the bank, all of them; without any, all adapters that are plugged in
    #[arg(value_name = "UNIT")]
    pub(crate) units: Vec<String>,
    /// Take what `lvx dump` saved instead of live units; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "units")]
    pub(crate) from: Option<PathBuf>,
}

const SYNC_CHECK_EXAMPLES: &str = "\
Examples:
  lvx sync-check sim:0 sim:1
  lvx sync-check                                      all adapters plugged in
  lvx sync-check --only fault                         asks for faults alone
  lvx sync-check /dev/hidraw0 /dev/hidraw1 --bank-ah 300 --expect-firmware 06306
  lvx sync-check --from bank.yaml --format markdown   a saved bank, for a forum
  lvx sync-check sim:0 sim:1 --baseline bank.yaml     and what changed since
  lvx sync-check sim:0 sim:1 --threshold battery_voltage_spread=0.4
  lvx sync-check --list-rules                         every rule and threshold";

/// Check whether a bank is healthy, and if not, why and what to do
///
/// Reads what the rules need from all units, side by side, and holds it against each other and against
/// what a healthy bank looks like. Nothing is written to the units. Exit status 1 if anything is
/// found that is worse than an info.
#[derive(Args, Debug)]
#[command(
    override_usage = "lvx sync-check [OPTIONS] [UNIT]...\n       lvx sync-check [OPTIONS] --from FILE"
)]
#[command(after_help = SYNC_CHECK_EXAMPLES, after_long_help = format!("{SYNC_CHECK_EXAMPLES}\n\n{UNITS}\n\n{STATUSES}"))]
pub(crate) struct SyncCheck {
    #[command(flatten)]
    pub(crate) bank: Bank,
    /// How to show the report
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    pub(crate) format: ReportFormat,
    /// Check these rules only
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Leave these rules out
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(crate) skip: Vec<String>,
    /// Change a threshold; may be given again
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) threshold: Vec<String>,
    /// Take thresholds from a YAML file
    #[arg(long, value_name = "FILE")]
    pub(crate) thresholds: Option<PathBuf>,
    /// The capacity of the battery bank, to judge the charge rate
    #[arg(long, value_name = "AH", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) bank_ah: Option<u32>,
    /// The main firmware that all units are to have
    #[arg(long, value_name = "VERSION")]
    pub(crate) expect_firmware: Option<String>,
    /// Also tell what changed since `lvx dump` saved the bank
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// Show every rule and threshold
    #[arg(long, exclusive = true)]
    pub(crate) list_rules: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ReportFormat {
    Table,
    Json,
    Markdown,
}

/// Compare the settings of units
///
/// The twelve that must agree, then those of the others that differ. Exit status 1 if any differs.
#[derive(Args, Debug)]
#[command(
    override_usage = "lvx compare [OPTIONS] [UNIT]...\n       lvx compare [OPTIONS] --from FILE"
)]
#[command(after_long_help = format!("{UNITS}\n\n{STATUSES}"))]
pub(crate) struct Compare {
    #[command(flatten)]
    pub(crate) bank: Bank,
    /// How to show the comparison
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    pub(crate) format: ReportFormat,
}

/// Save everything that the units of a bank say
///
/// `lvx dump UNIT... > bank.yaml`; then `--from bank.yaml` takes the place of the units.
#[derive(Args, Debug)]
#[command(after_long_help = format!("{UNITS}\n\n{STATUSES}"))]
pub(crate) struct Dump {
    #[command(flatten)]
    pub(crate) bank: Bank,
    /// How to save it
    #[arg(long, value_enum, default_value_t = DumpFormat::Yaml)]
    pub(crate) format: DumpFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum DumpFormat {
    Yaml,
    Json,
}
