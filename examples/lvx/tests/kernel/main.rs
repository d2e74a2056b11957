//! `lvx` on a real kernel: hidraw nodes, plugging and unplugging, udev, systemd.
//!
//! These tests load modules, create USB devices and write to `/etc`, so they are ignored except in the
//! guests that `.ci/hidraw-vm/run` boots. A test whose path contains `install` runs with systemd as
//! process 1, all others with systemd-udevd alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failed step fails the test"
)]
#![cfg(target_os = "linux")]

/// Declares each test twice, once per [`Backend`](plug::Backend) that creates the USB devices.
macro_rules! for_each_backend {
    ($($test:ident)+) => {
        $(
            mod $test {
                use crate::plug::Backend;

                #[test]
                #[ignore = "needs a kernel with uhid: .ci/hidraw-vm/run"]
                fn uhid() {
                    super::$test(Backend::Uhid);
                }

                #[test]
                #[ignore = "needs a kernel with uhid: .ci/hidraw-vm/run"]
                fn gadget() {
                    super::$test(Backend::Gadget);
                }
            }
        )+
    };
}

mod access;
mod apply;
mod cut_off;
mod cycles;
mod exchange;
mod follow;
mod guest;
mod install;
mod install_bridge;
mod install_guest;
mod links;
mod plug;
mod program;
mod reports;
mod service;
mod taken;
mod unplug;
