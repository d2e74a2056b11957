//! What a journal holds about an earlier run.

use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::Path,
};

use pi18_proto::DateTime;

use super::{Format, Head, Line, Record};
use crate::{ApplyProgress, Ending, Error, Plan, Setting, Settings, Stray};

/// What a journal holds about an earlier run.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Past {
    /// What was to be done, and how the units were before.
    pub plan: Plan,
    /// The name of the earlier run that this one undoes, if it does.
    pub undoes: Option<String>,
    /// What happened.
    pub records: Vec<Record>,
    /// When each of the records was written, where the journal says it.
    pub times: Vec<Option<DateTime>>,
    /// Bytes up to the last whole line.
    pub(super) sound: u64,
}

impl Past {
    /// Reads a journal.
    ///
    /// # Errors
    /// If it cannot be read, or is no journal.
    pub fn read(path: &Path) -> Result<Self, Error> {
        regular(path)?;
        let file = File::open(path);
        let file = file.map_err(|source| Error::file(path, "cannot be read", source))?;
        Self::read_from(&file, path)
    }

    /// Reads a journal from the start of a file that is open, called `path` in errors.
    ///
    /// # Errors
    /// If it cannot be read, or is no journal.
    pub fn read_from(mut file: &File, path: &Path) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        let read = file
            .seek(SeekFrom::Start(0))
            .and_then(|_| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
        let read = read.map_err(|source| Error::file(path, "cannot be read", source))?;
        if u64::try_from(read).is_ok_and(|read| read > MAX_BYTES) {
            let why = format!("expected a journal, found a file of more than {MAX_BYTES} bytes");
            return Err(Error::content(path, why));
        }
        Self::parse(&bytes).map_err(|why| Error::content(path, why))
    }

    /// Reads a journal from its bytes.
    ///
    /// # Errors
    /// Says which line is not what it should be.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let sound = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        let whole = bytes.get(..sound).unwrap_or_default();
        let mut lines = whole.split_inclusive(|&byte| byte == b'\n');
        let head = lines
            .next()
            .ok_or("expected a journal, found not one whole line; nothing was written to a unit")?;
        let Head { format: Format::V1, plan, undoes } = serde_json::from_slice(head)
            .map_err(|error| format!("line 1: expected the plan of a journal: {error}"))?;
        plan.check_shape().map_err(|error| format!("line 1: {error}"))?;
        let (mut records, mut times) = (Vec::new(), Vec::new());
        for (number, line) in (2..).zip(lines) {
            let line: Line =
                serde_json::from_slice(line).map_err(|error| format!("line {number}: {error}"))?;
            let (step, unit) = line.record.places();
            if step > 0 && step >= plan.steps.len() {
                return Err(format!("line {number}: there is no step {step}"));
            }
            if unit > 0 && unit >= plan.units.len() {
                return Err(format!("line {number}: there is no unit {unit}"));
            }
            records.push(line.record);
            times.push(line.at);
        }
        let sound = u64::try_from(sound).unwrap_or(u64::MAX);
        Ok(Self { plan, undoes, records, times, sound })
    }

    /// How it ended, if it did.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        self.records.iter().rev().find_map(|record| match record {
            Record::Ended { ending } => Some(*ending),
            _ => None,
        })
    }

    /// Whether something is left to be done: it did not end, or ended half-way.
    #[must_use]
    pub fn is_open(&self) -> bool {
        let forgotten = self.records.contains(&Record::Forgotten);
        !forgotten && matches!(self.ending(), None | Some(Ending::Mixed))
    }

    /// Whether all was done, and only the confirmation was waited for.
    #[must_use]
    pub fn is_unconfirmed(&self) -> bool {
        matches!(self.records.last(), Some(Record::Waiting { .. }))
    }

    /// Whether units may have what it wrote, although it is not open: it ended as applied, or was
    /// forgotten.
    #[must_use]
    pub fn has_changed_units(&self) -> bool {
        let forgotten = self.records.contains(&Record::Forgotten);
        let began = self.records.iter().any(|record| matches!(record, Record::Writing { .. }));
        !self.is_open() && began && (forgotten || self.ending() == Some(Ending::Applied))
    }

    /// What each unit had before of the settings that the run changed, in the order of the plan. The
    /// clock is left out: its old time is wrong by now.
    #[must_use]
    pub fn old_settings(&self) -> Vec<Settings> {
        let before = self.plan.settings_after(0);
        let old = |(unit, before): (usize, Settings)| {
            let touched: Vec<_> = self.plan.touched(unit).collect();
            before.only(|setting| touched.contains(&setting) && setting != Setting::Clock)
        };
        before.into_iter().enumerate().map(old).collect()
    }

    /// The part of it that is about some of its units, in this order, and for each step of that part
    /// its number in the whole.
    ///
    /// That it ended is left out: the part may not have.
    #[must_use]
    pub fn part(&self, units: &[usize]) -> (Self, Vec<usize>) {
        let (plan, steps) = self.plan.part(units);
        let places = Places {
            step: &|step| steps.iter().position(|whole| *whole == step),
            unit: &|unit| units.iter().position(|whole| *whole == unit),
            done: &|done| steps.iter().filter(|step| **step < done).count(),
        };
        let kept = self.records.iter().zip(&self.times).filter_map(|(record, time)| {
            let record = record.moved(&places)?;
            (!matches!(record, Record::Ended { .. })).then_some((record, *time))
        });
        let (records, times) = kept.unzip();
        let undoes = self.undoes.clone();
        (Self { plan, undoes, records, times, sound: self.sound }, steps)
    }

    /// Where it was left.
    #[must_use]
    pub fn progress(&self) -> ApplyProgress {
        ApplyProgress::of(&self.records)
    }
}

