//! The thread that writes, and access to it for everything else.
//!
//! An error costs history and nothing else: it is logged once, shown as a metric and as a finding, and the thread goes
//! on trying.

use std::{
    collections::VecDeque,
    convert::Infallible,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use jiff::tz::TimeZone;
use tokio::{
    sync::{Semaphore, watch},
    time::timeout,
};
use tracing::{error, info, warn};

use super::{
    Answer, Batch, HistoryError, Query, Reader, Recorder, Retention, Store, reader::ReadError,
};
use crate::{
    Handle, Now, Request, SuspendWatch, Uptime,
    config::PollConfig,
    metrics::{MetricType, Text, count},
};

/// The writer on its thread. Dropping it writes what waits.
#[derive(Debug)]
pub struct History {
    access: Access,
    stop: Option<mpsc::Sender<()>>,
    /// Closed when the thread ends.
    ended: mpsc::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

/// Access to the history for the tasks that record, and for readers. Clones are cheap.
#[derive(Clone, Debug)]
pub struct Access(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    recorder: Mutex<Recorder>,
    suspend: Mutex<SuspendWatch>,
    readers: Arc<Semaphore>,
    status: Status,
}

/// Shows that the thread panicked. Then nothing is written until the bridge is started again.
struct Alarm(Arc<Shared>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if thread::panicking() {
            let text = "the thread of the history panicked; restart the bridge, and report the log";
            *lock(&self.0.status.problem) = Some(text.to_owned());
        }
    }
}

/// What metrics and findings show.
#[derive(Debug, Default)]
struct Status {
    commits: AtomicU64,
    failures: AtomicU64,
    /// Readings that could not be written and were given up.
    lost: AtomicU64,
    size: AtomicU64,
    /// Unix time of the last commit; 0 before the first one.
    last: AtomicI64,
    /// Set by a reader that found damage.
    is_suspect: AtomicBool,
    /// Why nothing is written now.
    problem: Mutex<Option<String>>,
}

impl Shared {
    fn new(path: &Path, poll: &PollConfig) -> Self {
        Self {
            path: path.to_owned(),
            recorder: Mutex::new(Recorder::new(poll)),
            suspend: Mutex::new(SuspendWatch::new(Uptime::system())),
            readers: Arc::new(Semaphore::new(MAX_READERS)),
            status: Status::default(),
        }
    }

    /// Returns the recorder, which knows of all suspends until now.
    fn recorder(&self) -> MutexGuard<'_, Recorder> {
        let mut recorder = lock(&self.recorder);
        if let Some(time) = lock(&self.suspend).check(Uptime::system()) {
            recorder.add_suspend(time);
        }
        recorder
    }
}

impl History {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system refuses a thread. A file that cannot be opened is no error: the thread tries again.
    pub fn start(path: &Path, retention: Retention, poll: &PollConfig) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(path, poll));
        let alarm = Alarm(Arc::clone(&shared));
        let mut writer = Writer::new(Arc::clone(&shared), retention, Now::system());
        let (stop, stopped) = mpsc::channel::<()>();
        let (ending, ended) = mpsc::channel::<()>();
        let run = move || {
            let (_ending, _alarm) = (ending, alarm);
            // A new bridge soon has a history to show.
            let mut period = FIRST_PERIOD;
            loop {
                writer.round(Now::system(), &TimeZone::system());
                if stopped.recv_timeout(period) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
                period = PERIOD;
            }
            writer.round(Now::system(), &TimeZone::system());
        };
        let thread = thread::Builder::new().name("history".to_owned()).spawn(run)?;
        Ok(Self { access: Access(shared), stop: Some(stop), ended, thread: Some(thread) })
    }

    /// Returns access to it.
    #[must_use]
    pub fn access(&self) -> Access {
        self.access.clone()
    }
}

impl Drop for History {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.ended.recv_timeout(MAX_END) == Err(RecvTimeoutError::Timeout) {
            warn!("the disk of the history does not answer; the last minute is lost");
        } else if let Some(thread) = self.thread.take() {
            // A thread that panicked has ended, too.
            let _ = thread.join();
        }
    }
}

