//! The hidraw node of a device, found by its port.

use std::{
    io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use crate::{Error, error::Cause};

/// Waits until the device at a port has a node, such as `/dev/hidraw0`, and returns its path.
///
/// At first, the node belongs to root; udev rules change its owner a moment later. After a replug, the node
/// has another number if a program still has the old node open.
///
/// # Errors
/// If the device has no node before the timeout. With a timeout of zero, it only checks once.
pub fn hidraw_node(port: &str, timeout: Duration) -> Result<PathBuf, Error> {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(node) = node_in(Path::new("/sys/class/hidraw"), Path::new("/dev"), port) {
            return Ok(node);
        }
        if Instant::now() >= deadline {
            let none = io::Error::new(io::ErrorKind::TimedOut, "no node yet");
            let cause = Cause::Io { action: "looking for its hidraw node", source: none };
            return Err(Error::from_cause(port, cause).with_hint(
                "if the device is plugged in, load the driver with `sudo modprobe hid-generic`",
            ));
        }
        thread::sleep(INTERVAL);
    }
}

/// Returns the node of the device at a port. `class` is the folder of hidraw nodes in sysfs, `dev` is `/dev`.
fn node_in(class: &Path, dev: &Path, port: &str) -> Option<PathBuf> {
    let phys = format!("HID_PHYS={port}");
    let nodes = std::fs::read_dir(class).into_iter().flatten().flatten();
    let mut found = nodes.filter(|node| {
        let uevent = std::fs::read_to_string(node.path().join("device/uevent"));
        uevent.is_ok_and(|text| text.lines().any(|line| line == phys))
    });
    found.next().map(|node| dev.join(node.file_name())).filter(|node| node.exists())
}

/// Time between two searches for the node.
const INTERVAL: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn node_of_port_is_found_in_sysfs() {
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
    fn missing_node_error_names_port_and_next_step() {
        let error = hidraw_node("no-such-port/input0", Duration::ZERO).unwrap_err();
        assert!(error.is_timeout());
        assert_eq!(
            format!("{error:#}"),
            "no-such-port/input0: looking for its hidraw node failed: no node yet; \
             if the device is plugged in, load the driver with `sudo modprobe hid-generic`"
        );
    }
}
