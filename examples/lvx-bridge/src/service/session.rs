//! The number of a run of the bridge, in a file of its own.

use jiff::Timestamp;
use tracing::warn;

use super::StartError;
use crate::{Name, storage::Storage};

/// Takes the session number of a run that starts, and saves it. `last` is the number of the last run, as far as another
/// file has it.
///
/// The number is the time in milliseconds, or one more than the last number if the clock was set back. So it is not used
/// again if the file is damaged, or the disk is full.
///
/// # Errors
/// If the file cannot be read.
pub fn next(
    storage: &dyn Storage,
    bank: &Name,
    last: u64,
    now: Timestamp,
) -> Result<u64, StartError> {
    let name = format!("session-{bank}");
    let load = storage.load(&name);
    let saved = load.map_err(|source| StartError::Storage { name: name.clone(), source })?;
    let number = |saved: &[u8]| std::str::from_utf8(saved).ok()?.trim().parse().ok();
    let before: Option<u64> = saved.as_deref().and_then(number);
    if saved.is_some() && before.is_none() {
        warn!("{name}: expected a number; sessions are counted from the time");
    }
    let before = before.unwrap_or_default().max(last);
    let time = u64::try_from(now.as_millisecond()).unwrap_or_default();
    let session = time.max(before.saturating_add(1));
    if let Err(error) = storage.save(&name, format!("{session}\n").as_bytes()) {
        warn!("{name} cannot be saved: {error}; the next session is counted from the time");
    }
    Ok(session)
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::atomic::{AtomicBool, Ordering},
    };

    use super::*;
    use crate::storage::MemoryStorage;

    #[derive(Default)]
    struct Disk {
        files: MemoryStorage,
        is_full: AtomicBool,
    }

    impl Storage for Disk {
        fn load(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
            self.files.load(name)
        }

        fn save(&self, name: &str, content: &[u8]) -> io::Result<()> {
            if self.is_full.load(Ordering::Acquire) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.files.save(name, content)
        }
    }

    #[test]
    fn session_is_never_used_again() {
        let disk = Disk::default();
        let bank: Name = "bank".parse().unwrap();
        let mut now: Timestamp = "2026-06-21T10:30:00Z".parse().unwrap();
        let mut last = 0;
        let mut start = |now, known| {
            let session = next(&disk, &bank, known, now).unwrap();
            assert!(session > last, "{session} after {last}");
            last = session;
            session
        };
        // A file of an earlier version counted from one.
        start(now, 41);
        start(now, 0);
        for is_full in [true, true, false, true] {
            disk.is_full.store(is_full, Ordering::Release);
            now += std::time::Duration::from_millis(20);
            start(now, 0);
        }
        disk.is_full.store(false, Ordering::Release);
        disk.files.save("session-bank", b"\xFFdamaged").unwrap();
        now += std::time::Duration::from_secs(1);
        start(now, 0);
        // The clock is set back.
        now -= std::time::Duration::from_hours(9_999);
        let session = start(now, 0);
        assert_eq!(start(now, 0), session + 1);
        assert_eq!(start(now, session + 7), session + 8, "the state is newer");
    }
}
