//! The command line of `lvx sync-check`, `lvx compare` and `lvx dump`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::help::{PACKS, STATUSES, UNITS};

/// The units and packs of a bank, or a saved bank.
#[derive(Args, Debug)]
pub(crate) struct Bank {
    /// All units of the bank, and its battery packs if they can be read (`lvx packs --help`) [default: all adapters of
    /// units that are plugged in]
    #[arg(value_name = "UNIT")]
    pub(crate) units: Vec<String>,
    /// Use a bank that `lvx dump` saved instead of live units; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "units")]
    pub(crate) from: Option<PathBuf>,
}

const SYNC_CHECK_EXAMPLES: &str = "\
Examples:
  lvx sync-check sim:0 sim:1
  lvx sync-check                                      all adapters
  lvx sync-check sim:0 sim:pack0 sim:pack1            with battery packs
  lvx sync-check --only fault                         faults only
  lvx sync-check /dev/hidraw0 /dev/hidraw1 --bank-ah 300 --expect-firmware 06306
  lvx sync-check --from bank.yaml --format markdown   saved bank, for a forum
  lvx sync-check sim:0 sim:1 --baseline bank.yaml     changes since then
  lvx sync-check sim:0 sim:1 --threshold battery_voltage_spread=0.4
  lvx sync-check --list-rules                         all rules and thresholds";

/// Check whether a bank is healthy; report causes and advice if it is not
///
/// A bank is one unit, or several that share a battery or an output. All units are read at the same time and
/// compared with each other and with the limits of a healthy bank. Never writes to a unit. The exit status
/// is 1 for any error or warning.
#[derive(Args, Debug)]
#[command(
    override_usage = "lvx sync-check [OPTIONS] [UNIT]...\n       lvx sync-check [OPTIONS] --from FILE"
)]
#[command(after_help = SYNC_CHECK_EXAMPLES, after_long_help = format!("{SYNC_CHECK_EXAMPLES}\n\n{UNITS}\n\n{PACKS}\n\n{STATUSES}"))]
pub(crate) struct SyncCheck {
    #[command(flatten)]
    pub(crate) bank: Bank,
    /// Output format
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    pub(crate) format: ReportFormat,
    /// Check only this rule; may be repeated
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Skip this rule; may be repeated
    #[arg(long, value_name = "RULE", value_delimiter = ',')]
    pub(crate) skip: Vec<String>,
    /// Override a threshold; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) threshold: Vec<String>,
    /// YAML file with thresholds
    #[arg(long, value_name = "FILE")]
    pub(crate) thresholds: Option<PathBuf>,
    /// Capacity of the battery in Ah, for the rule `charge-rate`
    #[arg(long, value_name = "AH", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) bank_ah: Option<u32>,
    /// Main firmware version that all units should have
    #[arg(long, value_name = "VERSION")]
    pub(crate) expect_firmware: Option<String>,
    /// Also report changes since this bank was saved by `lvx dump`
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// List all rules and thresholds
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
/// Shows the twelve settings that must agree in a bank, then other settings that differ. The exit status
/// is 1 if any setting differs.
#[derive(Args, Debug)]
#[command(
    override_usage = "lvx compare [OPTIONS] [UNIT]...\n       lvx compare [OPTIONS] --from FILE"
)]
#[command(after_long_help = format!("{UNITS}\n\n{STATUSES}"))]
pub(crate) struct Compare {
    #[command(flatten)]
    pub(crate) bank: Bank,
    /// Output format
    #[arg(long, value_enum, default_value_t = ReportFormat::Table)]
    pub(crate) format: ReportFormat,
}

/// Print all replies of the units and packs of a bank, to be saved in a file
///
/// For example: `lvx dump > bank.yaml`. `sync-check` and `compare` read the file with `--from`.
#[derive(Args, Debug)]
#[command(after_long_help = format!("{UNITS}\n\n{PACKS}\n\n{STATUSES}"))]
pub(crate) struct Dump {
    #[command(flatten)]
    pub(crate) bank: Bank,
    /// Output format
    #[arg(long, value_enum, default_value_t = DumpFormat::Yaml)]
    pub(crate) format: DumpFormat,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum DumpFormat {
    Yaml,
    Json,
}
