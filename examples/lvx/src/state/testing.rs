//! What tests of the state folder share.

use std::{
    cell::RefCell,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use super::disk::Disk;

/// Records what was made durable.
#[derive(Debug, Default)]
pub(crate) struct Recorder(RefCell<Vec<PathBuf>>);

impl Recorder {
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        self.0.borrow().clone()
    }
}

impl Disk for Recorder {
    fn sync(&self, _file: &File, path: &Path) -> io::Result<()> {
        self.0.borrow_mut().push(path.to_owned());
        Ok(())
    }
}

/// A folder that is gone at the end of the test.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("lvx-state-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
