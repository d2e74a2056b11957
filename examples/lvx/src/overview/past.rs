//! What was read in the past: means over spans of equal length.

use serde_json::Value as Json;

use super::totals::Totals;

/// A value of the past, with the key of its series in the API of the bridge.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Curve {
    /// PV power in watts.
    Sun,
    /// Power of the loads in watts.
    Load,
    /// Mean state of charge in percent.
    Charge,
}

/// What was read in the past: what a bridge has recorded, and what was seen since the start.
///
/// Times are milliseconds of the Unix clock. What was not read has no value: nothing is carried on or interpolated, and
/// nothing is zero because it is missing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Past {
    recorded: Option<Spans>,
    seen: Spans,
}

/// The time that a chart shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Window {
    /// Length.
    pub(crate) length: i64,
    /// Time of the first reading, from which on everything is shown; `None` if the window ends now.
    pub(crate) start: Option<i64>,
}

/// Means over spans of equal length, the oldest first. A span in which nothing was read is not in the list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spans {
    length: i64,
    spans: Vec<(i64, Means)>,
}

/// The means of a span, in the order of [`Curve::ALL`].
type Means = [Mean; Curve::ALL.len()];

/// A mean that more readings can be added to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Mean {
    sum: f64,
    count: u32,
}

impl Curve {
    /// All values, in the order in which they are drawn.
    pub(crate) const ALL: [Self; 3] = [Self::Sun, Self::Load, Self::Charge];

    /// Returns the key of the series in the history of a bank.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Sun => "pv_power",
            Self::Load => "load_power",
            Self::Charge => "state_of_charge",
        }
    }
}

impl Past {
    /// Starts without readings. `length` is that of a span: at least one reading is expected in each.
    pub(crate) fn new(length: i64) -> Self {
        Self { recorded: None, seen: Spans { length: length.max(1), spans: Vec::new() } }
    }

    /// Takes the sums of a reading. As the bridge does, leaves them out while a unit is not read.
    pub(crate) fn see(&mut self, totals: &Totals, now: i64) {
        let start = now.div_euclid(self.seen.length) * self.seen.length;
        let spans = &mut self.seen.spans;
        // If the clock was set back, spans that are in the future now would later be shown as new.
        spans.truncate(spans.partition_point(|(time, _)| *time <= start));
        spans.drain(..spans.partition_point(|(time, _)| *time < start - DAY));
        if totals.units == 0 || !totals.missing.is_empty() {
            return;
        }
        let values = [totals.solar, totals.load, totals.charge];
        let means = values.map(|value| Mean::of(value, 1));
        match spans.last_mut() {
            Some((time, last)) if *time == start => add(last, &means),
            _ => spans.push((start, means)),
        }
    }

    /// Replaces what the bridge has recorded.
    pub(crate) fn put_recorded(&mut self, recorded: Spans) {
        self.recorded = Some(recorded).filter(|recorded| !recorded.spans.is_empty());
    }

    /// Returns the time that a chart shows; `None` if nothing was read.
    pub(crate) fn window(&self, now: i64) -> Option<Window> {
        if self.recorded.is_some() {
            return Some(Window { length: DAY, start: None });
        }
        let (start, _) = self.seen.spans.first()?;
        let elapsed = now - start;
        // Some room is left, because a chart begins at a whole column.
        let length = WINDOWS.into_iter().find(|length| elapsed <= length - length / 50);
        Some(match length {
            Some(length) => Window { length, start: Some(*start) },
            None => Window { length: DAY, start: None },
        })
    }

    /// Returns the means of what was read from `from` until `to`.
    pub(crate) fn means(&self, from: i64, to: i64) -> [Option<f64>; Curve::ALL.len()] {
        let seen = self.seen.means(from, to);
        let recorded = self.recorded.as_ref().map(|recorded| recorded.means(from, to));
        let mut means = seen.map(Mean::value);
        for (mean, recorded) in means.iter_mut().zip(recorded.into_iter().flatten()) {
            *mean = recorded.value().or(*mean);
        }
        means
    }
}

