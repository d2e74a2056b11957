//! The command line of `lvx now` and `lvx watch`.

use clap::Args;
#[cfg(feature = "watch")]
use std::{path::PathBuf, time::Duration};

#[cfg(feature = "watch")]
use super::time::time;
use super::{
    format::Format,
    help::{PACKS, STATUSES, UNITS},
};

/// Show once what a bank does: battery, sun, load, grid, mode, energy of today, packs, findings
///
/// Reads all units and battery packs once. Never writes to a unit. The exit status is 1 for any error or warning, and 3 if a unit
/// could not be read.
#[derive(Args, Debug)]
#[command(after_long_help = format!("{UNITS}\n\n{PACKS}\n\n{STATUSES}"))]
pub(crate) struct Now {
    /// All units of the bank, and its battery packs [default: all adapters of units that are plugged in]
    #[arg(value_name = "UNIT")]
    pub(crate) units: Vec<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
}

#[cfg(feature = "watch")]
const WATCH_EXAMPLES: &str = "\
Examples:
  lvx watch sim:0 sim:1                     a virtual bank
  lvx watch sim:0 sim:pack0 sim:pack1       with battery packs
  lvx watch                                 all adapters
  lvx watch --bridge http://127.0.0.1:8480  what a bridge on this machine sees
  lvx watch | tee -a bank.log               one line for each reading";

#[cfg(feature = "watch")]
const WATCH_HELP: &str = "\
Keys: arrows left and right or Tab change the page (overview, units, findings),
arrows up and down scroll, ? shows all keys, q ends.

Without a terminal as standard output, prints one line for each reading.

Exit status: 0 ended by a key or a signal; 2 invalid usage, or no terminal.";

/// Show a bank in the terminal, continuously
///
/// Reads the units itself, or shows what a bridge on this machine sees. Never writes to a unit.
#[cfg(feature = "watch")]
#[derive(Args, Debug)]
#[command(
    override_usage = "lvx watch [OPTIONS] [UNIT]...\n       lvx watch [OPTIONS] --bridge URL"
)]
#[command(after_help = WATCH_EXAMPLES, after_long_help = format!("{WATCH_EXAMPLES}\n\n{WATCH_HELP}\n\n{UNITS}\n\n{PACKS}"))]
pub(crate) struct Watch {
    /// All units of the bank, and its battery packs [default: all adapters of units that are plugged in]
    #[arg(value_name = "UNIT")]
    pub(crate) units: Vec<String>,
    /// Show what the bridge at this address sees, such as <http://127.0.0.1:8480>; only on this machine
    #[arg(long, value_name = "URL", conflicts_with_all = ["units", "every"])]
    pub(crate) bridge: Option<String>,
    /// Name of the bank of the bridge [default: the first one]
    #[arg(long, value_name = "NAME", requires = "bridge")]
    pub(crate) bank: Option<String>,
    /// File with a token of the bridge [default: $`LVX_BRIDGE_TOKEN`; on the same machine none is needed]
    #[arg(long, value_name = "FILE", requires = "bridge")]
    pub(crate) token_file: Option<PathBuf>,
    /// Time between two readings, 1s to 1h
    #[arg(long, value_name = "TIME", default_value = "2s", value_parser = period)]
    pub(crate) every: Duration,
}

/// Parses the time between two readings.
#[cfg(feature = "watch")]
fn period(text: &str) -> Result<Duration, String> {
    let range = Duration::from_secs(1)..=Duration::from_hours(1);
    let time = time(text).ok().filter(|time| range.contains(time));
    time.ok_or_else(|| "expected a time from 1s to 1h, such as 5s".to_owned())
}
