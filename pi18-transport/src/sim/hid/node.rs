//! The hidraw node of a device, found by the port.

use std::{
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{Error, error::ErrorKind};

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

const LOOK: Duration = Duration::from_millis(10);

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
