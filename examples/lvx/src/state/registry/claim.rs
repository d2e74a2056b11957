//! The entry of a run of this process.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    rc::Rc,
};

use pi18_proto::SerialNumber;
use rustix::fs::{AtFlags, Mode, OFlags, fchmod, openat, unlinkat};

use super::{
    entry::{Entry, Format, Head},
    runs_folder::RunsFolder,
};
use crate::state::{disk::Disk, folder::SAFE};

/// The entry of a run of this process. Removed at the end of the run.
#[derive(Debug)]
pub(crate) struct Claim {
    place: Rc<RunsFolder>,
    pub(super) name: String,
    file: File,
    disk: Rc<dyn Disk>,
    is_begun: bool,
}

impl Claim {
    pub(super) fn make(
        place: &Rc<RunsFolder>,
        name: &str,
        journal: &Path,
        units: &[SerialNumber],
        disk: &Rc<dyn Disk>,
    ) -> io::Result<Self> {
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE | OFlags::EXCL;
        let mut file =
            File::from(openat(&place.file, name, flags | SAFE, Mode::RUSR | Mode::WUSR)?);
        let head = Head { format: Format::V1, journal: journal.to_owned(), units: units.to_vec() };
        // The file is still private, so no other user can hold its lock.
        let written = file.lock().and_then(|()| {
            fchmod(&file, Mode::from_raw_mode(0o644))?;
            let mut line = serde_json::to_vec(&head)?;
            line.push(b'\n');
            file.write_all(&line)
        });
        let claim = Self {
            place: Rc::clone(place),
            name: name.to_owned(),
            file,
            disk: Rc::clone(disk),
            is_begun: false,
        };
        written.map(|()| claim)
    }

    /// Records that the run starts to write: from now on the entry blocks other runs even after this process
    /// has ended.
    pub(crate) fn begin(&mut self) -> io::Result<()> {
        if !self.is_begun {
            self.file.write_all(BEGUN)?;
            self.disk.sync(&self.file, &self.place.path.join(&self.name))?;
            self.place.sync(self.disk.as_ref())?;
            // After an error above, nothing is written to a unit, and the entry is removed.
            self.is_begun = true;
        }
        Ok(())
    }

    /// Returns whether an entry is this one.
    pub(crate) fn is(&self, entry: &Entry) -> bool {
        self.name == entry.name && self.place.path == entry.place.path
    }

    /// Removes the entry at the end of the run.
    pub(crate) fn end(mut self) {
        self.is_begun = false;
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if !self.is_begun {
            // If this fails, later readers see that the run has ended.
            let _ = unlinkat(&self.place.file, &self.name, AtFlags::empty());
        }
    }
}

/// Second line of an entry whose run has started to write.
const BEGUN: &[u8] = b"begun\n";
