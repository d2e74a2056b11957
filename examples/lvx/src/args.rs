//! The command line.

#[cfg(target_os = "linux")]
pub(crate) mod links;
pub(crate) mod settings;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::outcome::STATUSES;

/// Asks, checks and sets Voltronic / MPP Solar hybrid inverters that speak PI18 (LVX6048,
/// InfiniSolar V).
#[derive(Debug, Parser)]
#[command(name = "lvx", version, after_help = STATUSES, arg_required_else_help = true, max_term_width = MAX_WIDTH)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) task: Task,
    /// Draw no progress, and do not list adapters that are used because no unit is named
    #[arg(long, global = true)]
    pub(crate) quiet: bool,
}

/// Columns of help and lists: what any terminal has.
pub(crate) const MAX_WIDTH: usize = 80;

#[derive(Debug, Subcommand)]
pub(crate) enum Task {
    #[cfg(target_os = "linux")]
    Devices(links::Devices),
    Query(Query),
    Decode(Decode),
    Explain(Explain),
    SyncCheck(SyncCheck),
    Compare(Compare),
    Dump(Dump),
    Diff(settings::Diff),
    Validate(settings::Validate),
    #[cfg(unix)]
    Apply(settings::Apply),
    #[cfg(unix)]
    Set(settings::Set),
    #[cfg(unix)]
    Confirm(settings::Confirm),
    #[cfg(unix)]
    Restore(settings::Restore),
    #[cfg(unix)]
    Runs(settings::Runs),
    Profile(settings::Profile),
    #[cfg(target_os = "linux")]
    Links(links::Links),
    Simulate(Simulate),
    /// Print completions for a shell
    ///
    /// For bash: `lvx completions bash > ~/.local/share/bash-completion/completions/lvx`
    Completions {
        /// Which shell
        shell: Shell,
    },
}

const UNITS: &str = "\
A unit is an address:
  /dev/hidraw0               a USB or serial device; its kind is found out
  hidraw:/dev/hidraw0        a USB HID device
  serial:/dev/ttyUSB0        a serial port (2400 baud; ?baud=9600 for others)
  tcp:HOST:PORT              a serial bridge
  sn:96132206100410          the unit with that serial number, wherever it is
                             plugged in (USB); it is followed when cables move
  sim:0  sim:1               the virtual bank: nothing has to be plugged in
  replay:FILE                a capture
Options follow a `?`: crc=off (leave the checksum out of requests), timeout=2s,
tries=3, pause=50ms (between USB reports); for sim: the switches of
`lvx simulate --list-switches`, such as 'sim:1?fault=83'.";

const QUERY_EXAMPLES: &str = "\
Examples:
  lvx query GS sim:0                    what a virtual unit measures right now
  lvx query GS PGS1 /dev/hidraw0        two questions to one unit
  lvx query ED20260426 serial:/dev/ttyUSB0
  lvx query --list                      every question there is
  lvx query --list GS                   every field of an answer";

/// Ask a unit and show each field of its answer
#[derive(ClapArgs, Debug)]
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
#[derive(ClapArgs, Debug)]
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
#[derive(ClapArgs, Debug)]
#[command(override_usage = "lvx explain [fault|warning|mode] CODE", after_help = EXPLAIN_EXAMPLES)]
pub(crate) struct Explain {
    /// The number, behind `warning` or `mode` if it is no fault's
    #[arg(value_name = "CODE", required = true, num_args = 1..=2)]
    pub(crate) words: Vec<String>,
}

/// The units of a bank, or a file in their place
#[derive(ClapArgs, Debug)]
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
#[derive(ClapArgs, Debug)]
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
#[derive(ClapArgs, Debug)]
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
#[derive(ClapArgs, Debug)]
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

const SIMULATE_EXAMPLES: &str = "\
Examples:
  lvx simulate                                      two units on ptys
  lvx simulate --units 3 --tcp 127.0.0.1:8888       three, on ports 8888 to 8890
  lvx simulate --pty --tcp 127.0.0.1:8888           each on a pty and on TCP
  sudo lvx simulate --uhid                          two on nodes /dev/hidraw…
  lvx simulate --switch pace=2400 --switch 1:fault=83
  lvx simulate --list-switches                      every switch there is";

