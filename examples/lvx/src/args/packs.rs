//! The command line of `lvx packs`.

use clap::Args;

use super::{
    format::Format,
    help::{PACKS, STATUSES},
};

const EXAMPLES: &str = "\
Examples:
  lvx packs sim:pack0 sim:pack1 sim:pack2
  lvx packs pack:/dev/serial/by-path/pci-0000:00:14.0-usb-0:1.3:1.0-port0
  lvx packs 'pack:/dev/ttyUSB0?address=1&baud=115200' --format json
`lvx devices --serial` finds packs.";

/// Show battery packs side by side: voltage, current, charge, cells, temperatures, warnings
///
/// Reads each pack once, over its own RS-485 port. Never writes to a pack. A pack that is silent is asked for 40
/// seconds, because some USB adapters need as long after they are opened. `lvx sync-check` judges packs together with
/// units.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{PACKS}\n\n{STATUSES}"))]
pub(crate) struct Packs {
    /// Battery packs to read
    #[arg(value_name = "PACK")]
    pub(crate) packs: Vec<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
}
