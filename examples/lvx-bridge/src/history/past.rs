//! A past that was not recorded, for a history with something to see.

use jiff::{Timestamp, tz::TimeZone};

use super::{
    batch::{Batch, DayEnergy, Part, Source},
    recorder::integral,
    series::{Subject, daily, recorded},
};
use crate::Name;

/// Statistics and energies of a bank, from values that are given in the order of their times. It has no readings.
#[derive(Debug)]
pub struct Past {
    part: Part,
    zone: TimeZone,
    /// The last values that were given.
    last: Option<(Timestamp, Vec<Option<i64>>)>,
}

impl Past {
    /// Starts a past of a bank that is asked with this period, in seconds. Days are those of `zone`.
    #[must_use]
    pub fn new(bank: &Name, period: i64, zone: TimeZone) -> Self {
        Self { part: Part::new(Source::bank(bank, period)), zone, last: None }
    }

    /// Adds values by key, in steps of their series. Powers are integrated since the last values, unless `is_connected`
    /// is false: then nothing was read in between.
    pub fn add(&mut self, at: Timestamp, values: &[(&str, i64)], is_connected: bool) {
        let series = recorded(Subject::Bank);
        let value_of =
            |key: &str| values.iter().find(|(of, _)| *of == key).map(|(_, value)| *value);
        let row: Vec<_> = series.iter().map(|series| value_of(series.key)).collect();
        self.part.add(at.as_second(), &row);
        let day = at.to_zoned(self.zone.clone()).date();
        if let Some((before, old)) = self.last.take().filter(|_| is_connected) {
            let time = at.duration_since(before).unsigned_abs();
            for ((series, old), new) in series.iter().zip(old).zip(&row) {
                if let (true, Some(old), Some(new)) = (series.is_power(), old, new) {
                    self.part.add_energy(day, series.key, integral(old, *new, time));
                }
            }
        }
        for series in daily(Subject::Bank) {
            if let Some(wh) = value_of(series.key) {
                let at = at.as_second();
                self.part.add_energy(day, series.key, DayEnergy::Counter { wh, at });
            }
        }
        self.last = Some((at, row));
    }

    /// Returns what is to be written.
    #[must_use]
    pub fn finish(mut self) -> Batch {
        self.part.raw.clear();
        Batch { parts: vec![self.part] }
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;
    use crate::history::{Query, Reader, Store};

    #[test]
    fn past_is_answered_like_a_record() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.db");
        let bank: Name = "garage".parse().unwrap();
        let start: Timestamp = "2026-06-21T00:00:00Z".parse().unwrap();
        let mut past = Past::new(&bank, 300, TimeZone::UTC);
        for step in 0..24 {
            // Nothing was read between 10:00 and 14:00.
            if (10..14).contains(&step) {
                continue;
            }
            let values =
                [("pv_power", 100), ("battery_power", -50), ("pv_energy_today", 100 * step)];
            past.add(start + step.hours(), &values, step != 14);
        }
        Store::open(&path).unwrap().commit(&past.finish()).unwrap();
        let query = |series, step| {
            let query =
                [("series", series), ("from", "2026-06-21"), ("to", "2026-06-22"), ("step", step)];
            let query = Query::parse(query, start + 24.hours(), &TimeZone::UTC).unwrap();
            let answer = Reader::open(&path).unwrap().answer("garage", &query, &TimeZone::UTC);
            serde_json::to_value(answer.unwrap()).unwrap()
        };
        let hours = query("pv_power,battery_power", "1h");
        assert_eq!(
            (&hours["series"][0]["mean"][9], &hours["series"][0]["mean"][12]),
            (&100.0.into(), &serde_json::Value::Null)
        );
        let day = query("pv_power,battery_power,pv_energy_today", "day");
        let energy = |series: usize, key: &str| day["series"][series]["energy"][key][0].as_f64();
        // 18 hours were covered.
        assert_eq!((energy(1, "negative_wh"), energy(1, "seconds")), (Some(900.0), Some(64_800.0)));
        assert_eq!(
            (energy(2, "wh"), &day["series"][2]["energy"]["origin"]),
            (Some(2300.0), &"counter".into())
        );
    }
}
