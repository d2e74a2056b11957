//! The command line of `lvx query`, `lvx decode` and `lvx explain`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::help::{STATUSES, UNITS};

const QUERY_EXAMPLES: &str = "\
Examples:
  lvx query GS sim:0                    what a virtual unit measures right now
  lvx query GS PGS1 /dev/hidraw0        two questions to one unit
  lvx query ED20260426 serial:/dev/ttyUSB0
  lvx query --list                      every question there is
  lvx query --list GS                   every field of an answer";

/// Ask a unit and show each field of its answer
#[derive(Args, Debug)]
#[command(override_usage = "lvx query [OPTIONS] CMD... [UNIT]")]
#[command(after_help = QUERY_EXAMPLES, after_long_help = format!("{QUERY_EXAMPLES}\n\n{UNITS}\n\n{STATUSES}"))]
pub(crate) struct Query {
    /// Commands by mnemonic, with arguments where they take one (GS, PGS1, ED20260426), then the unit
    ///
    /// Without a unit, the one that `LVX_UNIT` names is asked, or the only inverter adapter that is plugged in.
    #[arg(value_name = "CMD", required_unless_present = "list")]
    pub(crate) words: Vec<String>,
    /// Show every command; with commands, what each of them answers
    #[arg(long)]
    pub(crate) list: bool,
    /// How to show the answer: a table, one line of JSON a command, or the raw frame
    #[arg(long, value_enum, default_value_t = QueryFormat::Table)]
    pub(crate) format: QueryFormat,
    /// Write all traffic to a file that `replay:FILE` plays back
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
A line is one of:
  {\"id\": \"x\", \"command\": \"GS\", \"hex\": \"5e44…\"}
                            JSON; id and command may be left out
  GS 5e44…                  a command and hex
  5e44…                     hex alone
  ^D00505\\xd9\\x9f\\r         a frame with escapes, bare or as b'…'
A reply does not say what it answers: without a command, those are named whose
reply has its shape. The lines of a capture (lvx query --capture) know.

Exit status: 0 all decoded; 1 some frame is damaged or cannot be read;
2 some line is none of these.";

/// Decode frames from logs, one JSON line out for each line in
#[derive(Args, Debug)]
#[command(after_help = DECODE_LINES)]
pub(crate) struct Decode {
    /// The log; `-` is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) file: PathBuf,
}

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  lvx explain 83              a fault, by the number on the display
  lvx explain warning 5       a warning, by its place in FWS (or its name)
  lvx explain mode 6          a mode
  lvx explain fault           every fault there is; so with warning and mode

Exit status: 0 explained; 2 there is no such code.";

/// Explain a fault, a warning or a mode: what it means, what to check, in which order
///
/// No unit is asked.
#[derive(Args, Debug)]
#[command(override_usage = "lvx explain [fault|warning|mode] CODE", after_help = EXPLAIN_EXAMPLES)]
pub(crate) struct Explain {
    /// The number, behind `warning` or `mode` if it is no fault's
    #[arg(value_name = "CODE", required = true, num_args = 1..=2)]
    pub(crate) words: Vec<String>,
}
