//! Runs in a state folder.

use std::{
    fs::TryLockError,
    io::{self, Read},
    path::{Path, PathBuf},
    rc::Rc,
    time::SystemTime,
};

use lvx_settings::{Past, Record, Setting, SettingValue};

use super::{
    folder::Folder,
    names::{journal_name, saved_name, withdraw},
    places::hint,
    run_files::RunFiles,
};
use crate::terminal::Failure;

/// A run in a state folder.
#[derive(Debug)]
pub(crate) struct StoredRun {
    pub(crate) name: String,
    pub(crate) folder: Rc<Folder>,
    pub(crate) past: Past,
}

impl StoredRun {
    /// Returns whether the program of the run is still running.
    pub(crate) fn is_running(&self) -> bool {
        let file = self.folder.read(&journal_name(&self.name));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// Returns the time of the last write to the journal.
    pub(crate) fn last_written(&self) -> io::Result<SystemTime> {
        self.folder.read(&journal_name(&self.name))?.metadata()?.modified()
    }

    /// Removes the journal and the saved settings.
    pub(crate) fn remove(&self) -> io::Result<()> {
        for planned in &self.past.plan.units {
            match self.folder.remove(&saved_name(&self.name, &planned.unit)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        withdraw(&self.folder, &self.name);
        self.folder.remove(&journal_name(&self.name))
    }

    /// Locks the journal of an earlier run, so that no other program continues it, and reads it.
    pub(crate) fn resume(&self) -> Result<(RunFiles, Past), Failure> {
        let hint = self.hint();
        let mut files = RunFiles::new(&self.folder, self.name.clone(), hint, None, None);
        let past = files.resume()?.clone();
        Ok((files, past))
    }

    /// Returns the argument that names the run on the command line.
    pub(crate) fn hint(&self) -> String {
        hint(self.folder.path(), &self.name)
    }

    /// Returns the path of the journal.
    pub(crate) fn path(&self) -> PathBuf {
        let path = self.folder.path().join(journal_name(&self.name));
        std::path::absolute(&path).unwrap_or(path)
    }

    /// Lists differences between the journal and the settings saved with it, which mean that one of them was
    /// edited. Only saved settings are compared.
    pub(crate) fn edited(&self) -> Vec<String> {
        let is_writing = |record: &Record| matches!(record, Record::Writing { .. });
        if !self.past.records.iter().any(is_writing) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for planned in &self.past.plan.units {
            let name = saved_name(&self.name, &planned.unit);
            let saved = self.folder.read_bytes(&name, MAX_BYTES).and_then(|bytes| {
                String::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData.into())
            });
            let saved = match saved {
                Ok(saved) => saved,
                Err(error) => {
                    found.push(format!("{name}: {error}"));
                    continue;
                }
            };
            let before = planned.unit.settings();
            for (setting, value) in saved.lines().filter_map(stated) {
                let known = before.get(setting);
                if setting != Setting::Clock && known != Some(value) {
                    let known = known.map_or("nothing".to_owned(), |known| known.to_string());
                    found.push(format!("{name}: {setting} is {value}, but {known} in the journal"));
                }
            }
        }
        found
    }
}

/// Reads a journal of a state folder; `None` if it has no complete line. The first line is written before any
/// unit is changed, so such a run wrote nothing.
pub(super) fn read(folder: &Folder, file: &str) -> Result<Option<Past>, String> {
    let path = folder.path().join(file);
    let file = folder.read(file).map_err(|error| error.to_string())?;
    match Past::read_from(&file, &path) {
        Ok(past) => Ok(Some(past)),
        Err(_) if has_no_line(folder, &path) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// Returns whether a journal has no complete line.
fn has_no_line(folder: &Folder, path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let mut bytes = Vec::new();
    let read = folder.read(name).and_then(|file| file.take(1 << 20).read_to_end(&mut bytes));
    read.is_ok() && !bytes.contains(&b'\n')
}

/// Parses a line of saved settings, including commented ones. Returns `None` for unknown keys.
fn stated(line: &str) -> Option<(Setting, SettingValue)> {
    let (key, value) = line.strip_prefix("# ").unwrap_or(line).split_once(": ")?;
    let setting = Setting::from_key(key)?;
    Some((setting, setting.parse(value).ok()?))
}

/// Maximum size of saved settings, in bytes.
const MAX_BYTES: u64 = 1 << 20;