/// Where the steps and units of some records are in another numbering.
struct Places<'a> {
    /// A step's number, if it is there.
    step: &'a dyn Fn(usize) -> Option<usize>,
    /// A unit's number, if it is there.
    unit: &'a dyn Fn(usize) -> Option<usize>,
    /// How many of the first steps are meant.
    done: &'a dyn Fn(usize) -> usize,
}

impl Record {
    /// Returns the same record of a part as one of the whole, whose steps these are and whose units
    /// those; `None` if it names something that is not in the part.
    #[must_use]
    pub fn of_whole(&self, steps: &[usize], units: &[usize]) -> Option<Self> {
        let step = |step: usize| steps.get(step).copied();
        let moved = self.moved(&Places {
            step: &step,
            unit: &|unit| units.get(unit).copied(),
            done: &|done| done.checked_sub(1).and_then(step).map_or(0, |last| last + 1),
        })?;
        Some(match moved {
            Self::Undoing { why, done, unproved, of } if of.is_empty() => {
                Self::Undoing { why, done, unproved, of: steps.to_vec() }
            }
            moved => moved,
        })
    }

    fn moved(&self, at: &Places<'_>) -> Option<Self> {
        Some(match *self {
            Self::Writing { step, direction, attempt } => {
                Self::Writing { step: (at.step)(step)?, direction, attempt }
            }
            Self::Proved { step, direction } => Self::Proved { step: (at.step)(step)?, direction },
            Self::Left { step } => Self::Left { step: (at.step)(step)? },
            Self::Undoing { ref why, done, ref unproved, ref of } => {
                let moved = |steps: &[usize]| -> Vec<_> {
                    steps.iter().filter_map(|step| (at.step)(*step)).collect()
                };
                let moved_of = moved(of);
                if !of.is_empty() && moved_of.is_empty() {
                    return None;
                }
                Self::Undoing {
                    why: why.clone(),
                    done: (at.done)(done),
                    unproved: moved(unproved),
                    of: moved_of,
                }
            }
            Self::Misdirected { ref stray } => Self::Misdirected {
                stray: Stray {
                    step: (at.step)(stray.step)?,
                    unit: (at.unit)(stray.unit)?,
                    ..stray.clone()
                },
            },
            Self::Correcting { step, unit, to, attempt } => {
                Self::Correcting { step: (at.step)(step)?, unit: (at.unit)(unit)?, to, attempt }
            }
            Self::Corrected { step, unit, to } => {
                Self::Corrected { step: (at.step)(step)?, unit: (at.unit)(unit)?, to }
            }
            ref other => other.clone(),
        })
    }
}

/// Refuses what is no regular file: opening such a thing may never return.
pub(super) fn regular(path: &Path) -> Result<(), Error> {
    let file = path.metadata().map_err(|source| Error::file(path, "cannot be read", source))?;
    if file.is_file() {
        Ok(())
    } else {
        Err(Error::content(path, "expected a journal, found something that is no regular file"))
    }
}

/// A journal of a bank has a few thousand bytes.
const MAX_BYTES: u64 = 4 << 20;
