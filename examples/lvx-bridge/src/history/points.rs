//! The points of an answer.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{
    MAX_POINTS, Query, QueryError, Step,
    batch::{SPANS, Span},
};

/// The points of an answer.
#[derive(Debug)]
pub(super) struct Points {
    step: Step,
    zone: TimeZone,
    /// Starts, ascending. For a day, the start of the local day.
    pub(super) starts: Vec<i64>,
    /// End of the last point.
    pub(super) to: i64,
}

impl Points {
    /// Returns the points of a query.
    ///
    /// # Errors
    /// If there are too many.
    pub(super) fn new(query: &Query, step: Step, zone: &TimeZone) -> Result<Self, QueryError> {
        let mut starts = Vec::new();
        let is_full =
            |starts: &[i64]| i64::try_from(starts.len()).unwrap_or(i64::MAX) > MAX_POINTS + 2;
        match step {
            Step::Day => {
                let mut day = local_day(query.from, zone);
                while let Some(date) = day {
                    let Some(start) = start_of(date, zone).filter(|start| *start < query.to) else {
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
                next.and_then(|day| start_of(day, zone)).unwrap_or(query.to)
            }
            Step::Raw => query.to,
        };
        Ok(Self { step, zone: zone.clone(), starts, to })
    }

    /// Returns the longest span of which each point is made; `None` for readings.
    pub(super) fn span(&self) -> Option<Span> {
        let is_whole = |seconds: i64| match self.step {
            Step::Seconds(step) => step % seconds == 0,
            // Local days start at a full hour in most zones, but not in all.
            Step::Day => self.starts.iter().all(|start| start % seconds == 0),
            Step::Raw => false,
        };
        SPANS.iter().rev().find(|span| is_whole(span.seconds)).copied()
    }

    /// Returns the local day that starts at this time.
    pub(super) fn day(&self, start: i64) -> Option<Date> {
        local_day(start, &self.zone)
    }
}

fn local_day(t: i64, zone: &TimeZone) -> Option<Date> {
    Some(Timestamp::from_second(t).ok()?.to_zoned(zone.clone()).date())
}

/// Returns the first moment of a local day. In some zones, the clock skips midnight.
fn start_of(day: Date, zone: &TimeZone) -> Option<i64> {
    let start = day.to_zoned(zone.clone()).ok()?.start_of_day().ok()?;
    Some(start.timestamp().as_second())
}
