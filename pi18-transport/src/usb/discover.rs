//! What is plugged in: every adapter, and every serial port if wanted, is asked who it is.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use pi18_proto::{
    Count, FirmwareVersions, GeneralStatus, Identity, MachineModel, Model, SerialNumber,
};

use super::adapter::{self, Adapter};
use crate::{BAUD, Client, ClientConfig, Error, Hidraw, Link, Serial, error::ErrorKind, os::lock};

/// A place where a unit may be, and what was found there.
#[derive(Debug)]
#[non_exhaustive]
pub struct Device {
    /// Its node, such as `/dev/hidraw0`; none for an adapter that the kernel's HID driver does not
    /// have.
    pub node: Option<PathBuf>,
    /// The USB port, such as `1-1.2`.
    pub port: Option<String>,
    /// The unit, or why none was found: [nothing answered](Error::is_timeout), it [speaks something
    /// else](Error::is_not_pi18), another program [holds](Error::is_busy) or [took](Error::is_taken)
    /// it, or this user [may not open](Error::is_permission) it.
    pub unit: Result<Nameplate, Error>,
}

/// What a unit says of itself.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Nameplate {
    /// Its serial number. Whether it [looks like one](SerialNumber::looks_genuine) is for the caller
    /// to judge.
    pub serial_number: SerialNumber,
    /// Its model; older units do not tell.
    pub model: Option<Model>,
    /// Its firmware.
    pub firmware: Option<FirmwareVersions>,
    /// Its number in the bank, 0 for the master.
    pub instance: Option<Count>,
}

/// Asks every adapter that is plugged in who it is, side by side, with queries alone (`PI`, `ID`,
/// then `GMN`, `VFW`, `GS`). Takes two seconds if one of them is silent, and less than one otherwise.
///
/// ```no_run
/// for device in pi18_transport::discover() {
///     match device.unit {
///         Ok(unit) => println!("{:?}: {}", device.node, unit.serial_number),
///         Err(why) => println!("{:?}: {why}", device.node),
///     }
/// }
/// ```
#[must_use]
pub fn discover() -> Vec<Device> {
    let asked = side_by_side(&adapter::adapters(), |adapter| {
        let unit = open(&adapter, PATIENCE).and_then(nameplate);
        Device { node: Some(adapter.node), port: adapter.port, unit }
    });
    let taken = adapter::taken().into_iter().map(|taken| {
        let place = format!("USB port {}", taken.port);
        let (by, hint) = (taken.to_string(), taken.hint());
        let source = std::io::ErrorKind::NotConnected.into();
        let error = Error::new(place, ErrorKind::Taken { by, source }).hint(hint);
        Device { node: None, port: Some(taken.port), unit: Err(error) }
    });
    asked.into_iter().chain(taken).collect()
}

/// The same for serial ports, at 2400 baud.
///
/// Whatever is behind them is written to: leave out a port of which it is not known that it may be.
/// [`serial_ports`] lists those of this computer.
#[must_use]
pub fn discover_serial(ports: &[PathBuf]) -> Vec<Device> {
    side_by_side(ports, |path| Device {
        port: usb_port(&path),
        unit: Serial::open(&path, BAUD).and_then(nameplate),
        node: Some(path),
    })
}

/// The serial ports that have hardware behind them, such as `/dev/ttyUSB0`; empty where there is no
/// sysfs.
#[must_use]
pub fn serial_ports() -> Vec<PathBuf> {
    let entries = fs::read_dir("/sys/class/tty").into_iter().flatten().flatten();
    let mut ports: Vec<_> = entries
        .filter(|entry| {
            let path = entry.path();
            // A port of the 8250 driver with no chip behind it is of type 0.
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

/// `1-1.2` of a port on USB.
fn usb_port(path: &Path) -> Option<String> {
    let name = path.canonicalize().ok()?;
    let device = fs::canonicalize(Path::new("/sys/class/tty").join(name.file_name()?)).ok()?;
    let interface = device.ancestors().find(|folder| folder.join("bInterfaceNumber").exists())?;
    adapter::name_of(interface.parent()?)
}

fn side_by_side<T: Clone + Send + Sync>(
    places: &[T],
    ask: impl Fn(T) -> Device + Sync,
) -> Vec<Device> {
    thread::scope(|scope| {
        let start = |place: &'_ T| {
            let (place, ask) = (place.clone(), &ask);
            thread::Builder::new().spawn_scoped(scope, move || ask(place))
        };
        let threads: Vec<_> = places.iter().map(|place| (place, start(place))).collect();
        threads
            .into_iter()
            .map(|(place, asked)| match asked {
                Ok(asked) => asked.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                // The system has no more threads: one after another, then.
                Err(_) => ask(place.clone()),
            })
            .collect()
    })
}

/// Opens an adapter's node, if no other one has it by now.
pub(crate) fn open(adapter: &Adapter, patience: Duration) -> Result<Hidraw, Error> {
    let node = Hidraw::open_within(&adapter.node, patience)?;
    if node.plugging() == Some(&*adapter.plugging) {
        Ok(node)
    } else {
        Err(Error::gone(adapter.node.display().to_string()))
    }
}

/// Asks whatever is behind `link` who it is.
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

/// Who a unit is. The client asks `PI` before it, so that the answer is not another one's.
pub(crate) fn serial_number(client: &mut Client<impl Link>) -> Result<SerialNumber, Error> {
    client.read::<Identity>().map(|identity| identity.serial_number)
}

/// How long another program's use of a device is waited for.
const PATIENCE: Duration = lock::PATIENCE.saturating_sub(Duration::from_millis(500));
