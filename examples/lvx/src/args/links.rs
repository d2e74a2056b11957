//! The command line of `lvx devices` and `lvx links`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, ValueEnum};

use super::{format::Format, help::STATUSES, time::time};

/// List USB adapters and the units behind them, and battery packs behind serial ports
///
/// Queries each USB adapter with the inverters' vendor and product id (`0665:5161`, which some UPSs
/// also have). Waits two seconds for an adapter that does not answer.
#[derive(Args, Debug)]
#[command(after_help = DEVICES_STATUSES)]
pub(crate) struct Devices {
    /// Also query these serial ports, or all serial ports if none is given: at 2400 baud for a unit; where none
    /// answers, at 9600 baud for a battery pack
    ///
    /// Any device behind these ports receives the queries. Packs are asked at the addresses 64, 16 and 1, and only to
    /// read.
    #[arg(long, value_name = "PORT", num_args = 0.., value_delimiter = ',')]
    pub(crate) serial: Option<Vec<PathBuf>>,
    /// Output format
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
}

const DEVICES_STATUSES: &str = "\
Exit status: 0 all devices were identified; 1 two units report the same serial
number, or a unit reports an invalid one; 3 neither a unit nor a pack was found,
or a device could not be queried.";

const LINKS_HELP: &str = "\
To install the names permanently:
  sudo install \"$(which lvx)\" /usr/local/bin/
  sudo lvx links init
  lvx links --print udev | sudo tee /etc/udev/rules.d/70-lvx.rules
  lvx links --print systemd | sudo tee /etc/systemd/system/lvx-links.service
  sudo systemctl daemon-reload
  sudo udevadm control --reload
  sudo udevadm trigger --action=add --subsystem-match=hidraw
`lvx links init` writes /etc/lvx/units.yaml for the units that are plugged in.
Edit the names there; the service reads the file again after each change.
/dev/lvx6048-1 then always leads to the same unit, and is absent while that unit
is unplugged.

`sudo lvx links` creates the links once and does not maintain them: after cables
are moved, such a link may lead to another unit.";

const LINKS_STATUSES: &str = "\
Exit status: 0 every named unit has its link; 1 a unit has no link because its
serial number is invalid or also reported by another unit; 2 invalid usage or
units.yaml, or the links cannot be written; 3 a named unit is missing.";

/// Maintain device names that follow a unit's serial number, such as /dev/lvx6048-1
#[derive(Args, Debug)]
#[command(after_help = LINKS_STATUSES, after_long_help = format!("{LINKS_HELP}\n\n{LINKS_STATUSES}"))]
pub(crate) struct Links {
    #[command(subcommand)]
    pub(crate) task: Option<LinksTask>,
    /// File with the names of the units
    #[arg(long, value_name = "FILE", default_value = "/etc/lvx/units.yaml", global = true)]
    pub(crate) units: PathBuf,
    /// Folder of the links
    #[arg(long, value_name = "DIR", default_value = "/dev", global = true)]
    pub(crate) dir: PathBuf,
    /// Maximum time to wait for all named units
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    pub(crate) wait: Duration,
    /// Keep the links up to date until interrupted (Ctrl-C)
    #[arg(long)]
    pub(crate) watch: bool,
    /// Print the changes without making them
    #[arg(long, conflicts_with = "watch")]
    pub(crate) dry_run: bool,
    /// Print a file that creates the links automatically
    #[arg(long, value_enum, value_name = "WHAT", conflicts_with_all = ["watch", "dry_run"])]
    pub(crate) print: Option<InstallFile>,
    /// Group with access to the adapters, for --print udev
    #[arg(long, default_value = "plugdev")]
    pub(crate) group: String,
    /// Path of the installed lvx, for --print; must be writable only by root
    #[arg(long, value_name = "PATH", default_value = "/usr/local/bin/lvx")]
    pub(crate) lvx: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum InstallFile {
    /// udev rules that give a group access to the adapters and start the service
    Udev,
    /// systemd service `lvx-links.service`
    Systemd,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LinksTask {
    /// Write units.yaml for the units that are plugged in, the master first
    #[command(after_help = STATUSES)]
    Init {
        /// Prefix of the names
        #[arg(long, default_value = "lvx6048")]
        prefix: String,
        /// Print the file without writing it
        #[arg(long)]
        dry_run: bool,
    },
    /// Remove the links
    Clear {
        /// Remove only links to missing device nodes
        #[arg(long)]
        dead: bool,
    },
}
