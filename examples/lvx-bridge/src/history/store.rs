//! Writes the file.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs, io,
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension, ToSql, Transaction, params};

use super::{
    HistoryError,
    batch::{Batch, DayEnergy, Part, SPANS, Source, Stats},
    schema::{APPLICATION, MIGRATIONS, migrate},
    series::{Subject, recorded},
};

/// How long values are kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Retention {
    /// Time for which each reading is kept.
    pub raw: Duration,
    /// Time for which statistics and energies are kept.
    pub keep: Duration,
}

/// The writer of the file. There is one per file; readers have connections of their own.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// Device and inode of the file.
    place: Option<(u64, u64)>,
    connection: Connection,
    /// Numbers of the sources.
    sources: BTreeMap<Source, i64>,
}

impl Store {
    /// Opens the file, or creates it. Other users cannot read it. Folders on the way may be symbolic links, the file may
    /// not.
    ///
    /// # Errors
    /// If it cannot be opened, is damaged, belongs to another program, or was written by a later version.
    pub fn open(path: &Path) -> Result<Self, HistoryError> {
        let failed = |source| HistoryError::new(path, source);
        let created = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        if let Err(source) = created.map(drop)
            && source.kind() != io::ErrorKind::AlreadyExists
        {
            return Err(HistoryError::File { path: path.to_owned(), source });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let real = real_path(path)
            .map_err(|source| HistoryError::File { path: path.to_owned(), source })?;
        let mut connection = Connection::open_with_flags(real, flags).map_err(failed)?;
        check_owner(&connection, path)?;
        set_up(&connection).map_err(failed)?;
        if let Err(found) = migrate(&mut connection, MIGRATIONS).map_err(failed)? {
            let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
            return Err(HistoryError::Later { path: path.to_owned(), found, known });
        }
        probe(&connection).map_err(failed)?;
        Ok(Self { path: path.to_owned(), place: place(path), connection, sources: BTreeMap::new() })
    }

    /// Returns whether the path still leads to the file that was opened.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        self.place == place(&self.path)
    }

    /// Writes all of a batch or nothing. When this returns, it survives a power cut.
    ///
    /// # Errors
    /// If it cannot be written, for example because the disk is full.
    pub fn commit(&mut self, batch: &Batch) -> Result<(), HistoryError> {
        self.transact(|transaction, sources| write(transaction, sources, batch))
    }

    /// Writes a batch as [`commit`](Self::commit) does, and removes some of what is older than the limits: at most a few
    /// times what is added within a minute, so that a clock that is wrong for a while does not cost everything.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn commit_and_prune(
        &mut self,
        batch: &Batch,
        retention: Retention,
        now: Timestamp,
    ) -> Result<(), HistoryError> {
        self.transact(|transaction, sources| {
            write(transaction, sources, batch)?;
            prune(transaction, retention, now)
        })
    }

    /// Does all of this or nothing.
    fn transact(
        &mut self,
        work: impl FnOnce(&Transaction<'_>, &mut BTreeMap<Source, i64>) -> rusqlite::Result<()>,
    ) -> Result<(), HistoryError> {
        let sources = &mut self.sources;
        let all = || {
            let behavior = rusqlite::TransactionBehavior::Immediate;
            let transaction = self.connection.transaction_with_behavior(behavior)?;
            work(&transaction, sources)?;
            transaction.commit()
        };
        let done = all();
        if done.is_err() {
            // Sources that were added are not in the file.
            self.sources.clear();
        }
        done.map_err(|source| HistoryError::new(&self.path, source))
    }

    /// Checks the whole file.
    ///
    /// # Errors
    /// If it is damaged.
    pub fn check(&self) -> Result<(), HistoryError> {
        let found: rusqlite::Result<String> =
            self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
        let text = found.map_err(|source| HistoryError::new(&self.path, source))?;
        if text == "ok" {
            return Ok(());
        }
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
        let source = rusqlite::Error::SqliteFailure(code, Some(text));
        Err(HistoryError::Damaged { path: self.path.clone(), source })
    }

    /// Moves a damaged file aside, so that a new one can be started. The damaged one is kept, with its log.
    ///
    /// # Errors
    /// If too many damaged files are kept already, or the file cannot be renamed.
    pub fn move_aside(path: &Path, now: Timestamp) -> Result<PathBuf, HistoryError> {
        let failed = |source| HistoryError::File { path: path.to_owned(), source };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = path.parent().unwrap_or(Path::new("/"));
        let start = format!("{name}.damaged-");
        let entries = fs::read_dir(folder).map_err(failed)?.filter_map(Result::ok);
        let is_log = |other: &str| other.ends_with("-wal") || other.ends_with("-shm");
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let count = names.filter(|other| other.starts_with(&start) && !is_log(other)).count();
        if count >= MAX_DAMAGED {
            return Err(HistoryError::TooManyDamaged { path: path.to_owned(), count });
        }
        let aside = (0..1000)
            .map(|number| {
                folder.join(format!("{start}{}-{number}", now.strftime("%Y%m%dT%H%M%SZ")))
            })
            .find(|aside| !aside.exists())
            .unwrap_or_else(|| folder.join(start));
        // The log first: without it, the file lacks its newest rows; a log without its file is removed by `SQLite`.
        for end in ["-wal", "-shm", ""] {
            match fs::rename(with_end(path, end), with_end(&aside, end)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
                _ => {}
            }
        }
        Ok(aside)
    }

    /// Returns the size of the file and its log in bytes.
    #[must_use]
    pub fn size(path: &Path) -> u64 {
        let size = |end| fs::metadata(with_end(path, end)).map_or(0, |found| found.len());
        size("") + size("-wal")
    }

    #[cfg(test)]
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }
}

