//! The command line of `lvx history`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use lvx_bridge::Name;

use super::state_dir::StateDir;

const EXAMPLES: &str = "\
Examples:
  lvx history                                   the bank, the last day
  lvx history pv_power --from -30d --step day   energy of each day
  lvx history unit-1.battery_voltage --from 2026-06-21 --to 2026-06-22
  lvx history --bridge http://solar.lan:8480 --token-file token --format csv
  sudo -u lvx lvx history --format csv > day.csv    from the installed bridge";

const FORMS: &str = "\
A series is a key of the bank, such as pv_power, or a unit and a key, such as
unit-1.battery_voltage. Times are local: 2026-06-21, 2026-06-21T10:00, -24h,
-7d, now, or Unix seconds. A step is a time such as 5min or 1h, `day` for local
days, or `raw` for each reading. What was not read is empty, and never zero.";

/// Print what a bridge read in the past
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{FORMS}"))]
pub(crate) struct History {
    /// Series; all of the bank otherwise
    #[arg(value_name = "SERIES")]
    pub(crate) series: Vec<String>,
    /// Start
    #[arg(long, value_name = "TIME", default_value = "-24h", allow_hyphen_values = true)]
    pub(crate) from: String,
    /// End, which is not included
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    pub(crate) to: String,
    /// Step; otherwise the smallest one with at most 2000 points
    #[arg(long, value_name = "STEP")]
    pub(crate) step: Option<String>,
    /// Name of the bank; the only or first one otherwise
    #[arg(long, value_name = "NAME")]
    pub(crate) bank: Option<Name>,
    /// Output format
    #[arg(long, value_enum, default_value_t = HistoryFormat::Sparkline)]
    pub(crate) format: HistoryFormat,
    /// File of the history; that of the bridge in the state folder otherwise
    #[arg(long, value_name = "FILE", conflicts_with = "bridge")]
    pub(crate) file: Option<PathBuf>,
    /// Ask a running bridge, such as `http://127.0.0.1:8480`
    #[arg(long, value_name = "URL")]
    pub(crate) bridge: Option<String>,
    /// File with the token for the bridge on another machine
    #[arg(long, value_name = "FILE", requires = "bridge")]
    pub(crate) token_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) state: StateDir,
}

/// Output formats of `lvx history`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum HistoryFormat {
    /// A line per series, with its least, mean and greatest value
    Sparkline,
    /// A line per point
    Table,
    /// A line per point, for other programs
    Csv,
    /// The answer of the API
    Json,
}
