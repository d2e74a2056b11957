//! Reads the file, within limits of time, points and memory.

use std::{
    collections::BTreeMap,
    fmt::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use jiff::tz::TimeZone;
use rusqlite::{Connection, OpenFlags, OptionalExtension, limits::Limit, params};

use super::{
    Answer, Column, Energy, HistoryError, Query, QueryError, Step, Wanted,
    batch::{SPANS, Stats, subject_of},
    points::Points,
    schema::{APPLICATION, MIGRATIONS},
    series::{Subject, daily},
    store::check_owner,
};

/// Reads a file, for at most ten seconds after it was opened. Each reader has a connection of its own, and does not wait
/// for the writer.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    connection: Connection,
}

/// Why a query has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The query cannot be answered as it is.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] HistoryError),
    /// Nothing was recorded of the bank.
    #[error("bank {bank}: nothing was recorded yet")]
    Nothing {
        /// Name of the bank.
        bank: String,
    },
}

/// A series that was found in the file.
#[derive(Debug)]
struct Found {
    wanted: Wanted,
    subject: Subject,
    source: i64,
    period: i64,
    column: Column,
    /// Whether it is a counter of the day, which has no other values.
    is_daily: bool,
}

impl Reader {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// If there is no file, or it is not a history of this or an earlier version.
    pub fn open(path: &Path) -> Result<Self, HistoryError> {
        Self::open_until(path, Instant::now() + MAX_TIME)
    }

