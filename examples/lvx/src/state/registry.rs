//! The runs of all users of this machine: small files in a folder that everybody can write to and
//! no user can delete another user's files from.
//!
//! An entry is made before the units are asked, and locked as long as its program runs. Whoever starts
//! a run first makes its entry and then reads those of the others, so of two that start at once at
//! least one sees the other. What an entry of another user says is untrusted: it can keep a run from
//! starting, with a message and a way around it, and nothing else.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fs::{File, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    rc::Rc,
};

use pi18_proto::SerialNumber;
use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, fchmod, mkdirat, open, openat, statat, unlinkat},
    io::Errno,
};
use serde::{Deserialize, Serialize};

use super::{
    disk::Disk,
    folder::{SAFE, names},
    users,
};
use crate::outcome::progress;

/// The folders that hold entries.
#[derive(Debug)]
pub(crate) struct Registry {
    places: RefCell<Vec<Rc<Place>>>,
    /// The places are those that all users share.
    is_shared: bool,
    disk: Rc<dyn Disk>,
    /// Users of whose surplus of entries was warned.
    warned: RefCell<Vec<u32>>,
}

#[derive(Debug)]
struct Place {
    path: PathBuf,
    file: File,
}

/// The entry of a run of this program. It is removed when the run has ended.
#[derive(Debug)]
pub(crate) struct Claim {
    place: Rc<Place>,
    name: String,
    file: File,
    disk: Rc<dyn Disk>,
    is_begun: bool,
}

/// An entry that was found.
#[derive(Debug)]
pub(crate) struct Entry {
    place: Rc<Place>,
    name: String,
    /// The user whose file it is.
    pub(crate) owner: u32,
    /// The units that the run is about.
    pub(crate) units: Vec<SerialNumber>,
    /// Where it says that its journal is.
    pub(crate) journal: PathBuf,
    /// The program that made it is still there.
    pub(crate) is_running: bool,
    /// It came as far as its first write.
    pub(crate) is_begun: bool,
}

/// The first line of an entry.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    format: Format,
    journal: PathBuf,
    units: Vec<SerialNumber>,
}

#[derive(Serialize, Deserialize)]
enum Format {
    #[serde(rename = "lvx-run-1")]
    V1,
}

impl Registry {
    /// Opens the folders that are there.
    pub(crate) fn open(disk: &Rc<dyn Disk>) -> Self {
        let own = std::env::var_os("LVX_RUNS_DIR").filter(|_| !has_other_rights());
        let places = match &own {
            Some(path) => Place::open(Path::new(path)).into_iter().collect(),
            None => SHARED.iter().filter_map(|path| Place::open(Path::new(path))).collect(),
        };
        Self {
            places: RefCell::new(places),
            is_shared: own.is_none(),
            disk: Rc::clone(disk),
            warned: RefCell::default(),
        }
    }

