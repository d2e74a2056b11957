//! `lvx` on a real kernel: hidraw nodes, plugging and unplugging, udev, systemd.
//!
//! Ignored everywhere but in the guests that `.ci/hidraw-vm/run` boots, for they load modules, make
//! USB devices and write to `/etc`. A test whose path contains `install` runs under systemd as
//! process 1, all others under systemd-udevd alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that cannot go on fails"
)]
#![cfg(target_os = "linux")]

/// Tests that take the [`Way`](plug::Way) to plug in, each for both.
macro_rules! both_ways {
    ($($test:ident)+) => {
        $(
            mod $test {
                use crate::plug::Way;

                #[test]
                #[ignore = "needs a kernel with uhid: .ci/hidraw-vm/run"]
                fn uhid() {
                    super::$test(Way::Uhid);
                }

                #[test]
                #[ignore = "needs a kernel with uhid: .ci/hidraw-vm/run"]
                fn gadget() {
                    super::$test(Way::Gadget);
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
mod install_guest;
mod links;
mod plug;
mod reports;
mod taken;
mod unplug;

use std::{path::PathBuf, process::Command};

/// The program under test: in the guest it is not where cargo put it.
fn lvx() -> PathBuf {
    std::env::var_os("LVX").expect("LVX names the program under test").into()
}

/// Runs a program to its end; what it printed on both outputs, and whether it succeeded.
fn ran(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(&program).args(arguments).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}
