//! The runs of all users of this machine: small files in a folder that everybody can write to and
//! nobody can delete another's files from.
//!
//! An entry is made before the units are asked, and locked as long as its program runs. Whoever starts
//! a run first makes its entry and then reads those of the others, so of two that start at once at
//! least one sees the other. What an entry of another user says is untrusted: it can keep a run from
//! starting, with a message and a way around it, and nothing else.

use std::{
    cell::RefCell,
    fs::{File, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    rc::Rc,
};

use pi18_proto::SerialNumber;
use rustix::fs::{AtFlags, Mode, OFlags, fchmod, open, openat, unlinkat};
use serde::{Deserialize, Serialize};

use super::{
    disk::Disk,
    folder::{SAFE, names},
    users,
};

/// The folders that hold entries.
#[derive(Debug)]
pub(crate) struct Registry {
    places: RefCell<Vec<Rc<Place>>>,
    /// The places are those that all users share.
    is_shared: bool,
    disk: Rc<dyn Disk>,
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
        Self { places: RefCell::new(places), is_shared: own.is_none(), disk: Rc::clone(disk) }
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
            "no folder for the list of runs: expected one of {} (LVX_RUNS_DIR names another)",
            SHARED.join(", ")
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
        let mut claim =
            self.make(&format!("{PREFIX}{uid}-{run}-{process}.json"), journal, units)?;
        claim.begin()?;
        for entry in self.entries()? {
            if entry.owner == uid && entry.journal == journal && !claim.is(&entry) {
                entry.remove();
            }
        }
        Ok(claim)
    }

    /// Root makes the folder that survives a restart, before the first entry.
    fn make_lasting(&self) {
        let lasting = Path::new(LASTING);
        if self.is_shared && users::effective() == 0 && !lasting.exists() {
            // Where it cannot be made there are others.
            let _ = make_lasting(lasting);
            self.places.borrow_mut().splice(..0, Place::open(lasting));
        }
    }

    /// All entries that can be read. What is no entry names no unit, and is passed over.
    ///
    /// # Errors
    /// If there are more than anybody reads.
    pub(crate) fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut found = Vec::new();
        for place in self.places.borrow().iter() {
            let Ok(names) = names(&place.file, |name| name.starts_with(PREFIX)) else { continue };
            if names.len() > MAX_ENTRIES {
                return Err(io::Error::other(format!(
                    "{}: {} files named {PREFIX}…, expected at most {MAX_ENTRIES}; remove \
                     them, or name another folder with LVX_RUNS_DIR",
                    place.path.display(),
                    names.len()
                )));
            }
            found.extend(names.iter().filter_map(|name| Entry::read(place, name)));
        }
        Ok(found)
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

    fn sync(&self, disk: &dyn Disk) -> io::Result<()> {
        disk.sync(&self.file, &self.path)
    }
}

fn make_lasting(path: &Path) -> io::Result<()> {
    std::fs::create_dir_all(path)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let folder = open(path, flags, Mode::empty())?;
    Ok(fchmod(folder, Mode::from_raw_mode(0o1777))?)
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
        // Nobody else can open it yet, so nobody else can lock it.
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
            self.is_begun = true;
            self.disk.sync(&self.file, &self.place.path.join(&self.name))?;
            self.place.sync(self.disk.as_ref())?;
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

/// Whether this program may have more rights than whoever set its environment.
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
    use crate::state::testing::{Recorder, Scratch};

    fn registry(scratch: &Scratch) -> (Registry, Rc<Recorder>) {
        let recorder = Rc::new(Recorder::default());
        let disk: Rc<dyn Disk> = recorder.clone();
        let places = RefCell::new(vec![Place::open(&scratch.0).unwrap()]);
        (Registry { places, is_shared: false, disk }, recorder)
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
        // Whoever can read it can lock it, and keeps nobody from going on.
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
            rustix::fs::FileType::Fifo,
            Mode::RUSR | Mode::WUSR,
            0,
        )
        .unwrap();
        assert!(registry.entries().unwrap().is_empty());
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
