//! What survives when the program does not: a line of JSON before each write and after each proof.
//!
//! The first line holds the whole plan, with the settings that the units had. A line counts once its
//! end is there; what stands behind the last line end was being written when the program died.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::Write,
    path::{Path, PathBuf},
};

use pi18_proto::DateTime;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Ending, Error, Plan, ResumeMode, Settings, Stray};

mod past;

pub use past::Past;

/// Which way a step goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunDirection {
    /// It is done.
    Forward,
    /// It is undone.
    Backward,
}

/// What happened, or is about to.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Record {
    /// A set command is about to be sent.
    Writing {
        /// Which step, counted from 0.
        step: usize,
        /// Whether it is done or undone.
        direction: RunDirection,
        /// Which try, counted from 1.
        attempt: u32,
    },
    /// A step was proved by reading back.
    Proved {
        /// Which step.
        step: usize,
        /// Whether it was done or undone.
        direction: RunDirection,
    },
    /// A step could not be undone.
    Left {
        /// Which step.
        step: usize,
    },
    /// Something went wrong.
    Undoing {
        /// What.
        why: String,
        /// So many of the first steps may be done.
        done: usize,
        /// Those of them whose write may have arrived although the unit does not show it.
        #[serde(default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
        unproved: Vec<usize>,
        /// The steps that it is about, if only some units of the plan were undone; empty if all. What
        /// is known of other steps stays.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        of: Vec<usize>,
    },
    /// A set command may have reached another unit than that of its step.
    Misdirected {
        /// The command, and which unit may have got it.
        stray: Stray,
    },
    /// A unit is about to be set to what it should have: it may have got a command that was meant for
    /// another one, or its new battery type brought other voltages along.
    Correcting {
        /// The step whose command or effect is corrected, counted from 0.
        step: usize,
        /// The unit, counted from 0.
        unit: usize,
        /// The settings that are written.
        to: Settings,
        /// The number of the try, counted from 1.
        attempt: u32,
    },
    /// A correction was proved by reading back.
    Corrected {
        /// The step whose command or effect was corrected, counted from 0.
        step: usize,
        /// The unit, counted from 0.
        unit: usize,
        /// The settings that were written.
        to: Settings,
    },
    /// An earlier run is finished or undone.
    Resumed {
        /// Whether it is finished or undone.
        #[serde(rename = "way")]
        mode: ResumeMode,
    },
    /// All steps are done and proved.
    Applied,
    /// It is undone in so many seconds unless somebody confirms it.
    Waiting {
        /// From when this was noted.
        seconds: u64,
    },
    /// Somebody confirmed it.
    Confirmed,
    /// It is over.
    Ended {
        /// How it ended.
        ending: Ending,
    },
    /// Somebody has seen to it by other means.
    Forgotten,
}

impl Record {
    /// Returns the last step and the last unit that it names.
    fn places(&self) -> (usize, usize) {
        match self {
            Self::Writing { step, .. } | Self::Proved { step, .. } | Self::Left { step } => {
                (*step, 0)
            }
            Self::Undoing { done, unproved, of, .. } => {
                let unproved = unproved.iter().chain(of).copied().max().unwrap_or_default();
                (unproved.max(done.saturating_sub(1)), 0)
            }
            Self::Misdirected { stray } => (stray.step, stray.unit),
            Self::Correcting { step, unit, .. } | Self::Corrected { step, unit, .. } => {
                (*step, *unit)
            }
            _ => (0, 0),
        }
    }
}

/// Reads a list; journals of earlier versions have a single number in its place.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<usize>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Numbers {
        One(usize),
        Many(Vec<usize>),
    }

    Ok(match Numbers::deserialize(deserializer)? {
        Numbers::One(number) => vec![number],
        Numbers::Many(numbers) => numbers,
    })
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    format: Format,
    plan: Plan,
    /// The name of the earlier run that this one undoes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    undoes: Option<String>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "lvx-journal-1")]
    V1,
}