    /// The folders, for messages.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        self.places.borrow().iter().map(|place| place.path.clone()).collect()
    }

    /// Makes the entry of a new run, whose journal will be this.
    ///
    /// # Errors
    /// If no folder takes it, or there is one for this journal already.
    pub(crate) fn claim(&self, journal: &Path, units: &[SerialNumber]) -> io::Result<Claim> {
        let run = journal.file_stem().unwrap_or_default().to_string_lossy();
        self.make(&format!("{PREFIX}{}-{run}.json", users::effective()), journal, units)
    }

    fn make(&self, name: &str, journal: &Path, units: &[SerialNumber]) -> io::Result<Claim> {
        let mut last = io::Error::other(format!(
            "no folder for the list of runs: expected one of {}{}",
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

    /// Makes the entry of a run that goes on, in the place of those that it has. The caller holds the
    /// lock of its journal.
    ///
    /// The old entry is not locked for that: everybody can lock it, and so keep its owner from it.
    ///
    /// # Errors
    /// If no folder takes an entry.
    pub(crate) fn take_over(&self, journal: &Path, units: &[SerialNumber]) -> io::Result<Claim> {
        let run = journal.file_stem().unwrap_or_default().to_string_lossy();
        let (uid, process) = (users::effective(), std::process::id());
        let own = format!("{PREFIX}{uid}-{run}-{process}");
        let mut claim = match self.make(&format!("{own}.json"), journal, units) {
            // Another user can make files of that name, but not of every time.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let now = jiff::Timestamp::now().as_nanosecond();
                self.make(&format!("{own}-{now}.json"), journal, units)
            }
            made => made,
        }?;
        claim.begin()?;
        // Only the own entries are read, however many files others put there.
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

    /// Root makes the folder that survives a restart, before the first entry.
    fn make_lasting(&self) {
        let lasting = Path::new(LASTING);
        if self.is_shared && users::effective() == 0 && !lasting.exists() {
            // Where it cannot be made there are others.
            let _ = make_lasting(lasting, self.disk.as_ref());
            self.places.borrow_mut().splice(..0, Place::open(lasting));
        }
    }

    /// All entries that can be read. What is no entry names no unit, and is passed over, as is what
    /// another user has beyond `MAX_ENTRIES`.
    ///
    /// # Errors
    /// If this user or root has more than that: those count, and are not passed over.
    pub(crate) fn entries(&self) -> io::Result<Vec<Entry>> {
        self.at_most(MAX_ENTRIES)
    }

    fn at_most(&self, max: usize) -> io::Result<Vec<Entry>> {
        let mut found = Vec::new();
        for place in self.places.borrow().iter() {
            let Ok(names) = names(&place.file, |name| name.starts_with(PREFIX)) else { continue };
            let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
            // The names have the time in them: of too many the oldest are passed over.
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

    /// Fails for entries that have to be read, and warns once of those of another user.
    fn too_many(&self, place: &Place, owner: u32, count: usize, max: usize) -> io::Result<()> {
        let (path, user) = (place.path.display(), users::named(owner));
        if owner == 0 || owner == users::effective() {
            return Err(io::Error::other(format!(
                "{path}: {count} files of {user} named {PREFIX}…, expected at most {max}; remove \
                 them{}",
                another_folder(", or ", "")
            )));
        }
        let mut warned = self.warned.borrow_mut();
        if !warned.contains(&owner) {
            warned.push(owner);
            progress(&format!(
                "warning: {path}: {count} files of {user} named {PREFIX}…, expected at most {max}; \
                 the oldest are passed over"
            ));
        }
        Ok(())
    }
}

/// How another folder is named, if that is possible here.
fn another_folder(before: &str, after: &str) -> String {
    if has_other_rights() {
        String::new()
    } else {
        format!("{before}name another folder with LVX_RUNS_DIR{after}")
    }
}

impl Place {
    /// A folder whose files only their owners can delete.
    fn open(path: &Path) -> Option<Rc<Self>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = File::from(open(path, flags, Mode::empty()).ok()?);
        let found = file.metadata().ok()?;
        let own = [0, users::effective()].contains(&found.uid());
        let sticky = found.mode() & 0o022 == 0 || found.mode() & 0o1000 != 0;
        (own && sticky).then(|| Rc::new(Self { path: path.to_owned(), file }))
    }

    /// The user whose file it is, if it is a regular one.
    fn owner(&self, name: &str) -> Option<u32> {
        let found = statat(&self.file, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        (FileType::from_raw_mode(found.st_mode) == FileType::RegularFile).then_some(found.st_uid)
    }

    fn sync(&self, disk: &dyn Disk) -> io::Result<()> {
        disk.sync(&self.file, &self.path)
    }
}

/// Makes the folder that survives a restart and the one that holds it, both open to all users, whatever
/// the umask is.
fn make_lasting(path: &Path, disk: &dyn Disk) -> io::Result<()> {
    let holder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let above = holder.parent().ok_or(io::ErrorKind::InvalidInput)?;
    make_level(above, holder, 0o755, disk)?;
    make_level(holder, path, 0o1777, disk)
}

fn make_level(parent: &Path, path: &Path, mode: u32, disk: &dyn Disk) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let holder = File::from(open(parent, flags, Mode::empty())?);
    match mkdirat(&holder, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let folder = File::from(openat(&holder, name, flags, Mode::empty())?);
    fchmod(&folder, Mode::from_raw_mode(mode))?;
    disk.sync(&folder, path)?;
    disk.sync(&holder, parent)
}

impl Claim {
    fn make(
        place: &Rc<Place>,
        name: &str,
        journal: &Path,
        units: &[SerialNumber],
        disk: &Rc<dyn Disk>,
    ) -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL;
        let mut file =
            File::from(openat(&place.file, name, flags | SAFE, Mode::RUSR | Mode::WUSR)?);
        let head = Head { format: Format::V1, journal: journal.to_owned(), units: units.to_vec() };
        // No other user can open it yet, so no other user can lock it.
        let written = file.lock().and_then(|()| {
            fchmod(&file, Mode::from_raw_mode(0o644))?;
            let mut line = serde_json::to_vec(&head)?;
            line.push(b'\n');
            file.write_all(&line)
        });
        let claim = Self {
            place: Rc::clone(place),
            name: name.to_owned(),
            file,
            disk: Rc::clone(disk),
            is_begun: false,
        };
        written.map(|()| claim)
    }

    /// Says that the run is about to write, so that its entry counts even when its program is gone.
    pub(crate) fn begin(&mut self) -> io::Result<()> {
        if !self.is_begun {
            self.file.write_all(BEGUN)?;
            self.disk.sync(&self.file, &self.place.path.join(&self.name))?;
            self.place.sync(self.disk.as_ref())?;
            // Before that nothing is written to a unit, and the entry is removed with the run.
            self.is_begun = true;
        }
        Ok(())
    }

    /// Whether an entry is this one.
    pub(crate) fn is(&self, entry: &Entry) -> bool {
        self.name == entry.name && self.place.path == entry.place.path
    }

    /// The run has ended: its entry is removed.
    pub(crate) fn end(mut self) {
        self.is_begun = false;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.is_begun {
            // One that cannot be removed is found to be of a run that ended.
            let _ = unlinkat(&self.place.file, &self.name, AtFlags::empty());
        }
    }
}

impl Entry {
    fn read(place: &Rc<Place>, name: &str) -> Option<Self> {
        let file =
            File::from(openat(&place.file, name, OFlags::RDONLY | SAFE, Mode::empty()).ok()?);
        let found = file.metadata().ok()?;
        if !found.is_file() {
            return None;
        }
        let mut text = String::new();
        (&file).take(MAX_BYTES).read_to_string(&mut text).ok()?;
        let (head, rest) = text.split_once('\n')?;
        let Head { format: Format::V1, journal, units } = serde_json::from_str(head).ok()?;
        // Only its own program holds it exclusively.
        let is_running = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        Some(Self {
            place: Rc::clone(place),
            name: name.to_owned(),
            owner: found.uid(),
            units,
            journal,
            is_running,
            is_begun: !rest.is_empty(),
        })
    }

    /// The file, for messages.
    pub(crate) fn path(&self) -> PathBuf {
        self.place.path.join(&self.name)
    }

    /// Removes the entry of an own run that has ended.
    pub(crate) fn remove(&self) {
        // It is found again, and removed then.
        let _ = unlinkat(&self.place.file, &self.name, AtFlags::empty());
    }
}

/// Returns whether the environment may come from a user with fewer rights.
fn has_other_rights() -> bool {
    let by_another = ["SUDO_UID", "DOAS_USER", "PKEXEC_UID"];
    rustix::process::getuid() != rustix::process::geteuid()
        || by_another.iter().any(|name| std::env::var_os(name).is_some())
}

/// Survives a restart, and nothing cleans it up.
const LASTING: &str = "/var/lib/lvx/runs";

/// Where entries can be, the best place first.
const SHARED: [&str; 3] = [LASTING, "/var/tmp", "/tmp"];

const PREFIX: &str = "lvx-run-";
const BEGUN: &[u8] = b"begun\n";
const MAX_BYTES: u64 = 64 << 10;
const MAX_ENTRIES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::{DiskRecorder, Scratch};

    fn registry(scratch: &Scratch) -> (Registry, Rc<DiskRecorder>) {
        let recorder = Rc::new(DiskRecorder::default());
        let disk: Rc<dyn Disk> = recorder.clone();
        let places = RefCell::new(vec![Place::open(&scratch.0).unwrap()]);
        (Registry { places, is_shared: false, disk, warned: RefCell::default() }, recorder)
    }

    fn serial(digits: &str) -> SerialNumber {
        SerialNumber::new(digits).unwrap()
    }

    #[test]
    fn an_entry_is_seen_as_long_as_its_run_lasts() {
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
        // A program that dies lets go of the lock and leaves the entry.
        drop(claim);
        let seen = registry.entries().unwrap();
        assert!(!seen[0].is_running && seen[0].is_begun, "{seen:?}");
        // Every user who can read it can lock it, so the lock must not stop a run.
        let theirs = File::open(scratch.0.join(&seen[0].name)).unwrap();
        theirs.lock().unwrap();
        let claim = registry.take_over(journal, &units).unwrap();
        let seen = registry.entries().unwrap();
        assert!(seen.len() == 1 && claim.is(&seen[0]) && seen[0].is_begun, "{seen:?}");
        claim.end();
        assert!(registry.entries().unwrap().is_empty());
    }

    #[test]
    fn a_run_that_never_began_leaves_nothing() {
        let scratch = Scratch::new();
        let (registry, _) = registry(&scratch);
        drop(registry.claim(Path::new("x.journal"), &[]).unwrap());
        assert!(registry.entries().unwrap().is_empty());
    }

    #[test]
    fn what_is_no_entry_is_passed_over() {
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
    fn surplus_entries_of_one_user_block_nobody_else() {
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
        let found = registry.at_most(3).unwrap();
        let count = |owner| found.iter().filter(|entry| entry.owner == owner).count();
        assert_eq!((count(0), count(12345)), (1, 3));
        assert!(found.iter().all(|entry| !entry.name.ends_with("-0.json")), "the newest count");
        // The own ones all count, so too many of them are an error; a run goes on all the same.
        let error = registry.at_most(0).unwrap_err().to_string();
        assert!(error.contains("1 files of root (uid 0)"), "{error}");
        let taken = format!("{PREFIX}0-20261124-131029-{}.json", std::process::id());
        std::fs::write(scratch.0.join(&taken), "").unwrap();
        std::os::unix::fs::chown(scratch.0.join(taken), Some(12345), None).unwrap();
        let claim = registry.take_over(journal, &units).unwrap();
        let own = registry.entries().unwrap().into_iter().filter(|entry| entry.owner == 0);
        assert!(own.map(|entry| claim.is(&entry)).eq([true]));
    }

    #[test]
    fn entry_that_cannot_be_made_durable_is_removed() {
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

    #[test]
    fn lasting_folder_is_open_to_all_users_and_durable() {
        let scratch = Scratch::new();
        let recorder = DiskRecorder::default();
        let (holder, runs) = (scratch.0.join("lvx"), scratch.0.join("lvx/runs"));
        // As a umask of 077 leaves it.
        let private = Mode::from_raw_mode(0o700);
        rustix::fs::mkdir(&holder, private).unwrap();
        make_lasting(&runs, &recorder).unwrap();
        let mode = |path: &Path| path.metadata().unwrap().mode() & 0o7777;
        assert_eq!((mode(&holder), mode(&runs)), (0o755, 0o1777));
        assert_eq!(recorder.paths(), [&holder, &scratch.0, &runs, &holder].map(Clone::clone));
        assert!(Place::open(&runs).is_some());
    }

    #[test]
    fn a_folder_where_others_can_delete_is_not_used() {
        let scratch = Scratch::new();
        for (mode, usable) in [(0o777, false), (0o1777, true), (0o755, true)] {
            let file = File::open(&scratch.0).unwrap();
            fchmod(&file, Mode::from_raw_mode(mode)).unwrap();
            assert_eq!(Place::open(&scratch.0).is_some(), usable, "{mode:o}");
        }
    }
}
