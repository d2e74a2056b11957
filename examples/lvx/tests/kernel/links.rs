//! Reads the links that `lvx links` creates.

use std::{fs, path::Path};

pub(crate) const NAMES: [&str; 2] = ["lvx6048-1", "lvx6048-2"];

/// Returns the name of the node that a link leads to; `None` if there is no such link.
pub(crate) fn node_of(name: &str) -> Option<String> {
    let target = fs::read_link(Path::new("/dev").join(name)).ok()?;
    Some(target.file_name()?.to_str()?.to_owned())
}

/// Returns the USB port of the device that a link leads to; `None` if it leads to no device.
pub(crate) fn leads_to(name: &str) -> Option<String> {
    let node = node_of(name)?;
    let uevent = fs::read_to_string(format!("/sys/class/hidraw/{node}/device/uevent")).ok()?;
    uevent.lines().find_map(|line| line.strip_prefix("HID_PHYS=")).map(str::to_owned)
}
