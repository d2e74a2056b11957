//! The energy counters of one unit.

use std::collections::BTreeMap;

use jiff::{ToSpan, civil};
use pi18_proto::{Date, Month, WattHours, Year};

use super::day;
use crate::sim::{calendar, round::whole};

/// What a unit has generated, by day. Days before the bank's start are made up, always the same.
#[derive(Clone, Debug)]
pub(crate) struct Energy {
    unit: usize,
    /// The made-up days.
    past: Option<Past>,
    /// Wh
    days: BTreeMap<civil::Date, f64>,
}

#[derive(Clone, Copy, Debug)]
struct Past {
    first: civil::Date,
    /// No longer past.
    end: civil::Date,
}

impl Energy {
    /// Commissioned in spring of the year before, and `morning` Wh generated before `start`.
    pub(crate) fn new(unit: usize, start: civil::DateTime, morning: f64) -> Self {
        let end = start.date();
        let first = civil::Date::new(end.year() - 1, 3, 1).unwrap_or(end);
        let days = BTreeMap::from([(end, morning)]);
        Self { unit, past: Some(Past { first, end }), days }
    }

    /// `CLE`
    pub(crate) fn clear(&mut self) {
        self.past = None;
        self.days.clear();
    }

    pub(crate) fn add(&mut self, date: civil::Date, watt_hours: f64) {
        *self.days.entry(date).or_default() += watt_hours;
    }

    pub(crate) fn of_day(&self, day: Date) -> WattHours {
        let Some(day) = calendar::date_from_wire(day) else {
            return WattHours(0);
        };
        self.sum(|date| date == day)
    }

    pub(crate) fn of_month(&self, month: Month) -> WattHours {
        let wanted = (i32::from(month.year().get()), i32::from(month.month()));
        self.sum(|date| (i32::from(date.year()), i32::from(date.month())) == wanted)
    }

    pub(crate) fn of_year(&self, year: Year) -> WattHours {
        self.sum(|date| i32::from(date.year()) == i32::from(year.get()))
    }

    pub(crate) fn total(&self) -> WattHours {
        self.sum(|_| true)
    }

    /// Whole watt-hours of each day are added, so that days make up months to the last one.
    fn sum(&self, wanted: impl Fn(civil::Date) -> bool) -> WattHours {
        let past = self
            .past
            .iter()
            .flat_map(|past| past.first.series(1.day()).take_while(|date| *date < past.end));
        let past = past.filter(|&date| wanted(date)).map(|date| made_up(self.unit, date));
        let days = self.days.iter().filter(|(date, _)| wanted(**date)).map(|(_, energy)| *energy);
        let sum: u32 = past.chain(days).map(whole).sum();
        WattHours(sum.min(MAX_COUNTER))
    }
}

/// A day between overcast and clear, of which the house and the battery took a part.
fn made_up(unit: usize, date: civil::Date) -> f64 {
    let day = u64::from(date.day_of_year().unsigned_abs());
    let year = u64::from(date.year().unsigned_abs());
    let unit = u64::try_from(unit).unwrap_or_default();
    // The weather is the same for all units, their panels differ.
    let weather = 0.2 + 0.4 * fastrand::Rng::with_seed(year * 1000 + day).f64();
    let panels = 0.97 + 0.03 * fastrand::Rng::with_seed(year * 1000 + day + (unit << 32)).f64();
    let clear =
        day::PV_PEAK.iter().sum::<f64>() * day::day_length(date) * std::f64::consts::FRAC_2_PI;
    clear * weather * panels
}

/// Eight digits.
const MAX_COUNTER: u32 = 99_999_999;
