//! Systemd units that tests install.

use std::fs;

use crate::program::{output_of, run};

/// The file of the udev rules.
pub(crate) const RULES: &str = "/etc/udev/rules.d/70-lvx.rules";

/// Returns the file of a systemd unit.
pub(crate) fn unit_file(service: &str) -> String {
    format!("/etc/systemd/system/{service}")
}

/// Checks that systemd finds no mistake in a unit, and that its exposure, from 0 to 10, is at most `max_exposure`.
#[track_caller]
pub(crate) fn assert_sandboxed(service: &str, max_exposure: f32) {
    assert_eq!(output_of("systemd-analyze", &["verify", &unit_file(service)]), "");
    let analysis = output_of("systemd-analyze", &["security", service]);
    let (_, exposure) = analysis.rsplit_once("Overall exposure level for ").unwrap();
    println!("systemd-analyze security {}", exposure.trim());
    for line in analysis.lines().filter(|line| line.starts_with('✗')) {
        println!("{line}");
    }
    let score: f32 = exposure.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(score <= max_exposure, "{analysis}");
}

/// Stops a service, and removes its unit and the udev rules.
pub(crate) fn uninstall(service: &str) {
    let _ = run("systemctl", &["stop", service]);
    let _ = fs::remove_file(RULES);
    let _ = fs::remove_file(unit_file(service));
    let _ = run("systemctl", &["daemon-reload"]);
    let _ = run("udevadm", &["control", "--reload"]);
}
