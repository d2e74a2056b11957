//! What a reader asks for, within limits.

use std::fmt;

use jiff::{Timestamp, tz::TimeZone};

use super::time::{LAST, span, time};

/// What a reader asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Query {
    /// Series; empty for all of the bank.
    pub series: Vec<Wanted>,
    /// Start, in Unix seconds.
    pub from: i64,
    /// End, in Unix seconds; not included.
    pub to: i64,
    /// Step; `None` to choose one.
    pub step: Option<Step>,
}

/// A series: that of a unit, such as `unit-1.battery_voltage`, of a battery pack, such as `pack-1.voltage`, or of the bank, such as `pv_power`.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Wanted {
    /// Name or serial number of the unit, or name of the pack; `None` for the bank.
    pub unit: Option<String>,
    /// Key of the value, as in `/api/v1/entities`.
    pub key: String,
}

/// The length of time that becomes one point.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Each reading.
    Raw,
    /// So many seconds, from multiples of it in Unix time.
    Seconds(i64),
    /// A day of local time, which has 23 or 25 hours if the clock is changed.
    Day,
}

/// A query cannot be answered as it is.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct QueryError(pub(super) String);

/// The parameters of a query over HTTP: name and description.
pub const PARAMETERS: &[(&str, &str)] = &[
    (
        "series",
        "keys of the bank, such as pv_power, of units, such as unit-1.battery_voltage, and of battery packs, such as pack-1.voltage, \
         with commas between them; all of the bank otherwise",
    ),
    (
        "from",
        "start: Unix seconds, a time such as 2026-06-21T10:00, or -7d for a week ago; a day ago otherwise",
    ),
    ("to", "end, which is not included; now otherwise"),
    (
        "step",
        "raw for each reading, a time such as 5min or 1h, or day for local days; otherwise the smallest step with at \
         most 2000 points",
    ),
    ("format", "json or csv"),
];

impl Query {
    /// Reads the parameters of a query; those with other names are left to the caller.
    ///
    /// ```
    /// use lvx_bridge::history::{Query, Step};
    ///
    /// let now = jiff::Timestamp::from_second(1_782_000_000)?;
    /// let series = ("series", "pv_power,unit-1.load");
    /// let parameters = [series, ("from", "-2h"), ("to", "now"), ("step", "5min")];
    /// let query = Query::parse(parameters, now, &jiff::tz::TimeZone::UTC)?;
    /// assert_eq!(query.series[1].to_string(), "unit-1.load");
    /// assert_eq!((query.to - query.from, query.step), (7200, Some(Step::Seconds(300))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If a parameter has another form, or there would be too many points or series.
    pub fn parse<'a>(
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
        now: Timestamp,
        zone: &TimeZone,
    ) -> Result<Self, QueryError> {
        let read = |name: &str, text: &str| {
            time(text, now, zone).ok_or_else(|| {
                QueryError(format!("{name}: expected a time such as 2026-06-21T10:00, 1782000000 or -24h, found {text:?}"))
            })
        };
        let mut query =
            Self { series: Vec::new(), from: i64::MIN, to: now.as_second() + 1, step: None };
        for (name, text) in parameters {
            match name {
                "series" => {
                    for one in text.split(',').map(str::trim).filter(|one| !one.is_empty()) {
                        query.series.push(Wanted::parse(one)?);
                    }
                }
                "from" => query.from = read(name, text)?,
                "to" => query.to = read(name, text)?,
                "step" => query.step = Some(Step::parse(text)?),
                _ => {}
            }
        }
        if query.from == i64::MIN {
            query.from = query.to - DAY;
        }
        query.check()?;
        Ok(query)
    }

    /// Checks the limits, also of a query that was made without [`parse`](Self::parse).
    pub(super) fn check(&self) -> Result<(), QueryError> {
        if self.from < 0 || self.to > LAST {
            let text =
                format!("expected times from 1970 to 2100, found {} to {}", self.from, self.to);
            return Err(QueryError(text));
        }
        for wanted in &self.series {
            Wanted::parse(&wanted.to_string())?;
        }
        if self.from >= self.to {
            let text = format!("expected from before to, found {} and {}", self.from, self.to);
            return Err(QueryError(text));
        }
        if self.series.len() > MAX_SERIES {
            let text =
                format!("series: expected at most {MAX_SERIES}, found {}", self.series.len());
            return Err(QueryError(text));
        }
        let points = match self.step {
            None => 0,
            // A reading a second is the most that can be configured.
            Some(Step::Raw) if self.to - self.from <= MAX_RAW_TIME => 0,
            Some(Step::Raw) => {
                let text =
                    "step raw: expected at most a day; for more, ask for one day after the other";
                return Err(QueryError(text.to_owned()));
            }
            Some(Step::Seconds(step)) if step < 1 => {
                return Err(QueryError(format!("step: expected at least a second, found {step}")));
            }
            Some(Step::Seconds(step)) => (self.to - self.from) / step,
            Some(Step::Day) => (self.to - self.from) / DAY,
        };
        if points > MAX_POINTS {
            let least = (self.to - self.from).div_euclid(MAX_POINTS) + 1;
            return Err(QueryError(format!(
                "step: expected at most {MAX_POINTS} points, found {points}; use a step of {least} s or more"
            )));
        }
        Ok(())
    }
}