fn place(path: &Path) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(path).ok()?;
    Some((found.dev(), found.ino()))
}

/// Returns the path of a file without symbolic links among its folders, which `SQLITE_OPEN_NOFOLLOW` would refuse.
fn real_path(path: &Path) -> io::Result<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")))?;
    Ok(folder.join(path.file_name().unwrap_or_default()))
}

/// Returns a path with an end added to its last part.
fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// Refuses the file of another program. An empty file belongs to no one.
pub(super) fn check_owner(connection: &Connection, path: &Path) -> Result<(), HistoryError> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let check = || {
        let application = number("application_id")?;
        let is_empty = application == 0 && number("user_version")? == 0 && {
            let count = "SELECT count(*) FROM sqlite_schema";
            connection.query_row(count, [], |row| row.get::<_, i64>(0))? == 0
        };
        Ok(application == APPLICATION || is_empty)
    };
    match check() {
        Ok(true) => Ok(()),
        Ok(false) => Err(HistoryError::Foreign { path: path.to_owned() }),
        Err(error) => Err(HistoryError::new(path, error)),
    }
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIME)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    // A commit a minute may wait for the disk. Without it, a power cut would cost all since the last checkpoint.
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    connection.pragma_update(None, "journal_size_limit", MAX_LOG)
}

/// Reads the oldest and the newest row of each table, so that most damage is found at the start.
fn probe(connection: &Connection) -> rusqlite::Result<()> {
    for subject in Subject::ALL.map(Subject::word) {
        for table in ["raw", "5min", "hour"] {
            for order in ["ASC", "DESC"] {
                let sql = format!("SELECT * FROM {subject}_{table} ORDER BY t {order} LIMIT 1");
                connection.query_row(&sql, [], |_| Ok(())).optional()?;
            }
        }
    }
    connection
        .query_row("SELECT * FROM day ORDER BY day DESC LIMIT 1", [], |_| Ok(()))
        .optional()?;
    Ok(())
}

fn write(
    transaction: &Transaction<'_>,
    sources: &mut BTreeMap<Source, i64>,
    batch: &Batch,
) -> rusqlite::Result<()> {
    for part in &batch.parts {
        let source = if let Some(id) = sources.get(&part.source) {
            *id
        } else {
            let id = add_source(transaction, &part.source)?;
            sources.insert(part.source.clone(), id);
            id
        };
        write_part(transaction, source, part)?;
    }
    Ok(())
}

fn add_source(transaction: &Transaction<'_>, source: &Source) -> rusqlite::Result<i64> {
    let (name, serial) = match &source.unit {
        Some((name, serial)) => (name.as_str(), serial.as_str()),
        None => (source.bank.as_str(), ""),
    };
    transaction.query_row(
        "INSERT INTO source (bank, serial, name, period) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (bank, serial) DO UPDATE SET name = ?3, period = ?4 RETURNING id",
        params![source.bank, serial, name, source.period],
        |row| row.get(0),
    )
}

fn write_part(transaction: &Transaction<'_>, source: i64, part: &Part) -> rusqlite::Result<()> {
    let subject = part.source.subject();
    if !part.raw.is_empty() {
        let mut statement = transaction.prepare(&raw_sql(subject))?;
        for (t, values) in &part.raw {
            let head: [&dyn ToSql; 2] = [t, &source];
            let values = values.iter().map(|value| -> &dyn ToSql { value });
            statement.execute(head.into_iter().chain(values).collect::<Vec<_>>().as_slice())?;
        }
    }
    for (span, rows) in SPANS.iter().zip(&part.spans) {
        if rows.is_empty() {
            continue;
        }
        let mut statement = transaction.prepare(&span_sql(subject, span.word))?;
        for (t, stats) in rows {
            let values = stats.iter().flat_map(|stats| {
                let Stats { count, min, max, sum } = *stats;
                [count, min, max, sum].map(|value| (stats.count > 0).then_some(value))
            });
            let all: Vec<_> = [Some(*t), Some(source)].into_iter().chain(values).collect();
            statement.execute(rusqlite::params_from_iter(all))?;
        }
    }
    for ((day, key), energy) in &part.days {
        let day = day.to_string();
        match *energy {
            DayEnergy::Counter { wh, at } => transaction.execute(
                "INSERT INTO day (day, source, key, origin, wh, read_at) VALUES (?, ?, ?, 'counter', ?, ?)
                 ON CONFLICT DO UPDATE SET wh = max(wh, excluded.wh), read_at = max(read_at, excluded.read_at)",
                params![day, source, key, wh, at],
            ),
            DayEnergy::Computed { positive, negative, covered } => transaction.execute(
                "INSERT INTO day (day, source, key, origin, wh, negative_wh, seconds)
                 VALUES (?, ?, ?, 'computed', ? / 3.6e6, ? / 3.6e6, ? / 1e3)
                 ON CONFLICT DO UPDATE SET wh = wh + excluded.wh,
                     negative_wh = negative_wh + excluded.negative_wh, seconds = seconds + excluded.seconds",
                params![day, source, key, positive, negative, covered],
            ),
        }?;
    }
    Ok(())
}

