//! Why a device cannot be opened, and what to do about it.

use std::{io, path::Path};

use crate::{Error, error::Kind};

/// The error of opening `path`, with what would help.
pub(crate) fn explain(place: &str, path: &Path, source: io::Error) -> Error {
    let hint = match source.kind() {
        io::ErrorKind::PermissionDenied => access(path),
        io::ErrorKind::NotFound => {
            "is it plugged in? `ls /dev/hidraw* /dev/ttyUSB*` shows what is there".to_owned()
        }
        _ => "is it an inverter's USB device or a serial port, and plugged in?".to_owned(),
    };
    Error::new(place, Kind::Open(source)).hint(hint)
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
        return format!(
            "you are not in group {group}: `sudo usermod -aG {group} \"$USER\"`, then log in again"
        );
    }
    if path.to_string_lossy().contains("hidraw") {
        return format!(
            "add this rule as /etc/udev/rules.d/70-lvx.rules, then replug: {HIDRAW_RULE}"
        );
    }
    "only its owner may open it (`ls -l` shows who that is)".to_owned()
}

#[cfg(not(unix))]
fn access(_path: &Path) -> String {
    "another user or program may hold it".to_owned()
}

/// Gives the group `plugdev` access to the adapters that these inverters have.
#[cfg(unix)]
const HIDRAW_RULE: &str =
    r#"SUBSYSTEM=="hidraw", KERNELS=="*:0665:5161.*", GROUP="plugdev", MODE="0660""#;

#[cfg(unix)]
fn group_name(id: u32) -> Option<String> {
    let groups = std::fs::read_to_string("/etc/group").ok()?;
    groups.lines().find_map(|line| {
        let mut parts = line.split(':');
        let name = parts.next()?;
        (parts.nth(1)? == id.to_string()).then(|| name.to_owned())
    })
}
