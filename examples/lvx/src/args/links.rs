//! The command line of `lvx devices` and `lvx links`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand, ValueEnum};

use super::{format::Format, help::STATUSES, time::time};

/// Show what is plugged in, and which unit is behind it
///
/// Every USB adapter of such an inverter (`0665:5161`; some UPSs have the same) is asked who it is, with
/// queries alone. One that does not answer takes two seconds.
#[derive(Args, Debug)]
#[command(after_help = DEVICES_STATUSES)]
pub(crate) struct Devices {
    /// Also ask on serial ports, at 2400 baud: on these, or on every one if none is named. Whatever is
    /// behind them is written to
    #[arg(long, value_name = "PORT", num_args = 0.., value_delimiter = ',')]
    pub(crate) serial: Option<Vec<PathBuf>>,
    /// How to show it
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(crate) format: Format,
}

const DEVICES_STATUSES: &str = "\
Exit status: 0 every device is a unit or something else; 1 two units report one
serial number, or one that is none; 3 there is no unit, or a device could not
be asked.";

const LINKS_HELP: &str = "\
To have the names always:
  sudo install \"$(which lvx)\" /usr/local/bin/
  sudo lvx links init
  lvx links --print udev | sudo tee /etc/udev/rules.d/70-lvx.rules
  lvx links --print systemd | sudo tee /etc/systemd/system/lvx-links.service
  sudo systemctl daemon-reload
  sudo udevadm control --reload
  sudo udevadm trigger --action=add --subsystem-match=hidraw
`lvx links init` writes /etc/lvx/units.yaml from what is plugged in; change the
names there as you like: the service follows. /dev/lvx6048-1 is that unit, or it
is not there.

`sudo lvx links` alone makes the names for what is plugged in now. Such a link
may lead to another unit once cables are moved: it is not maintained.";

const LINKS_STATUSES: &str = "\
Exit status: 0 every named unit has its link; 1 two units report one serial
number, or one that is none, and have no link; 2 wrong usage, a mistake in
units.yaml, or the links cannot be written; 3 a named unit is missing.";

/// Keep names under /dev that stay with a unit (/dev/lvx6048-1), by serial number
#[derive(Args, Debug)]
#[command(after_help = LINKS_STATUSES, after_long_help = format!("{LINKS_HELP}\n\n{LINKS_STATUSES}"))]
pub(crate) struct Links {
    #[command(subcommand)]
    pub(crate) task: Option<LinksTask>,
    /// Which unit is called what
    #[arg(long, value_name = "FILE", default_value = "/etc/lvx/units.yaml", global = true)]
    pub(crate) units: PathBuf,
    /// Where the links are
    #[arg(long, value_name = "DIR", default_value = "/dev", global = true)]
    pub(crate) dir: PathBuf,
    /// How long to wait until every named unit is there
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    pub(crate) wait: Duration,
    /// Go on until interrupted (Ctrl-C), and follow what is plugged in and out
    #[arg(long)]
    pub(crate) watch: bool,
    /// Say what would be done
    #[arg(long, conflicts_with = "watch")]
    pub(crate) dry_run: bool,
    /// Print what makes the links by itself, ready to install
    #[arg(long, value_enum, value_name = "WHAT", conflicts_with_all = ["watch", "dry_run"])]
    pub(crate) print: Option<Printed>,
    /// The group that may use the adapters, for --print udev
    #[arg(long, default_value = "plugdev")]
    pub(crate) group: String,
    /// Where lvx is installed, for --print: where only root can write
    #[arg(long, value_name = "PATH", default_value = "/usr/local/bin/lvx")]
    pub(crate) lvx: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Printed {
    /// Rules for udev: access for a group, and the service
    Udev,
    /// The service, `lvx-links.service`
    Systemd,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LinksTask {
    /// Write units.yaml from what is plugged in, the master first
    #[command(after_help = STATUSES)]
    Init {
        /// What the names begin with
        #[arg(long, default_value = "lvx6048")]
        prefix: String,
        /// Print it, and write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Take the links away
    Clear {
        /// Only those whose node is gone
        #[arg(long)]
        dead: bool,
    },
}
