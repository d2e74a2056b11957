//! What makes the links by itself: udev rules and a systemd unit, ready to install.

use std::path::Path;

use super::trusted;
use crate::{args::Links, terminal::Failure};

/// Rejects values that would be unsafe or useless in these files, wherever they are printed.
pub(super) fn check(args: &Links) -> Result<(), Failure> {
    for (option, path) in [("--lvx", &args.lvx), ("--units", &args.units), ("--dir", &args.dir)] {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
        let checked = if path.to_str().is_some_and(|text| text.chars().all(plain)) {
            trusted::check(path, trusted::look)
        } else {
            Err("expected letters, digits, `.`, `_` and `-` only".to_owned())
        };
        checked
            .map_err(|why| Failure::usage(format_args!("{option} {}: {why}", path.display())))?;
    }
    if !is_group(&args.group) {
        return Err(Failure::usage(format_args!(
            "--group {}: expected a group's name: a letter or `_`, then letters, digits, `_` and `-`, \
             {MAX_GROUP} at most",
            args.group
        )));
    }
    Ok(())
}

/// As `groupadd` takes them.
fn is_group(name: &str) -> bool {
    name.len() <= MAX_GROUP
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
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

const MAX_GROUP: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn group_that_a_shell_or_udev_could_misread_is_refused() {
        for name in ["plugdev", "dialout", "_lvx", "Solar-2"] {
            assert!(is_group(name), "{name}");
        }
        for name in ["", "-x", "1000", "a b", "a\"", "a/b", "a.b", "a\n", "ä", &"a".repeat(33)] {
            assert!(!is_group(name), "{name}");
        }
    }
}