impl Access {
    /// Takes the readings of a bank until `stop` is true, and shows problems of the file to the bank.
    ///
    /// # Errors
    /// Never.
    pub async fn record(
        self,
        bank: Handle,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), Infallible> {
        let mut snapshots = bank.watch();
        let mut shown = None;
        let mut is_ended = false;
        loop {
            // Also the last snapshot is taken.
            let snapshot = Arc::clone(&snapshots.borrow_and_update());
            self.0.recorder().observe(&snapshot, Now::system());
            let problem = lock(&self.0.status.problem).clone();
            if problem != shown && bank.send(Request::HistoryProblem(problem.clone())).is_ok() {
                shown = problem;
            }
            if is_ended {
                // Another history knows nothing of the problem.
                if shown.is_some() {
                    let _ = bank.send(Request::HistoryProblem(None));
                }
                return Ok(());
            }
            is_ended = tokio::select! {
                changed = snapshots.changed() => changed.is_err(),
                // An error means that the service is gone.
                _ = stop.wait_for(|stop| *stop) => true,
            };
        }
    }

    /// Answers a query, and gives the answer its form, on a thread for blocking work. Only a few readers work at once;
    /// a query waits for its turn.
    ///
    /// # Errors
    /// If the query cannot be answered, it is not its turn soon enough, or the file cannot be read.
    pub(crate) async fn answer<T: Send + 'static>(
        &self,
        bank: String,
        query: Query,
        form: impl FnOnce(&Answer, &TimeZone) -> T + Send + 'static,
    ) -> Result<T, AccessError> {
        let readers = Arc::clone(&self.0.readers);
        let permit = timeout(MAX_WAIT, readers.acquire_owned()).await;
        let permit = permit.ok().and_then(Result::ok).ok_or(AccessError::Busy)?;
        let shared = Arc::clone(&self.0);
        let read = move || {
            // The thread has it until it is done, even if the client went away: a disk can hang.
            let _permit = permit;
            let zone = TimeZone::system();
            let read = || Reader::open(&shared.path)?.answer(&bank, &query, &zone);
            let answer = read();
            if let Err(ReadError::File(error)) = &answer
                && error.is_damaged()
            {
                shared.status.is_suspect.store(true, Ordering::Release);
            }
            answer.map(|answer| form(&answer, &zone))
        };
        let answer = tokio::task::spawn_blocking(read).await.map_err(|_| AccessError::Busy)?;
        Ok(answer?)
    }

    /// Writes the metrics.
    pub(crate) fn write_metrics(&self, text: &mut Text) {
        let Status { commits, failures, lost, size, last, .. } = &self.0.status;
        let load = |value: &AtomicU64| count(value.load(Ordering::Relaxed));
        let lost = load(lost) + count(lock(&self.0.recorder).lost());
        for (name, help, kind, value) in [
            (
                "lvx_history_commits_total",
                "Commits to the history.",
                MetricType::Counter,
                load(commits),
            ),
            (
                "lvx_history_failed_commits_total",
                "Commits to the history that failed.",
                MetricType::Counter,
                load(failures),
            ),
            (
                "lvx_history_lost_readings_total",
                "Readings that the history could not keep.",
                MetricType::Counter,
                lost,
            ),
            ("lvx_history_size_bytes", "Size of the file.", MetricType::Gauge, load(size)),
        ] {
            text.metric(name, help, kind);
            text.sample(&[], value);
        }
        let committed = u64::try_from(last.load(Ordering::Relaxed)).unwrap_or_default();
        if committed > 0 {
            let help = "Unix time of the last commit to the history.";
            text.metric("lvx_history_last_commit_timestamp_seconds", help, MetricType::Gauge);
            text.sample(&[], count(committed));
        }
    }
}

