//! A configuration file that may change.

use std::{fs, os::unix::fs::MetadataExt};

use crate::config::{Config, ConfigFile, FileError};

/// A file that is read again once it has changed and then stayed the same.
#[derive(Debug)]
pub(super) struct Watched {
    file: ConfigFile,
    /// What was read last.
    read: Stamp,
    /// What was seen at the last look.
    seen: Stamp,
}

/// Device, inode, size and time of a file; `None` if it cannot be seen.
type Stamp = Option<(u64, u64, u64, i64, i64)>;

impl Watched {
    pub(super) fn new(file: ConfigFile) -> Self {
        let stamp = stamp(&file);
        Self { file, read: stamp, seen: stamp }
    }

    /// Reads the file.
    pub(super) fn read(&mut self) -> Result<Config, FileError> {
        self.read = stamp(&self.file);
        self.file.read()
    }

    /// Looks at the file. Returns whether it is another one than before, and was so at the last look, too: an editor
    /// may still be writing it.
    pub(super) fn has_changed(&mut self) -> bool {
        let now = stamp(&self.file);
        let is_stable = now == self.seen;
        self.seen = now;
        let has_changed = is_stable && now != self.read && now.is_some();
        if has_changed {
            self.read = now;
        }
        has_changed
    }
}

fn stamp(file: &ConfigFile) -> Stamp {
    let found = fs::metadata(file.path()).ok()?;
    Some((found.dev(), found.ino(), found.size(), found.mtime(), found.mtime_nsec()))
}