impl Spans {
    /// Reads an answer to `GET /api/v1/history` that arrived `now`; `None` if it has another form.
    pub(crate) fn of_answer(answer: &Json, now: i64) -> Option<Self> {
        let seconds = |value: &Json| value.as_i64().filter(|time| (0..MAX_TIME).contains(time));
        let length = answer.get("step")?.as_str()?.parse::<i64>().ok();
        let length = length.filter(|length| (1..=86_400).contains(length))? * 1000;
        // The end of the answer is the present second of the bridge, whose clock may be a different one.
        let ahead = (seconds(answer.get("to")?)? - 1) * 1000 - now;
        let shift = if ahead.abs() < SAME_CLOCK { 0 } else { ahead };
        let series = answer.get("series")?.as_array()?;
        let columns = Curve::ALL.map(|curve| {
            let is_curve =
                |column: &&Json| column.get("series").and_then(Json::as_str) == Some(curve.key());
            let column = series.iter().find(is_curve);
            let list = |name| column.and_then(|column| column.get(name)?.as_array());
            (list("mean"), list("count"))
        });
        let mut spans = Vec::new();
        for (index, time) in answer.get("t")?.as_array()?.iter().take(MAX_POINTS).enumerate() {
            let start = seconds(time)? * 1000 - shift;
            let means = columns.map(|(means, counts)| {
                let mean = means.and_then(|means| means.get(index)?.as_f64());
                let count =
                    counts.and_then(|counts| u32::try_from(counts.get(index)?.as_u64()?).ok());
                Mean::of(mean, count.unwrap_or(1).max(1))
            });
            let is_after = spans.last().is_none_or(|(last, _)| *last < start);
            if is_after && start <= now && means.iter().any(|mean| mean.count > 0) {
                spans.push((start, means));
            }
        }
        Some(Self { length, spans })
    }

    /// Returns the means over the spans whose middle is between two times. If spans are longer than that, returns the
    /// span that is around both.
    fn means(&self, from: i64, to: i64) -> Means {
        let first = self.spans.partition_point(|(start, _)| start + self.length / 2 < from);
        let later = self.spans.iter().skip(first);
        let mut inside = later.take_while(|(start, _)| start + self.length / 2 < to).peekable();
        let mut means = Means::default();
        if inside.peek().is_some() {
            inside.for_each(|(_, more)| add(&mut means, more));
            return means;
        }
        let middle = from + (to - from) / 2;
        let next = self.spans.partition_point(|(start, _)| *start <= middle);
        let around = next.checked_sub(1).and_then(|last| self.spans.get(last));
        let around = around.filter(|(start, _)| middle < start + self.length);
        around.map_or(means, |(_, means)| *means)
    }
}

impl Mean {
    fn of(value: Option<f64>, count: u32) -> Self {
        let known = value.filter(|value| value.is_finite());
        known.map_or_else(Self::default, |value| Self { sum: value * f64::from(count), count })
    }

    fn value(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / f64::from(self.count))
    }
}

fn add(means: &mut Means, more: &Means) {
    for (mean, more) in means.iter_mut().zip(more) {
        mean.sum += more.sum;
        mean.count = mean.count.saturating_add(more.count);
    }
}

/// A minute, in milliseconds.
const MINUTE: i64 = 60_000;
/// An hour.
const HOUR: i64 = 60 * MINUTE;
/// The longest time that is kept and shown.
const DAY: i64 = 24 * HOUR;
/// Windows since the start, each of which is shown until it is full.
const WINDOWS: [i64; 8] =
    [10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 16 * HOUR, DAY];
