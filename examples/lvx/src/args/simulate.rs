//! The command line of `lvx simulate`.

use std::path::PathBuf;

use clap::Args;

const SIMULATE_EXAMPLES: &str = "\
Examples:
  lvx simulate                                      two units on ptys
  lvx simulate --units 3 --tcp 127.0.0.1:8888       ports 8888 to 8890
  lvx simulate --pty --tcp 127.0.0.1:8888           each on a pty and on TCP
  sudo lvx simulate --uhid                          two /dev/hidraw nodes
  lvx simulate --switch pace=2400 --switch 1:fault=83
  lvx simulate --packs 3 --switch pack1:drift=-20   with battery packs
  lvx simulate --list-switches                      all switches";

const SIMULATE_USB: &str = "\
USB, on Linux:
  --uhid creates /dev/hidraw nodes with the vendor and product id of the
  inverters' built-in adapter (0665:5161). It needs the kernel module uhid and
  root's access to /dev/uhid. The units appear at virtual ports
  `lvx-sim-0/input0` and so on (HID_PHYS in sysfs). They are unplugged when
  lvx ends, or by the switch `disconnect`.

  --functionfs DIR is for a machine that can act as a USB device, such as a
  Raspberry Pi Zero on a cable to another machine. With the module dummy_hcd
  the same machine is also the host. Prepare each unit as root (here the first):
    modprobe -a libcomposite dummy_hcd    # dummy_hcd: same machine is the host
    mkdir /sys/kernel/config/usb_gadget/lvx0
    cd /sys/kernel/config/usb_gadget/lvx0
    echo 0x0665 > idVendor; echo 0x5161 > idProduct; echo 0x0002 > bcdDevice
    mkdir strings/0x409 configs/c.1 functions/ffs.lvx0
    echo 'INNO TECH' > strings/0x409/manufacturer
    echo 'USB to Serial' > strings/0x409/product
    mkdir -p /dev/ffs-lvx0; mount -t functionfs lvx0 /dev/ffs-lvx0
  Once `lvx simulate --units 1 --functionfs /dev/ffs-lvx0` is serving:
    ln -s functions/ffs.lvx0 configs/c.1/
    ls /sys/class/udc                     # available controllers
    echo dummy_udc.0 > UDC                # plugs in; `echo > UDC` unplugs
  After the switch `disconnect`, or when lvx has ended, plug the unit in again.";

/// Run a virtual bank that other programs can query and configure
///
/// Prints the address of each unit and battery pack, and serves them until interrupted (Ctrl-C).
#[derive(Args, Debug)]
#[command(after_help = SIMULATE_EXAMPLES)]
#[command(after_long_help = format!("{SIMULATE_EXAMPLES}\n\n{SIMULATE_USB}"))]
pub(crate) struct Simulate {
    /// Number of units, 1 to 9
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=9))]
    pub(crate) units: u8,
    /// Number of battery packs to serve, up to 16
    ///
    /// They answer Modbus at address 64, on ptys, or with --tcp on the TCP ports after those of the units.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=16))]
    pub(crate) packs: u8,
    /// Serve each unit on a pty (the default without --tcp, --uhid and --functionfs)
    ///
    /// Programs built on libserialport cannot open a pty; use --uhid for these.
    #[arg(long)]
    pub(crate) pty: bool,
    /// Serve each unit and pack on TCP: the first on this port, the others on the following ports
    ///
    /// Port 0 selects free ports. A second client of a unit receives "Port already in use" and is
    /// disconnected; --switch hosts=all serves up to eight clients.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) tcp: Option<String>,
    /// Serve each unit as a USB HID device of this machine, such as /dev/hidraw0 (Linux, root)
    #[arg(long)]
    pub(crate) uhid: bool,
    /// Serve a unit as a USB device of another machine, through this `FunctionFS` mount; once per unit
    /// (Linux; see `--help` for the setup)
    #[arg(long, value_name = "DIR")]
    pub(crate) functionfs: Vec<PathBuf>,
    /// Create links to the ptys in this folder, named ttyUSB0, ttyUSB1, …
    ///
    /// Links left by a simulator that was killed are replaced.
    #[arg(long, value_name = "DIR")]
    pub(crate) link_dir: Option<PathBuf>,
    /// Set a switch of all units (lag=2s), one unit (1:fault=83), all packs (pack:echo=on) or one pack (pack0:drift=-20);
    /// may be repeated
    #[arg(long = "switch", value_name = "[UNIT:]KEY=VALUE")]
    pub(crate) switches: Vec<String>,
    /// List all switches of units and packs with their effects
    #[arg(long)]
    pub(crate) list_switches: bool,
}
