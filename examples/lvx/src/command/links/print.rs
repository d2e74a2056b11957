//! Files that create the links automatically: udev rules and a systemd service.

use std::path::{Path, PathBuf};

use super::trusted;
use crate::{args::Links, terminal::Failure};

/// Rejects options that are unsafe or useless in these files.
pub(super) fn check(args: &Links) -> Result<(), Failure> {
    check_paths(&[("--lvx", &args.lvx), ("--units", &args.units), ("--dir", &args.dir)])?;
    check_names(&[("--group", &args.group)])
}

/// Rejects paths of options that are unsafe or useless in files of the system.
pub(crate) fn check_paths(paths: &[(&str, &PathBuf)]) -> Result<(), Failure> {
    for (option, path) in paths {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
        let checked = if path.to_str().is_some_and(|text| text.chars().all(is_plain)) {
            trusted::check(path, trusted::look)
        } else {
            Err("expected letters, digits, `.`, `_` and `-` only".to_owned())
        };
        checked
            .map_err(|why| Failure::usage(format_args!("{option} {}: {why}", path.display())))?;
    }
    Ok(())
}

/// Rejects names of users and groups of options that the system does not allow.
pub(crate) fn check_names(names: &[(&str, &String)]) -> Result<(), Failure> {
    match names.iter().find(|(_, name)| !is_group(name)) {
        None => Ok(()),
        Some((option, name)) => Err(Failure::usage(format_args!(
            "{option} {name}: expected a letter or `_`, then letters, digits, `_` and `-`, at most {MAX_GROUP} \
             characters"
        ))),
    }
}

/// Returns whether a name is a valid group name for `groupadd`.
fn is_group(name: &str) -> bool {
    name.len() <= MAX_GROUP
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// Returns udev rules that give access to the adapters, start the service when one is plugged in, and
/// remove dead links.
///
/// On `remove`, udev no longer knows the parents of a device, so the rule matches the variable that was
/// set on `add`.
pub(super) fn udev(lvx: &Path, group: &str, folder: &Path) -> String {
    let rule = pi18_transport::udev_rule(group);
    let (lvx, folder) = (lvx.display(), folder.display());
    format!(
        "# /etc/udev/rules.d/70-lvx.rules, from `lvx links --print udev`\n\
         # USB adapters of Voltronic / MPP Solar inverters; some UPSs use the same adapter.\n\
         ACTION!=\"remove\", {rule}, ENV{{LVX_ADAPTER}}=\"1\", \
         TAG+=\"systemd\", ENV{{SYSTEMD_WANTS}}+=\"{SERVICE}\"\n\
         ACTION==\"remove\", SUBSYSTEM==\"hidraw\", ENV{{LVX_ADAPTER}}==\"1\", \
         RUN+=\"{lvx} links clear --dead --dir {folder}\"\n"
    )
}

/// Returns the systemd service that maintains the links.
pub(super) fn systemd(lvx: &Path, units: &Path, folder: &Path) -> String {
    let show = |path: &Path| path.display().to_string();
    let writable = match show(folder) {
        // `ProtectSystem` does not restrict `/dev`.
        dev if dev == "/dev" => String::new(),
        other => format!("ReadWritePaths={other}\n"),
    };
    include_str!("lvx-links.service")
        .replace("@writes@\n", &writable)
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
    fn group_name_with_special_characters_is_refused() {
        for name in ["plugdev", "dialout", "_lvx", "Solar-2"] {
            assert!(is_group(name), "{name}");
        }
        for name in ["", "-x", "1000", "a b", "a\"", "a/b", "a.b", "a\n", "ä", &"a".repeat(33)] {
            assert!(!is_group(name), "{name}");
        }
    }
}