/// Greatest difference of two clocks that show the same time. An answer takes up to ten seconds.
const SAME_CLOCK: i64 = 15_000;
/// Greatest number of points of an answer: a day has 289 of five minutes.
const MAX_POINTS: usize = 2000;
/// Latest time of an answer in seconds: the year 2100.
const MAX_TIME: i64 = 4_102_444_800;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn totals(solar: f64) -> Totals {
        Totals { units: 1, solar: Some(solar), charge: Some(50.0), ..Totals::default() }
    }

    #[test]
    fn span_is_the_mean_of_its_readings_and_a_gap_stays_a_gap() {
        let mut past = Past::new(20_000);
        for (time, solar) in [(0, 100.0), (10_000, 300.0), (20_000, 500.0), (60_000, 900.0)] {
            past.see(&totals(solar), time);
        }
        let sun = |from, to| past.means(from, to)[0];
        assert_eq!(sun(0, 20_000), Some(200.0));
        assert_eq!(sun(0, 40_000), Some(300.0));
        // A column that is narrower than a span shows the span around it.
        assert_eq!([sun(0, 5000), sun(15_000, 20_000)], [Some(200.0); 2]);
        assert_eq!([sun(40_000, 60_000), sun(41_000, 44_000), sun(80_000, 90_000)], [None; 3]);
        assert_eq!(past.means(0, 20_000)[1..], [None, Some(50.0)]);
    }

    #[test]
    fn sums_without_a_unit_are_left_out() {
        let mut past = Past::new(20_000);
        past.see(&Totals { missing: vec!["unit-2".to_owned()], ..totals(100.0) }, 0);
        past.see(&Totals::default(), 0);
        assert_eq!((past.window(0), past.means(0, 20_000)), (None, [None; 3]));
    }

    #[test]
    fn memory_is_bounded_to_a_day() {
        let mut past = Past::new(20_000);
        for number in 0..10_000 {
            past.see(&totals(1.0), number * 20_000);
        }
        assert_eq!(past.seen.spans.len(), 4321);
        assert_eq!(past.window(10_000 * 20_000), Some(Window { length: DAY, start: None }));
    }

    #[test]
    fn span_in_the_future_is_not_kept_after_the_clock_was_set_back() {
        let mut past = Past::new(20_000);
        past.see(&totals(7.0), HOUR);
        assert_eq!(past.means(HOUR, HOUR + 20_000)[0], Some(7.0));
        past.see(&Totals::default(), 0);
        assert_eq!(past.means(HOUR, HOUR + 20_000)[0], None);
    }

    #[test]
    fn window_grows_with_the_time_since_the_start() {
        let mut past = Past::new(20_000);
        assert_eq!(past.window(0), None);
        past.see(&totals(1.0), 0);
        let length = |now| past.window(now).unwrap().length;
        assert_eq!(
            [length(0), length(9 * MINUTE), length(10 * MINUTE)].map(|l| l / MINUTE),
            [10, 10, 30]
        );
        assert_eq!(past.window(23 * HOUR).unwrap().start, Some(0));
        assert_eq!(past.window(25 * HOUR).unwrap(), Window { length: DAY, start: None });
    }

    fn answer() -> Json {
        json!({
            "api": 1, "bank": "main", "from": 0, "to": 1801, "step": "300",
            "t": [0, 300, 600, 900],
            "series": [
                { "series": "state_of_charge", "mean": [50, null, null, 53.5], "count": [1, 0, 0, 60] },
                { "series": "pv_power", "mean": [100, null, 400.5, 500], "count": [60, 0, 20, 60] },
            ],
        })
    }

    #[test]
    fn recorded_values_are_shown_before_those_that_were_seen() {
        let now = 1800 * 1000;
        let mut past = Past::new(60_000);
        past.see(&totals(9.0), 900_000);
        past.see(&totals(8.0), 1_200_000);
        past.put_recorded(Spans::of_answer(&answer(), now).unwrap());
        assert_eq!(past.window(now), Some(Window { length: DAY, start: None }));
        let sun = |minute: i64| past.means(minute * MINUTE, (minute + 5) * MINUTE)[0];
        assert_eq!([sun(0), sun(5), sun(10)], [Some(100.0), None, Some(400.5)]);
        assert_eq!([sun(15), sun(20), sun(25)], [Some(500.0), Some(8.0), None]);
        // Each reading counts once.
        assert_eq!(past.means(10 * MINUTE, 20 * MINUTE), [Some(475.125), None, Some(53.5)]);
    }

    #[test]
    fn times_of_another_clock_are_shifted() {
        let now = 1_782_000_000_000;
        let spans = Spans::of_answer(&answer(), now).unwrap();
        assert_eq!(spans.spans[0].0, now - 1800 * 1000);
    }

    #[test]
    fn other_answers_are_refused_and_odd_values_are_gaps() {
        for (member, odd) in [
            ("step", json!("raw")),
            ("step", json!("0")),
            ("to", json!("now")),
            ("t", json!([-1])),
            ("series", json!({})),
        ] {
            let mut answer = answer();
            answer[member] = odd;
            assert_eq!(Spans::of_answer(&answer, 1_800_000), None, "{member}");
        }
        let mut odd = answer();
        odd["series"][1]["mean"] = json!([{}, "4", 5]);
        odd["series"][1]["count"] = json!(7);
        odd["t"] = json!([0, 300, 600, 300, 900, 4_000]);
        let spans = Spans::of_answer(&odd, 1_800_000).unwrap();
        let suns: Vec<_> =
            spans.spans.iter().map(|(time, means)| (time / 1000, means[0].value())).collect();
        assert_eq!(suns, [(0, None), (600, Some(5.0))]);
        let mut past = Past::new(1);
        past.put_recorded(Spans { length: 1, spans: Vec::new() });
        assert_eq!(past.window(0), None);
    }
}
