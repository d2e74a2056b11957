//! The lock of a journal file.

use std::{
    fs::{File, TryLockError},
    os::unix::fs::MetadataExt,
    path::Path,
};

use crate::Error;

/// A journal file that no other program can lock until this value is dropped.
///
/// Dropping it unlocks the file explicitly. Closing the file would not be enough: the lock lasts until every
/// copy of the descriptor is closed, and a child process that another thread is starting has a copy until it
/// executes its program.
#[derive(Debug)]
pub(super) struct LockedFile(File);

impl LockedFile {
    /// Locks a file. `path` is its name in errors.
    ///
    /// # Errors
    /// If another program has locked the file ([`Error::is_busy`]), or it cannot be locked.
    pub(super) fn new(file: File, path: &Path) -> Result<Self, Error> {
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(Error::busy(path)),
            Err(TryLockError::Error(source)) => {
                Err(Error::file(path, "cannot lock the journal", source))
            }
        }
    }

    pub(super) fn file(&self) -> &File {
        &self.0
    }

    /// Returns whether this path leads to the file. It does not if another file has replaced this one.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        match (self.0.metadata(), path.metadata()) {
            (Ok(file), Ok(found)) => (file.dev(), file.ino()) == (found.dev(), found.ino()),
            _ => false,
        }
    }
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // If this fails, the lock ends when the last copy of the descriptor is closed.
        self.0.unlock().ok();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption fails the test")]

    use std::fs;

    use super::*;

    #[test]
    fn locked_file_that_was_replaced_is_not_at_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let [path, new] = ["run.journal", "new.journal"].map(|name| folder.path().join(name));
        let locked = LockedFile::new(File::create(&path).unwrap(), &path).unwrap();
        assert!(locked.is_at(&path));
        File::create(&new).unwrap();
        fs::rename(&new, &path).unwrap();
        assert!(!locked.is_at(&path));
        fs::remove_file(&path).unwrap();
        assert!(!locked.is_at(&path));
    }
}
