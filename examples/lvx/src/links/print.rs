//! What makes the links by itself: udev rules and a systemd unit, ready to install.

use std::path::Path;

/// Gives access, starts the service when an adapter is plugged in, and takes dead links away.
///
/// When a device is gone udev does not know its parents any more, so the mark that it was given on
/// `add` is what is left to know it by.
pub(super) fn udev(lvx: &Path, group: &str) -> String {
    let rule = pi18_transport::udev_rule(group);
    let lvx = lvx.display();
    format!(
        "# /etc/udev/rules.d/70-lvx.rules, from `lvx links --print udev`\n\
         # USB adapters of Voltronic / MPP Solar inverters; some UPSs have the same.\n\
         ACTION!=\"remove\", {rule}, ENV{{LVX_ADAPTER}}=\"1\", \
         TAG+=\"systemd\", ENV{{SYSTEMD_WANTS}}+=\"{SERVICE}\"\n\
         ACTION==\"remove\", SUBSYSTEM==\"hidraw\", ENV{{LVX_ADAPTER}}==\"1\", \
         RUN+=\"{lvx} links clear --dead\"\n"
    )
}

pub(super) fn systemd(lvx: &Path, units: &Path, folder: &Path) -> String {
    let show = |path: &Path| path.display().to_string();
    include_str!("lvx-links.service")
        .replace("@lvx@", &show(lvx))
        .replace("@units@", &show(units))
        .replace("@dir@", &show(folder))
}

const SERVICE: &str = "lvx-links.service";
