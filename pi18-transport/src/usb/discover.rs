//! Discovery: finds the units behind all USB adapters, and behind given serial ports.

use std::{
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use pi18_proto::{Count, FirmwareVersions, GeneralStatus, MachineModel, Model, SerialNumber};

use super::{
    adapter::adapters,
    interface::{name_of, taken_adapters},
    probe::{open, serial_number},
};
use crate::{BAUD, Client, ClientConfig, Error, Link, Serial, error::Cause, os::lock};

/// A place where a unit can be connected, and the unit that was found there.
#[derive(Debug)]
#[non_exhaustive]
pub struct Device {
    /// The device node, such as `/dev/hidraw0`; `None` for an adapter that is not bound to the kernel's
    /// HID driver.
    pub node: Option<PathBuf>,
    /// The USB port, such as `1-1.2`.
    pub port: Option<String>,
    /// The unit, or why none was found: [no reply](Error::is_timeout), [another
    /// protocol](Error::is_not_pi18), a device that another program [holds](Error::is_busy) or
    /// [took](Error::is_taken), or [no permission](Error::is_permission) to open it.
    pub unit: Result<Nameplate, Error>,
}

/// The identity of a unit, as it reports it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Nameplate {
    /// The serial number. Some units report a placeholder: check
    /// [`looks_genuine`](SerialNumber::looks_genuine).
    pub serial_number: SerialNumber,
    /// The model; older units do not report it.
    pub model: Option<Model>,
    /// The firmware versions.
    pub firmware: Option<FirmwareVersions>,
    /// The unit's number in the bank, 0 for the master.
    pub instance: Option<Count>,
}

/// Finds the units behind all USB adapters that are plugged in.
///
/// This sends only queries (`PI`, `ID`, then `GMN`, `VFW`, `GS`), to all adapters at the same time. It takes
/// less than a second if all units answer, and two seconds otherwise.
///
/// ```
/// for device in pi18_transport::discover() {
///     match device.unit {
///         Ok(unit) => println!("{:?}: unit {}", device.node, unit.serial_number),
///         Err(error) => println!("no unit: {error:#}"),
///     }
/// }
/// ```
#[must_use]
pub fn discover() -> Vec<Device> {
    let probed = in_parallel(&adapters(), |adapter| {
        let unit = open(&adapter, PATIENCE).and_then(nameplate);
        Device { node: Some(adapter.node), port: adapter.port, unit }
    });
    let taken = taken_adapters().into_iter().map(|taken| {
        let place = format!("USB port {}", taken.port);
        let (by, hint) = (taken.to_string(), taken.hint());
        let source = io::ErrorKind::NotConnected.into();
        let error = Error::from_cause(place, Cause::Taken { by, source }).with_hint(hint);
        Device { node: None, port: Some(taken.port), unit: Err(error) }
    });
    probed.into_iter().chain(taken).collect()
}

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
    name_of(interface.parent()?)
}

/// Probes all places at the same time, one thread each.
fn in_parallel<T: Clone + Send + Sync>(
    places: &[T],
    probe: impl Fn(T) -> Device + Sync,
) -> Vec<Device> {
    thread::scope(|scope| {
        let start = |place: &'_ T| {
            let (place, probe) = (place.clone(), &probe);
            thread::Builder::new().spawn_scoped(scope, move || probe(place))
        };
        let threads: Vec<_> = places.iter().map(|place| (place, start(place))).collect();
        threads
            .into_iter()
            .map(|(place, thread)| match thread {
                Ok(thread) => {
                    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                }
                // The system cannot start another thread: probe on this one.
                Err(_) => probe(place.clone()),
            })
            .collect()
    })
}

fn nameplate(link: impl Link) -> Result<Nameplate, Error> {
    let timeout = ClientConfig::default().timeout / 2;
    let config =
        ClientConfig { timeout, tries: 2, deadline: timeout * 4, ..ClientConfig::default() };
    let mut client = Client::with_config(link, config);
    let serial_number = serial_number(&mut client)?;
    Ok(Nameplate {
        serial_number,
        model: client.read::<MachineModel>().ok().map(|reply| reply.model),
        firmware: client.read::<FirmwareVersions>().ok(),
        instance: client.read::<GeneralStatus>().ok().map(|status| status.parallel_instance),
    })
}

/// How long to wait for a device that another program is using.
const PATIENCE: Duration = lock::PATIENCE.saturating_sub(Duration::from_millis(500));
