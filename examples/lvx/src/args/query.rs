//! The command line of `lvx query`, `lvx decode` and `lvx explain`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::help::{STATUSES, UNITS};

const QUERY_EXAMPLES: &str = "\
Examples:
  lvx query GS sim:0                    measurements of a virtual unit
  lvx query GS PGS1 /dev/hidraw0        two queries to one unit
  lvx query ED20260426 serial:/dev/ttyUSB0
  lvx query --list                      all queries
  lvx query --list GS                   all fields of a reply";

/// Send queries to a unit and show each field of the replies
#[derive(Args, Debug)]
#[command(override_usage = "lvx query [OPTIONS] CMD... [UNIT]")]
#[command(after_help = QUERY_EXAMPLES, after_long_help = format!("{QUERY_EXAMPLES}\n\n{UNITS}\n\n{STATUSES}"))]
pub(crate) struct Query {
    /// Queries (GS, PGS1, ED20260426), then the address of the unit
    ///
    /// Without an address, `lvx` uses the unit in `LVX_UNIT`, or the only adapter that is plugged in.
    #[arg(value_name = "CMD", required_unless_present = "list")]
    pub(crate) words: Vec<String>,
    /// List all queries, or the reply fields of the given queries
    #[arg(long)]
    pub(crate) list: bool,
    /// Output format: a table, one line of JSON per reply, or the raw frame
    #[arg(long, value_enum, default_value_t = QueryFormat::Table)]
    pub(crate) format: QueryFormat,
    /// Record all traffic to a new file, which `replay:FILE` plays back
    #[arg(long, value_name = "FILE")]
    pub(crate) capture: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum QueryFormat {
    Table,
    Json,
    Raw,
}

const DECODE_LINES: &str = "\
Each line has one of these forms:
  {\"id\": \"x\", \"command\": \"GS\", \"hex\": \"5e44…\"}
                            JSON; id and command are optional
  GS 5e44…                  command and hex
  5e44…                     hex only
  ^D00505\\xd9\\x9f\\r         frame with escapes, bare or as b'…'
A reply frame does not contain its query. Without a command, the output lists
the queries whose replies have the same shape. In a capture of
`lvx query --capture`, the query is the request sent before the reply.

Exit status: 0 all frames decoded; 1 a frame is damaged or cannot be decoded;
2 a line has none of these forms.";

/// Decode logged frames into JSON, one line of output per line of input
#[derive(Args, Debug)]
#[command(after_help = DECODE_LINES)]
pub(crate) struct Decode {
    /// Log file; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) file: PathBuf,
}

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  lvx explain 83              fault with this number on the display
  lvx explain warning 5       warning by its position in FWS, or by its name
  lvx explain mode 6          working mode
  lvx explain fault           list of all faults (also: warning, mode)

Exit status: 0 success; 2 the code is unknown.";

/// Explain a fault, warning or mode, with the checks to make, in order
///
/// Works without a unit.
#[derive(Args, Debug)]
#[command(override_usage = "lvx explain [fault|warning|mode] CODE", after_help = EXPLAIN_EXAMPLES)]
pub(crate) struct Explain {
    /// Number of a fault, or `warning` or `mode` and its number
    #[arg(value_name = "CODE", required = true, num_args = 1..=2)]
    pub(crate) words: Vec<String>,
}
