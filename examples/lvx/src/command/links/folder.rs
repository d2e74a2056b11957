//! The folder of the links.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use super::lock::Lock;
use crate::terminal::Failure;

/// The links that should be there: names, and the nodes they lead to.
pub(super) type Links = BTreeMap<String, PathBuf>;

/// A folder such as `/dev`, and the links in it that are ours.
///
/// Ours are told from all others by the way they are written: `/dev/./hidraw0`. So nothing has to be
/// kept elsewhere, and none of anybody else is touched.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Held by the process that makes links in it.
    _lock: Option<Lock>,
}

/// Something that was done, or would be.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Change {
    Linked { link: PathBuf, node: PathBuf },
    Removed { link: PathBuf, node: PathBuf },
}

impl Folder {
    /// Opens a folder to look at it, or to take links away.
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), _lock: None }
    }

    /// Opens a folder to make links in it: for this process alone, because two would take each other's
    /// links away.
    pub(super) fn own(path: &Path) -> Result<Self, Failure> {
        let lock = Lock::take(path)?;
        Ok(Self { _lock: Some(lock), ..Self::new(path) })
    }

    pub(super) fn link(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Our links that are there.
    pub(super) fn present(&self) -> Result<Links, Failure> {
        let entries = fs::read_dir(&self.path)
            .map_err(|error| Failure::usage(self.trouble("read", &error)))?;
        let links = entries.flatten().filter_map(|entry| {
            Some((entry.file_name().into_string().ok()?, node_of(&entry.path())?))
        });
        Ok(links.collect())
    }

    /// What is to be done so that these links are there, and no other of ours: first what goes, then
    /// what comes.
    pub(super) fn changes(&self, wanted: &Links) -> Result<Vec<Change>, Failure> {
        Ok(self.changes_from(&self.present()?, wanted))
    }

    /// The same, from what was there.
    pub(super) fn changes_from(&self, present: &Links, wanted: &Links) -> Vec<Change> {
        let stale = present.iter().filter(|(name, node)| wanted.get(*name) != Some(*node));
        let removed =
            stale.map(|(name, node)| Change::Removed { link: self.link(name), node: node.clone() });
        let missing = wanted.iter().filter(|(name, node)| present.get(*name) != Some(*node));
        let linked = missing
            .map(|(name, node)| Change::Linked { link: self.link(name), node: node.clone() });
        removed.chain(linked).collect()
    }

    /// Does it, or says why it cannot be done.
    pub(super) fn make(&self, change: &Change) -> Result<(), String> {
        match change {
            // It may lead elsewhere by now.
            Change::Removed { link, node } if node_of(link).as_ref() != Some(node) => Ok(()),
            Change::Removed { link, .. } => match fs::remove_file(link) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                done => done.map_err(|error| self.trouble("written", &error)),
            },
            Change::Linked { link, node } => self.swap(link, node),
        }
    }

    /// At no moment is there half a link, or none where there was one.
    fn swap(&self, link: &Path, node: &Path) -> Result<(), String> {
        if fs::symlink_metadata(link).is_ok() && node_of(link).is_none() {
            return Err(format!(
                "{}: is there, and lvx did not make it; remove it, or choose another name in units.yaml",
                link.display()
            ));
        }
        let name = node.file_name().unwrap_or_default().to_string_lossy();
        let new = self.path.join(format!(".lvx-{}-{name}", std::process::id()));
        let mut left = TRIES;
        loop {
            // One that a killed process of this number left behind.
            let _ = fs::remove_file(&new);
            match symlink(format!("{MARK}{name}"), &new).and_then(|()| fs::rename(&new, link)) {
                // `clear` needs no lock and may have taken the new one away.
                Err(error) if error.kind() == io::ErrorKind::NotFound && left > 0 => left -= 1,
                done => return done.map_err(|error| self.trouble("written", &error)),
            }
        }
    }

    fn trouble(&self, what: &str, error: &io::Error) -> String {
        let hint = match error.kind() {
            io::ErrorKind::PermissionDenied => "; run it as root (sudo), or choose --dir",
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
                write!(f, "{} removed (it led to {})", link.display(), node.display())
            }
        }
    }
}

/// The node that a link of ours leads to.
fn node_of(link: &Path) -> Option<PathBuf> {
    let target = fs::read_link(link).ok()?;
    Some(Path::new("/dev").join(target.to_str()?.strip_prefix(MARK)?))
}

/// How a link of ours begins. The same place as `/dev/`.
const MARK: &str = "/dev/./";

/// How often a new link is made again that another process took away.
const TRIES: usize = 3;

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
    fn a_link_that_leads_elsewhere_by_now_is_not_removed() {
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
    fn comes_to_what_is_wanted_and_touches_nothing_else() {
        let scratch = Scratch::new("folder");
        let folder = Folder::new(&scratch.0);
        symlink("hidraw7", scratch.0.join("udev-made-this")).unwrap();
        for wanted in [
            links([("a", "/dev/hidraw0"), ("b", "/dev/hidraw1")]),
            links([("a", "/dev/hidraw1"), ("b", "/dev/hidraw0")]),
            links([("c", "/dev/hidraw0")]),
            links([]),
        ] {
            for change in folder.changes(&wanted).unwrap() {
                folder.make(&change).unwrap();
            }
            assert_eq!(folder.present().unwrap(), wanted);
            assert_eq!(folder.changes(&wanted).unwrap(), []);
            assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), wanted.len() + 1);
        }
        assert!(scratch.0.join("udev-made-this").is_symlink());
    }

    #[test]
    fn what_goes_goes_first() {
        let scratch = Scratch::new("order");
        let folder = Folder::new(&scratch.0);
        symlink("/dev/./hidraw0", scratch.0.join("b")).unwrap();
        let changes = folder.changes(&links([("a", "/dev/hidraw0")])).unwrap();
        assert!(matches!(&changes[..], [Change::Removed { .. }, Change::Linked { .. }]));
    }

    #[test]
    fn what_lvx_did_not_make_stays() {
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
