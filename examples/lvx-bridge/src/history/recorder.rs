//! Takes readings from snapshots. It has no I/O and no clock.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use pi18_proto::Query;

use super::{
    batch::{Batch, DayEnergy, Part, Source},
    series::{BANK_ROWS, PACK_ROWS, Subject, UNIT_ROWS, is_daily, recorded, steps},
};
use crate::{
    Now, Snapshot,
    config::PollConfig,
    entity::{BANK, UNIT},
    state::{PackView, UnitView, Value},
};

/// Takes the readings of banks from their snapshots until they are written.
///
/// A reading is taken once, and only while it is fresh. Its time is kept on the monotonic clock, and becomes a time of
/// day when it is written: if the clock of this computer was set in between, the new time counts.
#[derive(Debug)]
pub struct Recorder {
    /// Two readings with more time between them are not connected.
    max_gap: Duration,
    /// The same for readings of packs.
    max_pack_gap: Duration,
    /// Usual time between two readings, in seconds.
    period: i64,
    /// Usual time between two readings of a pack, in seconds.
    pack_period: i64,
    tracks: Vec<Track>,
    lost: u64,
}

/// What is known about one source.
#[derive(Debug)]
struct Track {
    source: Source,
    /// The unit as it was seen last.
    seen: Weak<UnitView>,
    /// The pack as it was seen last.
    seen_pack: Weak<PackView>,
    /// The round of the bank that was seen last.
    round: Option<Instant>,
    /// When each value was read last.
    read: Vec<Option<Instant>>,
    /// Readings that are not written yet, oldest first.
    waiting: VecDeque<Reading>,
    /// Counters of the day that are not written yet.
    counters: Vec<(Instant, Date, &'static str, i64)>,
    /// The last reading of each power that was integrated, in the order of the series.
    powers: Vec<Option<(Instant, i64)>>,
}

/// Values that were read together, in the order of the series.
#[derive(Debug)]
struct Reading {
    at: Instant,
    values: Vec<Option<i64>>,
}

impl Recorder {
    /// Creates a recorder for banks that are asked with these periods.
    #[must_use]
    pub fn new(poll: &PollConfig) -> Self {
        Self {
            max_gap: poll.fast.saturating_mul(poll.stale_after_periods),
            max_pack_gap: poll.max_pack_age(),
            period: i64::try_from(poll.fast.as_secs()).unwrap_or(i64::MAX),
            pack_period: i64::try_from(poll.packs.as_secs()).unwrap_or(i64::MAX),
            tracks: Vec::new(),
            lost: 0,
        }
    }

    /// Takes what was read since the last snapshot of the bank.
    pub fn observe(&mut self, bank: &Snapshot, now: Now) {
        for unit in &bank.units {
            let source = Source::unit(&bank.bank, &unit.name, unit.serial, self.period);
            let limit = waiting_limit(&self.tracks);
            let Some(track) = track_of(&mut self.tracks, source) else { continue };
            if std::ptr::eq(track.seen.as_ptr(), Arc::as_ptr(unit)) {
                continue;
            }
            track.seen = Arc::downgrade(unit);
            let values = UNIT_ROWS.iter().map(|row| (row.value(unit, now), row.decimals));
            self.lost += track.take(values, now, limit);
            if let Some(day) = asked_day(unit) {
                for row in UNIT.iter().filter(|row| is_daily(row)) {
                    track.count(row.key, &row.value(unit, now), day, now);
                }
            }
        }
        for pack in &bank.packs {
            let source = Source::pack(&bank.bank, &pack.name, self.pack_period);
            let limit = waiting_limit(&self.tracks);
            let Some(track) = track_of(&mut self.tracks, source) else { continue };
            if std::ptr::eq(track.seen_pack.as_ptr(), Arc::as_ptr(pack)) {
                continue;
            }
            track.seen_pack = Arc::downgrade(pack);
            let values = PACK_ROWS.iter().map(|row| (row.value(pack, now), row.decimals));
            self.lost += track.take(values, now, limit);
        }
        // A bank is read when a round is complete: its sums change with each answer of a unit.
        let source = Source::bank(&bank.bank, self.period);
        let limit = waiting_limit(&self.tracks);
        let track = track_of(&mut self.tracks, source);
        let Some(track) = track.filter(|track| track.round != bank.judged_at) else { return };
        track.round = bank.judged_at;
        let values = BANK_ROWS.iter().map(|row| (row.value(bank, now), row.decimals));
        self.lost += track.take(values, now, limit);
        let mut days = bank.units.iter().map(|unit| asked_day(unit));
        if let Some(Some(day)) = days.next()
            && days.all(|other| other == Some(day))
        {
            for row in BANK.iter().filter(|row| is_daily(row)) {
                track.count(row.key, &row.value(bank, now), day, now);
            }
        }
    }

