//! What every test here takes for granted of the guest it runs in.

use std::path::Path;

use crate::{lvx, ran};

#[test]
#[ignore = "needs a kernel with uhid: .ci/hidraw-vm/run"]
fn has_what_the_tests_need() {
    assert_has_what_the_tests_need();
}

#[test]
#[ignore = "needs a kernel with uhid: .ci/hidraw-vm/run"]
fn has_a_user_in_plugdev_and_one_who_is_not() {
    let groups = |user| ran("su", &[user, "-c", "id -Gn"]);
    assert_eq!(groups("member"), (true, "member plugdev\n".to_owned()));
    assert_eq!(groups("tester"), (true, "tester\n".to_owned()));
}

/// The kernel's side of hidraw, four USB ports to plug into, udev, and the program under test.
#[track_caller]
pub(crate) fn assert_has_what_the_tests_need() {
    for path in [
        "/dev/uhid",
        "/sys/class/hidraw",
        "/sys/bus/hid/drivers/hid-generic",
        "/sys/bus/usb/drivers/usbhid",
        "/sys/module/usb_f_fs",
        "/sys/kernel/config/usb_gadget",
    ] {
        assert!(Path::new(path).exists(), "no {path}");
    }
    for port in 0..4 {
        let path = format!("/sys/class/udc/dummy_udc.{port}");
        assert!(Path::new(&path).exists(), "no {path}");
    }
    let (ended_well, printed) = ran("udevadm", &["--version"]);
    assert!(ended_well, "{printed}");
    let (ended_well, printed) = ran(lvx(), &["--version"]);
    assert!(ended_well && printed.starts_with("lvx "), "{printed}");
}
