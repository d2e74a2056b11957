//! The state folders of this user, the runs in them, and what keeps a new run from starting.

use std::{
    fs::TryLockError,
    io::{self, Read},
    path::{Path, PathBuf},
    rc::Rc,
    time::SystemTime,
};

use lvx_settings::{Past, Plan};
use pi18_proto::SerialNumber;

use super::{
    disk::{Disk, RealDisk},
    folder::{Choice, Folder},
    registry::{Claim, Entry, Registry},
    run_files::{JOURNAL, RunFiles, journal_name, marker, saved_name, take_back, unusable},
    users,
};
use crate::{args::settings::Place, outcome::Failure};

/// Where runs are kept, and where they are looked for.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    /// The folder for new runs, if it is there.
    folder: Option<Rc<Folder>>,
    /// Other folders of this user.
    others: Vec<Rc<Folder>>,
    registry: Registry,
}

/// A run in a state folder.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) name: String,
    pub(crate) folder: Rc<Folder>,
    pub(crate) past: Past,
}

impl Store {
    /// To look: nothing is made.
    pub(crate) fn look(place: &Place) -> Result<Self, Failure> {
        Self::at(place, false)
    }

    /// To write: the folder is made if it does not exist.
    pub(crate) fn open(place: &Place) -> Result<Self, Failure> {
        Self::at(place, true)
    }

    fn at(place: &Place, make: bool) -> Result<Self, Failure> {
        let disk: Rc<dyn Disk> = Rc::new(RealDisk);
        let named = place.state_dir.clone().map(|path| (path, Choice::Named));
        let (path, choice) =
            named.or_else(|| Some((usual()?, Choice::Usual))).ok_or_else(|| {
                Failure::usage("no folder for journals: name one with --state-dir, or set HOME")
            })?;
        let opened = if make {
            Folder::create(&path, choice, &disk).map(Some)
        } else {
            Folder::open(&path, choice, &disk)
        };
        let folder = opened.map_err(|error| {
            Failure::usage(format_args!(
                "{}: cannot be the folder for journals: {error}; name another with --state-dir",
                path.display()
            ))
        })?;
        let root = (users::effective() == 0).then(of_root).flatten();
        let others = [usual(), root].into_iter().flatten().filter(|other| *other != path);
        // A folder that is not ours is no place where we keep runs.
        let others = others.filter_map(|path| Folder::open(&path, Choice::Named, &disk).ok()?);
        Ok(Self {
            folder: folder.map(Rc::new),
            others: others.map(Rc::new).collect(),
            registry: Registry::open(&disk),
            path,
        })
    }

    /// The folders of this user, that for new runs first.
    pub(super) fn folders(&self) -> impl Iterator<Item = &Rc<Folder>> {
        self.folder.iter().chain(&self.others)
    }

    /// The folder for new runs, if it is there.
    pub(super) fn folder(&self) -> Option<&Folder> {
        self.folder.as_deref()
    }

    /// Whether a run is in the folder for new runs, not in another one of this user.
    pub(crate) fn is_kept_here(&self, run: &Kept) -> bool {
        self.folder.as_ref().is_some_and(|folder| Rc::ptr_eq(folder, &run.folder))
    }

    /// The folders where runs are looked for, for messages.
    pub(crate) fn searched(&self) -> String {
        let shared = self.registry.paths();
        let others = self.others.iter().map(|folder| folder.path());
        let all: Vec<_> = std::iter::once(&*self.path)
            .chain(others)
            .chain(shared.iter().map(PathBuf::as_path))
            .map(|path| path.display().to_string())
            .collect();
        all.join(", ")
    }

    /// All runs, the oldest first; of those that cannot be read, why.
    pub(crate) fn runs(&self) -> Result<Vec<Result<Kept, String>>, Failure> {
        let mut runs = Vec::new();
        for folder in self.folders() {
            let names = folder.names(JOURNAL).map_err(|error| unusable(folder.path(), &error))?;
            for file in names {
                let name = file.trim_end_matches(JOURNAL).to_owned();
                let path = folder.path().join(&file);
                match read(folder, &file) {
                    Ok(None) => {}
                    Ok(Some(past)) => {
                        runs.push((
                            name.clone(),
                            Ok(Kept { name, folder: Rc::clone(folder), past }),
                        ));
                    }
                    Err(error) => {
                        let shown = path.display().to_string();
                        let error = if error.starts_with(&shown) {
                            error
                        } else {
                            format!("{shown}: {error}")
                        };
                        runs.push((name, Err(error)));
                    }
                }
            }
        }
        runs.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(runs.into_iter().map(|(_, run)| run).collect())
    }

