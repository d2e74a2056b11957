//! Battery packs behind serial ports.
//!
//! A port is asked for a unit first, at 2400 baud, and for a pack only if no unit answered. A pack takes the query of a
//! unit for noise, because its checksum is not that of a request. A unit that is silent takes the request of a pack for
//! the begin of a query, which its next query replaces. Only registers are read.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

use lvx_parallel::pack::{Label, Live, PackClient};
use pi18_transport::{Address, Device, Error};

use crate::units::BY_PATH;

/// A battery pack that was found.
pub(super) struct FoundPack {
    /// Its address, by the USB port of its adapter if the system names it so.
    pub(super) address: Address,
    /// Model and firmware, if it has them.
    pub(super) label: Option<Label>,
    /// Measurements; or why they cannot be read, if something answered that is not one pack.
    pub(super) live: Result<Live, Error>,
}

/// Looks for a pack behind each device at which no unit answered, all at the same time.
pub(super) fn find(devices: &[Device]) -> Vec<Option<FoundPack>> {
    thread::scope(|scope| {
        let searches: Vec<_> = devices
            .iter()
            .map(|device| {
                let port = device.node.as_deref().filter(|_| may_be_pack(device));
                port.map(|port| scope.spawn(move || ask(port)))
            })
            .collect();
        let join = |search: thread::ScopedJoinHandle<'_, _>| {
            search.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        searches.into_iter().map(|search| search.and_then(join)).collect()
    })
}

/// Returns whether a port was opened and no unit answered.
fn may_be_pack(device: &Device) -> bool {
    device
        .unit
        .as_ref()
        .is_err_and(|error| error.is_timeout() || error.is_not_pi18() || error.is_decode())
}

/// Asks a port once at each address that packs have by default.
fn ask(port: &Path) -> Option<FoundPack> {
    ADDRESSES.iter().find_map(|number| {
        let at = |port: &Path, options: &str| -> Option<Address> {
            let options = format!("address={number}{options}");
            format!("pack:{}?{options}", port.to_str()?).parse().ok()
        };
        let mut client = PackClient::open(&at(&port.canonicalize().ok()?, "&tries=1")?).ok()?;
        let label = client.label();
        if label.as_ref().is_err_and(Error::is_timeout) {
            return None;
        }
        // A port that is not absolute is given by hand.
        let address = at(&by_path(Path::new(BY_PATH), port), "")?;
        Some(FoundPack { address, label: label.ok(), live: client.live() })
    })
}

/// Returns the name of a serial port by the USB port of its adapter; the port itself if the system has no such name.
fn by_path(folder: &Path, port: &Path) -> PathBuf {
    let node = port.canonicalize().ok();
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let links = entries.map(|entry| entry.path());
    let mut same: Vec<_> =
        links.filter(|link| node.is_some() && link.canonicalize().ok() == node).collect();
    same.sort();
    // The first one is the older form, which all systems have.
    same.into_iter().next().unwrap_or_else(|| port.to_owned())
}

/// Addresses of packs with default switches: LP4 v2, a pack whose four switches are on, and the first of a chain.
const ADDRESSES: [u8; 3] = [64, 16, 1];

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::state::testing::Scratch;

    #[test]
    fn port_is_named_by_its_usb_port() {
        let scratch = Scratch::new();
        let port = scratch.0.join("ttyUSB0");
        fs::write(&port, "").unwrap();
        let folder = scratch.0.join("by-path");
        assert_eq!(by_path(&folder, &port), port);
        fs::create_dir(&folder).unwrap();
        symlink("../ttyUSB1", folder.join("pci-0-usb-0:1:1.0-port0")).unwrap();
        for name in ["pci-0-usbv2-0:2:1.0-port0", "pci-0-usb-0:2:1.0-port0"] {
            symlink("../ttyUSB0", folder.join(name)).unwrap();
        }
        assert_eq!(by_path(&folder, &port), folder.join("pci-0-usb-0:2:1.0-port0"));
    }
}
