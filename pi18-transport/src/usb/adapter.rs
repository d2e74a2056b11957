//! Lists the USB adapters of these inverters from sysfs, without opening them.
//!
//! The adapters have no serial number, share vendor and product with UPSs, and the number of a node is
//! reused by the next device. Only the kernel's name of a HID device, such as `0003:0665:5161.002D`, is
//! never used twice.
//!
//! Source: measured on Linux 6.1 and 6.12. The uevent of the HID device contains `HID_ID`, the uevent of
//! the node does not.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::interface::{Interface, name_of};

/// A USB adapter of the kind that these inverters have (`0665:5161`).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Adapter {
    /// The device node, such as `/dev/hidraw0`. After a replug it may belong to another adapter.
    pub node: PathBuf,
    /// The kernel's name of the HID device, such as `0003:0665:5161.002D`; new at every replug.
    pub hid_device: String,
    /// The USB port, such as `1-1.2`. For a device that is not on USB: the location that it reports.
    pub port: Option<String>,
}

/// Returns the adapters that are plugged in, ordered by the number of their node.
///
/// Nothing is opened and no unit is asked; [`discover`](crate::discover) does that.
///
/// ```
/// for adapter in pi18_transport::adapters() {
///     println!("{} in port {:?}", adapter.node.display(), adapter.port);
/// }
/// ```
#[must_use]
pub fn adapters() -> Vec<Adapter> {
    list().unwrap_or_default()
}

/// Returns what [`adapters`] returns, or the error of reading sysfs.
pub(crate) fn list() -> io::Result<Vec<Adapter>> {
    match adapters_in(Path::new(CLASS)) {
        // The kernel creates the class with its first device.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        result => result,
    }
}

fn adapters_in(class: &Path) -> io::Result<Vec<Adapter>> {
    let nodes = fs::read_dir(class)?.flatten();
    let mut found: Vec<_> = nodes
        .filter_map(|node| {
            let device = node.path().join("device");
            let uevent = fs::read_to_string(device.join("uevent")).ok()?;
            uevent.lines().find(|line| *line == HID_ID)?;
            let device = device.canonicalize().ok()?;
            Some(Adapter {
                node: Path::new("/dev").join(node.file_name()),
                hid_device: name_of(&device)?,
                port: port_of(&device, &uevent),
            })
        })
        .collect();
    // By length first: hidraw9, hidraw10.
    found.sort_by_key(|adapter| (adapter.node.as_os_str().len(), adapter.node.clone()));
    Ok(found)
}

/// Returns `1-1.2` for `…/1-1.2/1-1.2:1.0/0003:0665:5161.002D`.
fn port_of(device: &Path, uevent: &str) -> Option<String> {
    let interface = Interface::of(device);
    interface.map(|interface| interface.port()).or_else(|| {
        let physical = uevent.lines().find_map(|line| line.strip_prefix("HID_PHYS="));
        physical.filter(|text| !text.is_empty()).map(str::to_owned)
    })
}

const CLASS: &str = "/sys/class/hidraw";

/// The line of an adapter's uevent that identifies it: bus USB, vendor, product.
const HID_ID: &str = "HID_ID=0003:00000665:00005161";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usb::testing::Sysfs;

    #[test]
    fn adapters_in_sysfs_are_listed_in_order_of_their_nodes() {
        let sysfs = Sysfs::new("adapters");
        sysfs.interface("usb1/1-1.2/1-1.2:1.0");
        let uevent = format!("DRIVER=hid-generic\n{HID_ID}\nHID_PHYS=usb-1-1.2/input0\n");
        sysfs.plug("usb1/1-1.2/1-1.2:1.0", "0003:0665:5161.000A", "hidraw10", &uevent);
        sysfs.plug("uhid", "0003:0665:5161.000B", "hidraw9", &uevent);
        sysfs.plug("uhid", "0003:046D:C52B.0001", "hidraw1", "HID_ID=0003:0000046D:0000C52B\n");
        let found = adapters_in(&sysfs.class()).unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|it| (it.node.to_str().unwrap(), &*it.hid_device, it.port.as_deref().unwrap()))
            .collect();
        assert_eq!(
            shown,
            [
                ("/dev/hidraw9", "0003:0665:5161.000B", "usb-1-1.2/input0"),
                ("/dev/hidraw10", "0003:0665:5161.000A", "1-1.2"),
            ]
        );
    }
}