    /// The runs that did not come to an end, the oldest first.
    ///
    /// A journal that cannot be read blocks every run, because what it did is unknown.
    pub(crate) fn left(&self) -> Result<Vec<Kept>, Failure> {
        let mut left = Vec::new();
        for run in self.runs()? {
            let run = run.map_err(|error| {
                Failure::usage(format_args!(
                    "{error}; find out what that run did (audit.jsonl beside it), and move the \
                     journal away"
                ))
            })?;
            if run.past.is_open() {
                left.push(run);
            }
        }
        Ok(left)
    }

    /// The run that was named, or the only one of those that are left.
    pub(crate) fn choose(
        &self,
        named: Option<&str>,
        wanted: impl Fn(&Past) -> bool,
    ) -> Result<Option<Kept>, Failure> {
        if let Some(named) = named {
            return self.find(named).map(Some);
        }
        let mut left: Vec<_> = self.left()?.into_iter().filter(|run| wanted(&run.past)).collect();
        if left.len() > 1 {
            let hints: Vec<_> = left.iter().map(Kept::hint).collect();
            return Err(Failure::usage(format_args!(
                "several runs were left: name one of {}",
                hints.join(", ")
            )));
        }
        Ok(left.pop())
    }

    /// A run by its name, or by the path of its journal in a state folder.
    pub(crate) fn find(&self, named: &str) -> Result<Kept, Failure> {
        let path = Path::new(named);
        let file = path.file_name().and_then(|name| name.to_str()).unwrap_or(named);
        let name = file.trim_end_matches(JOURNAL).to_owned();
        let by_name = path.components().count() == 1;
        let parent = path.parent().unwrap_or(Path::new(""));
        let file = journal_name(&name);
        let folder = self
            .folders()
            .find(|folder| (by_name && folder.exists(&file)) || (!by_name && folder.is(parent)));
        let Some(folder) = folder else {
            return Err(Failure::usage(if path.exists() {
                format!(
                    "{named}: this is not in a state folder of yours ({}); if it is one of yours, name \
                     its folder with --state-dir, otherwise take it as a foreign one: --foreign",
                    self.path.display()
                )
            } else {
                format!("no run {named}; searched: {}; `lvx runs` lists them", self.searched())
            }));
        };
        let path = folder.path().join(&file);
        match read(folder, &file) {
            Ok(Some(past)) => Ok(Kept { name, folder: Rc::clone(folder), past }),
            Ok(None) => Err(Failure::usage(format_args!(
                "{}: expected a journal, found not one whole line; nothing was written to a unit",
                path.display()
            ))),
            Err(error) if error.starts_with(&path.display().to_string()) => {
                Err(Failure::usage(error))
            }
            Err(error) => Err(Failure::usage(format_args!("{}: {error}", path.display()))),
        }
    }

    /// Reads a run's journal again, of which it is known where it is.
    pub(crate) fn find_again(run: &Kept) -> Result<Past, Failure> {
        let past = read(&run.folder, &journal_name(&run.name)).map_err(Failure::usage)?;
        past.ok_or_else(|| {
            Failure::usage(format_args!("{}: it is empty now", run.path().display()))
        })
    }

