//! Where journals, saved settings and the audit file are kept, and the runs that were left there.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use lvx_settings::{Action, Audit, Journal, Keeper, Past, Plan, Profile, Record, Unit};
use pi18_proto::DateTime;

use crate::{
    args::settings::Place,
    outcome::{Failure, progress},
};

/// The folder.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
}

impl Store {
    /// The folder that was named, or the usual one.
    pub(super) fn open(place: &Place) -> Result<Self, Failure> {
        let folder = place.state_dir.clone().or_else(usual).ok_or_else(|| {
            Failure::usage("no folder for journals: name one with --state-dir, or set HOME")
        })?;
        fs::create_dir_all(&folder).map_err(|error| {
            Failure::usage(format_args!(
                "{}: the folder for journals cannot be made: {error}; name another with --state-dir",
                folder.display()
            ))
        })?;
        Ok(Self { folder })
    }

    /// The folder if it is there already: to look, not to write.
    pub(super) fn present(place: &Place) -> Option<Self> {
        let folder = place.state_dir.clone().or_else(usual)?;
        folder.is_dir().then_some(Self { folder })
    }

    /// The runs that did not come to an end, the oldest first.
    ///
    /// A journal that cannot be read is in the way of everything: nobody knows what it did.
    pub(super) fn left(&self) -> Result<Vec<(PathBuf, Past)>, Failure> {
        let wrong = |error: io::Error| {
            Failure::usage(format_args!("{}: cannot be read: {error}", self.folder.display()))
        };
        let mut left = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(wrong)? {
            let path = entry.map_err(wrong)?.path();
            if path.extension().is_some_and(|extension| extension == JOURNAL) {
                if holds_nothing(&path) {
                    continue;
                }
                let past = Past::read(&path).map_err(|error| {
                    Failure::usage(format_args!(
                        "{error}; find out what that run did (audit.jsonl beside it), and move the \
                         journal away"
                    ))
                })?;
                if past.is_open() {
                    left.push((path, past));
                }
            }
        }
        left.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(left)
    }

    /// The journal that was named, or the only one of those that are left.
    pub(super) fn choose(
        &self,
        named: Option<&Path>,
        wanted: impl Fn(&Past) -> bool,
    ) -> Result<Option<PathBuf>, Failure> {
        if let Some(path) = named {
            return Ok(Some(path.to_owned()));
        }
        let left: Vec<_> = self.left()?.into_iter().filter(|(_, past)| wanted(past)).collect();
        match &left[..] {
            [] => Ok(None),
            [(path, _)] => Ok(Some(path.clone())),
            several => {
                let paths: Vec<_> =
                    several.iter().map(|(path, _)| path.display().to_string()).collect();
                Err(Failure::usage(format_args!(
                    "several runs were left: name one of {}",
                    paths.join(", ")
                )))
            }
        }
    }

    /// Keeps a new run.
    pub(super) fn keep_new(&self) -> Files {
        let folder = self.folder.clone();
        Files { folder, journal: None, interrupted: Arc::default(), told: false }
    }

    /// Goes on keeping a run that was left.
    pub(super) fn keep_on(&self, path: &Path) -> Result<(Files, Past), Failure> {
        let (journal, past) = Journal::reopen(path)?;
        let files = Files {
            folder: self.folder.clone(),
            journal: Some(journal),
            interrupted: Arc::default(),
            told: false,
        };
        Ok((files, past))
    }
}

/// Whether not one line of a journal came to its end: the first is there before anything happens.
fn holds_nothing(path: &Path) -> bool {
    fs::read(path).is_ok_and(|bytes| !bytes.contains(&b'\n'))
}

/// `lvx` in `$XDG_STATE_HOME`, or in `~/.local/state`.
fn usual() -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let state = folder("XDG_STATE_HOME").map(PathBuf::from);
    let state = state.or_else(|| Some(PathBuf::from(folder("HOME")?).join(".local/state")));
    state.map(|state| state.join("lvx"))
}

/// The files of one run.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
    journal: Option<Journal>,
    interrupted: Arc<AtomicBool>,
    /// That it waits was told.
    told: bool,
}

