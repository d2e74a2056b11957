//! Reads the file, within limits of time, points and memory.

use std::{
    collections::BTreeMap,
    fmt::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rusqlite::{Connection, OpenFlags, OptionalExtension, params};

use super::{
    Answer, Column, Energy, HistoryError, MAX_POINTS, Query, QueryError, Step, Wanted,
    batch::{SPANS, Stats},
    schema::{APPLICATION, MIGRATIONS},
    series::{Subject, daily},
    store::check_owner,
};

/// Reads a file. Each has a connection of its own, which does not wait for the writer.
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
    /// The answer took too long.
    #[error("the answer took longer than {} s; ask for less time or a larger step", MAX_TIME.as_secs())]
    TooLong,
}

/// A series that was found in the file.
#[derive(Debug)]
struct Found {
    wanted: Wanted,
    subject: Subject,
    source: i64,
    period: i64,
    decimals: u8,
    column: Column,
    /// Whether it is a counter of the day, which has no other values.
    is_daily: bool,
}

/// The points of an answer.
#[derive(Debug)]
struct Points {
    step: Step,
    zone: TimeZone,
    /// Begins, ascending. For a day, the begin of the local day.
    starts: Vec<i64>,
    to: i64,
}

impl Reader {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// If there is no file, or it is not a history of this or an earlier version.
    pub fn open(path: &Path) -> Result<Self, HistoryError> {
        if !path.exists() {
            return Err(HistoryError::Missing { path: path.to_owned() });
        }
        let failed = |source| HistoryError::new(path, source);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(BUSY_TIME).map_err(failed)?;
        check_owner(&connection, path)?;
        let number =
            |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
        let found = number("user_version").map_err(failed)?;
        if found > known {
            return Err(HistoryError::Later { path: path.to_owned(), found, known });
        }
        // The writer brings older files to the present version before the first query.
        if found < known || number("application_id").map_err(failed)? != APPLICATION {
            return Err(HistoryError::Missing { path: path.to_owned() });
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
            self.connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
        };
        read().map_err(|source| HistoryError::new(&self.path, source))
    }

