//! Paths that only root can change.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

/// Owner, group and mode of a file, or the target of a symbolic link.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Link(PathBuf),
    File { user: u32, group: u32, mode: u32 },
}

/// Checks that a path is suitable for a system service: absolute, without `..`, outside the folders that
/// are hidden from a service, and without a file, folder or symbolic link on the path that other users
/// can change. Missing parts are not checked.
///
/// # Errors
/// The reason why the path is unsuitable.
pub(super) fn check(
    path: &Path,
    look: impl Fn(&Path) -> io::Result<Option<Node>>,
) -> Result<(), String> {
    if !path.is_absolute() {
        return Err("expected an absolute path".to_owned());
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err("expected a path without `..`".to_owned());
    }
    let mut left: Vec<OsString> = parts(path);
    let mut done = PathBuf::from("/");
    let mut links = 0;
    check_node(&done, &look)?;
    while let Some(part) = left.pop() {
        if part == ".." {
            done.pop();
            continue;
        }
        let next = done.join(part);
        if let Some(hidden) = HIDDEN.iter().find(|hidden| next == Path::new(hidden)) {
            return Err(format!(
                "expected a path outside {hidden}, which is hidden from a service"
            ));
        }
        match check_node(&next, &look)? {
            None => {}
            Some(target) if links < MAX_LINKS => {
                links += 1;
                if target.is_absolute() {
                    done = PathBuf::from("/");
                }
                left.extend(parts(&target));
                continue;
            }
            Some(_) => return Err("too many symbolic links".to_owned()),
        }
        done = next;
    }
    Ok(())
}

/// Reads owner and mode from the file system; `None` if the file is missing.
pub(super) fn look(path: &Path) -> io::Result<Option<Node>> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(if metadata.is_symlink() {
        Node::Link(fs::read_link(path)?)
    } else {
        Node::File { user: metadata.uid(), group: metadata.gid(), mode: metadata.mode() }
    }))
}

/// Checks one part of a path. Returns the target of a symbolic link.
fn check_node(
    path: &Path,
    look: impl Fn(&Path) -> io::Result<Option<Node>>,
) -> Result<Option<PathBuf>, String> {
    let shown = path.display();
    let (user, group, mode) = match look(path) {
        Ok(None) => return Ok(None),
        // Only root can write to the folder that holds the link, so only root can change the link.
        Ok(Some(Node::Link(target))) => return Ok(Some(target)),
        Ok(Some(Node::File { user, group, mode })) => (user, group, mode),
        Err(error) => return Err(format!("{shown}: cannot be checked: {error}")),
    };
    if user != 0 {
        return Err(format!("expected {shown} to be owned by root, found user {user}"));
    }
    let others_write = mode & 0o002 != 0 || (mode & 0o020 != 0 && !ROOT_GROUPS.contains(&group));
    if others_write {
        return Err(format!(
            "expected {shown} to be writable only by root, found mode {:o}",
            mode & 0o7777
        ));
    }
    Ok(None)
}

/// Returns the parts of a path, last one first.
fn parts(path: &Path) -> Vec<OsString> {
    let named = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    named.rev().collect()
}

/// Folders that are hidden from a service or replaced (`ProtectHome`, `PrivateTmp`).
const HIDDEN: [&str; 5] = ["/home", "/root", "/run/user", "/tmp", "/var/tmp"];

/// Groups with the rights of root: root, and `staff`, which can write to `/usr/local` in older Debian
/// releases.
const ROOT_GROUPS: [u32; 2] = [0, 50];

/// Maximum number of symbolic links in a path, as in the kernel.
const MAX_LINKS: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks a path in a file system of `/usr/local/bin` and `others`.
    fn checked(path: &str, others: &[(&str, Node)]) -> Result<(), String> {
        check(Path::new(path), |path| {
            let other = others.iter().find(|(name, _)| Path::new(name) == path);
            let usual = ["/", "/usr", "/usr/local", "/usr/local/bin"];
            let usual = || usual.iter().any(|name| Path::new(name) == path).then(|| root(0o755));
            Ok(other.map(|(_, node)| node.clone()).or_else(usual))
        })
    }

    fn root(mode: u32) -> Node {
        Node::File { user: 0, group: 0, mode }
    }

    fn link(target: &str) -> Node {
        Node::Link(target.into())
    }

    #[track_caller]
    fn refused(path: &str, others: &[(&str, Node)], why: &str) {
        assert_eq!(checked(path, others), Err(why.to_owned()), "{path}");
    }

    #[test]
    fn path_writable_only_by_root_is_accepted() {
        assert_eq!(checked("/usr/local/bin/lvx", &[]), Ok(()));
        assert_eq!(checked("/usr/local/bin/lvx", &[("/usr/local/bin/lvx", root(0o755))]), Ok(()));
        assert_eq!(checked("/nowhere/yet/lvx", &[]), Ok(()));
        let staff = Node::File { user: 0, group: 50, mode: 0o2775 };
        assert_eq!(checked("/usr/local/bin/lvx", &[("/usr/local", staff)]), Ok(()));
        assert_eq!(checked("/bin/lvx", &[("/bin", link("usr/local/bin"))]), Ok(()));
    }

    #[test]
    fn relative_path_and_parent_folder_are_refused() {
        refused("lvx", &[], "expected an absolute path");
        refused("/usr/../home/x/lvx", &[], "expected a path without `..`");
    }

    #[test]
    fn path_hidden_from_a_service_is_refused() {
        for hidden in ["/home", "/root", "/tmp", "/var/tmp", "/run/user"] {
            let why = format!("expected a path outside {hidden}, which is hidden from a service");
            refused(&format!("{hidden}/x/lvx"), &[], &why);
        }
        let why = "expected a path outside /home, which is hidden from a service";
        refused("/opt/lvx", &[("/opt", link("/home/x"))], why);
    }

    #[test]
    fn path_writable_by_others_is_refused() {
        let why = "expected /srv to be writable only by root, found mode 1777";
        refused("/srv/lvx", &[("/srv", root(0o41777))], why);
        let users = Node::File { user: 0, group: 100, mode: 0o775 };
        let why = "expected /srv to be writable only by root, found mode 775";
        refused("/srv/lvx", &[("/srv", users)], why);
        let own = Node::File { user: 1000, group: 0, mode: 0o755 };
        let why = "expected /srv/a to be owned by root, found user 1000";
        refused("/srv/a/lvx", &[("/srv", root(0o755)), ("/srv/a", own.clone())], why);
        let why = "expected /usr/local/bin/lvx to be owned by root, found user 1000";
        refused("/usr/local/bin/lvx", &[("/usr/local/bin/lvx", own)], why);
    }

    #[test]
    fn all_links_on_the_path_are_checked() {
        let chain =
            [("/opt", link("/srv/on")), ("/srv", root(0o777)), ("/srv/on", link("/usr/local/bin"))];
        refused("/opt/lvx", &chain, "expected /srv to be writable only by root, found mode 777");
        refused("/a/lvx", &[("/a", link("/b")), ("/b", link("a"))], "too many symbolic links");
    }
}