    /// Opens a file for reading until this time.
    pub(super) fn open_until(path: &Path, deadline: Instant) -> Result<Self, HistoryError> {
        if !path.exists() {
            return Err(HistoryError::Missing { path: path.to_owned() });
        }
        let failed = |source| HistoryError::new(path, source);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(BUSY_TIME).map_err(failed)?;
        let is_late = move || Instant::now() > deadline;
        connection.progress_handler(OPERATIONS, Some(is_late)).map_err(failed)?;
        // A file from elsewhere may have texts of any length.
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_ROW).map_err(failed)?;
        check_owner(&connection, path)?;
        let number =
            |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
        let found = number("user_version").map_err(failed)?;
        if found > known {
            return Err(HistoryError::Later { path: path.to_owned(), found, known });
        }
        if number("application_id").map_err(failed)? != APPLICATION {
            // The bridge has made the file, and not its tables yet.
            return Err(HistoryError::Missing { path: path.to_owned() });
        }
        if found < known {
            return Err(HistoryError::Earlier { path: path.to_owned(), found, known });
        }
        connection.pragma_update(None, "cache_size", -CACHE_KIB).map_err(failed)?;
        connection.pragma_update(None, "trusted_schema", false).map_err(failed)?;
        Ok(Self { path: path.to_owned(), connection })
    }

    /// Returns the names of the banks in the file.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn banks(&self) -> Result<Vec<String>, HistoryError> {
        let read = || -> rusqlite::Result<Vec<String>> {
            let sql = "SELECT DISTINCT bank FROM source ORDER BY bank LIMIT 1000";
            let mut statement = self.connection.prepare(sql)?;
            statement.query_map([], |row| row.get(0).map(|bank: String| shown(&bank)))?.collect()
        };
        read().map_err(|source| HistoryError::new(&self.path, source))
    }

    /// Answers a query about a bank. Days are those of `zone`.
    ///
    /// # Errors
    /// If a series is not in the file, there would be too many points, or the file cannot be read.
    pub fn answer(&self, bank: &str, query: &Query, zone: &TimeZone) -> Result<Answer, ReadError> {
        query.check()?;
        let failed = |source| HistoryError::new(&self.path, source);
        let mut found = self.find(bank, query)?;
        let step = match query.step {
            Some(step) => step,
            None => self.choose(&found, query).map_err(failed)?,
        };
        if let Some(daily) = found.iter().find(|found| found.is_daily && step != Step::Day) {
            let text = format!("{}: expected the step day, found {step}", daily.wanted);
            return Err(QueryError(text).into());
        }
        let mut answer = Answer {
            api: 1,
            bank: bank.to_owned(),
            from: query.from,
            to: query.to,
            step: step.to_string(),
            ..Answer::default()
        };
        if step == Step::Raw {
            answer.t = self.raw(&mut found, query).map_err(failed)??;
        } else {
            let points = Points::new(query, step, zone)?;
            for (subject, source) in sources(&found) {
                self.spans(&mut found, subject, source, &points).map_err(failed)?;
            }
            if step == Step::Day {
                for one in &mut found {
                    one.column.energy = self.energy(one, &points).map_err(failed)?;
                }
            }
            answer.t = points.starts;
        }
        answer.series = found.into_iter().map(|found| found.column).collect();
        Ok(answer)
    }

    /// Finds the series in the file.
    fn find(&self, bank: &str, query: &Query) -> Result<Vec<Found>, ReadError> {
        let failed = |source| HistoryError::new(&self.path, source);
        let is_known: bool = self
            .connection
            .query_row("SELECT EXISTS (SELECT 1 FROM source WHERE bank = ?)", [bank], |row| {
                row.get(0)
            })
            .map_err(failed)?;
        if !is_known {
            return Err(ReadError::Nothing { bank: bank.to_owned() });
        }
        let wanted = if query.series.is_empty() {
            let sql = "SELECT key FROM series WHERE subject = 'bank' ORDER BY key";
            let keys = || -> rusqlite::Result<Vec<String>> {
                self.connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
            };
            // A file from elsewhere may have any texts.
            keys().map_err(failed)?.iter().filter_map(|key| Wanted::parse(key).ok()).collect()
        } else {
            query.series.clone()
        };
        let mut found = Vec::new();
        for wanted in wanted {
            found.push(self.find_one(bank, wanted)?);
        }
        Ok(found)
    }

    fn find_one(&self, bank: &str, wanted: Wanted) -> Result<Found, ReadError> {
        let failed = |source| HistoryError::new(&self.path, source);
        let of_row = |row: &rusqlite::Row<'_>| {
            let serial: String = row.get(2)?;
            Ok((row.get(0)?, row.get(1)?, subject_of(&serial)))
        };
        let source = match &wanted.unit {
            None => self
                .connection
                .query_row(
                    "SELECT id, period, serial FROM source WHERE bank = ? AND serial = ''",
                    [bank],
                    of_row,
                )
                .optional(),
            // The unit or pack that has the name now; a unit that was replaced is found by its serial number.
            Some(unit) => self
                .connection
                .query_row(
                    "SELECT id, period, serial FROM source WHERE bank = ?1 AND (name = ?2 OR serial = ?2) AND serial <> ''
                     ORDER BY id DESC LIMIT 1",
                    params![bank, unit],
                    of_row,
                )
                .optional(),
        };
        let Some((source, period, subject)) = source.map_err(failed)? else {
            let text = format!("series: {wanted}: nothing was recorded of this unit or pack");
            return Err(QueryError(text).into());
        };
        let row = self
            .connection
            .query_row(
                "SELECT name, unit, decimals FROM series WHERE subject = ? AND key = ?",
                [subject.word(), &wanted.key],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .optional()
            .map_err(failed)?;
        let counter = || {
            let series = daily(subject).into_iter().find(|series| series.key == wanted.key)?;
            Some((series.name.to_owned(), series.unit.to_owned(), series.decimals))
        };
        let is_daily = row.is_none();
        let Some((name, unit, decimals)) = row.or_else(counter) else {
            let text = format!(
                "series: {wanted}: expected a value that is recorded; /api/v1/history without series shows those of the bank"
            );
            return Err(QueryError(text).into());
        };
        let column = Column {
            series: wanted.to_string(),
            name: shown(&name),
            unit: shown(&unit),
            decimals,
            ..Column::default()
        };
        Ok(Found { wanted, subject, source, period, column, is_daily })
    }

    /// Chooses a step. Readings that are gone are replaced by the statistics of five minutes.
    fn choose(&self, found: &[Found], query: &Query) -> rusqlite::Result<Step> {
        // Two periods, so that each point has a reading.
        let period = found.iter().map(|found| found.period).max().unwrap_or(1);
        let least = period.saturating_mul(2);
        let step = Step::choose(query.to - query.from, least);
        let Step::Seconds(seconds) = step else { return Ok(step) };
        let [five, _] = SPANS;
        let subject = found.first().map_or(Subject::Bank, |found| found.subject).word();
        let oldest = |table: &str| -> rusqlite::Result<Option<i64>> {
            let sql = format!("SELECT min(t) FROM {subject}_{table}");
            self.connection.query_row(&sql, [], |row| row.get(0))
        };
        if seconds >= five.seconds {
            return Ok(step);
        }
        let (raw, spans) =
            (oldest("raw")?, oldest(five.word)?.map(|t| t.saturating_add(five.seconds)));
        let has_all = raw.is_some_and(|raw| raw <= query.from.max(spans.unwrap_or(i64::MIN)));
        Ok(if has_all { step } else { Step::Seconds(five.seconds) })
    }

    /// Reads statistics of one source into the columns of its series.
    fn spans(
        &self,
        found: &mut [Found],
        subject: Subject,
        source: i64,
        points: &Points,
    ) -> rusqlite::Result<()> {
        let is_of =
            |found: &Found| (found.subject, found.source) == (subject, source) && !found.is_daily;
        let mut wanted: Vec<_> = found.iter_mut().filter(|found| is_of(found)).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let span = points.span();
        let word = span.map_or("raw", |span| span.word);
        let mut sql = "SELECT t".to_owned();
        for found in &wanted {
            // The table `series` has this key, so that it is the name of a column.
            let key = &found.wanted.key;
            let _ = match span {
                Some(_) => write!(sql, ", {key}_count, {key}_min, {key}_max, {key}_sum"),
                None => write!(sql, ", {key} IS NOT NULL, {key}, {key}, {key}"),
            };
        }
        let table = subject.word();
        let _ =
            write!(sql, " FROM {table}_{word} WHERE t >= ? AND t < ? AND source = ? ORDER BY t");
        let mut sums = vec![vec![Stats::default(); points.starts.len()]; wanted.len()];
        let mut statement = self.connection.prepare(&sql)?;
        let first = points.starts.first().copied().unwrap_or_default();
        let mut rows = statement.query(params![first, points.to, source])?;
        let mut at = 0;
        while let Some(row) = rows.next()? {
            let t: i64 = row.get(0)?;
            while points.starts.get(at + 1).is_some_and(|next| *next <= t) {
                at += 1;
            }
            for (index, sums) in sums.iter_mut().enumerate() {
                let value = |part: usize| row.get::<_, Option<i64>>(1 + index * 4 + part);
                let Some(count) = value(0)?.filter(|count| *count > 0) else { continue };
                let (Some(min), Some(max), Some(sum)) = (value(1)?, value(2)?, value(3)?) else {
                    continue;
                };
                if let Some(held) = sums.get_mut(at) {
                    held.merge(Stats { count, min, max, sum });
                }
            }
        }
        for (found, sums) in wanted.iter_mut().zip(sums) {
            found.column.set_stats(&sums);
        }
        Ok(())
    }

    /// Reads each reading into the columns, and returns the times.
    fn raw(
        &self,
        found: &mut [Found],
        query: &Query,
    ) -> rusqlite::Result<Result<Vec<i64>, QueryError>> {
        let mut times: BTreeMap<i64, Vec<Option<f64>>> = BTreeMap::new();
        let width = found.len();
        for (index, one) in found.iter().enumerate() {
            let (key, table) = (&one.wanted.key, one.subject.word());
            let sql = format!(
                "SELECT t, {key} FROM {table}_raw WHERE t >= ? AND t < ? AND source = ? AND {key} IS NOT NULL ORDER BY t"
            );
            let mut statement = self.connection.prepare(&sql)?;
            let mut rows = statement.query(params![query.from, query.to, one.source])?;
            let scale = one.column.scale();
            while let Some(row) = rows.next()? {
                let (t, value): (i64, i64) = (row.get(0)?, row.get(1)?);
                let line = times.entry(t).or_insert_with(|| vec![None; width]);
                if let Some(place) = line.get_mut(index) {
                    *place = Some(real(value) / scale);
                }
                if times.len() > MAX_RAW {
                    let text =
                        format!("step raw: expected at most {MAX_RAW} readings; ask for less time");
                    return Ok(Err(QueryError(text)));
                }
            }
        }
        for (index, one) in found.iter_mut().enumerate() {
            one.column.mean =
                times.values().map(|line| line.get(index).copied().flatten()).collect();
        }
        Ok(Ok(times.into_keys().collect()))
    }

    /// Reads the energies of days; `None` if the series has none.
    fn energy(&self, found: &Found, points: &Points) -> rusqlite::Result<Option<Energy>> {
        if !found.is_daily && found.column.unit != "W" {
            return Ok(None);
        }
        let origin = if found.is_daily { "counter" } else { "computed" };
        let mut statement = self.connection.prepare(
            "SELECT wh, negative_wh, seconds FROM day WHERE day = ? AND source = ? AND key = ? AND origin = ?",
        )?;
        let mut energy = Energy { origin: origin.to_owned(), ..Energy::default() };
        for start in &points.starts {
            let day = points.day(*start).map(|day| day.to_string());
            let row = statement
                .query_row(params![day, found.source, found.wanted.key, origin], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
                })
                .optional()?;
            let (wh, negative, seconds): (Option<f64>, Option<f64>, Option<f64>) =
                row.unwrap_or_default();
            let round = |value: f64| (value * 10.0).round() / 10.0;
            energy.wh.push(wh.map(round));
            if !found.is_daily {
                energy.negative_wh.push(negative.map(round));
                energy.seconds.push(seconds.map(f64::round));
            }
        }
        Ok(Some(energy))
    }
}