impl Files {
    /// From now on an interrupt does not end the program: what was written is undone first.
    pub(super) fn catch_interrupts(&self) -> Result<(), Failure> {
        let flag = Arc::clone(&self.interrupted);
        ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed))
            .map_err(|error| Failure::usage(format_args!("signals: {error}")))
    }

    /// The journal, once there is one.
    pub(super) fn path(&self) -> Option<&Path> {
        self.journal.as_ref().map(Journal::path)
    }

    fn begin_as(&mut self, name: &str, plan: &Plan, units: &[Unit]) -> io::Result<()> {
        // The journal comes first: it is the one that must be new.
        let path = self.folder.join(format!("{name}.{JOURNAL}"));
        let journal = Journal::create(&path, plan)?;
        if let Err(error) = self.save(name, plan, units) {
            // Nothing was written to a unit, and nothing is left to be done.
            fs::remove_file(path)?;
            return Err(error);
        }
        self.journal = Some(journal);
        Ok(())
    }

    /// The settings of each unit, as a profile that brings them back.
    fn save(&self, name: &str, plan: &Plan, units: &[Unit]) -> io::Result<()> {
        for unit in units {
            let path = self.folder.join(format!("{name}-{}.yaml", unit.serial_number));
            let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
            let mut profile = Profile::from_unit(unit);
            profile.applies_to.serials = vec![unit.serial_number];
            profile.battery = plan.battery;
            let text = profile.commented(unit);
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
        }
        Ok(())
    }

    fn tell(&self, what: &str, step: usize) {
        let plan = self.journal.as_ref().map(Journal::plan);
        let step = plan.and_then(|plan| Some((plan, plan.steps.get(step)?)));
        if let Some((plan, step)) = step {
            let serial = plan.units.get(step.unit).map(|planned| planned.unit.serial_number);
            let serial = serial.map_or(String::new(), |serial| serial.to_string());
            let step = if what == "put back" { step.reversed() } else { *step };
            progress(&format!("{what:<8} {serial}  {step}"));
        }
    }
}

impl Keeper for Files {
    fn begin(&mut self, plan: &Plan, units: &[Unit]) -> io::Result<()> {
        let mut tries = 0;
        loop {
            match self.begin_as(&name(tries), plan, units) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < 100 => {
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    fn record(&mut self, record: &Record, at: Option<DateTime>) -> io::Result<()> {
        let journal = self.journal.as_mut().ok_or(io::ErrorKind::NotFound)?;
        journal.append(record, at)?;
        match record {
            Record::Proved { step, direction: lvx_settings::Direction::Forward } => {
                self.tell("proved", *step);
            }
            Record::Proved { step, .. } => self.tell("put back", *step),
            Record::Left { step } => self.tell("LEFT", *step),
            Record::Undoing { why, .. } => progress(&format!("undoing: {why}")),
            _ => {}
        }
        Ok(())
    }

    /// A write that cannot be noted here has been noted in the journal.
    fn audit(&mut self, line: &Audit) {
        let path = self.folder.join("audit.jsonl");
        let text = serde_json::to_string(line).map(|text| text + "\n").map_err(io::Error::other);
        let written = text.and_then(|text| {
            OpenOptions::new().append(true).create(true).open(&path)?.write_all(text.as_bytes())
        });
        if let Err(error) = written {
            progress(&format!("warning: {}: a write was not noted: {error}", path.display()));
        }
    }

    fn watch(&mut self, action: &Action) {
        match action {
            Action::Pause(time) if *time >= LONG && !self.told => {
                self.told = true;
                progress(
                    "waiting until the units are idle, or show what they have (Ctrl-C ends it)",
                );
            }
            Action::Confirmation(time) => {
                // One that somebody left for an earlier run says nothing about this one.
                if let Some(path) = self.path() {
                    take_back(path);
                }
                let journal = self.path().map_or(String::new(), |path| path.display().to_string());
                progress(&format!(
                    "applied; undone in {:.0} s unless you call: lvx confirm {journal}",
                    time.as_secs_f64()
                ));
            }
            _ => {}
        }
    }

    fn is_confirmed(&mut self) -> bool {
        let Some(marker) = self.path().map(marker) else { return false };
        // Whoever put it there wants it.
        marker.exists() && fs::remove_file(marker).is_ok()
    }

    fn is_interrupted(&mut self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

/// `20261124-131029`, with a number behind it if there is such a run already.
fn name(number: u32) -> String {
    let now = jiff::Zoned::now().strftime("%Y%m%d-%H%M%S").to_string();
    if number == 0 { now } else { format!("{now}-{number}") }
}

/// The file whose presence confirms a run.
pub(super) fn marker(journal: &Path) -> PathBuf {
    journal.with_extension("confirmed")
}

/// Confirms a run that waits for it.
pub(super) fn confirm(journal: &Path) -> io::Result<()> {
    File::create(marker(journal)).map(|_| ())
}

/// Takes a confirmation back that the run has not seen.
pub(super) fn take_back(journal: &Path) {
    // Mostly there is none.
    let _ = fs::remove_file(marker(journal));
}

/// How a journal's name ends.
const JOURNAL: &str = "journal";

/// A pause that somebody who looks on should know of.
const LONG: Duration = Duration::from_secs(5);
