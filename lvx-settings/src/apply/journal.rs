//! The journal of a run: a file from which a run can be continued after the program was killed.
//!
//! The file consists of lines of JSON. The first line holds the whole plan, with the settings of the units
//! before the run (`line`). One line follows before each write and after each verification (`record`). A line
//! counts if it ends with a line feed: an incomplete last line was being written when the program ended, and
//! is ignored.
//!
//! `past` reads a journal, `progress` derives from its records which steps may be done, `part` renumbers
//! records for a part of the plan, and `lock` keeps other programs from writing the file.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use pi18_proto::DateTime;
use serde::Serialize;

use self::{
    line::{Format, Head, Line, check_regular},
    lock::LockedFile,
};
use crate::{Error, Plan};

mod line;
mod lock;
mod part;
mod past;
mod progress;
mod record;

pub use past::Past;
pub use progress::ApplyProgress;
pub use record::Record;

/// A journal file that is open for writing.
///
/// Each method that writes a line returns only after the line is on the disk. The file is locked until the
/// journal is dropped, so that no other program continues the same run.
///
/// ```
/// use lvx_settings::{HostClock, Journal, Past, Permissions, Plan, Profile, Record, RunDirection, Unit};
/// use pi18_transport::Client;
///
/// let host = HostClock::system();
/// let units = vec![("sim:0".to_owned(), Unit::read(&mut Client::open("sim:0")?, &host)?)];
/// let profile = Profile::parse("night.yaml", "output_priority: solar_utility_battery\n")?;
/// let permissions = Permissions::default().with_part_of_bank();
/// let plan = Plan::for_profile(profile.profile(), units, &permissions)?;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("night.journal");
/// let mut journal = Journal::create(&path, &plan)?;
/// // The program is killed just after it recorded its first write.
/// journal.append(&Record::Writing { step: 0, direction: RunDirection::Forward, attempt: 1 }, None)?;
/// drop(journal);
///
/// // The next program reads the plan, the old settings, and how far the run came.
/// let (journal, past) = Journal::reopen(&path)?;
/// assert_eq!(journal.plan(), &plan);
/// assert!(past.is_open());
/// assert_eq!(past.progress().unproved, [0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`Apply::resume`](crate::Apply::resume) then finishes or undoes the run.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: LockedFile,
    plan: Plan,
    /// Number of bytes up to the end of the last complete line.
    sound: u64,
}

impl Journal {
    /// Creates a journal file, and syncs the file and its folder to disk.
    ///
    /// # Errors
    /// If the file exists already or cannot be written, or the plan is malformed.
    pub fn create(path: impl Into<PathBuf>, plan: &Plan) -> Result<Self, Error> {
        let path = path.into();
        plan.check_shape()?;
        let fail = |source| Error::file(&path, CANNOT_CREATE, source);
        let file = OpenOptions::new().append(true).create_new(true).open(&path).map_err(fail)?;
        let journal = Self::begin(file, &path, plan, None)?;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(fail)?;
        }
        Ok(journal)
    }

    /// Begins a journal in an empty file that is open for appending. `path` is the name of the file in
    /// errors, and `undoes` is the name of the earlier run that this run undoes.
    ///
    /// Syncs the file to disk, but not its folder.
    ///
    /// # Errors
    /// If the file is not empty or cannot be written, or the plan is malformed.
    pub fn begin(
        file: File,
        path: impl Into<PathBuf>,
        plan: &Plan,
        undoes: Option<&str>,
    ) -> Result<Self, Error> {
        let path = path.into();
        plan.check_shape()?;
        let file = LockedFile::new(file, &path)?;
        let size = file.file().metadata().map(|file| file.len());
        let size = size.map_err(|source| Error::file(&path, CANNOT_CREATE, source))?;
        if size > 0 {
            let why = format!("expected an empty file for a journal, found {size} bytes");
            return Err(Error::content(&path, why));
        }
        let mut journal = Self { path, file, plan: plan.clone(), sound: 0 };
        let undoes = undoes.map(str::to_owned);
        journal.write_line(&Head { format: Format::V1, plan: plan.clone(), undoes })?;
        Ok(journal)
    }

    /// Opens the journal of an earlier run for reading and for further records.
    ///
    /// # Errors
    /// If the file cannot be read or written, is not a journal, or is still being written by its run
    /// ([`Error::is_busy`]).
    pub fn reopen(path: impl Into<PathBuf>) -> Result<(Self, Past), Error> {
        let path = path.into();
        let fail = |source| Error::file(&path, "cannot open the journal", source);
        check_regular(&path)?;
        let file = OpenOptions::new().read(true).append(true).open(&path).map_err(fail)?;
        Self::resume(file, &path)
    }

    /// Continues the journal of an earlier run in a file that is open for reading and appending. `path` is
    /// the name of the file in errors.
    ///
    /// # Errors
    /// If the file cannot be read, is not a journal, or is still being written by its run
    /// ([`Error::is_busy`]).
    pub fn resume(file: File, path: impl Into<PathBuf>) -> Result<(Self, Past), Error> {
        let path = path.into();
        let file = LockedFile::new(file, &path)?;
        let past = Past::read_from(file.file(), &path)?;
        let plan = past.plan.clone();
        Ok((Self { path, file, plan, sound: past.sound }, past))
    }

    /// Writes a record, and returns once it is on the disk.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn append(&mut self, record: &Record, at: Option<DateTime>) -> Result<(), Error> {
        self.write_line(&Line { at, record: record.clone() })
    }

    /// Returns the plan of the run.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn write_line(&mut self, line: &impl Serialize) -> Result<(), Error> {
        let mut text =
            serde_json::to_vec(line).map_err(|error| Error::content(&self.path, error))?;
        text.push(b'\n');
        // This cuts off an incomplete line, which a full disk or a killed program left.
        let mut file = self.file.file();
        let written = file.set_len(self.sound).and_then(|()| {
            file.write_all(&text)?;
            file.sync_all()
        });
        written.map_err(|source| Error::file(&self.path, "cannot write the journal", source))?;
        self.sound += u64::try_from(text.len()).unwrap_or_default();
        Ok(())
    }
}

const CANNOT_CREATE: &str = "cannot create the journal";
