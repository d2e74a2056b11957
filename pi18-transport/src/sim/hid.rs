//! Virtual USB HID devices: what they say of themselves, and where the system puts them.
//!
//! The units are served as these, and tests build other devices from them: one that is silent, one
//! that speaks another protocol, one whose reports come late.

mod functionfs;
mod functionfs_bytes;
mod uhid;
mod uhid_bytes;

use std::{
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

pub use self::{functionfs::FunctionFsDevice, uhid::UhidDevice};
use super::line::REPORT;
use crate::{Error, error::ErrorKind};

/// What a device that is plugged in says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HidIdentity {
    /// Maker and product, at most 127 bytes; `HID_NAME` in sysfs.
    pub name: String,
    /// Where it is plugged in, at most 63 bytes; `HID_PHYS` in sysfs. Any text that no other device
    /// has, such as `lvx-sim-1/input0`.
    pub port: String,
    /// The adapter's own serial number, at most 63 bytes; `HID_UNIQ` in sysfs.
    pub unique: String,
    /// The bus, as in `linux/input.h`: 3 is USB, 5 Bluetooth.
    pub bus: u16,
    /// The vendor, by the bus's numbers.
    pub vendor: u16,
    /// The vendor's product.
    pub product: u16,
}

impl HidIdentity {
    /// The adapter that is built into the inverters, at a port: it has no serial number.
    ///
    /// Source: descriptors of a `0665:5161` adapter in `felis/USB_Host_Shield_2.0`, issue 533.
    #[must_use]
    pub fn adapter(port: impl Into<String>) -> Self {
        Self {
            name: "INNO TECH USB to Serial".to_owned(),
            port: port.into(),
            unique: String::new(),
            bus: USB,
            vendor: 0x0665,
            product: 0x5161,
        }
    }
}

/// Waits until a device at this port has a node such as `/dev/hidraw0`.
///
/// The node belongs to root at first; the rules of udev give it to others a moment later. Its number
/// is another one when the device is plugged in again while somebody still holds the old node.
///
/// # Errors
/// If there is none by then. A time of zero looks once.
pub fn hidraw_node(port: &str, within: Duration) -> Result<PathBuf, Error> {
    let deadline = Instant::now() + within;
    loop {
        if let Some(node) = node_in(Path::new("/sys/class/hidraw"), Path::new("/dev"), port) {
            return Ok(node);
        }
        if Instant::now() >= deadline {
            let none = io::Error::new(io::ErrorKind::TimedOut, "there is none yet");
            let kind = ErrorKind::Io { action: "looking for its hidraw node", source: none };
            return Err(
                Error::new(port, kind).hint("`sudo modprobe hid-generic`, if it is plugged in")
            );
        }
        thread::sleep(LOOK);
    }
}

fn node_in(class: &Path, dev: &Path, port: &str) -> Option<PathBuf> {
    let wanted = format!("HID_PHYS={port}");
    let nodes = std::fs::read_dir(class).into_iter().flatten().flatten();
    let mut found = nodes.filter(|node| {
        let uevent = std::fs::read_to_string(node.path().join("device/uevent"));
        uevent.is_ok_and(|text| text.lines().any(|line| line == wanted))
    });
    found.next().map(|node| dev.join(node.file_name())).filter(|node| node.exists())
}

const USB: u16 = 3;

const LOOK: Duration = Duration::from_millis(10);

/// Eight bytes in and eight out, without report numbers, on the page that is the vendor's own.
///
/// Assumed; that it has 27 bytes is from the same source as the adapter.
const REPORT_DESCRIPTOR: [u8; 27] = [
    0x06, 0x00, 0xFF, // usage page: vendor's
    0x09, 0x01, // usage 1
    0xA1, 0x01, // collection: application
    0x15, 0x00, // least value 0
    0x26, 0xFF, 0x00, // greatest value 255
    0x75, 0x08, // 8 bits each
    0x95, 0x08, // 8 of them
    0x09, 0x02, // usage 2
    0x81, 0x02, // input
    0x09, 0x03, // usage 3
    0x95, 0x08, // 8 of them
    0x91, 0x02, // output
    0xC0, // end
];

/// Puts a field at its place in a structure; what does not fit is left out.
fn put(bytes: &mut [u8], at: usize, field: &[u8]) {
    let place = bytes.get_mut(at..).unwrap_or_default();
    place.iter_mut().zip(field).for_each(|(to, from)| *to = *from);
}

/// A field of a structure, if that is so long.
fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn finds_the_node_by_its_port() {
        let root = std::env::temp_dir().join(format!("pi18-sim-hid-{}", std::process::id()));
        let (class, dev) = (root.join("class"), root.join("dev"));
        fs::create_dir_all(&dev).unwrap();
        for (node, port) in [("hidraw0", "lvx-sim-1/input0"), ("hidraw1", "lvx-sim-10/input0")] {
            fs::create_dir_all(class.join(node).join("device")).unwrap();
            let uevent = format!("DRIVER=hid-generic\nHID_PHYS={port}\nHID_UNIQ=\n");
            fs::write(class.join(node).join("device/uevent"), uevent).unwrap();
        }
        let find = |port| node_in(&class, &dev, port);
        assert_eq!(find("lvx-sim-10/input0"), None);
        fs::write(dev.join("hidraw1"), "").unwrap();
        assert_eq!(find("lvx-sim-10/input0"), Some(dev.join("hidraw1")));
        assert_eq!(find("lvx-sim-2/input0"), None);
        fs::remove_dir_all(root).unwrap();
    }

    #[test]
    fn says_which_port_has_no_node() {
        let error = hidraw_node("no-such-port/input0", Duration::ZERO).unwrap_err();
        assert!(error.is_timeout());
        assert_eq!(
            error.to_string(),
            "no-such-port/input0: looking for its hidraw node failed: there is none yet; \
             `sudo modprobe hid-generic`, if it is plugged in"
        );
    }
}