/// Returns the sources of series, each once.
fn sources(found: &[Found]) -> Vec<(Subject, i64)> {
    let mut sources: Vec<_> = found.iter().map(|found| (found.subject, found.source)).collect();
    sources.sort_unstable();
    sources.dedup();
    sources
}

impl Column {
    /// Returns the number of steps in one of the unit.
    fn scale(&self) -> f64 {
        10_f64.powi(self.decimals.into())
    }

    /// Sets minimum, mean, maximum and count of each point.
    fn set_stats(&mut self, stats: &[Stats]) {
        let column = |of: fn(&Stats) -> f64, scale: f64| -> Vec<Option<f64>> {
            stats.iter().map(|stats| (stats.count > 0).then(|| of(stats) / scale)).collect()
        };
        let scale = self.scale();
        self.min = column(|stats| real(stats.min), scale);
        self.max = column(|stats| real(stats.max), scale);
        // Two digits more than a reading has.
        let hundredths = |stats: &Stats| (real(stats.sum) / real(stats.count) * 100.0).round();
        self.mean = column(hundredths, scale * 100.0);
        self.count = stats.iter().map(|stats| stats.count).collect();
    }
}

/// Returns a text from the file that is safe to show, and not longer than a line.
fn shown(text: &str) -> String {
    pi18_transport::printable(text).chars().take(MAX_TEXT).collect()
}

/// Returns a number of steps as a floating-point number.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "numbers that the bridge writes have fewer than 53 bits"
)]
fn real(steps: i64) -> f64 {
    steps as f64
}

/// Greatest number of times of an answer with each reading: more than a day with the usual period.
const MAX_RAW: usize = 20_000;

/// Greatest time for which a reader works.
const MAX_TIME: Duration = Duration::from_secs(10);

/// Time to wait for the writer, which readers rarely need to.
const BUSY_TIME: Duration = Duration::from_secs(2);

/// Operations of `SQLite` between two looks at the clock: less than a millisecond.
const OPERATIONS: i32 = 1000;

/// Greatest length of a row or a text, in bytes. The bridge writes rows of a few kilobytes.
const MAX_ROW: i32 = 1 << 20;

/// Greatest length of a name from the file, in characters.
const MAX_TEXT: usize = 80;

/// Memory for pages, in KiB.
const CACHE_KIB: i64 = 2048;