    /// Confirms a run that waits for it.
    pub(crate) fn confirm(run: &Kept) -> io::Result<()> {
        match run.folder.create_new(&marker(&run.name)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    /// Takes a confirmation back that the run has not seen; returns whether there was one.
    pub(crate) fn take_back(run: &Kept) -> bool {
        take_back(&run.folder, &run.name)
    }

    /// The runs that are at work on this machine right now, a line each: they hold links.
    pub(crate) fn at_work(&self) -> Vec<String> {
        let entries = self.registry.entries().unwrap_or_default().into_iter();
        let unit = |entry: &Entry| entry.units.first().copied();
        let running = entries.filter(|entry| entry.is_running);
        running.filter_map(|entry| why_blocked(&entry, unit(&entry)?)).collect()
    }

    /// Why no run on these units can start now: another one is at work, or did not come to an end.
    ///
    /// Runs of the users in `ignored` are passed over; those of root and of this user never are.
    pub(crate) fn blocked(&self, plan: &Plan, ignored: &[u32]) -> Result<Option<String>, Failure> {
        self.blocked_beside(plan, ignored, None, None)
    }

    fn blocked_beside(
        &self,
        plan: &Plan,
        ignored: &[u32],
        claim: Option<&Claim>,
        journal: Option<&Path>,
    ) -> Result<Option<String>, Failure> {
        let entries = self.registry.entries();
        let real = real_units(plan);
        for entry in
            entries.map_err(|error| Failure::usage(format_args!("list of runs: {error}")))?
        {
            let own = entry.owner == users::effective();
            let passed = ignored.contains(&entry.owner) && !own && entry.owner != 0;
            let Some(unit) = entry.units.iter().find(|unit| real.contains(unit)) else { continue };
            if passed
                || claim.is_some_and(|claim| claim.is(&entry))
                || journal == Some(&*entry.journal)
            {
                continue;
            }
            if let Some(why) = why_blocked(&entry, *unit) {
                return Ok(Some(why));
            }
        }
        for run in self.left()? {
            if journal == Some(&*run.path()) {
                continue;
            }
            let shared = run.past.plan.units.iter().map(|earlier| earlier.unit.serial_number).find(
                |serial| plan.units.iter().any(|planned| planned.unit.serial_number == *serial),
            );
            if let Some(unit) = shared {
                return Ok(Some(left_by_us(&run.past, unit, &run.hint())));
            }
        }
        Ok(None)
    }

    /// Starts to keep a new run; `undoes` is the run that it undoes. Its entry in the list of runs
    /// keeps others from its units.
    ///
    /// # Errors
    /// If another run is in the way, or there is no place for its files.
    pub(crate) fn keep_new(
        &self,
        plan: &Plan,
        ignored: &[u32],
        undoes: Option<&str>,
    ) -> Result<RunFiles, Failure> {
        let folder = self.folder.as_ref().ok_or_else(|| {
            Failure::usage(format_args!("{}: there is no such folder", self.path.display()))
        })?;
        let units = real_units(plan);
        let mut tries = 0;
        let (name, claim) = loop {
            let name = name(tries);
            tries += 1;
            let file = journal_name(&name);
            let path = std::path::absolute(folder.path().join(&file)).unwrap_or_default();
            if folder.exists(&file) && tries < MAX_TRIES {
                continue;
            }
            if units.is_empty() {
                break (name, None);
            }
            match self.registry.claim(&path, &units) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < MAX_TRIES => {
                }
                Err(error) => {
                    return Err(Failure::usage(format_args!("list of runs: {error}")));
                }
                Ok(claim) => break (name, Some(claim)),
            }
        };
        if let Some(why) = self.blocked_beside(plan, ignored, claim.as_ref(), None)? {
            return Err(Failure::unproved(why));
        }
        let hint = hint(folder.path(), &name);
        Ok(RunFiles::new(folder, name, hint, claim, undoes))
    }

    /// Takes over the run's entry in the list of runs, so that it ends with the run.
    pub(crate) fn take_entry(&self, run: &Kept, files: &mut RunFiles) -> Result<(), Failure> {
        let units = real_units(&run.past.plan);
        if units.is_empty() {
            return Ok(());
        }
        let claim = self.registry.take_over(&run.path(), &units);
        let claim = claim.map_err(|error| Failure::usage(format_args!("list of runs: {error}")))?;
        files.set_claim(claim);
        Ok(())
    }

    /// The same before anything is written: other runs may be in the way.
    pub(crate) fn claim(
        &self,
        run: &Kept,
        plan: &Plan,
        ignored: &[u32],
        files: &mut RunFiles,
    ) -> Result<(), Failure> {
        self.take_entry(run, files)?;
        match self.blocked_beside(plan, ignored, files.claim(), Some(&run.path()))? {
            Some(why) => Err(Failure::unproved(why)),
            None => Ok(()),
        }
    }
}

impl Kept {
    /// Whether its program is still there.
    pub(crate) fn is_at_work(&self) -> bool {
        let file = self.folder.read(&journal_name(&self.name));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// When its journal was written last.
    pub(crate) fn last_written(&self) -> io::Result<SystemTime> {
        self.folder.read(&journal_name(&self.name))?.metadata()?.modified()
    }

    /// Removes its journal and what was saved with it.
    pub(crate) fn remove(&self) -> io::Result<()> {
        for planned in &self.past.plan.units {
            match self.folder.remove(&saved_name(&self.name, &planned.unit)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        take_back(&self.folder, &self.name);
        self.folder.remove(&journal_name(&self.name))
    }

    /// Takes over a run that was left. No other program can take it over meanwhile.
    pub(crate) fn keep_on(&self) -> Result<(RunFiles, Past), Failure> {
        let hint = self.hint();
        let mut files = RunFiles::new(&self.folder, self.name.clone(), hint, None, None);
        let past = files.resume()?.clone();
        Ok((files, past))
    }

    /// The argument that names a run: its name, with its folder where that is needed.
    pub(crate) fn hint(&self) -> String {
        hint(self.folder.path(), &self.name)
    }

    /// Where its journal is.
    pub(crate) fn path(&self) -> PathBuf {
        let path = self.folder.path().join(journal_name(&self.name));
        std::path::absolute(&path).unwrap_or(path)
    }
}

/// Reads a journal of a state folder; `None` if not one line of it came to its end: the first is there
/// before anything happens.
fn read(folder: &Folder, file: &str) -> Result<Option<Past>, String> {
    let path = folder.path().join(file);
    let file = folder.read(file).map_err(|error| error.to_string())?;
    match Past::read_from(&file, &path) {
        Ok(past) => Ok(Some(past)),
        Err(_) if holds_nothing(folder, &path) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

fn holds_nothing(folder: &Folder, path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let mut bytes = Vec::new();
    let read = folder.read(name).and_then(|file| file.take(1 << 20).read_to_end(&mut bytes));
    read.is_ok() && !bytes.contains(&b'\n')
}

/// Why an entry keeps a run from starting; `None` if its run has ended.
fn why_blocked(entry: &Entry, unit: SerialNumber) -> Option<String> {
    // What the entry of another user says is shown as text and not used for anything.
    let journal = entry.journal.to_string_lossy();
    let user = users::named(entry.owner);
    let is_own = entry.owner == users::effective();
    let around = if entry.owner == 0 {
        "root has to see to it first".to_owned()
    } else {
        format!(
            "that user has to see to it first, or, if you know that it is over: \
             --ignore-runs-of {}",
            entry.owner
        )
    };
    if entry.is_running && !is_own {
        return Some(format!(
            "a run of {user} is at work on unit {unit} (journal {journal:?}, entry {}): {around}",
            entry.path().display()
        ));
    }
    if entry.is_running {
        return Some(format!(
            "a run of {user} is at work on unit {unit} (journal {journal:?}, entry {}): if it waits \
             to be confirmed, `lvx confirm` keeps what it wrote; Ctrl-C in it undoes it",
            entry.path().display()
        ));
    }
    if !is_own {
        return entry.is_begun.then(|| {
            format!(
                "a run of {user} on unit {unit} did not come to an end (journal {journal:?}, `lvx \
                 restore`): {around}"
            )
        });
    }
    let folder = entry.journal.parent()?;
    let name = entry.journal.file_name()?.to_str()?;
    let disk: Rc<dyn Disk> = Rc::new(RealDisk);
    let past = match Folder::open(folder, Choice::Named, &disk) {
        Ok(Some(folder)) if folder.exists(name) => read(&folder, name),
        Ok(_) if entry.is_begun => {
            return Some(format!(
                "{journal:?}: an earlier run on unit {unit} did not come to an end, and its journal is \
                 gone; find out what it did, then remove {}",
                entry.path().display()
            ));
        }
        Ok(_) => Ok(None),
        Err(error) => Err(error.to_string()),
    };
    match past {
        Ok(Some(past)) if past.is_open() => {
            Some(left_by_us(&past, unit, &hint(folder, name.trim_end_matches(JOURNAL))))
        }
        // It ended just before its program did.
        Ok(_) => {
            entry.remove();
            None
        }
        Err(error) => Some(format!(
            "{journal:?}: an earlier run on unit {unit}, whose journal cannot be read: {error}"
        )),
    }
}

/// Why a run of this user is in the way.
fn left_by_us(past: &Past, unit: SerialNumber, hint: &str) -> String {
    if past.is_unconfirmed() {
        return format!(
            "an earlier run on unit {unit} was not confirmed, and its program is gone; see to it first: \
             lvx confirm {hint} keeps what it wrote, lvx restore {hint} undoes it"
        );
    }
    format!(
        "an earlier run on unit {unit} did not come to an end; see to it first: lvx restore {hint}"
    )
}

/// The units that exist outside this program.
fn real_units(plan: &Plan) -> Vec<SerialNumber> {
    let real = plan.units.iter().filter(|planned| !planned.address.starts_with("sim:"));
    real.map(|planned| planned.unit.serial_number).collect()
}

fn hint(folder: &Path, name: &str) -> String {
    let by_itself = std::env::var_os("LVX_STATE_DIR").map(PathBuf::from).or_else(usual);
    if by_itself.as_deref() == Some(folder) {
        name.to_owned()
    } else {
        format!("--state-dir {} {name}", folder.display())
    }
}

/// `lvx` in `$XDG_STATE_HOME`, or in `~/.local/state`.
fn usual() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    match folder("XDG_STATE_HOME") {
        Some(state) => Some(PathBuf::from(state).join("lvx")),
        None => Some(PathBuf::from(folder("HOME")?).join(STATE)),
    }
}

/// `20261124-131029`, with a number behind it if there is such a run already.
fn name(number: u32) -> String {
    let now = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
    if number == 0 { now } else { format!("{now}-{number}") }
}

/// Returns the folder in which root keeps its runs, even if root has another user's environment.
fn of_root() -> Option<PathBuf> {
    Some(users::home(0)?.join(STATE))
}

/// The usual state folder, below the home of a user.
const STATE: &str = ".local/state/lvx";

const MAX_TRIES: u32 = 100;
