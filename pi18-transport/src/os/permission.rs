//! Why a device cannot be opened, and what to do about it.

use std::{io, path::Path};

use crate::{Error, error::ErrorKind};

/// The error of opening `path`, with what would help.
pub(crate) fn explain(place: &str, path: &Path, source: io::Error) -> Error {
    let hint = match source.kind() {
        io::ErrorKind::PermissionDenied => access(path),
        io::ErrorKind::NotFound => {
            "is it plugged in? `ls /dev/hidraw* /dev/ttyUSB*` shows what is there".to_owned()
        }
        _ => "is it an inverter's USB device or a serial port, and plugged in?".to_owned(),
    };
    Error::new(place, ErrorKind::Open(source)).hint(hint)
}

/// Which group to join, or which rule to add where no group has access.
#[cfg(unix)]
fn access(path: &Path) -> String {
    use std::os::unix::fs::MetadataExt;

    let group = std::fs::metadata(path)
        .ok()
        .filter(|node| node.mode() & 0o060 == 0o060 && node.gid() != 0)
        .and_then(|node| group_name(node.gid()));
    if let Some(group) = group {
        let rule = if is_hidraw(path) {
            format!(", as {RULES_FILE} or another udev rule says")
        } else {
            String::new()
        };
        return format!(
            "group {group} may open it{rule}, and you are not in it: \
             `sudo usermod -aG {group} \"$USER\"`, then log in again"
        );
    }
    if is_hidraw(path) {
        return format!(
            "add this udev rule as {RULES_FILE}, then replug: {}",
            udev_rule("plugdev")
        );
    }
    "only its owner may open it (`ls -l` shows who that is)".to_owned()
}

#[cfg(not(unix))]
fn access(_path: &Path) -> String {
    "another user or program may hold it".to_owned()
}

/// Returns the udev rule that gives a group access to the adapters that these inverters have: USB
/// (`0003`), vendor and product `0665:5161`. A Bluetooth device of that vendor and product does not match.
///
/// It belongs into a file such as `/etc/udev/rules.d/70-lvx.rules`.
///
/// ```
/// let rule = pi18_transport::udev_rule("plugdev");
/// assert!(rule.starts_with(r#"SUBSYSTEM=="hidraw", KERNELS=="0003:0665:5161.*", GROUP="plugdev""#));
/// ```
#[must_use]
pub fn udev_rule(group: &str) -> String {
    format!(r#"SUBSYSTEM=="hidraw", KERNELS=="0003:0665:5161.*", GROUP="{group}", MODE="0660""#)
}

#[cfg(unix)]
const RULES_FILE: &str = "/etc/udev/rules.d/70-lvx.rules";

/// Links lead to nodes that are called so.
#[cfg(unix)]
fn is_hidraw(path: &Path) -> bool {
    let node = path.canonicalize();
    node.as_deref().unwrap_or(path).to_string_lossy().contains("hidraw")
}

#[cfg(unix)]
fn group_name(id: u32) -> Option<String> {
    let groups = std::fs::read_to_string("/etc/group").ok()?;
    groups.lines().find_map(|line| {
        let mut parts = line.split(':');
        let name = parts.next()?;
        (parts.nth(1)? == id.to_string()).then(|| name.to_owned())
    })
}
