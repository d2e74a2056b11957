//! The list of runs of all users of this machine: small files in a folder to which all users can write, but
//! in which only the owner of a file can delete it.
//!
//! A run creates its entry before it queries the units, and keeps it locked while the program runs. It
//! then reads the other entries. Of two runs that start at the same time, at least one therefore sees the other.
//! Entries of other users are untrusted: they can only block a run, with a message and an option to
//! ignore them.

mod claim;
mod entry;
mod runs_folder;

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    rc::Rc,
};

use pi18_proto::SerialNumber;

use self::runs_folder::{LASTING, RunsFolder, make_lasting};
use super::{
    disk::Disk,
    folder::names,
    users::{self, has_other_rights},
};
use crate::terminal::print_note;

pub(crate) use self::{claim::Claim, entry::Entry};

/// The folders that contain entries.
#[derive(Debug)]
pub(crate) struct Registry {
    places: RefCell<Vec<Rc<RunsFolder>>>,
    /// Whether the folders are those that all users share.
    is_shared: bool,
    disk: Rc<dyn Disk>,
    /// Users with excess entries, for whom a warning was printed.
    warned: RefCell<Vec<u32>>,
}

impl Registry {
    /// Opens the existing folders.
    pub(crate) fn open(disk: &Rc<dyn Disk>) -> Self {
        let own = std::env::var_os("LVX_RUNS_DIR").filter(|_| !has_other_rights());
        let places = match &own {
            Some(path) => RunsFolder::open(Path::new(path)).into_iter().collect(),
            None => SHARED.iter().filter_map(|path| RunsFolder::open(Path::new(path))).collect(),
        };
        Self {
            places: RefCell::new(places),
            is_shared: own.is_none(),
            disk: Rc::clone(disk),
            warned: RefCell::default(),
        }
    }

    /// Returns the paths of the folders.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        self.places.borrow().iter().map(|place| place.path.clone()).collect()
    }

    /// Creates the entry of a new run with this journal.
    ///
    /// # Errors
    /// If an entry for the journal exists, or no folder is writable.
    pub(crate) fn claim(&self, journal: &Path, units: &[SerialNumber]) -> io::Result<Claim> {
        let run = journal.file_stem().unwrap_or_default().to_string_lossy();
        self.make(&format!("{PREFIX}{}-{run}.json", users::effective()), journal, units)
    }

    fn make(&self, name: &str, journal: &Path, units: &[SerialNumber]) -> io::Result<Claim> {
        let mut last = io::Error::other(format!(
            "expected a folder for the list of runs, found none of {}{}",
            SHARED.join(", "),
            another_folder(" (", ")")
        ));
        self.make_lasting();
        for place in self.places.borrow().iter() {
            let made = Claim::make(place, name, journal, units, &self.disk);
            match made {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    let place = place.path.display();
                    last = io::Error::new(error.kind(), format!("{place}: {error}"));
                }
                made => return made,
            }
        }
        Err(last)
    }

    /// Creates the entry of a resumed run and removes its old ones. The caller holds the lock of the journal.
    ///
    /// Does not lock the old entry: any user can lock it, and would thereby block its owner.
    ///
    /// # Errors
    /// If no folder is writable.
    pub(crate) fn take_over(&self, journal: &Path, units: &[SerialNumber]) -> io::Result<Claim> {
        let run = journal.file_stem().unwrap_or_default().to_string_lossy();
        let (uid, process) = (users::effective(), std::process::id());
        let own = format!("{PREFIX}{uid}-{run}-{process}");
        let mut claim = match self.make(&format!("{own}.json"), journal, units) {
            // Another user can create a file of this name, but not one for each possible time.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let now = jiff::Timestamp::now().as_nanosecond();
                self.make(&format!("{own}-{now}.json"), journal, units)
            }
            made => made,
        }?;
        claim.begin()?;
        // Reads only entries of this run, independent of the number of other files.
        let first = format!("{PREFIX}{uid}-{run}");
        for place in self.places.borrow().iter() {
            let names = names(&place.file, |name| name.starts_with(&first)).unwrap_or_default();
            for entry in names.iter().filter_map(|name| Entry::read(place, name)) {
                if entry.owner == uid && entry.journal == journal && !claim.is(&entry) {
                    entry.remove();
                }
            }
        }
        Ok(claim)
    }

    /// Creates the folder that survives a restart, if this user is root.
    fn make_lasting(&self) {
        let lasting = Path::new(LASTING);
        if self.is_shared && users::effective() == 0 && !lasting.exists() {
            // If that fails, the other folders are used.
            let _ = make_lasting(lasting, self.disk.as_ref());
            self.places.borrow_mut().splice(..0, RunsFolder::open(lasting));
        }
    }

    /// Returns the entries of other users whose runs began to write and are not finished. Their programs have ended.
    ///
    /// # Errors
    /// As [`entries`](Self::entries).
    #[cfg(any(feature = "bridge", test))]
    pub(crate) fn left_by_others(&self) -> io::Result<Vec<Entry>> {
        let mut left = self.entries()?;
        left.retain(|entry| {
            entry.is_begun && !entry.is_running && entry.owner != users::effective()
        });
        Ok(left)
    }

    /// Returns all readable entries. Ignores other files, and entries of another user beyond
    /// `MAX_ENTRIES`.
    ///
    /// # Errors
    /// If this user or root has more than `MAX_ENTRIES`, because these must not be ignored.
    pub(crate) fn entries(&self) -> io::Result<Vec<Entry>> {
        self.at_most(MAX_ENTRIES)
    }

    fn at_most(&self, max: usize) -> io::Result<Vec<Entry>> {
        let mut found = Vec::new();
        for place in self.places.borrow().iter() {
            let Ok(names) = names(&place.file, |name| name.starts_with(PREFIX)) else { continue };
            let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
            // Names contain the time. If there are too many, the oldest are ignored.
            for name in names.iter().rev() {
                let Some(owner) = place.owner(name) else { continue };
                let count = counts.entry(owner).or_default();
                *count += 1;
                if *count <= max {
                    found.extend(Entry::read(place, name));
                }
            }
            for (owner, count) in counts.into_iter().filter(|(_, count)| *count > max) {
                self.too_many(place, owner, count, max)?;
            }
        }
        Ok(found)
    }

    /// Returns an error for excess entries of this user or root, and warns once about those of another user.
    fn too_many(&self, place: &RunsFolder, owner: u32, count: usize, max: usize) -> io::Result<()> {
        let (path, user) = (place.path.display(), users::named(owner));
        if owner == 0 || owner == users::effective() {
            return Err(io::Error::other(format!(
                "{path}: expected at most {max} files of {user} named {PREFIX}…, found {count}; remove \
                 them{}",
                another_folder(", or ", "")
            )));
        }
        let mut warned = self.warned.borrow_mut();
        if !warned.contains(&owner) {
            warned.push(owner);
            print_note(&format!(
                "warning: {path}: expected at most {max} files of {user} named {PREFIX}…, found {count}; \
                 the oldest are ignored"
            ));
        }
        Ok(())
    }
}

