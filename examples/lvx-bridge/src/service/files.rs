//! When a file of a bank is written: only if it changed, and at a bounded rate, since SD cards wear out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use super::saver::SaverHandle;

/// A file whose content is made by a core.
#[derive(Debug)]
pub(super) struct SavedFile {
    name: String,
    period: Duration,
    /// The content that is on the disk, or on its way there.
    content: Vec<u8>,
    due: Instant,
    has_failed: Arc<AtomicBool>,
}

impl SavedFile {
    /// Names a file that is written at most once per `period`. `content` is on the disk; the first change is written
    /// at once.
    pub(super) fn new(name: String, period: Duration, content: Vec<u8>, now: Instant) -> Self {
        Self { name, period, content, due: now, has_failed: Arc::default() }
    }

    /// Returns the name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether it is time to compare the content.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        now >= self.due
    }

    /// Writes the file if its content changed.
    pub(super) fn update(&mut self, content: Vec<u8>, saver: &SaverHandle, now: Instant) {
        let has_failed = self.has_failed.swap(false, Ordering::AcqRel);
        self.due = now + self.period;
        if (has_failed || content != self.content)
            && saver.save(&self.name, &content, &self.has_failed)
        {
            self.content = content;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::saver::Saver, *};
    use crate::storage::{MemoryStorage, Storage};

    #[test]
    fn file_is_written_when_it_changed_and_not_too_often() {
        let storage = Arc::new(MemoryStorage::default());
        let saver = Saver::start(storage.clone()).unwrap();
        let handle = saver.handle().unwrap();
        let start = Instant::now();
        let period = Duration::from_mins(10);
        let mut file = SavedFile::new("a".to_owned(), period, b"old".to_vec(), start);
        file.update(b"old".to_vec(), &handle, start);
        assert!(!file.is_due(start + period / 2));
        assert!(file.is_due(start + period));
        file.update(b"new".to_vec(), &handle, start + period);
        // A file that could not be written is written again, although it did not change.
        file.has_failed.store(true, Ordering::Release);
        assert_eq!(file.content, b"new");
        file.update(b"new".to_vec(), &handle, start + period * 2);
        drop(handle);
        drop(saver);
        assert_eq!(storage.load("a").unwrap().unwrap(), b"new");
        assert!(!file.has_failed.load(Ordering::Acquire));
    }
}
