//! A run in a state folder.

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
    names::{journal_name, saved_name, take_back},
    places::hint,
    run_files::RunFiles,
};
use crate::terminal::Failure;

/// A run in a state folder.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) name: String,
    pub(crate) folder: Rc<Folder>,
    pub(crate) past: Past,
}

impl Kept {
    /// Whether its program is still there.
    pub(crate) fn is_at_work(&self) -> bool {
        let file = self.folder.read(&journal_name(&self.name));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    /// When its journal was written last.
    pub(crate) fn last_written(&self) -> io::Result<SystemTime> {
        self.folder.read(&journal_name(&self.name))?.metadata()?.modified()
    }

    /// Removes its journal and what was saved with it.
    pub(crate) fn remove(&self) -> io::Result<()> {
        for planned in &self.past.plan.units {
            match self.folder.remove(&saved_name(&self.name, &planned.unit)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        take_back(&self.folder, &self.name);
        self.folder.remove(&journal_name(&self.name))
    }

    /// Takes over a run that was left. No other program can take it over meanwhile.
    pub(crate) fn keep_on(&self) -> Result<(RunFiles, Past), Failure> {
        let hint = self.hint();
        let mut files = RunFiles::new(&self.folder, self.name.clone(), hint, None, None);
        let past = files.resume()?.clone();
        Ok((files, past))
    }

    /// The argument that names a run: its name, with its folder where that is needed.
    pub(crate) fn hint(&self) -> String {
        hint(self.folder.path(), &self.name)
    }

    /// Where its journal is.
    pub(crate) fn path(&self) -> PathBuf {
        let path = self.folder.path().join(journal_name(&self.name));
        std::path::absolute(&path).unwrap_or(path)
    }

    /// Where the journal and the settings that were saved beside it do not agree: one of them was
    /// edited. Only what was saved can be compared.
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
                    found.push(format!(
                        "{name}: {setting} was {value}, and the journal says {known}"
                    ));
                }
            }
        }
        found
    }
}

/// Reads a journal of a state folder; `None` if not one line of it came to its end: the first is there
/// before anything happens.
pub(super) fn read(folder: &Folder, file: &str) -> Result<Option<Past>, String> {
    let path = folder.path().join(file);
    let file = folder.read(file).map_err(|error| error.to_string())?;
    match Past::read_from(&file, &path) {
        Ok(past) => Ok(Some(past)),
        Err(_) if holds_nothing(folder, &path) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

fn holds_nothing(folder: &Folder, path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let mut bytes = Vec::new();
    let read = folder.read(name).and_then(|file| file.take(1 << 20).read_to_end(&mut bytes));
    read.is_ok() && !bytes.contains(&b'\n')
}

/// What a line of saved settings says, also in a comment, where those are that are not carried over.
/// Keys that are no settings any more are passed over.
fn stated(line: &str) -> Option<(Setting, SettingValue)> {
    let (key, value) = line.strip_prefix("# ").unwrap_or(line).split_once(": ")?;
    let setting = Setting::from_key(key)?;
    Some((setting, setting.parse(value).ok()?))
}

const MAX_BYTES: u64 = 1 << 20;
