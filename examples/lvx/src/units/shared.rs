//! Units that a bridge on this computer holds: they are reached through its socket.
//!
//! The socket is asked first, each time before a device is opened, because a bridge may have been started since. Without a
//! bridge, this costs one failed connection.

use lvx_parallel::Member;
use pi18_proto::SerialNumber;
use pi18_transport::{Address, Client, Device, Error, ErrorKind, Link, Nameplate};

/// Opens an address, through the bridge if it holds the unit.
pub(crate) fn open_address(address: &Address) -> Result<Client, Error> {
    open_with(address, Address::open)
}

/// Opens the address of this unit again, after its link was interrupted.
pub(crate) fn reopen_address(address: &Address, serial: SerialNumber) -> Result<Client, Error> {
    reopen_through(through_bridge(address)?.as_ref(), address, serial)
}

/// Opens a unit through the bridge, or at its own address if the bridge has ended since.
fn reopen_through(
    bridge: Option<&Address>,
    address: &Address,
    serial: SerialNumber,
) -> Result<Client, Error> {
    let has_ended =
        |error: &Error| error.is_not_found() || error.kind() == ErrorKind::ConnectionRefused;
    match bridge.unwrap_or(address).open() {
        // The bridge knew which unit this is. The device may have changed its place.
        Err(error) if bridge.is_some() && !is_bridge(address) && has_ended(&error) => {
            Ok(address.open()?.expecting(serial))
        }
        opened => opened,
    }
}

/// Opens the link of an address, through the bridge if it holds the unit.
pub(crate) fn open_link(address: &Address) -> Result<Box<dyn Link + Send>, Error> {
    open_with(address, Address::link)
}

/// Opens an address, through the bridge if it holds the unit. If the device is in use, the bridge may have taken it since
/// it was asked, so it is asked again.
fn open_with<T>(
    address: &Address,
    open: impl Fn(&Address) -> Result<T, Error>,
) -> Result<T, Error> {
    if let Some(bridge) = through_bridge(address)? {
        return open(&bridge);
    }
    open(address).or_else(|error| match through_bridge(address)? {
        Some(bridge) if error.is_busy() => open(&bridge),
        _ => Err(error),
    })
}

/// Opens a unit for reading. Its name is the given address, also if it is reached through the bridge.
///
/// # Errors
/// If the address cannot be used. A unit that cannot be opened is a member with an error.
pub(crate) fn open_member(address: &Address) -> Result<Member, Error> {
    let through = |bridge: Option<Address>| match bridge {
        Some(bridge) if is_bridge(address) => Some(Member::open(&bridge)),
        Some(bridge) => Some(Member::new(address.place(), bridge.open().ok()?)),
        None => None,
    };
    if let Some(member) = through(through_bridge(address)?) {
        return Ok(member);
    }
    let member = Member::open(address);
    // The bridge may have taken the device since it was asked.
    if member.error().is_some_and(Error::is_busy)
        && let Some(member) = through(through_bridge(address)?)
    {
        return Ok(member);
    }
    Ok(member)
}

/// Returns the USB adapters and the units behind them, also those that a bridge holds.
pub(crate) fn discover() -> Vec<Device> {
    let mut devices = pi18_transport::discover();
    devices.iter_mut().for_each(read_held);
    devices
}

/// Reads a device that a bridge holds through the bridge.
pub(crate) fn read_held(device: &mut Device) {
    if device.unit.as_ref().is_err_and(Error::is_busy)
        && let Some(address) = device.node.as_deref().and_then(held_node)
        && let Ok(unit) = address.link().and_then(Nameplate::read)
    {
        device.unit = Ok(unit);
    }
}

/// Returns whether an address names a unit of a bridge.
fn is_bridge(address: &Address) -> bool {
    address.place().starts_with("bridge:")
}

#[cfg(target_os = "linux")]
use linux::{held_node, through_bridge};

#[cfg(not(target_os = "linux"))]
fn through_bridge(_address: &Address) -> Result<Option<Address>, Error> {
    Ok(None)
}