/// Returns the hint to use another folder; empty if the environment is not trusted.
fn another_folder(before: &str, after: &str) -> String {
    if has_other_rights() {
        String::new()
    } else {
        format!("{before}set LVX_RUNS_DIR to another folder{after}")
    }
}

/// Possible folders of entries, best first.
const SHARED: [&str; 3] = [LASTING, "/var/tmp", "/tmp"];

/// Prefix of the names of entries.
const PREFIX: &str = "lvx-run-";
/// Maximum number of entries per user and folder.
const MAX_ENTRIES: usize = 4096;

#[cfg(test)]
mod tests {
    use std::fs::File;

    use rustix::fs::{FileType, Mode};

    use super::*;
    use crate::state::testing::{DiskRecorder, Scratch};

    fn registry(scratch: &Scratch) -> (Registry, Rc<DiskRecorder>) {
        let recorder = Rc::new(DiskRecorder::default());
        let disk: Rc<dyn Disk> = recorder.clone();
        let places = RefCell::new(vec![RunsFolder::open(&scratch.0).unwrap()]);
        (Registry { places, is_shared: false, disk, warned: RefCell::default() }, recorder)
    }

    fn serial(digits: &str) -> SerialNumber {
        SerialNumber::new(digits).unwrap()
    }

    #[test]
    fn entry_is_listed_until_its_run_ends() {
        let scratch = Scratch::new();
        let (registry, recorder) = registry(&scratch);
        let units = [serial("96132206100410")];
        let journal = Path::new("/state/20261124-131029.journal");
        let mut claim = registry.claim(journal, &units).unwrap();
        let seen = registry.entries().unwrap();
        assert!(claim.is(&seen[0]) && seen[0].is_running && !seen[0].is_begun, "{seen:?}");
        assert_eq!((&seen[0].units[..], &*seen[0].journal), (&units[..], journal));
        let twice = registry.claim(journal, &units).unwrap_err();
        assert_eq!(twice.kind(), io::ErrorKind::AlreadyExists);
        claim.begin().unwrap();
        assert_eq!(recorder.paths(), [scratch.0.join(&claim.name), scratch.0.clone()]);
        // A killed program releases the lock and leaves the entry.
        drop(claim);
        let seen = registry.entries().unwrap();
        assert!(!seen[0].is_running && seen[0].is_begun, "{seen:?}");
        // Every user can lock the entry, so a lock must not block its owner.
        let theirs = File::open(scratch.0.join(&seen[0].name)).unwrap();
        theirs.lock().unwrap();
        let claim = registry.take_over(journal, &units).unwrap();
        let seen = registry.entries().unwrap();
        assert!(seen.len() == 1 && claim.is(&seen[0]) && seen[0].is_begun, "{seen:?}");
        claim.end();
        assert!(registry.entries().unwrap().is_empty());
    }