    /// Takes that this computer was suspended for this time, which the monotonic clock does not count.
    pub(super) fn add_suspend(&mut self, time: Duration) {
        for track in &mut self.tracks {
            let waiting = track.waiting.iter_mut().map(|reading| &mut reading.at);
            let counters = track.counters.iter_mut().map(|(at, ..)| at);
            let powers = track.powers.iter_mut().flatten().map(|(at, _)| at);
            for at in waiting.chain(counters).chain(powers) {
                *at = at.checked_sub(time).unwrap_or(*at);
            }
        }
    }

    /// Returns the number of readings that were dropped because they could not be written.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Takes all readings. Days are those of `zone`. Nothing is taken while the clock of this computer is not set.
    pub fn take(&mut self, now: Now, zone: &TimeZone) -> Batch {
        let mut batch = Batch::default();
        if now.wall < FIRST_TIME {
            return batch;
        }
        let (max_gap, max_pack_gap) = (self.max_gap, self.max_pack_gap);
        for track in &mut self.tracks {
            let is_pack = track.source.subject() == Subject::Pack;
            let max_gap = if is_pack { max_pack_gap } else { max_gap };
            let part = track.write(now, zone, max_gap);
            if !(part.raw.is_empty() && part.days.is_empty()) {
                batch.parts.push(part);
            }
        }
        batch
    }
}

impl Track {
    fn new(source: Source) -> Self {
        let count = recorded(source.subject()).len();
        Self {
            source,
            seen: Weak::new(),
            seen_pack: Weak::new(),
            round: None,
            read: vec![None; count],
            waiting: VecDeque::new(),
            counters: Vec::new(),
            powers: vec![None; count],
        }
    }

    /// Takes the values that are new. Returns the number of older readings that were dropped, so that at most `limit`
    /// wait.
    fn take(&mut self, values: impl Iterator<Item = (Value, u8)>, now: Now, limit: usize) -> u64 {
        let mut newest: Option<Instant> = None;
        let mut taken = Vec::with_capacity(self.read.len());
        for ((value, decimals), read) in values.zip(&mut self.read) {
            let fresh = match value {
                Value::Fresh { datum, age } => {
                    now.instant.checked_sub(age).zip(steps(&datum, decimals))
                }
                _ => None,
            };
            let fresh = fresh.filter(|(at, _)| read.is_none_or(|read| *at > read));
            if let Some((at, _)) = fresh {
                *read = Some(at);
                newest = newest.max(Some(at));
            }
            taken.push(fresh.map(|(_, steps)| steps));
        }
        let Some(at) = newest else { return 0 };
        self.waiting.push_back(Reading { at, values: taken });
        let mut dropped = 0;
        while self.waiting.len() > limit {
            self.waiting.pop_front();
            dropped += 1;
        }
        dropped
    }

    /// Takes a counter of the day.
    fn count(&mut self, key: &'static str, value: &Value, day: Date, now: Now) {
        let Value::Fresh { datum, age } = value else { return };
        let Some((at, wh)) = now.instant.checked_sub(*age).zip(steps(datum, 0)) else { return };
        self.counters.retain(|(_, other, of, _)| (*other, *of) != (day, key));
        if self.counters.len() < MAX_COUNTERS {
            self.counters.push((at, day, key, wh));
        }
    }

