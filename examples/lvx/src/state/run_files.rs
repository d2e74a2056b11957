//! The files of one run: its journal, the settings that the units had, the audit file, the confirmation.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use lvx_settings::{
    Action, Audit, Ending, Journal, Past, Plan, Profile, Record, Recorder, ResumeMode,
    RunDirection, Settings, Unit,
};
use pi18_proto::DateTime;

use super::{audit::AuditFile, folder::Folder, registry::Claim};
use crate::outcome::{Failure, progress};

/// The files of a run that is carried out.
#[derive(Debug)]
pub(crate) struct RunFiles {
    folder: Rc<Folder>,
    name: String,
    /// The argument by which `lvx confirm` and `lvx restore` find the run.
    hint: String,
    /// The name of the run that it undoes.
    undoes: Option<String>,
    journal: Option<Journal>,
    /// What the journal held when it was opened again, and what was added since.
    past: Option<Past>,
    part: Option<Part>,
    claim: Option<Claim>,
    audit: AuditFile,
    interrupts: Arc<AtomicU32>,
    /// That it waits was told.
    told: bool,
    /// The unit whose link is waited for.
    away: Option<usize>,
    /// So many interrupts were told.
    told_interrupts: u32,
    stage: Stage,
}

/// How far a run is, as far as the effect of an interrupt depends on it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// No write was begun by this program.
    Before,
    /// It writes, or waits to be confirmed.
    Writing,
    /// All is written, and the units are read a last time.
    Applied,
    Confirmed,
    Undoing,
}

impl Stage {
    /// The stage after a record, if that changes it.
    fn after(record: &Record) -> Option<Self> {
        Some(match record {
            Record::Resumed { mode: ResumeMode::Undo } | Record::Undoing { .. } => Self::Undoing,
            Record::Resumed { .. } | Record::Waiting { .. } => Self::Writing,
            Record::Applied => Self::Applied,
            Record::Confirmed => Self::Confirmed,
            _ => return None,
        })
    }

    /// What the first interrupt does.
    fn interrupted(self) -> &'static str {
        match self {
            Self::Before => "interrupted: nothing is written",
            Self::Writing => {
                "interrupted: what was written is undone (a further Ctrl-C ends waiting for links)"
            }
            Self::Applied => {
                "interrupted: the units are read a last time, without waiting for links"
            }
            Self::Confirmed => {
                "interrupted: the run was confirmed, and what was written is kept; the units are \
                 read a last time, without waiting for links"
            }
            Self::Undoing => {
                "interrupted: the undo goes on (a further Ctrl-C ends waiting for links)"
            }
        }
    }
}

/// The units of a run that are carried on without the others.
#[derive(Debug)]
struct Part {
    /// For each step of the part its number in the whole.
    steps: Vec<usize>,
    /// For each unit of the part its number in the whole.
    units: Vec<usize>,
    /// The units that are not in it.
    others: Vec<usize>,
}

impl RunFiles {
    pub(super) fn new(
        folder: &Rc<Folder>,
        name: String,
        hint: String,
        claim: Option<Claim>,
        undoes: Option<&str>,
    ) -> Self {
        Self {
            folder: Rc::clone(folder),
            audit: AuditFile::new(Rc::clone(folder), name.clone()),
            name,
            hint,
            undoes: undoes.map(str::to_owned),
            journal: None,
            past: None,
            part: None,
            claim,
            interrupts: Arc::default(),
            told: false,
            away: None,
            told_interrupts: 0,
            stage: Stage::Before,
        }
    }

    /// Goes on with the journal of an earlier run.
    pub(super) fn resume(&mut self) -> Result<&Past, Failure> {
        let name = journal_name(&self.name);
        let path = self.folder.path().join(&name);
        let file = self.folder.append(&name).map_err(|error| unusable(&path, &error))?;
        let (journal, past) = Journal::resume(file, path)?;
        self.journal = Some(journal);
        Ok(self.past.insert(past))
    }

    /// The entry of a run that goes on.
    pub(super) fn set_claim(&mut self, claim: Claim) {
        self.claim = Some(claim);
    }

    /// Notes in the audit file what the program that was stopped could not.
    pub(crate) fn note_unknown(&mut self) {
        let Some(past) = &self.past else { return };
        if let Some(Record::Writing { step, direction, .. }) = past.records.last()
            && let Some(step) = past.plan.steps.get(*step)
            && let Some(planned) = past.plan.units.get(step.unit)
        {
            self.audit.unknown(planned, step, *direction);
        }
    }

