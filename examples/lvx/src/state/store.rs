//! The state folders of this user and the runs in them.

use std::{
    io,
    path::{Path, PathBuf},
    rc::Rc,
};

use lvx_settings::{Past, Plan};
use pi18_proto::SerialNumber;

use super::{
    conflicts::{entry_conflict, open_run_conflict},
    disk::{Disk, RealDisk},
    folder::{Folder, PathOrigin},
    names::{JOURNAL, journal_name, marker, withdraw},
    places::{SERVICE, default_folder, hint, root_folder},
    plans,
    registry::{Claim, Entry, Registry},
    run_files::{RunFiles, unusable},
    stored_run::{StoredRun, read},
    users,
};
use crate::{args::StateDir, terminal::Failure};

/// The state folders of this user.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    /// Folder of new runs; `None` if it does not exist.
    folder: Option<Rc<Folder>>,
    /// Other state folders of this user.
    others: Vec<Rc<Folder>>,
    registry: Registry,
}

impl Store {
    /// Opens the state folders for reading. Creates nothing.
    pub(crate) fn open_existing(dir: &StateDir) -> Result<Self, Failure> {
        Self::at(dir, false)
    }

    /// Opens the state folders, after creating the folder for new runs if missing.
    pub(crate) fn create(dir: &StateDir) -> Result<Self, Failure> {
        Self::at(dir, true)
    }

    fn at(dir: &StateDir, make: bool) -> Result<Self, Failure> {
        let disk: Rc<dyn Disk> = Rc::new(RealDisk);
        let given = dir.state_dir.clone().map(|path| (path, PathOrigin::Given));
        let (path, choice) =
            given.or_else(|| Some((default_folder()?, PathOrigin::Default))).ok_or_else(|| {
                Failure::usage(
                    "expected a folder for journals, found none: use --state-dir, or set HOME",
                )
            })?;
        let opened = if make {
            Folder::create(&path, choice, &disk).map(Some)
        } else {
            Folder::open(&path, choice, &disk)
        };
        let folder = opened.map_err(|error| {
            Failure::usage(format_args!(
                "{}: cannot be used as the folder for journals: {error}; use --state-dir for another",
                path.display()
            ))
        })?;
        let root = (users::effective() == 0).then(root_folder).flatten();
        let service = Some(PathBuf::from(SERVICE));
        let others = [default_folder(), root, service];
        let others = others.into_iter().flatten().filter(|other| *other != path);
        // Folders of other users contain no runs of this user.
        let others =
            others.filter_map(|path| Folder::open(&path, PathOrigin::Given, &disk).ok()?);
        Ok(Self {
            folder: folder.map(Rc::new),
            others: others.map(Rc::new).collect(),
            registry: Registry::open(&disk),
            path,
        })
    }

    /// Returns the state folders, the one for new runs first.
    fn folders(&self) -> impl Iterator<Item = &Rc<Folder>> {
        self.folder.iter().chain(&self.others)
    }

    /// Saves a copy of a plan that the user saved.
    pub(crate) fn remember_plan(&self, text: &[u8]) -> io::Result<()> {
        plans::remember(self.folder.as_ref().ok_or(io::ErrorKind::NotFound)?, text)
    }

    /// Returns whether this user saved exactly this plan on this machine.
    pub(crate) fn has_saved(&self, text: &[u8]) -> bool {
        self.folders().any(|folder| plans::has(folder, text))
    }

    /// Returns whether a run is in the folder for new runs.
    pub(crate) fn is_kept_here(&self, run: &StoredRun) -> bool {
        self.folder.as_ref().is_some_and(|folder| Rc::ptr_eq(folder, &run.folder))
    }

    /// Lists the searched folders for messages.
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

