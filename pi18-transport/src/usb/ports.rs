//! Serial ports, and the units behind them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::device::{Device, in_parallel, nameplate};
use crate::{BAUD, Serial};

/// Finds the units behind the given serial ports, at 2400 baud.
///
/// This sends queries to every port, even if another device is connected. Leave out ports with devices
/// that must not receive unknown data. [`serial_ports`] lists the ports of this computer.
///
/// ```no_run
/// for device in pi18_transport::discover_serial(&["/dev/ttyUSB0".into()]) {
///     println!("{:?}: {:?}", device.node, device.unit);
/// }
/// ```
#[must_use]
pub fn discover_serial(ports: &[PathBuf]) -> Vec<Device> {
    in_parallel(ports, |path| Device {
        port: usb_port(&path),
        unit: Serial::open(&path, BAUD).and_then(nameplate),
        node: Some(path),
    })
}

/// Returns the serial ports with hardware behind them, such as `/dev/ttyUSB0`; empty on a system
/// without sysfs.
#[must_use]
pub fn serial_ports() -> Vec<PathBuf> {
    let entries = fs::read_dir("/sys/class/tty").into_iter().flatten().flatten();
    let mut ports: Vec<_> = entries
        .filter(|entry| {
            let path = entry.path();
            // The 8250 driver shows ports without a chip as type 0.
            let kind = fs::read_to_string(path.join("type"));
            path.join("device/driver").exists() && kind.is_ok_and(|kind| kind.trim() != "0")
                || entry.file_name().to_string_lossy().starts_with("ttyUSB")
                || entry.file_name().to_string_lossy().starts_with("ttyACM")
        })
        .map(|entry| Path::new("/dev").join(entry.file_name()))
        .collect();
    ports.sort();
    ports
}

/// Returns the USB port of a serial port, such as `1-1.2`.
fn usb_port(path: &Path) -> Option<String> {
    let name = path.canonicalize().ok()?;
    let device = fs::canonicalize(Path::new("/sys/class/tty").join(name.file_name()?)).ok()?;
    let interface = device.ancestors().find(|folder| folder.join("bInterfaceNumber").exists())?;
    Some(interface.parent()?.file_name()?.to_string_lossy().into_owned())
}
