//! Tests of the writer, in virtual time.

use std::{fs, task::Poll};

use tempfile::TempDir;

use super::*;
use crate::{state::Totals, testing};

struct Bench {
    folder: TempDir,
    shared: Arc<Shared>,
    writer: Writer,
    start: Now,
    bank: crate::Snapshot,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let start = Now { wall: "2026-06-21T00:00:00Z".parse().unwrap(), ..Now::system() };
        let Access(shared) = Access::to_file(&folder.path().join("history.db"));
        let days = |days: u64| Duration::from_hours(24 * days);
        let retention = Retention { raw: days(1), keep: days(30) };
        let writer = Writer::new(Arc::clone(&shared), retention, start);
        Self { folder, shared, writer, start, bank: testing::bank(start) }
    }

    /// Lets the bank be judged and written so many minutes after the start.
    fn minute(&mut self, minute: u64) {
        let passed = Duration::from_mins(minute);
        let now = Now { instant: self.start.instant + passed, wall: self.start.wall + passed };
        self.bank.now = now;
        self.bank.judged_at = Some(now.instant);
        self.bank.totals = Totals { pv_power: Some(1), ..Totals::default() };
        lock(&self.shared.recorder).observe(&self.bank, now);
        self.writer.round(now, &TimeZone::UTC);
    }

    fn problem(&self) -> Option<String> {
        lock(&self.shared.status.problem).clone()
    }

    /// Returns the number of readings of the bank in the file.
    fn count(&self) -> i64 {
        let connection = rusqlite::Connection::open(&self.shared.path).unwrap();
        connection.query_row("SELECT count(*) FROM bank_raw", [], |row| row.get(0)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| !name.ends_with("-shm")).collect();
        names.sort();
        names
    }
}

#[test]
fn damaged_file_is_kept_and_a_new_one_is_begun() {
    let mut bench = Bench::new();
    bench.minute(0);
    bench.writer.store = None;
    fs::write(&bench.shared.path, "x".repeat(5000)).unwrap();
    bench.minute(1);
    assert_eq!((bench.problem(), bench.count()), (None, 1));
    let aside = bench.folder.path().join("history.db.damaged-20260621T000100Z-0");
    assert_eq!(fs::read(aside).unwrap(), "x".repeat(5000).as_bytes());
    // After some of them, it is no accident.
    for minute in 2..=7 {
        bench.writer.store = None;
        fs::write(&bench.shared.path, "x".repeat(5000)).unwrap();
        bench.minute(minute);
    }
    let problem = bench.problem().unwrap();
    assert!(problem.contains("5 damaged files are kept"), "{problem}");
    assert_eq!(bench.names().iter().filter(|name| name.contains("damaged")).count(), 5);
}

#[test]
fn reader_that_finds_damage_has_the_file_checked() {
    let mut bench = Bench::new();
    bench.minute(0);
    let rows = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 20000)
                INSERT INTO bank_raw (t, source, pv_power) SELECT i, 1, 1000 FROM n";
    bench.writer.store.as_ref().unwrap().connection().execute_batch(rows).unwrap();
    bench.writer.store = None;
    // The newest and the oldest rows are right, some of those between are not.
    let mut bytes = fs::read(&bench.shared.path).unwrap();
    let end = bytes.len() - 8 * 4096;
    bytes[end - 4096..end].fill(0xff);
    fs::write(&bench.shared.path, &bytes).unwrap();
    bench.shared.status.is_suspect.store(true, Ordering::Release);
    bench.minute(1);
    assert_eq!(bench.problem(), None);
    assert!(bench.names().iter().any(|name| name.contains("damaged")), "{:?}", bench.names());
}

#[test]
fn minutes_that_cannot_be_written_wait_and_are_bounded() {
    let mut bench = Bench::new();
    bench.minute(0);
    bench.writer.store = None;
    let path = bench.shared.path.clone();
    let away = bench.folder.path().join("away");
    fs::rename(&path, &away).unwrap();
    fs::create_dir(&path).unwrap();
    for minute in 1..=12 {
        bench.minute(minute);
    }
    assert!(bench.problem().is_some());
    assert_eq!(bench.shared.status.lost.load(Ordering::Relaxed), 2);
    assert_eq!(bench.shared.status.failures.load(Ordering::Relaxed), 12);
    fs::remove_dir(&path).unwrap();
    fs::rename(&away, &path).unwrap();
    bench.minute(13);
    // The first minute, and those that waited.
    assert_eq!((bench.problem(), bench.count()), (None, 1 + 10));
}

