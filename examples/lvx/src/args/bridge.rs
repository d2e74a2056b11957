//! The command line of `lvx bridge`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{demo::Scene, format::Format, state_dir::StateDir};

const EXAMPLES: &str = "\
Examples:
  lvx bridge --demo                         a virtual bank, on this machine only
  lvx bridge --demo=night                   the same at night
  sudo lvx bridge init                      write /etc/lvx/bridge.yaml
  lvx bridge check /etc/lvx/bridge.yaml     find mistakes
  lvx bridge --config /etc/lvx/bridge.yaml  run it here
  lvx bridge --print systemd                run it as a service";

const HELP: &str = "\
To install the service:
  sudo install \"$(which lvx)\" /usr/local/bin/
  sudo useradd --system --shell /usr/sbin/nologin --user-group lvx
  lvx links --print udev | sudo tee /etc/udev/rules.d/70-lvx.rules
  sudo lvx bridge init
  lvx bridge --print systemd | sudo tee /etc/systemd/system/lvx-bridge.service
  sudo systemctl daemon-reload
  sudo systemctl enable --now lvx-bridge
SIGHUP (systemctl reload) reads the configuration again. A changed file is read
without a signal, but not if it allows more settings, addresses or programs.
Files of the bridge are in the state folder: --state-dir, or $STATE_DIRECTORY of
systemd, or /var/lib/lvx/bridge for the user of the service.";

const BRIDGE_STATUSES: &str = "\
Exit status: 0 ended by a signal; 2 invalid usage or configuration, or an output
that cannot be used, such as a port in use; for check: 0 no mistake, 2 mistakes.";

/// Watch a bank day and night: MQTT, Home Assistant, Prometheus, HTTP, alerts
#[derive(Args, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{BRIDGE_STATUSES}"))]
#[command(after_long_help = format!("{EXAMPLES}\n\n{HELP}\n\n{BRIDGE_STATUSES}"))]
pub(crate) struct Bridge {
    #[command(subcommand)]
    pub(crate) task: Option<BridgeTask>,
    /// Configuration
    #[arg(long, value_name = "FILE", default_value = "/etc/lvx/bridge.yaml", global = true)]
    pub(crate) config: PathBuf,
    /// Watch a virtual bank, without configuration and broker, on loopback only
    #[arg(
        long,
        value_enum,
        value_name = "SCENE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "day"
    )]
    pub(crate) demo: Option<Scene>,
    /// Port of the HTTP server of --demo; 0 selects a free port
    #[arg(long, value_name = "PORT", default_value_t = 8480, requires = "demo")]
    pub(crate) port: u16,
    /// Print more messages
    #[arg(long)]
    pub(crate) verbose: bool,
    /// Print a file that starts the bridge automatically
    #[arg(long, value_enum, value_name = "WHAT", conflicts_with = "demo")]
    pub(crate) print: Option<BridgeFile>,
    /// Path of the installed lvx, for --print; must be writable only by root
    #[arg(long, value_name = "PATH", default_value = "/usr/local/bin/lvx")]
    pub(crate) lvx: PathBuf,
    /// User of the service, for --print
    #[arg(long, value_name = "USER", default_value = "lvx")]
    pub(crate) user: String,
    /// Group with access to the adapters, for --print
    #[arg(long, value_name = "GROUP", default_value = "plugdev")]
    pub(crate) group: String,
    #[command(flatten)]
    pub(crate) state: StateDir,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum BridgeFile {
    /// systemd service `lvx-bridge.service`
    Systemd,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BridgeTask {
    /// Write a configuration for the units that are plugged in, or for the given ones
    Init {
        /// Addresses of units
        #[arg(value_name = "UNIT")]
        units: Vec<String>,
        /// Prefix of the names
        #[arg(long, default_value = "lvx6048")]
        prefix: String,
        /// Print the file without writing it
        #[arg(long)]
        dry_run: bool,
    },
    /// Check a configuration and print all mistakes at once
    Check {
        /// The file
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Print the JSON schema of the configuration, for editors
    Schema,
    /// Make and remove the tokens with which programs and browsers log in
    Token {
        #[command(subcommand)]
        task: TokenTask,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenTask {
    /// Make a token and print it; it is shown only once
    Create {
        /// Name, shown in the log
        name: String,
        /// What the token allows; a greater scope includes the smaller ones
        #[arg(long, value_enum, default_value_t = TokenScope::Read)]
        scope: TokenScope,
        /// Days after which it is refused
        #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3650))]
        expires: Option<u32>,
    },
    /// Replace a token; sessions of the old one end
    Rotate {
        /// Name of the token
        name: String,
    },
    /// List the tokens
    List {
        /// Output format
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Remove a token; its sessions end
    Revoke {
        /// Name of the token
        name: String,
    },
}

/// What a token allows.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TokenScope {
    /// Read everything
    Read,
    /// Also acknowledge alerts
    Acknowledge,
    /// Also change settings that the configuration allows
    Control,
}
