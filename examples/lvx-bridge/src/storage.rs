//! Files that survive a restart: counters of energy, alerts, tokens, command ids.

use std::{
    collections::BTreeMap,
    fmt, io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

/// The folder in which the bridge keeps its files. Each file is small, and is replaced as a whole.
///
/// The tool implements it with its state folder, which checks owners and access rights.
pub trait Storage: Send + Sync {
    /// Returns the content of a file; `None` if it does not exist.
    ///
    /// # Errors
    /// If the file cannot be read, or is not trustworthy.
    fn load(&self, name: &str) -> io::Result<Option<Vec<u8>>>;

    /// Replaces a file. When this returns, the content survives a crash; a crash before leaves the old content.
    ///
    /// # Errors
    /// If the file cannot be written, for example because the disk is full.
    fn save(&self, name: &str, content: &[u8]) -> io::Result<()>;

    /// Returns the path of a file of this name, for a database that is not replaced as a whole; `None` if the storage has
    /// no folder on a disk.
    ///
    /// # Errors
    /// If the folder cannot be used.
    fn path(&self, _name: &str) -> io::Result<Option<PathBuf>> {
        Ok(None)
    }

    /// Takes a lock of this name, which is held until the result is dropped; `None` if another program holds it.
    /// A storage that no other program uses needs no locks.
    ///
    /// # Errors
    /// If the lock cannot be opened.
    fn lock(&self, _name: &str) -> io::Result<Option<StorageLock>> {
        Ok(Some(StorageLock(Box::new(()))))
    }
}

/// A lock of a [`Storage`]. Dropping it releases the lock.
#[derive(Debug)]
#[must_use = "the lock is released when this is dropped"]
pub struct StorageLock(#[expect(dead_code, reason = "it is held")] Box<dyn Guard>);

/// A value that holds a lock, usually an open file.
trait Guard: fmt::Debug + Send {}

impl<T: fmt::Debug + Send> Guard for T {}

impl StorageLock {
    /// Wraps a value that holds a lock until it is dropped, such as an open file.
    pub fn new(guard: impl fmt::Debug + Send + 'static) -> Self {
        Self(Box::new(guard))
    }
}

/// A storage in memory, for tests and for `--demo`. Clones share the files.
#[derive(Clone, Debug, Default)]
pub struct MemoryStorage(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl Storage for MemoryStorage {
    fn load(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned())
    }

    fn save(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(name.to_owned(), content.to_owned());
        Ok(())
    }
}
