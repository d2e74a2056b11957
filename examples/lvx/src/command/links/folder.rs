//! The folder that contains the links.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use super::lock::Lock;
use crate::terminal::Failure;

/// Links by name, with the device nodes they lead to.
pub(super) type Links = BTreeMap<String, PathBuf>;

/// A folder such as `/dev`, and the links in it that `lvx` created.
///
/// The targets of these links have the form `/dev/./hidraw0`, or `/dev/./serial/by-path/…` for packs, by which `lvx`
/// recognizes its own links. It never changes other links.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Held by the process that creates links.
    _lock: Option<Lock>,
}

/// A change of a link.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Change {
    Linked { link: PathBuf, node: PathBuf },
    Removed { link: PathBuf, node: PathBuf },
}

impl Folder {
    /// Opens a folder to read it or to remove links.
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), _lock: None }
    }

    /// Opens a folder to create links, and locks it: two processes would remove each other's links.
    pub(super) fn locked(path: &Path) -> Result<Self, Failure> {
        let lock = Lock::take(path)?;
        Ok(Self { _lock: Some(lock), ..Self::new(path) })
    }

    pub(super) fn link(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Returns the links that `lvx` created.
    pub(super) fn present(&self) -> Result<Links, Failure> {
        let entries =
            fs::read_dir(&self.path).map_err(|error| Failure::usage(self.error("read", &error)))?;
        let links = entries.flatten().filter_map(|entry| {
            Some((entry.file_name().into_string().ok()?, node_of(&entry.path())?))
        });
        Ok(links.collect())
    }

    /// Returns the changes that lead to exactly these links of `lvx`: removals first, then additions.
    pub(super) fn changes(&self, target: &Links) -> Result<Vec<Change>, Failure> {
        Ok(self.changes_from(&self.present()?, target))
    }

    /// Returns the changes from the links in `present`.
    pub(super) fn changes_from(&self, present: &Links, target: &Links) -> Vec<Change> {
        let stale = present.iter().filter(|(name, node)| target.get(*name) != Some(*node));
        let removed =
            stale.map(|(name, node)| Change::Removed { link: self.link(name), node: node.clone() });
        let missing = target.iter().filter(|(name, node)| present.get(*name) != Some(*node));
        let linked = missing
            .map(|(name, node)| Change::Linked { link: self.link(name), node: node.clone() });
        removed.chain(linked).collect()
    }

    /// Makes a change.
    pub(super) fn make(&self, change: &Change) -> Result<(), String> {
        match change {
            // The link has been changed since.
            Change::Removed { link, node } if node_of(link).as_ref() != Some(node) => Ok(()),
            Change::Removed { link, .. } => match fs::remove_file(link) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                result => result.map_err(|error| self.error("written", &error)),
            },
            Change::Linked { link, node } => self.swap(link, node),
        }
    }

    /// Replaces a link atomically.
    fn swap(&self, link: &Path, node: &Path) -> Result<(), String> {
        if fs::symlink_metadata(link).is_ok() && node_of(link).is_none() {
            return Err(format!(
                "{}: exists, but was not created by lvx; remove it, or use another name in units.yaml",
                link.display()
            ));
        }
        let name = node.strip_prefix("/dev").unwrap_or(node).to_string_lossy();
        let new = link.file_name().unwrap_or_default().to_string_lossy();
        let new = self.path.join(format!(".lvx-{}-{new}", std::process::id()));
        let mut retries = MAX_RETRIES;
        loop {
            // A killed process with the same number may have left this file.
            let _ = fs::remove_file(&new);
            match symlink(format!("{MARK}{name}"), &new).and_then(|()| fs::rename(&new, link)) {
                // `clear` needs no lock and may have removed the new link.
                Err(error) if error.kind() == io::ErrorKind::NotFound && retries > 0 => {
                    retries -= 1;
                }
                result => return result.map_err(|error| self.error("written", &error)),
            }
        }
    }

    fn error(&self, what: &str, error: &io::Error) -> String {
        let hint = match error.kind() {
            io::ErrorKind::PermissionDenied => "; run as root (sudo), or use --dir",
            _ => "",
        };
        format!("{}: cannot be {what}: {error}{hint}", self.path.display())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Linked { link, node } => write!(f, "{} -> {}", link.display(), node.display()),
            Self::Removed { link, node } => {
                write!(f, "{} removed (led to {})", link.display(), node.display())
            }
        }
    }
}

