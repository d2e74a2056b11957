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
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use pi18_proto::DateTime;
use serde::Serialize;

use self::{
    line::{Format, Head, Line, check_regular},
    lock::LockedFile,
};
use crate::{Ending, Error, Plan};

mod line;
mod lock;
mod part;
mod past;
mod progress;
mod record;

pub use past::Past;
pub use progress::ApplyProgress;
pub use record::Record;

/// A journal file, to which a run is recorded.
///
/// The file appears when the run begins to write to units ([`Recorder::begin`](crate::Recorder::begin)), or with
/// the first record. A run that is refused by its checks leaves no file.
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
/// assert!(!path.exists());
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
/// [`Past::resume`] then finishes or undoes the run.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    plan: Plan,
    state: State,
}

/// The state of a journal's file.
#[derive(Debug)]
enum State {
    /// The file is created when the run begins. `replaces` states whether it may replace the journal of a run
    /// that has ended.
    Pending {
        replaces: bool,
    },
    Open(OpenFile),
}

/// The open file of a journal.
#[derive(Debug)]
struct OpenFile {
    file: LockedFile,
    /// Number of bytes up to the end of the last complete line.
    sound: u64,
    /// Whether the file has the records of an earlier program.
    is_resumed: bool,
}

impl Journal {
    /// Prepares a journal in a new file.
    ///
    /// # Errors
    /// If the file exists already, or the plan is malformed.
    pub fn create(path: impl Into<PathBuf>, plan: &Plan) -> Result<Self, Error> {
        let path = path.into();
        plan.check_shape()?;
        if path.symlink_metadata().is_ok() {
            return Err(Error::file(&path, CANNOT_CREATE, io::ErrorKind::AlreadyExists.into()));
        }
        Ok(Self { path, plan: plan.clone(), state: State::Pending { replaces: false } })
    }

    /// Prepares a journal in a file that is new, or that has the journal of a run that has ended. The journal of
    /// an ended run is replaced when this run begins. Its old settings are lost then, so it can no longer
    /// be undone.
    ///
    /// ```
    /// use lvx_settings::{Ending, HostClock, Journal, Past, Permissions, Plan, Profile, Record, Recorder, Unit};
    /// use pi18_transport::Client;
    ///
    /// let units = vec![("sim:0".to_owned(), Unit::read(&mut Client::open("sim:0")?, &HostClock::system())?)];
    /// let profile = Profile::parse("night.yaml", "backlight: off\n")?;
    /// let plan = Plan::for_profile(profile.profile(), units, &Permissions::default())?;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("bank.journal");
    /// for _ in 0..2 {
    ///     let mut journal = Journal::replace(&path, &plan)?;
    ///     journal.begin(&plan, &[])?;
    ///     // The journal of a run that has not ended is kept.
    ///     assert!(Journal::replace(&path, &plan).is_err());
    ///     journal.append(&Record::Ended { ending: Ending::Applied }, None)?;
    /// }
    /// assert_eq!(Past::read(&path)?.ending(), Some(Ending::Applied));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the file cannot be read, is not a journal, or is the journal of a run that has not ended; if the
    /// plan is malformed.
    pub fn replace(path: impl Into<PathBuf>, plan: &Plan) -> Result<Self, Error> {
        let path = path.into();
        plan.check_shape()?;
        if path.symlink_metadata().is_ok() {
            Past::read(&path)?.check_ended(&path)?;
        }
        Ok(Self { path, plan: plan.clone(), state: State::Pending { replaces: true } })
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
        let mut file = OpenFile { file, sound: 0, is_resumed: false };
        let undoes = undoes.map(str::to_owned);
        file.write_line(&Head { format: Format::V1, plan: plan.clone(), undoes }, &path)?;
        Ok(Self { path, plan: plan.clone(), state: State::Open(file) })
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
        let (journal, past) = Self::resume(file, &path)?;
        // Another program may have replaced the file before it was locked.
        if let State::Open(open) = &journal.state
            && !open.file.is_at(&path)
        {
            return Err(Error::busy(&path));
        }
        Ok((journal, past))
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
        let file = OpenFile { file, sound: past.sound, is_resumed: true };
        Ok((Self { path, plan, state: State::Open(file) }, past))
    }

    /// Writes a record, and returns once it is on the disk. Creates the file if the run has not begun.
    ///
    /// # Errors
    /// If the file cannot be created or written.
    pub fn append(&mut self, record: &Record, at: Option<DateTime>) -> Result<(), Error> {
        let line = Line { at, record: record.clone() };
        self.create_file()?;
        match &mut self.state {
            State::Open(file) => file.write_line(&line, &self.path),
            State::Pending { .. } => Ok(()),
        }
    }

    /// Writes the end of a run that wrote nothing, if the file exists and has no earlier run.
    pub(super) fn end_unwritten(&mut self, ending: Ending) -> Result<(), Error> {
        match &mut self.state {
            State::Open(file) if !file.is_resumed => {
                let line = Line { at: None, record: Record::Ended { ending } };
                file.write_line(&line, &self.path)
            }
            _ => Ok(()),
        }
    }

    /// Creates the file, and syncs it and its folder to disk, unless this was done before.
    pub(super) fn create_file(&mut self) -> Result<(), Error> {
        let State::Pending { replaces } = self.state else { return Ok(()) };
        let path = &self.path;
        let fail = |source| Error::file(path, CANNOT_CREATE, source);
        let created = if replaces && path.symlink_metadata().is_ok() {
            self.replace_file()?
        } else {
            let file = OpenOptions::new().append(true).create_new(true).open(path).map_err(fail)?;
            let created = Self::begin(file, path, &self.plan, None);
            if created.is_err() {
                // No unit was changed, so an incomplete journal is of no use.
                fs::remove_file(path).ok();
            }
            created?
        };
        // The file exists now: if the run is refused because the folder cannot be synced, its end is recorded.
        self.state = created.state;
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(fail)?;
        }
        Ok(())
    }

    /// Replaces the journal of a run that has ended.
    fn replace_file(&self) -> Result<Self, Error> {
        let path = &self.path;
        let fail = |source| Error::file(path, CANNOT_CREATE, source);
        // The lock of the old file is kept until its name leads to the new one.
        let (_old, past) = Self::reopen(path)?;
        past.check_ended(path)?;
        let mut name = path.clone().into_os_string();
        name.push(".replacement");
        let new = PathBuf::from(name);
        // A program that was killed at this place left a file. Its run did not begin.
        fs::remove_file(&new).or_else(ignore_missing).map_err(fail)?;
        let file = OpenOptions::new().append(true).create_new(true).open(&new).map_err(fail)?;
        let created = Self::begin(file, path, &self.plan, None)?;
        fs::rename(&new, path).map_err(fail)?;
        Ok(created)
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
}

impl OpenFile {
    /// Writes a line at the end of the file. `path` is the name of the file in errors.
    fn write_line(&mut self, line: &impl Serialize, path: &Path) -> Result<(), Error> {
        let mut text = serde_json::to_vec(line).map_err(|error| Error::content(path, error))?;
        text.push(b'\n');
        // This cuts off an incomplete line, which a full disk or a killed program left.
        let mut file = self.file.file();
        let written = file.set_len(self.sound).and_then(|()| {
            file.write_all(&text)?;
            file.sync_all()
        });
        written.map_err(|source| Error::file(path, "cannot write the journal", source))?;
        self.sound += u64::try_from(text.len()).unwrap_or_default();
        Ok(())
    }
}

fn ignore_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

const CANNOT_CREATE: &str = "cannot create the journal";
