//! The state folders of this user, the runs in them, and what keeps a new run from starting.

use std::{
    io,
    path::{Path, PathBuf},
    rc::Rc,
};

use lvx_settings::{Past, Plan};
use pi18_proto::SerialNumber;

use super::{
    conflicts::{left_by_us, why_blocked},
    disk::{Disk, RealDisk},
    folder::{Choice, Folder},
    names::{JOURNAL, journal_name, marker, take_back},
    places::{hint, of_root, usual},
    plans,
    registry::{Claim, Entry, Registry},
    run_files::{RunFiles, unusable},
    stored_run::{Kept, read},
    users,
};
use crate::{args::Place, terminal::Failure};

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
    fn folders(&self) -> impl Iterator<Item = &Rc<Folder>> {
        self.folder.iter().chain(&self.others)
    }

    /// Keeps a copy of a plan that the user saved.
    pub(crate) fn remember_plan(&self, text: &[u8]) -> io::Result<()> {
        plans::remember(self.folder.as_ref().ok_or(io::ErrorKind::NotFound)?, text)
    }

    /// Returns whether this user saved exactly this plan on this machine.
    pub(crate) fn has_saved(&self, text: &[u8]) -> bool {
        self.folders().any(|folder| plans::has(folder, text))
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
                "{}: expected a journal, found no complete line; the run wrote nothing to any unit",
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

/// The units that exist outside this program.
fn real_units(plan: &Plan) -> Vec<SerialNumber> {
    let real = plan.units.iter().filter(|planned| !planned.address.starts_with("sim:"));
    real.map(|planned| planned.unit.serial_number).collect()
}

/// `20261124-131029`, with a number behind it if there is such a run already.
fn name(number: u32) -> String {
    let now = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
    if number == 0 { now } else { format!("{now}-{number}") }
}

const MAX_TRIES: u32 = 100;