/// Any other line.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<DateTime>,
    #[serde(flatten)]
    record: Record,
}

/// A journal that is being written. Every line is on the disk before the next thing happens.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    plan: Plan,
    /// Bytes up to the last whole line.
    sound: u64,
}

impl Journal {
    /// Begins a new one, its file and folder made safe as well.
    ///
    /// # Errors
    /// If there is such a file already, or it cannot be written.
    pub fn create(path: impl Into<PathBuf>, plan: &Plan) -> Result<Self, Error> {
        let path = path.into();
        plan.check_shape()?;
        let fail = |source| Error::file(&path, "the journal cannot be made", source);
        let file = OpenOptions::new().append(true).create_new(true).open(&path).map_err(fail)?;
        let journal = Self::begin(file, &path, plan, None)?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(fail)?;
        }
        Ok(journal)
    }

    /// Begins a new one in a file that is open for appending, empty, and called `path` in errors.
    /// `undoes` is the name of the earlier run that this one undoes.
    ///
    /// The caller makes the file's folder safe.
    ///
    /// # Errors
    /// If the file is not empty or cannot be written, or the plan does not hold together.
    pub fn begin(
        file: File,
        path: impl Into<PathBuf>,
        plan: &Plan,
        undoes: Option<&str>,
    ) -> Result<Self, Error> {
        let path = path.into();
        plan.check_shape()?;
        lock(&file, &path)?;
        let size = file.metadata().map(|file| file.len());
        match size.map_err(|source| Error::file(&path, "the journal cannot be made", source))? {
            0 => {}
            size => {
                let why = format!("expected an empty file for a journal, found {size} bytes");
                return Err(Error::content(&path, why));
            }
        }
        let mut journal = Self { path, file, plan: plan.clone(), sound: 0 };
        let undoes = undoes.map(str::to_owned);
        journal.line(&Head { format: Format::V1, plan: plan.clone(), undoes })?;
        Ok(journal)
    }

    /// Goes on with one that an earlier run left.
    ///
    /// # Errors
    /// If it cannot be read or written, is no journal, or the run that writes it is still there.
    pub fn reopen(path: impl Into<PathBuf>) -> Result<(Self, Past), Error> {
        let path = path.into();
        let fail = |source| Error::file(&path, "the journal cannot be opened", source);
        past::regular(&path)?;
        let file = OpenOptions::new().read(true).append(true).open(&path).map_err(fail)?;
        Self::resume(file, &path)
    }

    /// The same for a file that is open for reading and appending, called `path` in errors.
    ///
    /// # Errors
    /// If it cannot be read, is no journal, or the run that writes it is still there.
    pub fn resume(file: File, path: impl Into<PathBuf>) -> Result<(Self, Past), Error> {
        let path = path.into();
        lock(&file, &path)?;
        let past = Past::read_from(&file, &path)?;
        let plan = past.plan.clone();
        Ok((Self { path, file, plan, sound: past.sound }, past))
    }

    /// Notes something; on return it is on the disk.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn append(&mut self, record: &Record, at: Option<DateTime>) -> Result<(), Error> {
        self.line(&Line { at, record: record.clone() })
    }

    /// The plan that it is of.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn line(&mut self, line: &impl Serialize) -> Result<(), Error> {
        let mut text =
            serde_json::to_vec(line).map_err(|error| Error::content(&self.path, error))?;
        text.push(b'\n');
        // Half a line at the end, of a program that died or a disk that was full, never happened.
        let written = self.file.set_len(self.sound).and_then(|()| {
            self.file.write_all(&text)?;
            self.file.sync_all()
        });
        written
            .map_err(|source| Error::file(&self.path, "the journal cannot be written", source))?;
        self.sound += u64::try_from(text.len()).unwrap_or_default();
        Ok(())
    }
}

/// As long as a run goes on, nobody else writes its journal.
fn lock(file: &File, path: &Path) -> Result<(), Error> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => Error::busy(path),
        TryLockError::Error(source) => Error::file(path, "the journal cannot be locked", source),
    })
}
