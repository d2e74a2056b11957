//! The contents of a journal.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use pi18_proto::DateTime;

use super::{
    line::{CANNOT_READ, Format, Head, Line, check_regular},
    part::Renumbering,
    progress::ApplyProgress,
    record::Record,
};
use crate::{Apply, Ending, Error, Options, Plan, ResumeMode, Setting, Settings};

/// The contents of a journal: the plan of a run, and what happened.
///
/// When a program starts, it looks for journals that are [open](Self::is_open), and asks its user whether to
/// finish or undo the run. This one undoes it:
///
/// ```no_run
/// use std::path::Path;
///
/// use lvx_settings::{HostClock, Journal, Options, Past, ResumeMode, Units, run};
///
/// let path = Path::new("/var/lib/bank/20261124-131029.journal");
/// if !Past::read(path)?.is_open() {
///     return Ok(());
/// }
/// let (mut journal, past) = Journal::reopen(path)?;
/// let mut units = Units::of_plan(&past.plan, HostClock::system())?;
/// let apply = past.resume(Options::default(), ResumeMode::Undo);
/// let report = run(apply, &mut units, &mut journal);
/// println!("{report}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Past {
    /// The plan, with the settings of the units before the run.
    pub plan: Plan,
    /// Name of the earlier run that this run undoes, if it undoes one.
    pub undoes: Option<String>,
    /// The records, in the order in which they were written.
    pub records: Vec<Record>,
    /// Time of each record, by the clock of the computer that wrote it; `None` if the time was not known.
    pub times: Vec<Option<DateTime>>,
    /// Number of bytes up to the end of the last complete line.
    pub(super) sound: u64,
}

impl Past {
    /// Reads a journal file.
    ///
    /// # Errors
    /// If the file cannot be read, or is not a journal.
    pub fn read(path: &Path) -> Result<Self, Error> {
        check_regular(path)?;
        let file = File::open(path).map_err(|source| Error::file(path, CANNOT_READ, source))?;
        Self::read_from(&file, path)
    }

    /// Reads a journal from the start of an open file. `path` is the file's name in errors.
    ///
    /// # Errors
    /// If the file cannot be read, or is not a journal.
    pub fn read_from(mut file: &File, path: &Path) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        let read = file
            .seek(SeekFrom::Start(0))
            .and_then(|_| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
        let read = read.map_err(|source| Error::file(path, CANNOT_READ, source))?;
        if u64::try_from(read).is_ok_and(|read| read > MAX_BYTES) {
            let why =
                format!("expected a journal of at most {MAX_BYTES} bytes, found a larger file");
            return Err(Error::content(path, why));
        }
        Self::parse(&bytes).map_err(|why| Error::content(path, why))
    }

    /// Reads a journal from its bytes.
    ///
    /// # Errors
    /// If a line is invalid. The text names the line.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let sound = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let whole = bytes.get(..sound).unwrap_or_default();
        let mut lines = whole.split_inclusive(|&byte| byte == b'\n');
        let head = lines.next().ok_or(
            "expected a journal, found no complete line; the run wrote nothing to any unit",
        )?;
        let Head { format: Format::V1, plan, undoes } = serde_json::from_slice(head)
            .map_err(|error| format!("line 1: expected the plan of a journal: {error}"))?;
        plan.check_shape().map_err(|error| format!("line 1: {error}"))?;
        let (mut records, mut times) = (Vec::new(), Vec::new());
        for (number, line) in (2..).zip(lines) {
            let line: Line =
                serde_json::from_slice(line).map_err(|error| format!("line {number}: {error}"))?;
            let (step, unit) = line.record.places();
            for (name, found, count) in
                [("step", step, plan.steps.len()), ("unit", unit, plan.units.len())]
            {
                if found > 0 && found >= count {
                    return Err(format!(
                        "line {number}: expected a {name} below {count}, found {name} {found}"
                    ));
                }
            }
            records.push(line.record);
            times.push(line.at);
        }
        let sound = u64::try_from(sound).unwrap_or(u64::MAX);
        Ok(Self { plan, undoes, records, times, sound })
    }

    /// Returns how the run ended, or `None` if it did not end.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        self.records.iter().rev().find_map(|record| match record {
            Record::Ended { ending } => Some(*ending),
            _ => None,
        })
    }

    /// Returns whether the run still needs attention: it did not end, or ended as
    /// [`Ending::Mixed`], and was not [forgotten](Record::Forgotten).
    #[must_use]
    pub fn is_open(&self) -> bool {
        let forgotten = self.records.contains(&Record::Forgotten);
        !forgotten && matches!(self.ending(), None | Some(Ending::Mixed))
    }

    /// Returns whether all steps were done, and the run was waiting for the confirmation when it stopped.
    #[must_use]
    pub fn is_unconfirmed(&self) -> bool {
        matches!(self.records.last(), Some(Record::Waiting { .. }))
    }

    /// Returns whether units may still have the settings that the run wrote, although it is not
    /// [open](Self::is_open): it ended as [`Ending::Applied`], or was forgotten.
    #[must_use]
    pub fn has_changed_units(&self) -> bool {
        let forgotten = self.records.contains(&Record::Forgotten);
        let began = self.records.iter().any(|record| matches!(record, Record::Writing { .. }));
        !self.is_open() && began && (forgotten || self.ending() == Some(Ending::Applied))
    }

    /// Returns, for each unit of the plan, the old values of the settings that the run changed.
    ///
    /// The clock is left out, because its old time is wrong by now.
    #[must_use]
    pub fn old_settings(&self) -> Vec<Settings> {
        let before = self.plan.settings_after(0);
        let old = |(unit, before): (usize, Settings)| {
            let touched: Vec<_> = self.plan.touched(unit).collect();
            before.only(|setting| touched.contains(&setting) && setting != Setting::Clock)
        };
        before.into_iter().enumerate().map(old).collect()
    }

    /// Returns the part of the run that is about these units, in this order, and the index of each of its steps
    /// in the whole plan.
    ///
    /// The part has no ending, because the ending of the run may not hold for these units alone.
    #[must_use]
    pub fn part(&self, units: &[usize]) -> (Self, Vec<usize>) {
        let (plan, steps) = self.plan.part(units);
        let renumbering = Renumbering {
            step: &|step| steps.iter().position(|whole| *whole == step),
            unit: &|unit| units.iter().position(|whole| *whole == unit),
            done: &|done| steps.iter().filter(|step| **step < done).count(),
        };
        let kept = self.records.iter().zip(&self.times).filter_map(|(record, time)| {
            let record = record.renumbered(&renumbering)?;
            (!matches!(record, Record::Ended { .. })).then_some((record, *time))
        });
        let (records, times) = kept.unzip();
        let undoes = self.undoes.clone();
        (Self { plan, undoes, records, times, sound: self.sound }, steps)
    }

    /// Continues the run, which did not end.
    pub fn resume(&self, options: Options, mode: ResumeMode) -> Apply {
        Apply::resume(self.plan.clone(), options, self.progress(), mode)
    }

    /// Returns an error if the run still needs attention.
    pub(super) fn check_ended(&self, path: &Path) -> Result<(), Error> {
        if self.is_open() {
            let why = "expected the journal of a run that has ended, found one that is not finished or \
                       undone yet";
            return Err(Error::content(path, why));
        }
        Ok(())
    }

    /// Returns the progress of the run.
    #[must_use]
    pub fn progress(&self) -> ApplyProgress {
        ApplyProgress::of(&self.records)
    }
}

/// Maximum size of a journal in bytes. A typical journal has a few thousand.
const MAX_BYTES: u64 = 4 << 20;
