//! Units that a bridge on this computer holds: they are reached through its socket.
//!
//! The socket is asked first, before any device is opened. Without a bridge, this costs one failed connection.

use lvx_parallel::Member;
use pi18_transport::{Address, Client, Error, Link};

/// Opens an address, through the bridge if it holds the unit.
pub(crate) fn open_address(address: &Address) -> Result<Client, Error> {
    through_bridge(address).as_ref().unwrap_or(address).open()
}

/// Opens the link of an address, through the bridge if it holds the unit.
pub(crate) fn open_link(address: &Address) -> Result<Box<dyn Link + Send>, Error> {
    through_bridge(address).as_ref().unwrap_or(address).link()
}

/// Opens a unit for reading. Its name is the given address, also if it is reached through the bridge.
pub(crate) fn open_member(address: &Address) -> Member {
    match through_bridge(address).map(|bridge| bridge.open()) {
        Some(Ok(client)) => Member::new(address.place(), client),
        _ => Member::open(address),
    }
}

#[cfg(target_os = "linux")]
pub(crate) use linux::held_node;
#[cfg(target_os = "linux")]
use linux::through_bridge;

#[cfg(not(target_os = "linux"))]
fn through_bridge(_address: &Address) -> Option<Address> {
    None
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        os::unix::fs::{FileTypeExt, MetadataExt},
        path::{Path, PathBuf},
        sync::OnceLock,
        time::Duration,
    };

    use pi18_transport::{
        Address,
        bridge::{self, BridgeUnit},
    };

    use crate::terminal::print_note;

    /// Returns the address of a unit through the bridge; `None` if no bridge holds the unit.
    pub(super) fn through_bridge(address: &Address) -> Option<Address> {
        let place = address.place();
        if ["bridge:", "sim:", "replay:"].iter().any(|kind| place.starts_with(kind)) {
            return None;
        }
        let node = node_of(place);
        let unit = units().iter().find(|unit| is_at(unit, place, node))?;
        let text = address.to_string();
        let options = text.split_once('?').map_or("", |(_, options)| options);
        through(unit, options, &socket()?)
    }

    /// Returns the address of the unit behind a device node through the bridge; `None` if no bridge holds it.
    pub(crate) fn held_node(node: &Path) -> Option<Address> {
        let node = node_of(node.to_str()?);
        let unit =
            units().iter().find(|unit| unit.is_up && node.is_some() && unit.device == node)?;
        through(unit, "", &socket()?)
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

    /// Returns the units of the bridge, which is asked once. A bridge that does not answer, or is not trusted, has none.
    fn units() -> &'static [BridgeUnit] {
        static UNITS: OnceLock<Vec<BridgeUnit>> = OnceLock::new();
        UNITS.get_or_init(|| {
            let Some(socket) = socket() else { return Vec::new() };
            bridge::units(&socket, PATIENCE).unwrap_or_else(|error| {
                // Without a bridge, there is nothing to say.
                if !error.is_not_found()
                    && error.kind() != pi18_transport::ErrorKind::ConnectionRefused
                {
                    print_note(&format!("the bridge is not used: {error:#}"));
                }
                Vec::new()
            })
        })
    }

    /// Returns the socket: that in the environment variable `LVX_BRIDGE_SOCKET`, or that of the service. An empty variable
    /// turns the use of a bridge off.
    fn socket() -> Option<PathBuf> {
        let given = std::env::var_os("LVX_BRIDGE_SOCKET").map(PathBuf::from);
        given.or_else(|| Some(bridge::SOCKET.into())).filter(|path| path.is_absolute())
    }

    /// Longest wait for the answer of the bridge, which may have to ask its links first.
    const PATIENCE: Duration = Duration::from_secs(2);

    #[cfg(test)]
    mod tests {
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
