//! Entries of runs, as read from their files.

use std::{
    fs::{File, TryLockError},
    io::Read,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    rc::Rc,
};

use pi18_proto::SerialNumber;
use rustix::fs::{AtFlags, Mode, OFlags, openat, unlinkat};
use serde::{Deserialize, Serialize};

use super::runs_folder::RunsFolder;
use crate::state::folder::SAFE;

/// An entry that was read.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(super) place: Rc<RunsFolder>,
    pub(super) name: String,
    /// Owner of the file.
    pub(crate) owner: u32,
    /// Units of the run.
    pub(crate) units: Vec<SerialNumber>,
    /// Path of the journal, as given in the entry.
    pub(crate) journal: PathBuf,
    /// Whether the program of the run is still running.
    pub(crate) is_running: bool,
    /// Whether the run has started to write.
    pub(crate) is_begun: bool,
}

/// The first line of an entry.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) format: Format,
    pub(super) journal: PathBuf,
    pub(super) units: Vec<SerialNumber>,
}

#[derive(Serialize, Deserialize)]
pub(super) enum Format {
    #[serde(rename = "lvx-run-1")]
    V1,
}

impl Entry {
    pub(super) fn read(place: &Rc<RunsFolder>, name: &str) -> Option<Self> {
        let file =
            File::from(openat(&place.file, name, OFlags::RDONLY | SAFE, Mode::empty()).ok()?);
        let found = file.metadata().ok()?;
        if !found.is_file() {
            return None;
        }
        let mut text = String::new();
        (&file).take(MAX_BYTES).read_to_string(&mut text).ok()?;
        let (head, rest) = text.split_once('\n')?;
        let Head { format: Format::V1, journal, units } = serde_json::from_str(head).ok()?;
        // Only the program of the run holds an exclusive lock.
        let is_running = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
        Some(Self {
            place: Rc::clone(place),
            name: name.to_owned(),
            owner: found.uid(),
            units,
            journal,
            is_running,
            is_begun: !rest.is_empty(),
        })
    }

    /// Returns the path of the file.
    pub(crate) fn path(&self) -> PathBuf {
        self.place.path.join(&self.name)
    }

    /// Removes the entry of a run of this user that has ended.
    pub(crate) fn remove(&self) {
        // If this fails, the next reader removes the entry.
        let _ = unlinkat(&self.place.file, &self.name, AtFlags::empty());
    }
}

/// Maximum size of an entry, in bytes.
const MAX_BYTES: u64 = 64 << 10;