#[cfg(test)]
impl Access {
    /// Returns access to a file that no thread writes.
    pub(crate) fn to_file(path: &Path) -> Self {
        Self(Arc::new(Shared::new(path, &PollConfig::default())))
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccessError {
    #[error("too many queries of the history at once; try again")]
    Busy,
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// What the thread does once a minute.
#[derive(Debug)]
struct Writer {
    shared: Arc<Shared>,
    retention: Retention,
    store: Option<Store>,
    /// Batches that could not be written yet, oldest first.
    waiting: VecDeque<Batch>,
    /// The last round.
    last: Now,
    /// Time since which the clock of this computer was not set.
    steady: Instant,
}

impl Writer {
    fn new(shared: Arc<Shared>, retention: Retention, now: Now) -> Self {
        let waiting = VecDeque::new();
        Self { shared, retention, store: None, waiting, last: now, steady: now.instant }
    }

    /// Writes what was read since the last round.
    fn round(&mut self, now: Now, zone: &TimeZone) {
        let passed = now.instant.saturating_duration_since(self.last.instant);
        let expected = self.last.wall.checked_add(passed).unwrap_or(now.wall);
        if now.wall.duration_since(expected).unsigned_abs() > MAX_DRIFT {
            self.steady = now.instant;
        }
        self.last = now;
        let batch = self.shared.recorder().take(now, zone);
        if !batch.is_empty() {
            self.waiting.push_back(batch);
        }
        let status = &self.shared.status;
        while self.is_full() {
            let lost = self.waiting.pop_front().map_or(0, |batch| batch.readings());
            status.lost.fetch_add(u64::try_from(lost).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        let result = match self.write(now) {
            Err(error) if error.is_damaged() => self.start_again(&error, now),
            result => result,
        };
        self.report(result);
    }

    /// Returns whether too much waits.
    fn is_full(&self) -> bool {
        let readings: usize = self.waiting.iter().map(Batch::readings).sum();
        self.waiting.len() > MAX_BATCHES || (self.waiting.len() > 1 && readings > MAX_READINGS)
    }

    fn write(&mut self, now: Now) -> Result<(), HistoryError> {
        let Shared { path, status, .. } = &*self.shared;
        // Someone may have removed the file, or put another one in its place.
        self.store = self.store.take().filter(Store::is_in_place);
        let store = match &mut self.store {
            Some(store) => store,
            none => none.insert(Store::open(path)?),
        };
        if status.is_suspect.swap(false, Ordering::AcqRel) {
            store.check()?;
        }
        let is_steady = now.instant.saturating_duration_since(self.steady) >= STEADY_TIME;
        while let Some(batch) = self.waiting.front() {
            if is_steady {
                store.commit_and_prune(batch, self.retention, now.wall)?;
            } else {
                store.commit(batch)?;
            }
            self.waiting.pop_front();
            status.commits.fetch_add(1, Ordering::Relaxed);
            status.last.store(now.wall.as_second(), Ordering::Relaxed);
        }
        status.size.store(Store::size(path), Ordering::Relaxed);
        Ok(())
    }

    /// Moves a damaged file aside and starts a new one.
    fn start_again(&mut self, error: &HistoryError, now: Now) -> Result<(), HistoryError> {
        self.store = None;
        let aside = Store::move_aside(&self.shared.path, now.wall)?;
        error!("{error}; it is kept as {}, and a new one is started", aside.display());
        self.write(now)
    }

    /// Logs the first error, and the first success after it.
    fn report(&mut self, result: Result<(), HistoryError>) {
        let status = &self.shared.status;
        let problem = result.err().map(|error| {
            status.failures.fetch_add(1, Ordering::Relaxed);
            // On a full disk, a file that is open can be used sooner than one that has to be opened.
            self.store = self.store.take().filter(|_| matches!(error, HistoryError::Full { .. }));
            error.to_string()
        });
        let before = std::mem::replace(&mut *lock(&status.problem), problem.clone());
        match (before, problem) {
            (None, Some(problem)) => {
                warn!("the history is not written: {problem}; everything else goes on");
            }
            (Some(_), None) => info!("the history is written again"),
            _ => {}
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Time until the first commit.
const FIRST_PERIOD: Duration = Duration::from_secs(15);

/// Time between two commits.
const PERIOD: Duration = Duration::from_mins(1);

/// Time that the last commit has: a disk that hangs must not keep the bridge from ending.
const MAX_END: Duration = Duration::from_secs(10);

/// Maximum number of batches that wait while nothing can be written.
const MAX_BATCHES: usize = 10;

/// Maximum number of readings in the batches that wait: about 8 MB.
const MAX_READINGS: usize = 20_000;

/// Maximum number of queries at once.
const MAX_READERS: usize = 2;

/// Longest time for which a query waits for its turn. A browser that opens the page sends several of them.
const MAX_WAIT: Duration = Duration::from_secs(3);

/// Difference of the two clocks in one round that is a jump.
const MAX_DRIFT: Duration = Duration::from_secs(30);

/// Time for which the clock of this computer has to be steady before anything is removed.
const STEADY_TIME: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests;