    /// Returns all runs, oldest first, and the errors of unreadable ones.
    pub(crate) fn runs(&self) -> Result<Vec<Result<StoredRun, String>>, Failure> {
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
                            Ok(StoredRun { name, folder: Rc::clone(folder), past }),
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

    /// Returns the open runs, oldest first.
    ///
    /// # Errors
    /// If a journal cannot be read, because the state of its run is unknown.
    pub(crate) fn open_runs(&self) -> Result<Vec<StoredRun>, Failure> {
        let mut left = Vec::new();
        for run in self.runs()? {
            let run = run.map_err(|error| {
                Failure::usage(format_args!(
                    "{error}; find out what that run wrote (audit.jsonl in the same folder), and \
                     move the journal away"
                ))
            })?;
            if run.past.is_open() {
                left.push(run);
            }
        }
        Ok(left)
    }

    /// Returns the given run, or the only open run that matches.
    pub(crate) fn choose(
        &self,
        given: Option<&str>,
        matches: impl Fn(&Past) -> bool,
    ) -> Result<Option<StoredRun>, Failure> {
        if let Some(given) = given {
            return self.find(given).map(Some);
        }
        let mut left: Vec<_> =
            self.open_runs()?.into_iter().filter(|run| matches(&run.past)).collect();
        if left.len() > 1 {
            let hints: Vec<_> = left.iter().map(StoredRun::hint).collect();
            return Err(Failure::usage(format_args!(
                "expected one run, found several: choose one of {}",
                hints.join(", ")
            )));
        }
        Ok(left.pop())
    }

    /// Finds a run by its name, or by the path of its journal in a state folder.
    pub(crate) fn find(&self, given: &str) -> Result<StoredRun, Failure> {
        let path = Path::new(given);
        let file = path.file_name().and_then(|name| name.to_str()).unwrap_or(given);
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
                    "{given}: expected a journal in one of your state folders ({}); for another folder of \
                     yours, use --state-dir; for a journal of another user, use --foreign",
                    self.path.display()
                )
            } else {
                format!(
                    "unknown run {given}; searched: {}; `lvx runs` lists all runs",
                    self.searched()
                )
            }));
        };
        let path = folder.path().join(&file);
        match read(folder, &file) {
            Ok(Some(past)) => Ok(StoredRun { name, folder: Rc::clone(folder), past }),
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

    /// Reads the journal of a run again.
    pub(crate) fn reread(run: &StoredRun) -> Result<Past, Failure> {
        let past = read(&run.folder, &journal_name(&run.name)).map_err(Failure::usage)?;
        past.ok_or_else(|| {
            Failure::usage(format_args!(
                "{}: expected a journal, found an empty file",
                run.path().display()
            ))
        })
    }

    /// Requests the confirmation of a run.
    pub(crate) fn confirm(run: &StoredRun) -> io::Result<()> {
        match run.folder.create_new(&marker(&run.name)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    /// Withdraws a confirmation that the run has not taken yet. Returns whether there was one.
    pub(crate) fn withdraw(run: &StoredRun) -> bool {
        withdraw(&run.folder, &run.name)
    }

    /// Describes the runs in progress on this machine, one per line. They may use the links of units that cannot
    /// be opened.
    pub(crate) fn running(&self) -> Vec<String> {
        let entries = self.registry.entries().unwrap_or_default().into_iter();
        let unit = |entry: &Entry| entry.units.first().copied();
        let running = entries.filter(|entry| entry.is_running);
        running.filter_map(|entry| entry_conflict(&entry, unit(&entry)?)).collect()
    }

    /// Returns the entries of other users whose runs are not finished, and whose programs have ended.
    ///
    /// # Errors
    /// If the list of runs cannot be read.
    #[cfg(feature = "bridge")]
    pub(crate) fn left_by_others(&self) -> io::Result<Vec<Entry>> {
        self.registry.left_by_others()
    }

    /// Returns the reason why no run on these units can start; `None` if one can.
    ///
    /// Runs of the users in `ignored` do not count, except those of root and of this user.
    pub(crate) fn blocked(&self, plan: &Plan, ignored: &[u32]) -> Result<Option<String>, Failure> {
        self.blocked_except(plan, ignored, None, None)
    }

    /// Returns the reason why no run can start, not counting the run with this entry or journal.
    fn blocked_except(
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
            let is_ignored = ignored.contains(&entry.owner) && !own && entry.owner != 0;
            let Some(unit) = entry.units.iter().find(|unit| real.contains(unit)) else { continue };
            if is_ignored
                || claim.is_some_and(|claim| claim.is(&entry))
                || journal == Some(&*entry.journal)
            {
                continue;
            }
            if let Some(why) = entry_conflict(&entry, *unit) {
                return Ok(Some(why));
            }
        }
        for run in self.open_runs()? {
            if journal == Some(&*run.path()) {
                continue;
            }
            let shared = run.past.plan.units.iter().map(|earlier| earlier.unit.serial_number).find(
                |serial| plan.units.iter().any(|planned| planned.unit.serial_number == *serial),
            );
            if let Some(unit) = shared {
                return Ok(Some(open_run_conflict(&run.past, unit, &run.hint())));
            }
        }
        Ok(None)
    }

    /// Registers a new run, which keeps other runs from its units, and returns its files. `undoes` is the name
    /// of the run that it undoes.
    ///
    /// # Errors
    /// If another run uses the same units, or the files cannot be created.
    pub(crate) fn start_run(
        &self,
        plan: &Plan,
        ignored: &[u32],
        undoes: Option<&str>,
    ) -> Result<RunFiles, Failure> {
        let folder = self.folder.as_ref().ok_or_else(|| {
            Failure::usage(format_args!("{}: expected a folder, found none", self.path.display()))
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
        if let Some(why) = self.blocked_except(plan, ignored, claim.as_ref(), None)? {
            return Err(Failure::not_applied(why));
        }
        let hint = hint(folder.path(), &name);
        Ok(RunFiles::new(folder, name, hint, claim, undoes))
    }

    /// Replaces the entry of a run in the list of runs by one of this process.
    pub(crate) fn take_over(&self, run: &StoredRun, files: &mut RunFiles) -> Result<(), Failure> {
        let units = real_units(&run.past.plan);
        if units.is_empty() {
            return Ok(());
        }
        let claim = self.registry.take_over(&run.path(), &units);
        let claim = claim.map_err(|error| Failure::usage(format_args!("list of runs: {error}")))?;
        files.set_claim(claim);
        Ok(())
    }

    /// Replaces the entry of a run before it writes.
    ///
    /// # Errors
    /// If another run uses the same units.
    pub(crate) fn claim(
        &self,
        run: &StoredRun,
        plan: &Plan,
        ignored: &[u32],
        files: &mut RunFiles,
    ) -> Result<(), Failure> {
        self.take_over(run, files)?;
        match self.blocked_except(plan, ignored, files.claim(), Some(&run.path()))? {
            Some(why) => Err(Failure::not_applied(why)),
            None => Ok(()),
        }
    }
}

/// Returns the units of a plan that are not virtual units of this process.
fn real_units(plan: &Plan) -> Vec<SerialNumber> {
    let real = plan.units.iter().filter(|planned| !planned.address.starts_with("sim:"));
    real.map(|planned| planned.unit.serial_number).collect()
}

/// Returns the name of a new run, such as `20261124-131029`, with a suffix if `number` is not 0.
fn name(number: u32) -> String {
    let now = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
    if number == 0 { now } else { format!("{now}-{number}") }
}

/// Maximum attempts to find an unused name.
const MAX_TRIES: u32 = 100;
