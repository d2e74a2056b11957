//! The command line of `lvx simulate`.

use std::path::PathBuf;

use clap::Args;

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
#[derive(Args, Debug)]
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