const SIMULATE_USB: &str = "\
USB, on Linux:
  --uhid makes /dev/hidraw nodes with vendor and product of the adapter that
  these inverters have built in (0665:5161). It needs the module uhid and access
  to /dev/uhid, which root has. The units are plugged in at made-up ports,
  `lvx-sim-0/input0` and so on (HID_PHYS in sysfs), and unplugged at the end, or
  when the switch `disconnect` says so.

  --functionfs DIR is for a machine that can itself be a USB device, such as a
  Raspberry Pi Zero on a cable to another machine; the module dummy_hcd makes
  this machine its own host. What has to be there before, for each unit, as root
  (here for the first):
    modprobe -a libcomposite dummy_hcd    # dummy_hcd to be the host as well
    mkdir /sys/kernel/config/usb_gadget/lvx0
    cd /sys/kernel/config/usb_gadget/lvx0
    echo 0x0665 > idVendor; echo 0x5161 > idProduct; echo 0x0002 > bcdDevice
    mkdir strings/0x409 configs/c.1 functions/ffs.lvx0
    echo 'INNO TECH' > strings/0x409/manufacturer
    echo 'USB to Serial' > strings/0x409/product
    mkdir -p /dev/ffs-lvx0; mount -t functionfs lvx0 /dev/ffs-lvx0
  Then, once `lvx simulate --units 1 --functionfs /dev/ffs-lvx0` serves:
    ln -s functions/ffs.lvx0 configs/c.1/
    ls /sys/class/udc                     # the controllers there are
    echo dummy_udc.0 > UDC                # plugs it in; `echo > UDC` unplugs it
  When `disconnect` or the end of lvx has unplugged it, it is to be plugged in
  anew.";

/// Run a virtual bank that other programs can talk to
///
/// Prints the addresses and serves them until it is interrupted (Ctrl-C).
#[derive(ClapArgs, Debug)]
#[command(after_help = SIMULATE_EXAMPLES)]
#[command(after_long_help = format!("{SIMULATE_EXAMPLES}\n\n{SIMULATE_USB}"))]
pub(crate) struct Simulate {
    /// How many units, 1 to 9
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=9))]
    pub(crate) units: u8,
    /// Serve each unit on a pty (also if no other way is chosen). Programs built on libserialport
    /// cannot open a pty: use --uhid for a device node
    #[arg(long)]
    pub(crate) pty: bool,
    /// Serve each unit on TCP: the first on this address, the others on the ports after it; port 0
    /// takes free ones. A second client of a unit gets "Port already in use" and is disconnected;
    /// --switch hosts=all serves up to eight on one line
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) tcp: Option<String>,
    /// Serve each unit as a USB HID device of this machine, with a node such as /dev/hidraw0 (Linux,
    /// as root)
    #[arg(long)]
    pub(crate) uhid: bool,
    /// Serve a unit as a USB device that another machine sees, behind the `FunctionFS` mounted here;
    /// once for each unit (Linux; `--help` says what has to be set up)
    #[arg(long, value_name = "DIR")]
    pub(crate) functionfs: Vec<PathBuf>,
    /// Put links to the ptys here, named ttyUSB0, ttyUSB1, … as some programs want them. Links of a
    /// simulator that was killed are replaced
    #[arg(long, value_name = "DIR")]
    pub(crate) link_dir: Option<PathBuf>,
    /// Turn a switch for all units (lag=2s) or one (1:fault=83); may be given again
    #[arg(long = "switch", value_name = "[UNIT:]KEY=VALUE")]
    pub(crate) switches: Vec<String>,
    /// Show every switch and what it does
    #[arg(long)]
    pub(crate) list_switches: bool,
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::*;

    #[test]
    fn help_fits_80_columns() {
        let mut command = Args::command();
        command.build();
        check(&mut command);
    }

    fn check(command: &mut Command) {
        let name = command.get_name().to_owned();
        // Examples and tables are laid out by hand: a line that is wrapped breaks them.
        let by_hand = [command.get_after_help(), command.get_after_long_help()];
        let by_hand: Vec<_> = by_hand.into_iter().flatten().map(ToString::to_string).collect();
        let help = [command.render_help(), command.render_long_help()].map(|help| help.to_string());
        for line in by_hand
            .into_iter()
            .chain(help)
            .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        {
            let width = line.chars().count();
            assert!(width <= MAX_WIDTH, "{name}: {width} columns: {line}");
        }
        command.get_subcommands_mut().for_each(check);
    }
}
