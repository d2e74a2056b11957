//! A simulated sysfs for tests.

use std::{fs, os::unix::fs::symlink, path::PathBuf};

/// A temporary folder with the structure of sysfs.
pub(super) struct Sysfs(PathBuf);

impl Sysfs {
    pub(super) fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("pi18-{name}-{}", std::process::id()));
        fs::create_dir_all(root.join("class")).unwrap();
        Self(root.canonicalize().unwrap())
    }

    pub(super) fn class(&self) -> PathBuf {
        self.0.join("class")
    }

    /// Creates a USB interface, and returns its folder.
    pub(super) fn interface(&self, path: &str) -> PathBuf {
        let folder = self.0.join(path);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("bInterfaceNumber"), "00\n").unwrap();
        folder
    }

    /// Creates a HID device below `parent` and its node, and returns the folder of the device.
    pub(super) fn plug(&self, parent: &str, hid_device: &str, node: &str, uevent: &str) -> PathBuf {
        let device = self.0.join(parent).join(hid_device);
        fs::create_dir_all(device.join("hidraw").join(node)).unwrap();
        fs::write(device.join("uevent"), uevent).unwrap();
        symlink(&device, device.join("hidraw").join(node).join("device")).unwrap();
        symlink(device.join("hidraw").join(node), self.class().join(node)).unwrap();
        device
    }
}

impl Drop for Sysfs {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
