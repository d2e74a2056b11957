//! An entry that was found.

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

/// An entry that was found.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(super) place: Rc<RunsFolder>,
    pub(super) name: String,
    /// The user whose file it is.
    pub(crate) owner: u32,
    /// The units that the run is about.
    pub(crate) units: Vec<SerialNumber>,
    /// Where it says that its journal is.
    pub(crate) journal: PathBuf,
    /// The program that made it is still there.
    pub(crate) is_running: bool,
    /// It came as far as its first write.
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
        // Only its own program holds it exclusively.
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

    /// The file, for messages.
    pub(crate) fn path(&self) -> PathBuf {
        self.place.path.join(&self.name)
    }

    /// Removes the entry of an own run that has ended.
    pub(crate) fn remove(&self) {
        // It is found again, and removed then.
        let _ = unlinkat(&self.place.file, &self.name, AtFlags::empty());
    }
}

const MAX_BYTES: u64 = 64 << 10;