    /// Answers a query about a bank. Days are those of `zone`.
    ///
    /// # Errors
    /// If a series is not in the file, there would be too many points, or the file cannot be read.
    pub fn answer(&self, bank: &str, query: &Query, zone: &TimeZone) -> Result<Answer, ReadError> {
        let deadline = Instant::now() + MAX_TIME;
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
            answer.t = self.raw(&mut found, query, deadline)?;
        } else {
            let points = Points::new(query, step, zone)?;
            for (subject, source) in sources(&found) {
                self.spans(&mut found, subject, source, &points, deadline)?;
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
            return Err(QueryError(format!("bank {bank}: nothing was recorded yet")).into());
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
        let subject = if wanted.unit.is_some() { Subject::Unit } else { Subject::Bank };
        let source = match &wanted.unit {
            None => self
                .connection
                .query_row(
                    "SELECT id, period FROM source WHERE bank = ? AND serial = ''",
                    [bank],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional(),
            // The unit that has the name now; a unit that was replaced is found by its serial number.
            Some(unit) => self
                .connection
                .query_row(
                    "SELECT id, period FROM source WHERE bank = ?1 AND (name = ?2 OR serial = ?2) AND serial <> ''
                     ORDER BY id DESC LIMIT 1",
                    params![bank, unit],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional(),
        };
        let Some((source, period)) = source.map_err(failed)? else {
            let text = format!("series: {wanted}: nothing was recorded of this unit");
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
        let column =
            Column { series: wanted.to_string(), name, unit, decimals, ..Column::default() };
        Ok(Found { wanted, subject, source, period, decimals, column, is_daily })
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
        let (raw, spans) = (oldest("raw")?, oldest(five.word)?.map(|t| t + five.seconds));
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
        deadline: Instant,
    ) -> Result<(), ReadError> {
        let failed = |source| HistoryError::new(&self.path, source);
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
            // A key from the file is one that the table `series` has.
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
        let mut statement = self.connection.prepare(&sql).map_err(failed)?;
        let first = points.starts.first().copied().unwrap_or_default();
        let mut rows = statement.query(params![first, points.to, source]).map_err(failed)?;
        let (mut at, mut read) = (0, 0_u32);
        while let Some(row) = rows.next().map_err(failed)? {
            read = read.wrapping_add(1);
            if read.is_multiple_of(1024) && Instant::now() > deadline {
                return Err(ReadError::TooLong);
            }
            let t: i64 = row.get(0).map_err(failed)?;
            while points.starts.get(at + 1).is_some_and(|next| *next <= t) {
                at += 1;
            }
            for (index, sums) in sums.iter_mut().enumerate() {
                let value = |part: usize| row.get::<_, Option<i64>>(1 + index * 4 + part);
                let Some(count) = value(0).map_err(failed)?.filter(|count| *count > 0) else {
                    continue;
                };
                let [min, max, sum] = [value(1), value(2), value(3)];
                let (Some(min), Some(max), Some(sum)) =
                    (min.map_err(failed)?, max.map_err(failed)?, sum.map_err(failed)?)
                else {
                    continue;
                };
                if let Some(held) = sums.get_mut(at) {
                    held.merge(Stats { count, min, max, sum });
                }
            }
        }
        for (found, sums) in wanted.iter_mut().zip(sums) {
            let scale = 10_f64.powi(found.decimals.into());
            let shown = |of: fn(&Stats) -> f64| -> Vec<Option<f64>> {
                sums.iter().map(|sum| (sum.count > 0).then(|| of(sum) / scale)).collect()
            };
            let column = &mut found.column;
            column.min = shown(|sum| real(sum.min));
            column.max = shown(|sum| real(sum.max));
            // Two digits more than a reading has.
            column.mean = shown(|sum| (real(sum.sum) / real(sum.count) * 100.0).round() / 100.0);
            column.count = sums.iter().map(|sum| sum.count).collect();
        }
        Ok(())
    }

    /// Reads each reading into the columns, and returns the times.
    fn raw(
        &self,
        found: &mut [Found],
        query: &Query,
        deadline: Instant,
    ) -> Result<Vec<i64>, ReadError> {
        let failed = |source| HistoryError::new(&self.path, source);
        let mut times: BTreeMap<i64, Vec<Option<f64>>> = BTreeMap::new();
        let width = found.len();
        for (index, one) in found.iter().enumerate() {
            let (key, table) = (&one.wanted.key, one.subject.word());
            let sql = format!(
                "SELECT t, {key} FROM {table}_raw WHERE t >= ? AND t < ? AND source = ? AND {key} IS NOT NULL ORDER BY t"
            );
            let mut statement = self.connection.prepare(&sql).map_err(failed)?;
            let mut rows =
                statement.query(params![query.from, query.to, one.source]).map_err(failed)?;
            let scale = 10_f64.powi(one.decimals.into());
            while let Some(row) = rows.next().map_err(failed)? {
                let (t, value): (i64, i64) =
                    (row.get(0).map_err(failed)?, row.get(1).map_err(failed)?);
                if times.len() > MAX_RAW {
                    let text =
                        format!("step raw: expected at most {MAX_RAW} readings; ask for less time");
                    return Err(QueryError(text).into());
                }
                let line = times.entry(t).or_insert_with(|| vec![None; width]);
                if let Some(place) = line.get_mut(index) {
                    *place = Some(real(value) / scale);
                }
                if t % 64 == 0 && Instant::now() > deadline {
                    return Err(ReadError::TooLong);
                }
            }
        }
        for (index, one) in found.iter_mut().enumerate() {
            one.column.mean =
                times.values().map(|line| line.get(index).copied().flatten()).collect();
        }
        Ok(times.into_keys().collect())
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

impl Points {
    fn new(query: &Query, step: Step, zone: &TimeZone) -> Result<Self, QueryError> {
        let mut starts = Vec::new();
        let is_full =
            |starts: &[i64]| i64::try_from(starts.len()).unwrap_or(i64::MAX) > MAX_POINTS + 2;
        match step {
            Step::Day => {
                let mut day = local_day(query.from, zone);
                while let Some(date) = day {
                    let Some(start) = begin_of(date, zone).filter(|start| *start < query.to) else {
                        break;
                    };
                    starts.push(start);
                    if is_full(&starts) {
                        break;
                    }
                    day = date.tomorrow().ok();
                }
            }
            Step::Seconds(step) => {
                let mut start = query.from.div_euclid(step).saturating_mul(step);
                while start < query.to && !is_full(&starts) {
                    starts.push(start);
                    start = start.saturating_add(step);
                }
            }
            Step::Raw => {}
        }
        if is_full(&starts) || starts.is_empty() {
            let text = format!(
                "step: expected at most {MAX_POINTS} points; use a larger step or less time"
            );
            return Err(QueryError(text));
        }
        // The last point is whole, as the first one is.
        let to = match step {
            Step::Seconds(step) => starts.last().map_or(query.to, |last| last.saturating_add(step)),
            Step::Day => {
                let next = starts.last().and_then(|last| local_day(*last, zone)?.tomorrow().ok());
                next.and_then(|day| begin_of(day, zone)).unwrap_or(query.to)
            }
            Step::Raw => query.to,
        };
        Ok(Self { step, zone: zone.clone(), starts, to })
    }

    /// Returns the longest span of which each point is made; `None` for readings.
    fn span(&self) -> Option<super::batch::Span> {
        let is_whole = |seconds: i64| match self.step {
            Step::Seconds(step) => step % seconds == 0,
            // Local days begin at a full hour in most zones, but not in all.
            Step::Day => self.starts.iter().all(|start| start % seconds == 0),
            Step::Raw => false,
        };
        SPANS.iter().rev().find(|span| is_whole(span.seconds)).copied()
    }

    fn day(&self, start: i64) -> Option<Date> {
        local_day(start, &self.zone)
    }
}

fn local_day(t: i64, zone: &TimeZone) -> Option<Date> {
    Some(Timestamp::from_second(t).ok()?.to_zoned(zone.clone()).date())
}

/// Returns the first moment of a local day. In some zones, the clock skips midnight.
fn begin_of(day: Date, zone: &TimeZone) -> Option<i64> {
    let start = day.to_zoned(zone.clone()).ok()?.start_of_day().ok()?;
    Some(start.timestamp().as_second())
}

/// Returns a number of steps as a floating-point number.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "sums have fewer than 53 bits"
)]
fn real(steps: i64) -> f64 {
    steps as f64
}

/// Greatest number of times of an answer with each reading: more than a day with the usual period.
const MAX_RAW: usize = 20_000;

/// Greatest time of an answer.
const MAX_TIME: Duration = Duration::from_secs(10);

/// Time to wait for the writer, which readers rarely need to.
const BUSY_TIME: Duration = Duration::from_secs(2);

/// Memory for pages, in KiB.
const CACHE_KIB: i64 = 2048;
