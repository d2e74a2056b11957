//! Progress of the threads, for the watchdog of the service manager.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::poll::{JobEffect, LinkHandle};

/// The time at which a thread last made progress. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Beat {
    epoch: Instant,
    /// Milliseconds since `epoch`.
    last: Arc<AtomicU64>,
}

impl Beat {
    /// Creates a beat of a thread that starts now.
    pub(super) fn new(now: Instant) -> Self {
        Self { epoch: now, last: Arc::new(AtomicU64::new(0)) }
    }

    /// Records progress.
    pub(super) fn mark(&self, now: Instant) {
        let since = now.saturating_duration_since(self.epoch).as_millis();
        self.last.store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Returns the time since the last progress.
    pub(super) fn age(&self, now: Instant) -> Duration {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        now.saturating_duration_since(self.epoch).saturating_sub(last)
    }
}

/// Asks a poller for a sign of progress: a job that it does between two questions. At most one is waiting.
#[derive(Debug)]
pub(super) struct Ping {
    link: LinkHandle,
    beat: Beat,
    is_waiting: Arc<AtomicBool>,
}

impl Ping {
    pub(super) fn new(link: LinkHandle, now: Instant) -> Self {
        Self { link, beat: Beat::new(now), is_waiting: Arc::default() }
    }

    /// Sends a job, unless one is waiting.
    pub(super) fn send(&self) {
        if self.is_waiting.swap(true, Ordering::AcqRel) {
            return;
        }
        let (beat, is_waiting) = (self.beat.clone(), Arc::clone(&self.is_waiting));
        let job = Box::new(move |_: Result<&mut pi18_transport::Client, &lvx_parallel::Gap>| {
            beat.mark(Instant::now());
            is_waiting.store(false, Ordering::Release);
            JobEffect::Unchanged
        });
        // A poller that has ended makes no progress.
        let _ = self.link.run(job);
    }

    /// Returns the time since the poller last did such a job.
    pub(super) fn age(&self, now: Instant) -> Duration {
        self.beat.age(now)
    }

    pub(super) fn address(&self) -> &str {
        self.link.address()
    }
}

/// Time without progress after which a thread counts as stuck. A poller may be in an exchange with all its retries.
pub(super) const MAX_AGE: Duration = Duration::from_secs(90);

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::poll::job_queue;

    #[test]
    fn ping_waits_until_the_poller_did_it() {
        let (jobs, mut waiting) = job_queue();
        let link = LinkHandle::new("sim:0".to_owned(), jobs, Arc::new(Mutex::new(None)));
        let start = Instant::now();
        let ping = Ping::new(link, start);
        ping.send();
        ping.send();
        assert!(waiting.next(Duration::ZERO).is_ok());
        assert!(waiting.next(Duration::ZERO).is_err());
        assert_eq!(ping.age(start + MAX_AGE), MAX_AGE);
        ping.is_waiting.store(false, Ordering::Release);
        ping.send();
        let job = waiting.next(Duration::ZERO).unwrap();
        let gap = lvx_parallel::Gap::new(lvx_parallel::Reason::Gone, "gone");
        let _ = job(Err(&gap));
        assert!(ping.age(Instant::now()) < MAX_AGE);
        assert!(!ping.is_waiting.load(Ordering::Acquire));
    }
}
