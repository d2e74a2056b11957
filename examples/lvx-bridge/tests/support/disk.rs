//! A disk that is full at times.

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use lvx_bridge::{service::Save, storage::Storage};

use super::lock;

/// Files in memory. While the disk is full, nothing is written.
#[derive(Debug, Default)]
pub(crate) struct Disk {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    pub(crate) is_full: AtomicBool,
}

impl Disk {
    /// Returns the content of a file; it is empty if there is none.
    pub(crate) fn content(&self, name: &str) -> Vec<u8> {
        lock(&self.files).get(name).cloned().unwrap_or_default()
    }
}

impl Storage for Disk {
    fn load(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(lock(&self.files).get(name).cloned())
    }

    fn save(&self, name: &str, content: &[u8]) -> io::Result<()> {
        if self.is_full.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        lock(&self.files).insert(name.to_owned(), content.to_owned());
        Ok(())
    }
}

impl Save for Disk {
    fn save(&self, name: &str, content: &[u8], written: &Arc<OnceLock<bool>>) -> bool {
        written.set(Storage::save(self, name, content).is_ok()).unwrap();
        true
    }
}