/// Returns the device node that a link of `lvx` leads to; `None` for other files.
fn node_of(link: &Path) -> Option<PathBuf> {
    let target = fs::read_link(link).ok()?;
    Some(Path::new("/dev").join(target.to_str()?.strip_prefix(MARK)?))
}

/// Prefix of the targets of `lvx` links, equivalent to `/dev/`.
const MARK: &str = "/dev/./";

/// Maximum number of retries after another process removed the new link.
const MAX_RETRIES: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("lvx-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn links<const N: usize>(links: [(&str, &str); N]) -> Links {
        links.map(|(name, node)| (name.to_owned(), PathBuf::from(node))).into()
    }

    #[test]
    fn link_changed_since_is_not_removed() {
        let scratch = Scratch::new("moved");
        let folder = Folder::new(&scratch.0);
        folder.swap(&scratch.0.join("a"), Path::new("/dev/hidraw0")).unwrap();
        let changes = folder.changes(&links([])).unwrap();
        folder.swap(&scratch.0.join("a"), Path::new("/dev/hidraw1")).unwrap();
        for change in &changes {
            folder.make(change).unwrap();
        }
        assert_eq!(folder.present().unwrap(), links([("a", "/dev/hidraw1")]));
    }

    #[test]
    fn changes_lead_to_the_target_and_keep_other_links() {
        let scratch = Scratch::new("folder");
        let folder = Folder::new(&scratch.0);
        symlink("hidraw7", scratch.0.join("made-by-udev")).unwrap();
        for target in [
            links([("a", "/dev/hidraw0"), ("b", "/dev/hidraw1")]),
            links([("a", "/dev/hidraw1"), ("b", "/dev/hidraw0")]),
            links([("c", "/dev/hidraw0")]),
            links([("c", "/dev/hidraw0"), ("pack", "/dev/serial/by-path/usb-0:1-port0")]),
            links([]),
        ] {
            for change in folder.changes(&target).unwrap() {
                folder.make(&change).unwrap();
            }
            assert_eq!(folder.present().unwrap(), target);
            assert_eq!(folder.changes(&target).unwrap(), []);
            assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), target.len() + 1);
        }
        assert!(scratch.0.join("made-by-udev").is_symlink());
    }

    #[test]
    fn removals_precede_additions() {
        let scratch = Scratch::new("order");
        let folder = Folder::new(&scratch.0);
        symlink("/dev/./hidraw0", scratch.0.join("b")).unwrap();
        let changes = folder.changes(&links([("a", "/dev/hidraw0")])).unwrap();
        assert!(matches!(&changes[..], [Change::Removed { .. }, Change::Linked { .. }]));
    }

    #[test]
    fn files_not_created_by_lvx_are_kept() {
        let scratch = Scratch::new("foreign");
        let folder = Folder::new(&scratch.0);
        fs::write(scratch.0.join("a"), "precious").unwrap();
        symlink("hidraw3", scratch.0.join("b")).unwrap();
        for name in ["a", "b"] {
            for change in folder.changes(&links([(name, "/dev/hidraw0")])).unwrap() {
                assert!(folder.make(&change).is_err());
            }
        }
        assert_eq!(fs::read_to_string(scratch.0.join("a")).unwrap(), "precious");
        assert_eq!(fs::read_link(scratch.0.join("b")).unwrap(), Path::new("hidraw3"));
    }
}
