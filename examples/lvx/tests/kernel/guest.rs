//! Tests of the guest itself: whether it has everything that the other tests need.

use std::path::Path;

use crate::program::{lvx, run};

#[test]
#[ignore = "needs a kernel with uhid: .ci/hidraw-vm/run"]
fn guest_is_complete() {
    assert_complete();
}

#[test]
#[ignore = "needs a kernel with uhid: .ci/hidraw-vm/run"]
fn guest_has_a_user_in_plugdev_and_one_outside() {
    let groups = |user| run("su", &[user, "-c", "id -Gn"]);
    assert_eq!(groups("member"), (true, "member plugdev\n".to_owned()));
    assert_eq!(groups("tester"), (true, "tester\n".to_owned()));
}

/// Asserts that the guest has the kernel modules, four USB ports, udev, and the program under test.
#[track_caller]
pub(crate) fn assert_complete() {
    for path in [
        "/dev/uhid",
        "/sys/class/hidraw",
        "/sys/bus/hid/drivers/hid-generic",
        "/sys/bus/usb/drivers/usbhid",
        "/sys/module/usb_f_fs",
        "/sys/kernel/config/usb_gadget",
    ] {
        assert!(Path::new(path).exists(), "{path}: expected a file or folder, found none");
    }
    for port in 0..4 {
        let path = format!("/sys/class/udc/dummy_udc.{port}");
        assert!(Path::new(&path).exists(), "{path}: expected a file or folder, found none");
    }
    let (succeeded, printed) = run("udevadm", &["--version"]);
    assert!(succeeded, "{printed}");
    let (succeeded, printed) = run(lvx(), &["--version"]);
    assert!(succeeded && printed.starts_with("lvx "), "{printed}");
}
