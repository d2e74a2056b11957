//! Paths that root can rely on: no other user can replace a part of them.

use std::{
    ffi::OsString,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Component, Path, PathBuf},
};

/// Owner, group and mode of a file, or where a symbolic link leads.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Link(PathBuf),
    File { user: u32, group: u32, mode: u32 },
}

/// Checks a path for a system service, as far as it exists: absolute, without `..`, outside the folders
/// that a service does not see, and with no file or folder on the way that anyone but root can change.
/// Symbolic links are followed and checked on the way.
///
/// Returns the reason if the path is unsuitable.
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
            return Err(format!("expected a path outside {hidden}, which a service does not see"));
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

/// Reads owner and mode from the file system; none if there is no such file.
pub(super) fn look(path: &Path) -> io::Result<Option<Node>> {
    let about = match fs::symlink_metadata(path) {
        Ok(about) => about,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(if about.is_symlink() {
        Node::Link(fs::read_link(path)?)
    } else {
        Node::File { user: about.uid(), group: about.gid(), mode: about.mode() }
    }))
}

/// The target, if it is a link.
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
        return Err(format!("expected {shown} to be root's, found it is user {user}'s"));
    }
    let others_write = mode & 0o002 != 0 || (mode & 0o020 != 0 && !ROOT_GROUPS.contains(&group));
    if others_write {
        return Err(format!(
            "expected that only root can write to {shown}, found mode {:o}",
            mode & 0o7777
        ));
    }
    Ok(None)
}

/// The last part first.
fn parts(path: &Path) -> Vec<OsString> {
    let named = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    named.rev().collect()
}

/// A service sees none of these, or others in their place (`ProtectHome`, `PrivateTmp`).
const HIDDEN: [&str; 5] = ["/home", "/root", "/run/user", "/tmp", "/var/tmp"];

/// Groups that may do what root may: root, and Debian's staff, which older releases let write to
/// `/usr/local`.
const ROOT_GROUPS: [u32; 2] = [0, 50];

/// As many as the kernel follows.
const MAX_LINKS: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    /// A file system of `/usr/local/bin`, and of this beside it.
    fn checked(path: &str, beside: &[(&str, Node)]) -> Result<(), String> {
        check(Path::new(path), |path| {
            let known = beside.iter().find(|(name, _)| Path::new(name) == path);
            let usual = ["/", "/usr", "/usr/local", "/usr/local/bin"];
            let usual = || usual.iter().any(|name| Path::new(name) == path).then(|| root(0o755));
            Ok(known.map(|(_, node)| node.clone()).or_else(usual))
        })
    }

    fn root(mode: u32) -> Node {
        Node::File { user: 0, group: 0, mode }
    }

    fn link(target: &str) -> Node {
        Node::Link(target.into())
    }

    #[track_caller]
    fn refused(path: &str, beside: &[(&str, Node)], why: &str) {
        assert_eq!(checked(path, beside), Err(why.to_owned()), "{path}");
    }

    #[test]
    fn path_that_only_root_can_change_is_accepted() {
        assert_eq!(checked("/usr/local/bin/lvx", &[]), Ok(()));
        assert_eq!(checked("/usr/local/bin/lvx", &[("/usr/local/bin/lvx", root(0o755))]), Ok(()));
        assert_eq!(checked("/nowhere/yet/lvx", &[]), Ok(()));
        let staff = Node::File { user: 0, group: 50, mode: 0o2775 };
        assert_eq!(checked("/usr/local/bin/lvx", &[("/usr/local", staff)]), Ok(()));
        assert_eq!(checked("/bin/lvx", &[("/bin", link("usr/local/bin"))]), Ok(()));
    }

    #[test]
    fn path_that_is_not_plain_is_refused() {
        refused("lvx", &[], "expected an absolute path");
        refused("/usr/../home/x/lvx", &[], "expected a path without `..`");
    }

    #[test]
    fn path_that_a_service_does_not_see_is_refused() {
        for hidden in ["/home", "/root", "/tmp", "/var/tmp", "/run/user"] {
            let why = format!("expected a path outside {hidden}, which a service does not see");
            refused(&format!("{hidden}/x/lvx"), &[], &why);
        }
        let why = "expected a path outside /home, which a service does not see";
        refused("/opt/lvx", &[("/opt", link("/home/x"))], why);
    }

    #[test]
    fn path_that_others_can_change_is_refused() {
        let why = "expected that only root can write to /srv, found mode 1777";
        refused("/srv/lvx", &[("/srv", root(0o41777))], why);
        let users = Node::File { user: 0, group: 100, mode: 0o775 };
        let why = "expected that only root can write to /srv, found mode 775";
        refused("/srv/lvx", &[("/srv", users)], why);
        let own = Node::File { user: 1000, group: 0, mode: 0o755 };
        let why = "expected /srv/a to be root's, found it is user 1000's";
        refused("/srv/a/lvx", &[("/srv", root(0o755)), ("/srv/a", own.clone())], why);
        let why = "expected /usr/local/bin/lvx to be root's, found it is user 1000's";
        refused("/usr/local/bin/lvx", &[("/usr/local/bin/lvx", own)], why);
    }

    #[test]
    fn each_link_on_the_way_is_checked() {
        let chain =
            [("/opt", link("/srv/on")), ("/srv", root(0o777)), ("/srv/on", link("/usr/local/bin"))];
        refused("/opt/lvx", &chain, "expected that only root can write to /srv, found mode 777");
        refused("/a/lvx", &[("/a", link("/b")), ("/b", link("a"))], "too many symbolic links");
    }
}