#[cfg(not(target_os = "linux"))]
fn held_node(_node: &std::path::Path) -> Option<Address> {
    None
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        ffi::OsString,
        os::unix::fs::{FileTypeExt, MetadataExt},
        path::{Path, PathBuf},
        sync::Once,
        time::Duration,
    };

    use pi18_transport::{
        Address, Error, ErrorKind,
        bridge::{self, BridgeUnit},
    };

    use super::is_bridge;
    use crate::{state::has_other_rights, terminal::print_note};

    /// Returns the address of a unit through the bridge; `None` if no bridge holds the unit.
    ///
    /// # Errors
    /// If the address names a unit of a bridge, and the environment turns the use of a bridge off.
    pub(super) fn through_bridge(address: &Address) -> Result<Option<Address>, Error> {
        if is_bridge(address) {
            return with_socket(address, socket().as_deref()).map(Some);
        }
        let place = address.place();
        if ["sim:", "replay:"].iter().any(|kind| place.starts_with(kind)) {
            return Ok(None);
        }
        Ok(socket().and_then(|socket| at_socket(address, &socket)))
    }

    /// Returns the address of a unit through the bridge that listens on `socket`; `None` if there is none, or it does
    /// not hold the unit.
    fn at_socket(address: &Address, socket: &Path) -> Option<Address> {
        let (place, units) = (address.place(), units(socket));
        let node = node_of(place);
        let unit = units.iter().find(|unit| is_at(unit, place, node))?;
        let text = address.to_string();
        let options = text.split_once('?').map_or("", |(_, options)| options);
        through(unit, options, socket)
    }

    /// Adds the socket to an address of a unit of a bridge, unless it names one.
    fn with_socket(address: &Address, socket: Option<&Path>) -> Result<Address, Error> {
        let text = address.to_string();
        let (_, options) = text.split_once('?').unwrap_or_default();
        if options.split('&').any(|option| option.starts_with("socket=")) {
            return Ok(address.clone());
        }
        let socket = socket.ok_or_else(|| {
            let why = format!("{SOCKET_VARIABLE}: expected the absolute path of a socket");
            let hint = "unset the variable, or name the socket in the address (?socket=PATH)";
            Error::new(ErrorKind::Address, &*text, why).with_hint(hint)
        })?;
        let before = if options.is_empty() { '?' } else { '&' };
        format!("{text}{before}socket={}", socket.display()).parse()
    }

    /// Returns the address of the unit behind a device node through the bridge; `None` if no bridge holds it.
    pub(super) fn held_node(node: &Path) -> Option<Address> {
        let (node, socket) = (node_of(node.to_str()?), socket()?);
        let units = units(&socket);
        let unit = units.iter().find(|unit| unit.is_up && node.is_some() && unit.device == node)?;
        through(unit, "", &socket)
    }

    /// Returns whether an address leads to a unit of the bridge. `node` is the number of its device node.
    fn is_at(unit: &BridgeUnit, place: &str, node: Option<u64>) -> bool {
        let is_named = place.strip_prefix("sn:") == Some(unit.serial_number.as_str());
        let is_node = node.is_some() && node == unit.device;
        unit.is_up && (is_named || is_node || place == unit.address)
    }

    /// Returns the address of a unit of the bridge, with the options that do not belong to a device.
    fn through(unit: &BridgeUnit, options: &str, socket: &Path) -> Option<Address> {
        let kept = options.split('&').filter(|option| {
            ["crc=", "timeout=", "tries=", "serial="].iter().any(|name| option.starts_with(name))
        });
        let socket = format!("socket={}", socket.display());
        let options: Vec<_> = kept.chain([&*socket]).collect();
        format!("bridge:{}?{}", unit.serial_number, options.join("&")).parse().ok()
    }

    /// Returns the number of the device node of an address.
    fn node_of(place: &str) -> Option<u64> {
        let path = ["hidraw:", "serial:"].iter().find_map(|kind| place.strip_prefix(kind));
        let found = Path::new(path.unwrap_or(place)).metadata().ok()?;
        found.file_type().is_char_device().then(|| found.rdev())
    }

    /// Returns the units of the bridge that listens on `socket`. A bridge that does not answer, or is not trusted, has none.
    fn units(socket: &Path) -> Vec<BridgeUnit> {
        static NOTE: Once = Once::new();
        bridge::units(socket, PATIENCE).unwrap_or_else(|error| {
            // A missing bridge is normal.
            if !error.is_not_found() && error.kind() != ErrorKind::ConnectionRefused {
                NOTE.call_once(|| print_note(&format!("the bridge is not used: {error:#}")));
            }
            Vec::new()
        })
    }

    /// Returns the socket: that in the environment variable `LVX_BRIDGE_SOCKET`, or that of the service. An empty variable
    /// turns the use of a bridge off.
    fn socket() -> Option<PathBuf> {
        chosen(std::env::var_os(SOCKET_VARIABLE), has_other_rights())
    }

    /// Returns the given socket, or that of the service.
    fn chosen(given: Option<OsString>, has_other_rights: bool) -> Option<PathBuf> {
        // A user with fewer rights may have set the variable.
        let given = given.filter(|_| !has_other_rights).map(PathBuf::from);
        given.or_else(|| Some(bridge::SOCKET.into())).filter(|path| path.is_absolute())
    }

    /// The environment variable that names the socket.
    const SOCKET_VARIABLE: &str = "LVX_BRIDGE_SOCKET";

    /// Longest wait for the answer of the bridge, which may have to ask its links first.
    const PATIENCE: Duration = Duration::from_secs(2);

    #[cfg(test)]
    mod tests {
        use std::{
            io::{BufRead, BufReader, Write},
            os::unix::net::UnixListener,
        };

        use pi18_proto::SerialNumber;

        use super::*;

        fn unit() -> BridgeUnit {
            let serial = SerialNumber::new("96132206100410").unwrap();
            let mut unit = BridgeUnit::new("left", serial, "tcp:192.0.2.1:8888");
            unit.device = Some(0x0001_0003);
            unit
        }

        #[test]
        fn unit_is_found_by_serial_number_device_and_address() {
            let unit = unit();
            assert!(is_at(&unit, "sn:96132206100410", None));
            assert!(!is_at(&unit, "sn:96132206100411", None));
            assert!(is_at(&unit, "/dev/lvx6048-1", Some(0x0001_0003)));
            assert!(!is_at(&unit, "/dev/lvx6048-1", Some(0x0001_0004)));
            assert!(is_at(&unit, "tcp:192.0.2.1:8888", None));
            assert!(!is_at(&unit, "/dev/lvx6048-1", None));
            let mut down = unit;
            down.is_up = false;
            assert!(!is_at(&down, "sn:96132206100410", None));
            assert!(node_of("/dev/null").is_some());
            assert_eq!(node_of("hidraw:/dev/null"), node_of("/dev/null"));
            assert_eq!(node_of("/etc/hosts"), None);
        }

        #[test]
        fn socket_of_the_environment_is_used_unless_the_address_names_one() {
            let given = |text: &str| chosen(Some(text.into()), false);
            assert_eq!(given("/tmp/x.sock").as_deref(), Some(Path::new("/tmp/x.sock")));
            assert_eq!((given(""), given("x.sock")), (None, None));
            let service = Some(PathBuf::from(bridge::SOCKET));
            assert_eq!(chosen(None, false), service);
            assert_eq!(chosen(Some("/tmp/x.sock".into()), true), service);

            let with = |text: &str, socket: Option<&str>| {
                with_socket(&text.parse().unwrap(), socket.map(Path::new))
            };
            for (text, expected) in [
                ("bridge:left", "bridge:left?socket=/tmp/x.sock"),
                ("bridge:left?timeout=5s", "bridge:left?timeout=5s&socket=/tmp/x.sock"),
                (
                    "bridge:left?socket=/run/lvx/bridge.sock",
                    "bridge:left?socket=/run/lvx/bridge.sock",
                ),
            ] {
                let address = with(text, Some("/tmp/x.sock")).unwrap();
                assert_eq!(address.to_string(), expected);
            }
            let error = with("bridge:left", None).unwrap_err();
            assert!(error.to_string().contains("LVX_BRIDGE_SOCKET"), "{error}");
            assert!(with("bridge:left?socket=/tmp/x.sock", None).is_ok());
        }

        #[test]
        fn unit_is_reopened_at_its_own_address_after_the_bridge_ended() {
            let [own, other] = ["96132206100410", "96132206100411"]
                .map(|digits| SerialNumber::new(digits).unwrap());
            let ended: Address = "bridge:96132206100410?socket=/no/such.sock".parse().unwrap();
            let address: Address = "sim:0".parse().unwrap();
            let mut client = super::super::reopen_through(Some(&ended), &address, own).unwrap();
            assert!(client.read::<pi18_proto::Mode>().is_ok());
            let mut client = super::super::reopen_through(Some(&ended), &address, other).unwrap();
            let error = client.read::<pi18_proto::Mode>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::WrongUnit);
            // An address of the bridge itself has no other place.
            let error = super::super::reopen_through(Some(&ended), &ended, own).unwrap_err();
            assert!(error.is_not_found());
        }

        #[test]
        fn bridge_is_found_although_it_starts_after_the_first_look() {
            let folder = tempfile::tempdir().unwrap();
            let socket = folder.path().join("bridge.sock");
            let address: Address = "sn:96132206100410?timeout=5s".parse().unwrap();
            assert_eq!(at_socket(&address, &socket), None);
            let listener = UnixListener::bind(&socket).unwrap();
            let bridge = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let mut line = String::new();
                BufReader::new(&stream).read_line(&mut line).unwrap();
                let units = vec![unit()];
                let answer = bridge::write_line(&bridge::Answer::Units { version: 1, units });
                stream.write_all(&answer).unwrap();
                line
            });
            let found = at_socket(&address, &socket).unwrap().to_string();
            let expected = "bridge:96132206100410?timeout=5s&socket=";
            assert_eq!(found, format!("{expected}{}", socket.display()));
            assert_eq!(bridge.join().unwrap(), "{\"type\":\"list\",\"version\":1}\n");
            // The bridge has ended.
            assert_eq!(at_socket(&address, &socket), None);
        }

        #[test]
        fn options_of_the_device_are_left_out() {
            let options = "crc=off&pause=50ms&timeout=5s&baud=9600&serial=96132206100410";
            let address = through(&unit(), options, Path::new("/run/x.sock")).unwrap();
            assert_eq!(
                address.to_string(),
                "bridge:96132206100410?crc=off&timeout=5s&serial=96132206100410&socket=/run/x.sock"
            );
        }
    }
}
