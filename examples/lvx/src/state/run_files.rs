//! The files of one run: journal, saved settings, audit file and confirmation.

mod part;
mod stage;

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
    Action, Audit, Ending, Journal, Past, Plan, Profile, Record, Recorder, RunDirection, Settings,
    Unit,
};
use pi18_proto::DateTime;

use self::{part::Part, stage::Stage};
use super::{
    audit::AuditFile,
    folder::Folder,
    names::{journal_name, marker, saved_name, withdraw},
    registry::Claim,
};
use crate::terminal::{Failure, print_note};

/// The files of a run in progress.
#[derive(Debug)]
pub(crate) struct RunFiles {
    folder: Rc<Folder>,
    name: String,
    /// Argument that names the run for `lvx confirm` and `lvx restore`.
    hint: String,
    /// Name of the run that this one undoes.
    undoes: Option<String>,
    journal: Option<Journal>,
    /// Content of the journal, if the run was resumed.
    past: Option<Past>,
    part: Option<Part>,
    claim: Option<Claim>,
    audit: AuditFile,
    interrupts: Arc<AtomicU32>,
    /// Whether the message about waiting was printed.
    has_printed_wait: bool,
    /// Unit whose link is interrupted.
    away: Option<usize>,
    /// Number of interrupts for which a message was printed.
    printed_interrupts: u32,
    stage: Stage,
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
            has_printed_wait: false,
            away: None,
            printed_interrupts: 0,
            stage: Stage::Before,
        }
    }

    /// Opens and locks the journal of an earlier run, to continue it.
    pub(super) fn resume(&mut self) -> Result<&Past, Failure> {
        let name = journal_name(&self.name);
        let path = self.folder.path().join(&name);
        let file = self.folder.append(&name).map_err(|error| unusable(&path, &error))?;
        let (journal, past) = Journal::resume(file, path)?;
        self.journal = Some(journal);
        Ok(self.past.insert(past))
    }

    /// Sets the entry of a resumed run.
    pub(super) fn set_claim(&mut self, claim: Claim) {
        self.claim = Some(claim);
    }

    /// Adds the last write of the interrupted program to the audit file.
    pub(crate) fn audit_unknown(&mut self) {
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

    /// Restricts the resumed run to these units. The journal remains that of the whole run.
    pub(crate) fn restrict_to(&mut self, units: &[usize], steps: Vec<usize>) {
        let count = self.past.as_ref().map_or(0, |past| past.plan.units.len());
        self.part = Some(Part::new(units, steps, count));
    }

    /// Handles interrupts from now on: they undo the writes instead of ending the program.
    pub(crate) fn catch_interrupts(&self) -> Result<(), Failure> {
        let count = Arc::clone(&self.interrupts);
        crate::terminal::catch_signals(move || {
            count.fetch_add(1, Ordering::Relaxed);
        })
    }

    /// Returns the name of the run.
    #[cfg(feature = "bridge")]
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns the argument that names the run for `lvx restore`; `None` without a journal.
    pub(crate) fn hint(&self) -> Option<&str> {
        self.journal.as_ref().map(|_| &*self.hint)
    }

    /// Closes an open run without any write to the units.
    pub(crate) fn forget(&mut self) -> Result<(), Failure> {
        let recorded = self.record(&Record::Forgotten, None);
        recorded.map_err(|error| unusable(&self.path(), &error))
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(journal_name(&self.name))
    }

    /// Creates the files of a new run and makes them durable.
    fn begin_files(&mut self, plan: &Plan, units: &[Unit]) -> io::Result<()> {
        // The journal is created first, because only its name must be new.
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
                // No unit was changed, so the journal is not needed.
                self.folder.remove(&name)?;
                Err(error)
            }
        }
    }

    /// Saves the settings of each unit as a profile, including the installation settings that the plan
    /// changes.
    fn save(&self, plan: &Plan, units: &[Unit]) -> io::Result<()> {
        for (at, unit) in units.iter().enumerate() {
            let name = saved_name(&self.name, unit);
            let mut profile = Profile::from_unit(unit);
            profile.applies_to.serials = vec![unit.serial_number];
            profile.battery = plan.battery;
            let before = unit.settings();
            for setting in plan.touched(at).filter(|setting| setting.group().is_installation()) {
                // A code without a name has no profile value, and remains a comment.
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

    /// Prints the result of a step.
    fn print_step(&self, what: &str, step: usize) {
        let plan = self.journal.as_ref().map(Journal::plan);
        let step = plan.and_then(|plan| Some((plan, plan.steps.get(step)?)));
        if let Some((plan, step)) = step {
            let serial = plan.units.get(step.unit).map(|planned| planned.unit.serial_number);
            let serial = serial.map_or(String::new(), |serial| serial.to_string());
            // Before the undo, the unit may have had neither the old nor the new value.
            let values = if what == "undone" { listed(&step.from) } else { step.to_string() };
            print_note(&format!("{what:<8} {serial}  {values}"));
        }
    }

    /// Returns the serial number of a unit of the run or its part.
    fn serial(&self, unit: usize) -> String {
        let whole = self.part.as_ref().and_then(|part| part.whole_unit(unit));
        let plan = self.journal.as_ref().map(Journal::plan);
        let planned = plan.and_then(|plan| plan.units.get(whole.unwrap_or(unit)));
        planned.map_or(String::new(), |planned| planned.unit.serial_number.to_string())
    }

    /// Writes a record to the journal, and removes the entry in the list of runs at the end of the run.
    fn append(&mut self, record: &Record, at: Option<DateTime>) -> io::Result<()> {
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

    /// Converts a record of the part to one of the whole run; `None` if it only applies to the part.
    fn of_whole(&self, record: &Record) -> Option<Record> {
        match &self.part {
            None => Some(record.clone()),
            Some(part) => part.of_whole(record, self.past.as_ref()),
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
            self.append(&record, at)?;
            match record {
                Record::Proved { step, direction: RunDirection::Forward } => {
                    self.print_step("verified", step);
                }
                Record::Proved { step, .. } => self.print_step("undone", step),
                Record::Left { step } => self.print_step("NOT UNDONE", step),
                Record::Misdirected { ref stray } => print_note(&format!(
                    "warning: {} may have reached another unit than intended",
                    stray.command
                )),
                Record::Corrected { step, ref to, .. } => {
                    print_note(&format!("corrected after step {}: {}", step + 1, listed(to)));
                }
                _ => {}
            }
        }
        if let Record::Undoing { why, .. } = record {
            print_note(&format!("undoing: {why}"));
        }
        Ok(())
    }

    /// Records a set command. If that fails, the journal still contains the write.
    fn audit(&mut self, line: &Audit) {
        self.audit.sent(line);
    }

    fn watch(&mut self, action: &Action) {
        let interrupts = self.interrupts();
        if interrupts > self.printed_interrupts && *action != Action::Done {
            print_note(match self.printed_interrupts {
                0 => self.stage.interrupted(),
                _ => "interrupted again: no longer waiting for units that do not answer",
            });
            self.printed_interrupts = interrupts;
        }
        match action {
            Action::Pause(time) if *time >= LONG && !self.has_printed_wait => {
                self.has_printed_wait = true;
                print_note(
                    "waiting until the units are idle or report the new values (Ctrl-C ends the wait)",
                );
            }
            Action::Reopen { unit } if self.away != Some(*unit) => {
                self.away = Some(*unit);
                print_note(&format!(
                    "{}: connection lost; waiting for the unit",
                    self.serial(*unit)
                ));
            }
            Action::Read { unit, .. } if self.away == Some(*unit) => self.away = None,
            Action::Write(write) if write.direction == RunDirection::Backward => {
                let serial = self.serial(write.unit);
                print_note(&format!("writing back {serial}  {}", listed(&write.to)));
            }
            Action::Confirmation(time) => {
                // A confirmation from before the wait does not count.
                withdraw(&self.folder, &self.name);
                print_note(&format!(
                    "applied; will be undone in {:.0} s unless you run: lvx confirm {}",
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

/// Lists settings with their values in one line.
fn listed(settings: &Settings) -> String {
    let values = settings.iter().map(|(setting, value)| format!("{setting} {value}"));
    values.collect::<Vec<_>>().join(", ")
}

/// Returns the error for a file that cannot be opened or written.
pub(super) fn unusable(path: &Path, error: &io::Error) -> Failure {
    Failure::usage(format_args!("{}: {error}", path.display()))
}

/// Minimum pause for which a message is printed.
const LONG: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use lvx_settings::{HostClock, Permissions, PlannedUnit};
    use pi18_transport::Client;

    use super::*;
    use crate::state::{
        disk::Disk,
        folder::PathOrigin,
        testing::{DiskRecorder, Scratch},
    };

    #[test]
    fn run_files_are_durable_before_the_first_write() {
        let scratch = Scratch::new();
        let recorder = Rc::new(DiskRecorder::default());
        let disk: Rc<dyn Disk> = recorder.clone();
        let folder = Rc::new(Folder::open(&scratch.0, PathOrigin::Given, &disk).unwrap().unwrap());
        let mut client = Client::open("sim:0").unwrap();
        let unit = Unit::read(&mut client, &HostClock::system()).unwrap();
        let target = Settings::build(|s| {
            s.machine_type = Some(pi18_proto::MachineType(1));
            s.backlight = Some(pi18_proto::Switch(0));
        });
        let planned = PlannedUnit::new("sim:0".to_owned(), unit.clone(), target);
        let permissions = Permissions::default()
            .with_installation([lvx_settings::Setting::MachineType])
            .with_part_of_bank();
        let plan = Plan::new(vec![planned], permissions, None).unwrap();
        let mut files = RunFiles::new(&folder, "run".to_owned(), "run".to_owned(), None, None);
        files.begin(&plan, std::slice::from_ref(&unit)).unwrap();
        let saved = scratch.0.join(saved_name("run", &unit));
        assert_eq!(recorder.paths(), [saved.clone(), scratch.0.clone()]);
        // The saved file contains the installation settings that the plan changes.
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