    #[test]
    fn run_that_never_began_leaves_no_entry() {
        let scratch = Scratch::new();
        let (registry, _) = registry(&scratch);
        drop(registry.claim(Path::new("x.journal"), &[]).unwrap());
        assert!(registry.entries().unwrap().is_empty());
    }

    #[test]
    fn other_files_are_ignored() {
        let scratch = Scratch::new();
        let (registry, _) = registry(&scratch);
        for (name, text) in [("a", ""), ("b", "{}\n"), ("c", "\u{1}\n"), ("d", "no line end")] {
            std::fs::write(scratch.0.join(format!("{PREFIX}{name}")), text).unwrap();
        }
        std::os::unix::fs::symlink("/etc/passwd", scratch.0.join(format!("{PREFIX}e"))).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            scratch.0.join(format!("{PREFIX}f")),
            FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            0,
        )
        .unwrap();
        assert!(registry.entries().unwrap().is_empty());
    }

    #[test]
    fn excess_entries_of_one_user_do_not_block_others() {
        if users::effective() != 0 {
            return;
        }
        let scratch = Scratch::new();
        let (registry, _) = registry(&scratch);
        let journal = Path::new("/state/20261124-131029.journal");
        let units = [serial("96132206100410")];
        let mut claim = registry.claim(journal, &units).unwrap();
        claim.begin().unwrap();
        drop(claim);
        let own = std::fs::read(registry.entries().unwrap()[0].path()).unwrap();
        for number in 0..5 {
            let theirs = scratch.0.join(format!("{PREFIX}12345-{number}.json"));
            std::fs::write(&theirs, &own).unwrap();
            std::os::unix::fs::chown(theirs, Some(12345), None).unwrap();
        }
        // The run of another user that is in progress, or did not begin to write, is not left over.
        let (running, unbegun) = ("0-1.json", "0-2.json");
        let [running, unbegun] =
            [running, unbegun].map(|name| scratch.0.join(format!("{PREFIX}{name}")));
        std::fs::write(&running, &own).unwrap();
        std::fs::write(&unbegun, own.strip_suffix(b"begun\n").unwrap()).unwrap();
        for file in [&running, &unbegun] {
            std::os::unix::fs::chown(file, Some(12346), None).unwrap();
        }
        let lock = File::open(&running).unwrap();
        lock.lock().unwrap();
        let left = registry.left_by_others().unwrap();
        assert_eq!(left.len(), 5);
        assert!(left.iter().all(|entry| entry.owner == 12345 && entry.units == units));
        drop(lock);
        let found = registry.at_most(3).unwrap();
        let count = |owner| found.iter().filter(|entry| entry.owner == owner).count();
        assert_eq!((count(0), count(12345)), (1, 3));
        assert!(
            found.iter().all(|entry| !entry.name.ends_with("-0.json")),
            "the oldest entry was not ignored"
        );
        // Excess entries of this user are an error, but a run can still be resumed.
        let error = registry.at_most(0).unwrap_err().to_string();
        assert!(error.contains("files of root (uid 0)"), "{error}");
        let taken = format!("{PREFIX}0-20261124-131029-{}.json", std::process::id());
        std::fs::write(scratch.0.join(&taken), "").unwrap();
        std::os::unix::fs::chown(scratch.0.join(taken), Some(12345), None).unwrap();
        let claim = registry.take_over(journal, &units).unwrap();
        let own = registry.entries().unwrap().into_iter().filter(|entry| entry.owner == 0);
        assert!(own.map(|entry| claim.is(&entry)).eq([true]));
    }

    #[test]
    fn entry_is_removed_if_it_cannot_be_made_durable() {
        #[derive(Debug)]
        struct Full;
        impl Disk for Full {
            fn sync(&self, _: &File, _: &Path) -> io::Result<()> {
                Err(io::ErrorKind::StorageFull.into())
            }
        }
        let scratch = Scratch::new();
        let (mut registry, _) = registry(&scratch);
        registry.disk = Rc::new(Full);
        let mut claim = registry.claim(Path::new("/x.journal"), &[]).unwrap();
        assert!(claim.begin().is_err());
        drop(claim);
        assert!(registry.entries().unwrap().is_empty());
    }
}