    pub(super) fn claim(&self) -> Option<&Claim> {
        self.claim.as_ref()
    }

    /// From now on only these units are carried on; the journal is still that of the whole run.
    pub(crate) fn only(&mut self, units: &[usize], steps: Vec<usize>) {
        let count = self.past.as_ref().map_or(0, |past| past.plan.units.len());
        let others = (0..count).filter(|unit| !units.contains(unit)).collect();
        self.part = Some(Part { steps, units: units.to_vec(), others });
    }

    /// From now on an interrupt does not end the program: what was written is undone first.
    pub(crate) fn catch_interrupts(&self) -> Result<(), Failure> {
        let count = Arc::clone(&self.interrupts);
        crate::signals::catch(move || {
            count.fetch_add(1, Ordering::Relaxed);
        })
    }

    /// The argument by which `lvx restore` finds the run, once there is a journal.
    pub(crate) fn hint(&self) -> Option<&str> {
        self.journal.as_ref().map(|_| &*self.hint)
    }

    /// Ends an open run without touching the units.
    pub(crate) fn forget(&mut self) -> Result<(), Failure> {
        let noted = self.record(&Record::Forgotten, None);
        noted.map_err(|error| unusable(&self.path(), &error))
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(journal_name(&self.name))
    }

    /// Makes the files of a new run, all of them durable on return.
    fn begin_files(&mut self, plan: &Plan, units: &[Unit]) -> io::Result<()> {
        // The journal comes first: it is the one that must be new.
        let name = journal_name(&self.name);
        let file = self.folder.create_new(&name)?;
        let begun = Journal::begin(file, self.path(), plan, self.undoes.as_deref())
            .map_err(io::Error::from)
            .and_then(|journal| {
                self.save(plan, units)?;
                self.folder.sync()?;
                self.claim.as_mut().map_or(Ok(()), Claim::begin)?;
                Ok(journal)
            });
        match begun {
            Ok(journal) => {
                self.journal = Some(journal);
                self.stage = Stage::Writing;
                Ok(())
            }
            Err(error) => {
                // Nothing was written to a unit, and nothing is left to be done.
                self.folder.remove(&name)?;
                Err(error)
            }
        }
    }

    /// The settings of each unit, as a profile. What the plan changes is stated in it, installation
    /// settings too.
    fn save(&self, plan: &Plan, units: &[Unit]) -> io::Result<()> {
        for (at, unit) in units.iter().enumerate() {
            let name = saved_name(&self.name, unit);
            let mut profile = Profile::from_unit(unit);
            profile.applies_to.serials = vec![unit.serial_number];
            profile.battery = plan.battery;
            let before = unit.settings();
            for setting in plan.touched(at).filter(|setting| setting.group().is_installation()) {
                // A number without a name cannot be written, and stays a comment.
                if let Some(value) = before.get(setting)
                    && setting.parse(&value.to_string()).is_ok()
                {
                    profile.settings.set(setting, Some(value)).map_err(io::Error::other)?;
                }
            }
            let mut file = self.folder.create_new(&name)?;
            file.write_all(profile.commented(unit).as_bytes())?;
            self.folder.sync_file(&file, &name)?;
        }
        Ok(())
    }

    fn tell(&self, what: &str, step: usize) {
        let plan = self.journal.as_ref().map(Journal::plan);
        let step = plan.and_then(|plan| Some((plan, plan.steps.get(step)?)));
        if let Some((plan, step)) = step {
            let serial = plan.units.get(step.unit).map(|planned| planned.unit.serial_number);
            let serial = serial.map_or(String::new(), |serial| serial.to_string());
            // What the unit had before it was put back may be neither of the two values.
            let values = if what == "put back" { listed(&step.from) } else { step.to_string() };
            progress(&format!("{what:<8} {serial}  {values}"));
        }
    }

    /// The serial number of a unit of what is carried out.
    fn serial(&self, unit: usize) -> String {
        let whole = self.part.as_ref().and_then(|part| part.units.get(unit).copied());
        let plan = self.journal.as_ref().map(Journal::plan);
        let planned = plan.and_then(|plan| plan.units.get(whole.unwrap_or(unit)));
        planned.map_or(String::new(), |planned| planned.unit.serial_number.to_string())
    }

