//! What makes the links by itself: udev rules and a systemd unit, ready to install.

use std::path::Path;

use crate::{args::links::Links, outcome::Failure};

/// What would not do in these files, wherever the shell that prints them stands.
pub(super) fn check(args: &Links) -> Result<(), Failure> {
    let plain = |text: &str| {
        text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-'))
    };
    for (option, path) in [("--lvx", &args.lvx), ("--units", &args.units), ("--dir", &args.dir)] {
        let hidden = ["/home", "/root", "/tmp", "/run/user"].iter().any(|it| path.starts_with(it));
        if !path.is_absolute() || hidden || !path.to_str().is_some_and(plain) {
            return Err(Failure::usage(format_args!(
                "{option} {}: wanted a whole path, of letters, digits, . _ - and not below /home, /root, \
                 /tmp or /run/user, where a service finds it",
                path.display()
            )));
        }
    }
    if !plain(&args.group) || args.group.is_empty() {
        return Err(Failure::usage(format_args!(
            "--group {}: that is no group's name",
            args.group
        )));
    }
    Ok(())
}

/// Gives access, starts the service when an adapter is plugged in, and takes dead links away.
///
/// When a device is gone udev does not know its parents any more, so the mark that it was given on
/// `add` is what is left to know it by.
pub(super) fn udev(lvx: &Path, group: &str, folder: &Path) -> String {
    let rule = pi18_transport::udev_rule(group);
    let (lvx, folder) = (lvx.display(), folder.display());
    format!(
        "# /etc/udev/rules.d/70-lvx.rules, from `lvx links --print udev`\n\
         # USB adapters of Voltronic / MPP Solar inverters; some UPSs have the same.\n\
         ACTION!=\"remove\", {rule}, ENV{{LVX_ADAPTER}}=\"1\", \
         TAG+=\"systemd\", ENV{{SYSTEMD_WANTS}}+=\"{SERVICE}\"\n\
         ACTION==\"remove\", SUBSYSTEM==\"hidraw\", ENV{{LVX_ADAPTER}}==\"1\", \
         RUN+=\"{lvx} links clear --dead --dir {folder}\"\n"
    )
}

pub(super) fn systemd(lvx: &Path, units: &Path, folder: &Path) -> String {
    let show = |path: &Path| path.display().to_string();
    let writes = match show(folder) {
        // Which the system's protection leaves alone.
        dev if dev == "/dev" => String::new(),
        other => format!("ReadWritePaths={other}\n"),
    };
    include_str!("lvx-links.service")
        .replace("@writes@\n", &writes)
        .replace("@lvx@", &show(lvx))
        .replace("@units@", &show(units))
        .replace("@dir@", &show(folder))
}

const SERVICE: &str = "lvx-links.service";
