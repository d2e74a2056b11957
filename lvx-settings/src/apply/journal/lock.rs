//! The lock of a journal file.

use std::{
    fs::{File, TryLockError},
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
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // If this fails, the lock ends when the last copy of the descriptor is closed.
        self.0.unlock().ok();
    }
}
