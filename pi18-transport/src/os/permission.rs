//! The errors of opening a device, with a hint on how to get access.

use std::{io, path::Path};

use crate::{Error, error::Cause};

/// Returns the error of opening `path`, with a hint that fits its cause.
pub(crate) fn open_error(place: &str, path: &Path, source: io::Error) -> Error {
    let hint = match source.kind() {
        io::ErrorKind::PermissionDenied => access_hint(path),
        io::ErrorKind::NotFound => {
            "is it plugged in? `ls /dev/hidraw* /dev/ttyUSB*` lists the devices".to_owned()
        }
        _ => "is it an inverter's USB device or a serial port, and is it plugged in?".to_owned(),
    };
    Error::from_cause(place, Cause::Open(source)).with_hint(hint)
}

/// Returns which group to join, or which udev rule to add if no group has access.
fn access_hint(path: &Path) -> String {
    use std::os::unix::fs::MetadataExt;

    let group = std::fs::metadata(path)
        .ok()
        .filter(|node| node.mode() & 0o060 == 0o060 && node.gid() != 0)
        .and_then(|node| group_name(node.gid()));
    if let Some(group) = group {
        let rule = if is_hidraw(path) {
            format!(" by {RULES_FILE} or another udev rule")
        } else {
            String::new()
        };
        return format!(
            "group {group} has access{rule}, and you are not in that group: \
             `sudo usermod -aG {group} \"$USER\"`, then log in again"
        );
    }
    if is_hidraw(path) {
        return format!(
            "add this udev rule as {RULES_FILE}, then replug: {}",
            udev_rule("plugdev")
        );
    }
    "only its owner may open it (`ls -l` shows the owner)".to_owned()
}

/// Returns the udev rule that gives a group access to the USB adapters of these inverters.
///
/// The rule matches USB devices (`0003`) with vendor and product `0665:5161`, but no Bluetooth device
/// with the same numbers. Its place is a file such as `/etc/udev/rules.d/70-lvx.rules`.
///
/// ```
/// let rule = pi18_transport::udev_rule("plugdev");
/// assert!(rule.starts_with(r#"SUBSYSTEM=="hidraw", KERNELS=="0003:0665:5161.*", GROUP="plugdev""#));
/// ```
#[must_use]
pub fn udev_rule(group: &str) -> String {
    format!(r#"SUBSYSTEM=="hidraw", KERNELS=="0003:0665:5161.*", GROUP="{group}", MODE="0660""#)
}

const RULES_FILE: &str = "/etc/udev/rules.d/70-lvx.rules";

/// Returns whether a path, or the node that it links to, is named like a hidraw node.
fn is_hidraw(path: &Path) -> bool {
    let node = path.canonicalize();
    node.as_deref().unwrap_or(path).to_string_lossy().contains("hidraw")
}

fn group_name(id: u32) -> Option<String> {
    let groups = std::fs::read_to_string("/etc/group").ok()?;
    groups.lines().find_map(|line| {
        let mut parts = line.split(':');
        let name = parts.next()?;
        (parts.nth(1)? == id.to_string()).then(|| name.to_owned())
    })
}
