//! Detects the kind of a device node.

use std::path::Path;

use crate::Error;

/// The kind of a device node.
pub(crate) enum NodeKind {
    Hidraw,
    Serial,
}

/// Detects the kind of a device node. `place` is the name of the node in errors.
#[cfg(target_os = "linux")]
pub(crate) fn node_kind(path: &Path, place: &str) -> Result<NodeKind, Error> {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};

    let node =
        path.metadata().map_err(|source| super::permission::open_error(place, path, source))?;
    if !node.file_type().is_char_device() {
        let error = Error::address(place, "expected a device, found a file");
        return Err(error.with_hint("for a capture, use replay:FILE"));
    }
    let (major, minor) = (rustix::fs::major(node.rdev()), rustix::fs::minor(node.rdev()));
    let device = std::fs::canonicalize(format!("/sys/dev/char/{major}:{minor}"));
    let is_below = |folder: &str| {
        let device = device.as_deref().unwrap_or(Path::new(""));
        device.components().any(|part| part.as_os_str() == folder)
    };
    if is_below("hidraw") {
        Ok(NodeKind::Hidraw)
    } else if is_below("tty") || PTYS.contains(&major) {
        Ok(NodeKind::Serial)
    } else {
        let why = "expected a hidraw device or a serial port, found another device";
        Err(Error::address(place, why))
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn node_kind(_path: &Path, _place: &str) -> Result<NodeKind, Error> {
    Ok(NodeKind::Serial)
}

/// Major device numbers of pseudo-terminals, which sysfs does not list.
#[cfg(target_os = "linux")]
const PTYS: std::ops::RangeInclusive<u32> = 136..=143;