    /// Writes a record and remembers it; ends the entry in the list of runs with the run.
    fn note(&mut self, record: &Record, at: Option<DateTime>) -> io::Result<()> {
        let journal = self.journal.as_mut().ok_or(io::ErrorKind::NotFound)?;
        journal.append(record, at)?;
        if let Some(past) = &mut self.past {
            past.records.push(record.clone());
            past.times.push(at);
        }
        let has_ended = match record {
            Record::Ended { ending } => *ending != Ending::Mixed,
            Record::Forgotten => true,
            _ => false,
        };
        if has_ended && let Some(claim) = self.claim.take() {
            claim.end();
        }
        Ok(())
    }

    /// A record of a part as one of the whole; `None` if it holds for the part only.
    fn of_whole(&self, record: &Record) -> Option<Record> {
        let Some(part) = &self.part else { return Some(record.clone()) };
        match record {
            Record::Ended { ending } if !self.others_ended(part, *ending) => None,
            record => record.of_whole(&part.steps, &part.units),
        }
    }

    /// Whether the units that are not in a part came to the same end already.
    fn others_ended(&self, part: &Part, ending: Ending) -> bool {
        let Some(whole) = &self.past else { return false };
        let (others, steps) = whole.part(&part.others);
        match ending {
            Ending::Undone => others.progress().at_most == 0,
            Ending::Applied => (0..steps.len()).all(|step| {
                let of_step = |record: &&Record| {
                    matches!(record, Record::Proved { step: proved, .. }
                        | Record::Writing { step: proved, .. } if *proved == step)
                };
                let last = others.records.iter().rev().find(of_step);
                last == Some(&Record::Proved { step, direction: RunDirection::Forward })
            }),
            _ => false,
        }
    }
}

impl Recorder for RunFiles {
    fn begin(&mut self, plan: &Plan, units: &[Unit]) -> io::Result<()> {
        self.begin_files(plan, units)
    }

    fn record(&mut self, record: &Record, at: Option<DateTime>) -> io::Result<()> {
        let proved = matches!(record, Record::Proved { .. } | Record::Corrected { .. });
        self.audit.settle(proved);
        self.stage = Stage::after(record).unwrap_or(self.stage);
        if let Some(record) = self.of_whole(record) {
            self.note(&record, at)?;
            match record {
                Record::Proved { step, direction: RunDirection::Forward } => {
                    self.tell("proved", step);
                }
                Record::Proved { step, .. } => self.tell("put back", step),
                Record::Left { step } => self.tell("LEFT", step),
                Record::Misdirected { ref stray } => progress(&format!(
                    "warning: {} may have reached another unit than intended",
                    stray.command
                )),
                Record::Corrected { step, ref to, .. } => {
                    progress(&format!("corrected after step {}: {}", step + 1, listed(to)));
                }
                _ => {}
            }
        }
        if let Record::Undoing { why, .. } = record {
            progress(&format!("undoing: {why}"));
        }
        Ok(())
    }

    /// A write that cannot be noted here has been noted in the journal.
    fn audit(&mut self, line: &Audit) {
        self.audit.sent(line);
    }

    fn watch(&mut self, action: &Action) {
        let interrupts = self.interrupts();
        if interrupts > self.told_interrupts && *action != Action::Done {
            progress(match self.told_interrupts {
                0 => self.stage.interrupted(),
                _ => "interrupted again: no longer waiting for what does not answer",
            });
            self.told_interrupts = interrupts;
        }
        match action {
            Action::Pause(time) if *time >= LONG && !self.told => {
                self.told = true;
                progress(
                    "waiting until the units are idle, or show what they have (Ctrl-C ends it)",
                );
            }
            Action::Reopen { unit } if self.away != Some(*unit) => {
                self.away = Some(*unit);
                progress(&format!("{}: its link is gone; waiting for it", self.serial(*unit)));
            }
            Action::Read { unit, .. } if self.away == Some(*unit) => self.away = None,
            Action::Write(write) if write.direction == RunDirection::Backward => {
                let serial = self.serial(write.unit);
                progress(&format!("writing back {serial}  {}", listed(&write.to)));
            }
            Action::Confirmation(time) => {
                // A marker from before the wait does not confirm this run.
                take_back(&self.folder, &self.name);
                progress(&format!(
                    "applied; undone in {:.0} s unless you call: lvx confirm {}",
                    time.as_secs_f64(),
                    self.hint
                ));
            }
            _ => {}
        }
    }