    /// Returns what is to be written.
    fn write(&mut self, now: Now, zone: &TimeZone, max_gap: Duration) -> Part {
        let mut part = Part::new(self.source.clone());
        let series = recorded(self.source.subject());
        for reading in self.waiting.drain(..) {
            let Some(wall) = wall(reading.at, now) else { continue };
            part.add(wall.as_second(), &reading.values);
            let day = wall.to_zoned(zone.clone()).date();
            let powers = series.iter().zip(&reading.values).zip(&mut self.powers);
            for ((series, value), last) in powers.filter(|((series, _), _)| series.is_power()) {
                let Some(watts) = *value else { continue };
                if let Some((before, from)) = last.replace((reading.at, watts)) {
                    let time = reading.at.saturating_duration_since(before);
                    if time <= max_gap {
                        part.add_energy(day, series.key, integral(from, watts, time));
                    }
                }
            }
        }
        for (at, day, key, wh) in self.counters.drain(..) {
            let Some(wall) = wall(at, now) else { continue };
            let host = wall.to_zoned(zone.clone()).date();
            // A unit whose clock is not set counts the energy of another day.
            let distance = host.since(day).map_or(i32::MAX, |span| span.get_days().abs());
            if distance <= 1 {
                part.add_energy(day, key, DayEnergy::Counter { wh, at: wall.as_second() });
            }
        }
        part
    }
}

/// Returns the state of a source, which is made if there is none yet; `None` if there are too many.
fn track_of(tracks: &mut Vec<Track>, source: Source) -> Option<&mut Track> {
    let known = tracks.iter().position(|track| track.source == source);
    if known.is_none() {
        if tracks.len() >= MAX_SOURCES {
            return None;
        }
        tracks.push(Track::new(source));
    }
    known.map_or(tracks.len().checked_sub(1), Some).and_then(|index| tracks.get_mut(index))
}

/// Returns the number of readings of a source that may wait.
fn waiting_limit(tracks: &[Track]) -> usize {
    MAX_WAITING.min(MAX_ALL_WAITING / tracks.len().max(1))
}

/// Returns the energy between two readings of a power (trapezoidal rule). If its sign changed, each half of the time
/// has the sign of its reading.
pub(super) fn integral(from: i64, until: i64, time: Duration) -> DayEnergy {
    let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let half = |watts: i64| watts.saturating_mul(millis) / 2;
    let positive = half(from.max(0)).saturating_add(half(until.max(0)));
    let negative = half(from.min(0)).saturating_add(half(until.min(0))).saturating_neg();
    DayEnergy::Computed { positive, negative, covered: millis }
}

/// Returns the day of the unit's clock whose energy was read last.
fn asked_day(unit: &UnitView) -> Option<Date> {
    let held = unit.held("ED").filter(|held| held.failure.is_none())?;
    let Query::DayEnergy(date) = held.query else { return None };
    let (year, month) = (date.month().year().get(), date.month().month());
    let (year, month) = (i16::try_from(year).ok()?, i8::try_from(month).ok()?);
    Date::new(year, month, i8::try_from(date.day()).ok()?).ok()
}

/// Returns the time of day of a moment, by the present clock.
fn wall(at: Instant, now: Now) -> Option<Timestamp> {
    now.wall.checked_sub(now.instant.saturating_duration_since(at)).ok()
}

/// Before this time, the clock of this computer is not set: 2025-01-01.
const FIRST_TIME: Timestamp = Timestamp::constant(1_735_689_600, 0);

/// Maximum number of banks, units and packs.
const MAX_SOURCES: usize = 512;

/// Maximum number of readings of a source that wait: a quarter of an hour with the shortest period.
const MAX_WAITING: usize = 900;

/// Maximum number of readings of all sources that wait: about 8 MB.
const MAX_ALL_WAITING: usize = 20_000;

/// Maximum number of counters of a source that wait: two days.
const MAX_COUNTERS: usize = 8;
