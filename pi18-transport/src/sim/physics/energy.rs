//! The energy counters of one unit, which `ET`, `EY`, `EM` and `ED` return.

use std::collections::BTreeMap;

use jiff::{ToSpan, civil};
use pi18_proto::{Date, Month, WattHours, Year};

use super::day;
use crate::sim::{calendar, round::round_u32};

/// The energy that a unit has generated, by day. Days before the bank's start have invented values, which are
/// the same in every run.
#[derive(Clone, Debug)]
pub(crate) struct Energy {
    unit: usize,
    /// Days with invented values; `None` after `CLE`.
    past: Option<Past>,
    /// Energy by day, Wh.
    days: BTreeMap<civil::Date, f64>,
}

/// The days before the bank's start.
#[derive(Clone, Copy, Debug)]
struct Past {
    first: civil::Date,
    /// Day of the start, which is not included.
    end: civil::Date,
}

impl Energy {
    /// Creates the counters of a unit that was commissioned in spring of the year before, and that has
    /// generated `today` Wh between midnight and `start`.
    pub(crate) fn new(unit: usize, start: civil::DateTime, today: f64) -> Self {
        let end = start.date();
        let first = civil::Date::new(end.year() - 1, 3, 1).unwrap_or(end);
        let days = BTreeMap::from([(end, today)]);
        Self { unit, past: Some(Past { first, end }), days }
    }

    /// Clears all counters, as `CLE` does.
    pub(crate) fn clear(&mut self) {
        self.past = None;
        self.days.clear();
    }

    /// Adds energy to a day.
    pub(crate) fn add(&mut self, date: civil::Date, watt_hours: f64) {
        *self.days.entry(date).or_default() += watt_hours;
    }

    /// Returns the energy of one day.
    pub(crate) fn of_day(&self, day: Date) -> WattHours {
        let Some(day) = calendar::date_from_wire(day) else {
            return WattHours(0);
        };
        self.sum(|date| date == day)
    }

    /// Returns the energy of one month.
    pub(crate) fn of_month(&self, month: Month) -> WattHours {
        let month = (i32::from(month.year().get()), i32::from(month.month()));
        self.sum(|date| (i32::from(date.year()), i32::from(date.month())) == month)
    }

    /// Returns the energy of one year.
    pub(crate) fn of_year(&self, year: Year) -> WattHours {
        self.sum(|date| i32::from(date.year()) == i32::from(year.get()))
    }

    /// Returns the energy since commissioning, or since `CLE`.
    pub(crate) fn total(&self) -> WattHours {
        self.sum(|_| true)
    }

    /// Returns the energy of the days for which `matches` is true. Each day is rounded to whole watt-hours,
    /// so that the days of a month add up to its counter.
    fn sum(&self, matches: impl Fn(civil::Date) -> bool) -> WattHours {
        let past = self
            .past
            .iter()
            .flat_map(|past| past.first.series(1.day()).take_while(|date| *date < past.end));
        let past = past.filter(|&date| matches(date)).map(|date| invented(self.unit, date));
        let days = self.days.iter().filter(|(date, _)| matches(**date)).map(|(_, energy)| *energy);
        let sum: u32 = past.chain(days).map(round_u32).sum();
        WattHours(sum.min(MAX_COUNTER))
    }
}

/// Returns the invented energy of a day before the start, Wh: about 20 to 60 % of what the panels could
/// supply under a clear sky, because of the weather and because house and battery did not use everything.
fn invented(unit: usize, date: civil::Date) -> f64 {
    let day = u64::from(date.day_of_year().unsigned_abs());
    let year = u64::from(date.year().unsigned_abs());
    let unit = u64::try_from(unit).unwrap_or_default();
    // All units have the same weather, but different panels.
    let weather = 0.2 + 0.4 * fastrand::Rng::with_seed(year * 1000 + day).f64();
    let panels = 0.97 + 0.03 * fastrand::Rng::with_seed(year * 1000 + day + (unit << 32)).f64();
    let clear =
        day::PV_PEAK.iter().sum::<f64>() * day::day_length(date) * std::f64::consts::FRAC_2_PI;
    clear * weather * panels
}

/// Largest counter value, Wh: eight digits.
const MAX_COUNTER: u32 = 99_999_999;