    fn is_confirmed(&mut self) -> bool {
        self.folder.remove(&marker(&self.name)).is_ok()
    }

    fn is_interrupted(&mut self) -> bool {
        self.interrupts() > 0
    }

    fn interrupts(&mut self) -> u32 {
        self.interrupts.load(Ordering::Relaxed)
    }
}

/// Settings with their values, in a line.
fn listed(settings: &Settings) -> String {
    let values = settings.iter().map(|(setting, value)| format!("{setting} {value}"));
    values.collect::<Vec<_>>().join(", ")
}

/// The error for a file of a run that cannot be opened or written.
pub(super) fn unusable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format_args!("{}: {error}", path.display()))
}

/// The file whose presence confirms a run.
pub(super) fn marker(run: &str) -> String {
    format!("{run}.confirmed")
}

/// Takes a confirmation back that the run has not seen; returns whether there was one.
pub(super) fn take_back(folder: &Folder, run: &str) -> bool {
    folder.remove(&marker(run)).is_ok()
}

pub(super) fn journal_name(run: &str) -> String {
    format!("{run}{JOURNAL}")
}

/// The file with the settings that a unit had before a run.
pub(super) fn saved_name(run: &str, unit: &Unit) -> String {
    format!("{run}-{}.yaml", unit.serial_number)
}

/// How a journal's name ends.
pub(super) const JOURNAL: &str = ".journal";

/// A pause that is long enough to be shown.
const LONG: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use lvx_settings::{HostClock, Permissions, PlannedUnit};
    use pi18_transport::Client;

    use super::*;
    use crate::state::{
        disk::Disk,
        folder::Choice,
        testing::{DiskRecorder, Scratch},
    };

    #[test]
    fn interrupt_says_what_happens_in_the_stage_of_the_run() {
        let waiting = Record::Waiting { seconds: 600 };
        let stages = [Record::Applied, waiting, Record::Confirmed].map(|record| {
            Stage::after(&record).map(Stage::interrupted).unwrap().split(", ").next().unwrap()
        });
        assert_eq!(
            stages,
            [
                "interrupted: the units are read a last time",
                "interrupted: what was written is undone (a further Ctrl-C ends waiting for links)",
                "interrupted: the run was confirmed",
            ]
        );
        let undo = Stage::after(&Record::Resumed { mode: ResumeMode::Undo });
        assert_eq!(undo, Some(Stage::Undoing));
        assert_eq!(Stage::after(&Record::Forgotten), None);
        assert!(Stage::Before.interrupted().ends_with("nothing is written"));
    }

    #[test]
    fn everything_is_durable_before_the_first_write() {
        let scratch = Scratch::new();
        let recorder = Rc::new(DiskRecorder::default());
        let disk: Rc<dyn Disk> = recorder.clone();
        let folder = Rc::new(Folder::open(&scratch.0, Choice::Named, &disk).unwrap().unwrap());
        let mut client = Client::open("sim:0").unwrap();
        let unit = Unit::read(&mut client, &HostClock::system()).unwrap();
        let wanted = Settings {
            machine_type: Some(pi18_proto::MachineType(1)),
            backlight: Some(pi18_proto::Switch(0)),
            ..Settings::default()
        };
        let planned = PlannedUnit { address: "sim:0".to_owned(), unit: unit.clone(), wanted };
        let permissions = Permissions::default()
            .with_installation([lvx_settings::Setting::MachineType])
            .with_part_of_bank();
        let plan = Plan::new(vec![planned], permissions, None).unwrap();
        let mut files = RunFiles::new(&folder, "run".to_owned(), "run".to_owned(), None, None);
        files.begin(&plan, std::slice::from_ref(&unit)).unwrap();
        let saved = scratch.0.join(saved_name("run", &unit));
        assert_eq!(recorder.paths(), [saved.clone(), scratch.0.clone()]);
        // What the plan changes can be brought back by the saved file, installation settings too.
        let saved = std::fs::read(saved).unwrap();
        let saved = Profile::parse_bytes("saved", &saved).unwrap().into_profile().settings;
        assert_eq!(saved.machine_type, unit.settings().machine_type);
        assert_eq!(saved.output_voltage, None);
        for entry in std::fs::read_dir(&scratch.0).unwrap() {
            use std::os::unix::fs::MetadataExt;
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().mode() & 0o777, 0o600, "{entry:?}");
        }
    }
}