#[test]
fn file_that_was_removed_is_begun_again() {
    let mut bench = Bench::new();
    bench.minute(0);
    for end in ["", "-wal", "-shm"] {
        fs::remove_file(format!("{}{end}", bench.shared.path.display())).unwrap();
    }
    bench.minute(1);
    assert_eq!((bench.problem(), bench.count()), (None, 1));
}

#[test]
fn nothing_is_removed_soon_after_the_clock_was_set() {
    let mut bench = Bench::new();
    for minute in 0..30 {
        bench.minute(minute);
    }
    let before = bench.count();
    assert_eq!(before, 30);
    // The clock jumps by a year: everything is too old now.
    bench.start.wall += jiff::SignedDuration::from_hours(24 * 365);
    for minute in 30..85 {
        bench.minute(minute);
    }
    assert_eq!(bench.count(), before + 55);
    for minute in 85..100 {
        bench.minute(minute);
    }
    assert!(bench.count() < before + 70, "{}", bench.count());
}

/// A file at which a reader waits until someone writes to it, as on a disk that hangs.
fn hanging_file(path: &Path) {
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}

#[tokio::test]
async fn readers_of_a_disk_that_hangs_are_few_also_if_clients_go_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.db");
    hanging_file(&path);
    let access = Access::to_file(&path);
    let ask = || {
        let now = "2026-06-21T00:00:00Z".parse().unwrap();
        let query = Query::parse([], now, &TimeZone::UTC).unwrap();
        access.answer("garage".to_owned(), query, |answer, _| answer.clone())
    };
    for _ in 0..MAX_READERS {
        let mut waiting = Box::pin(ask());
        // The first poll starts the thread. Then the client goes away.
        let first = std::future::poll_fn(|context| Poll::Ready(waiting.as_mut().poll(context)));
        assert!(first.await.is_pending());
    }
    assert!(matches!(ask().await, Err(AccessError::Busy)));
    let mut next = Box::pin(ask());
    let first = std::future::poll_fn(|context| Poll::Ready(next.as_mut().poll(context)));
    assert!(first.await.is_pending());
    // The disk answers again, with what is no database.
    let file = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    // A query that waited has its turn.
    assert!(matches!(next.await, Err(AccessError::Read(_))));
    while access.0.readers.available_permits() < MAX_READERS {
        tokio::task::yield_now().await;
    }
    drop(file);
    assert!(!matches!(ask_file(&access, &folder).await, Err(AccessError::Busy)));
}

/// Asks after the hanging file was removed.
async fn ask_file(access: &Access, folder: &TempDir) -> Result<Answer, AccessError> {
    fs::remove_file(folder.path().join("history.db")).unwrap();
    let now = "2026-06-21T00:00:00Z".parse().unwrap();
    let query = Query::parse([], now, &TimeZone::UTC).unwrap();
    access.answer("garage".to_owned(), query, |answer, _| answer.clone()).await
}

#[test]
fn thread_that_panics_is_a_problem_that_is_shown() {
    let Access(shared) = Access::to_file(Path::new("/nowhere/history.db"));
    let alarm = Alarm(Arc::clone(&shared));
    let result = thread::spawn(move || {
        let _alarm = alarm;
        panic!("a defect");
    })
    .join();
    assert!(result.is_err());
    let problem = lock(&shared.status.problem).clone().unwrap();
    assert!(problem.starts_with("the thread of the history panicked"), "{problem}");
    drop(Alarm(Arc::clone(&shared)));
}

#[test]
fn old_readings_are_removed_in_the_commit_of_the_minute() {
    let mut bench = Bench::new();
    for minute in 0..=60 {
        bench.minute(minute);
    }
    bench.start.wall += jiff::SignedDuration::from_hours(25);
    bench.writer.last = Now {
        wall: bench.writer.last.wall + jiff::SignedDuration::from_hours(25),
        ..bench.writer.last
    };
    let before = commits(&bench);
    bench.minute(61);
    assert_eq!(bench.count(), 62 - 5);
    assert_eq!(commits(&bench), before + 1);
}

/// Returns the number of transactions in the log, which has a frame with the size of the file for each.
fn commits(bench: &Bench) -> usize {
    let log = fs::read(format!("{}-wal", bench.shared.path.display())).unwrap();
    let frames = log.get(32..).unwrap_or_default().chunks_exact(24 + 4096);
    frames.filter(|frame| frame.get(4..8).is_some_and(|size| size != [0; 4])).count()
}