/// Returns the statement that adds a reading. If there is one at this time, it is completed.
fn raw_sql(subject: Subject) -> String {
    let (mut columns, mut marks, mut updates) = (String::new(), String::new(), String::new());
    for series in recorded(subject) {
        let key = series.key;
        let _ = write!(columns, ", {key}");
        marks.push_str(", ?");
        let comma = if updates.is_empty() { "" } else { ", " };
        let _ = write!(updates, "{comma}{key} = coalesce(excluded.{key}, {key})");
    }
    let table = subject.word();
    format!(
        "INSERT INTO {table}_raw (t, source{columns}) VALUES (?, ?{marks}) ON CONFLICT DO UPDATE SET {updates}"
    )
}

/// Returns the statement that adds statistics to those of a span.
fn span_sql(subject: Subject, word: &str) -> String {
    let (mut columns, mut marks, mut updates) = (String::new(), String::new(), String::new());
    for key in recorded(subject).iter().map(|series| series.key) {
        let _ = write!(columns, ", {key}_count, {key}_min, {key}_max, {key}_sum");
        marks.push_str(", ?, ?, ?, ?");
        updates.push_str(if updates.is_empty() { "" } else { ", " });
        let merged = |part: &str, both: &str| {
            let column = format!("{key}_{part}");
            format!("{column} = coalesce({both}, {column}, excluded.{column})")
        };
        let sum = |part: &str| format!("{key}_{part} + excluded.{key}_{part}");
        let least = |part: &str| format!("{part}({key}_{part}, excluded.{key}_{part})");
        let parts = [
            merged("count", &sum("count")),
            merged("sum", &sum("sum")),
            merged("min", &least("min")),
            merged("max", &least("max")),
        ];
        updates.push_str(&parts.join(", "));
    }
    let table = subject.word();
    format!(
        "INSERT INTO {table}_{word} (t, source{columns}) VALUES (?, ?{marks}) ON CONFLICT DO UPDATE SET {updates}"
    )
}

fn prune(
    transaction: &Transaction<'_>,
    retention: Retention,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let before = |time: Duration| {
        now.as_second().saturating_sub(i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
    };
    for subject in Subject::ALL.map(Subject::word) {
        let tables = [
            ("raw", before(retention.raw), MAX_RAW_PRUNED),
            ("5min", before(retention.keep), MAX_PRUNED),
            ("hour", before(retention.keep), MAX_PRUNED),
        ];
        for (table, limit, most) in tables {
            let table = format!("{subject}_{table}");
            let oldest: Option<i64> =
                transaction
                    .query_row(&format!("SELECT min(t) FROM {table}"), [], |row| row.get(0))?;
            if let Some(oldest) = oldest.filter(|oldest| *oldest < limit) {
                let limit = limit.min(oldest.saturating_add(most));
                transaction.execute(&format!("DELETE FROM {table} WHERE t < ?"), [limit])?;
            }
        }
    }
    let limit = Timestamp::from_second(before(retention.keep)).unwrap_or(Timestamp::MIN);
    let day = limit.strftime("%Y-%m-%d").to_string();
    // A source has one row per key and day.
    transaction
        .execute("DELETE FROM day WHERE day < ?1 AND day = (SELECT min(day) FROM day)", [day])?;
    Ok(())
}

/// Readings that are removed in one commit: those of so many seconds.
const MAX_RAW_PRUNED: i64 = 300;

/// Statistics that are removed in one commit: those of so many seconds.
const MAX_PRUNED: i64 = 86_400;

/// Time to wait for another connection.
const BUSY_TIME: Duration = Duration::from_secs(10);

/// Memory for pages, in KiB.
const CACHE_KIB: i64 = 1024;

/// Size to which the log is cut after it was copied into the file, in bytes.
const MAX_LOG: i64 = 4 << 20;

/// Maximum number of damaged files that are kept.
const MAX_DAMAGED: usize = 5;