impl Wanted {
    pub(super) fn parse(text: &str) -> Result<Self, QueryError> {
        let (unit, key) = match text.rsplit_once('.') {
            Some((unit, key)) => (Some(unit), key),
            None => (None, text),
        };
        let is_name = |text: &str, other: char| {
            (1..=MAX_NAME).contains(&text.len())
                && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == other)
        };
        if !is_name(key, '_') || !unit.is_none_or(|unit| is_name(unit, '-')) {
            return Err(QueryError(format!(
                "series: expected names such as pv_power or unit-1.battery_voltage, found {text:?}"
            )));
        }
        Ok(Self { unit: unit.map(str::to_owned), key: key.to_owned() })
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unit {
            Some(unit) => write!(f, "{unit}.{}", self.key),
            None => f.write_str(&self.key),
        }
    }
}

impl Step {
    fn parse(text: &str) -> Result<Self, QueryError> {
        match text.trim() {
            "raw" => Ok(Self::Raw),
            "day" | "1d" => Ok(Self::Day),
            other => span(other).map(Self::Seconds).ok_or_else(|| {
                QueryError(format!(
                    "step: expected raw, day, or a time such as 5min or 1h, found {text:?}"
                ))
            }),
        }
    }

    /// Returns the smallest usual step that is at least this long and gives at most [`MAX_POINTS`] points.
    pub(super) fn choose(length: i64, least: i64) -> Self {
        let width = (length.saturating_add(MAX_POINTS - 1) / MAX_POINTS).max(least);
        match STEPS.iter().find(|step| **step >= width) {
            Some(step) => Self::Seconds(*step),
            None if width <= DAY => Self::Day,
            None => Self::Seconds(WEEK),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw => f.write_str("raw"),
            Self::Seconds(seconds) => seconds.fmt(f),
            Self::Day => f.write_str("day"),
        }
    }
}

/// Steps that are chosen, in seconds. From 5 minutes on, they are made of whole spans.
const STEPS: &[i64] =
    &[1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200];

/// Greatest number of points of a series.
pub const MAX_POINTS: i64 = 2000;

/// Greatest number of series of a query.
pub const MAX_SERIES: usize = 24;

/// Greatest time of a query for each reading, in seconds: a day with 25 hours.
const MAX_RAW_TIME: i64 = 25 * 3600;

/// A day with 24 hours, in seconds.
const DAY: i64 = 86_400;

/// A week, in seconds.
const WEEK: i64 = 7 * DAY;

/// Greatest length of a name.
const MAX_NAME: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(parameters: &[(&str, &str)]) -> Result<Query, String> {
        let now = Timestamp::from_second(1_782_000_000).unwrap();
        Query::parse(parameters.iter().copied(), now, &TimeZone::UTC)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn limits_and_forms_are_checked() {
        let long = vec!["a"; MAX_SERIES + 1].join(",");
        for (parameters, expected) in [
            (vec![("from", "now"), ("to", "-1h")], "expected from before to"),
            (vec![("series", "a;drop")], "series: expected names"),
            (vec![("series", "Unit 1.load")], "series: expected names"),
            (vec![("series", &*long)], "series: expected at most 24, found 25"),
            (vec![("step", "10s"), ("from", "-1d")], "use a step of 44 s or more"),
            (vec![("step", "raw"), ("from", "-2d")], "step raw: expected at most a day"),
            (vec![("step", "fast")], "step: expected raw, day"),
            (vec![("from", "tomorrow")], "from: expected a time"),
            (vec![("from", "0"), ("step", "day")], "step: expected at most 2000 points"),
        ] {
            let error = parse(&parameters).unwrap_err();
            assert!(error.contains(expected), "{parameters:?}: {error}");
        }
    }

    #[test]
    fn query_that_was_not_parsed_is_checked() {
        let good = Query { series: Vec::new(), from: 0, to: 10, step: None };
        good.check().unwrap();
        let injected = Wanted { unit: None, key: "load, (SELECT 1)".to_owned() };
        for bad in [
            Query { from: i64::MIN, to: i64::MAX, ..good.clone() },
            Query { step: Some(Step::Seconds(0)), ..good.clone() },
            Query { series: vec![injected], ..good },
        ] {
            bad.check().unwrap_err();
        }
    }

    #[test]
    fn chosen_step_gives_at_most_2000_points() {
        assert_eq!(Step::choose(3600, 10), Step::Seconds(10));
        assert_eq!(Step::choose(86_400, 10), Step::Seconds(60));
        assert_eq!(Step::choose(7 * 86_400, 10), Step::Seconds(600));
        assert_eq!(Step::choose(366 * 86_400, 10), Step::Seconds(21_600));
        assert_eq!(Step::choose(5 * 365 * 86_400, 10), Step::Day);
        assert_eq!(Step::choose(10 * 365 * 86_400, 10), Step::Seconds(604_800));
        for hours in (1..100_000).step_by(17) {
            let length = hours * 3600;
            let step = match Step::choose(length, 1) {
                Step::Seconds(step) => step,
                _ => DAY,
            };
            assert!(length / step <= MAX_POINTS, "{hours} h");
        }
        assert_eq!(parse(&[]).unwrap().to - parse(&[]).unwrap().from, 86_400);
    }
}
