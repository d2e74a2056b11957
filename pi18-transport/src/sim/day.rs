//! The sun and the house over a day, and the bank's calendar.

use std::{f64::consts::PI, time::Duration};

use jiff::{SignedDuration, civil};
use pi18_proto::{Date, DateTime, TimeOfDay};

/// Most that the two strings of a unit give, W.
pub(super) const PV_PEAK: [f64; 2] = [2700.0, 2500.0];

/// How much of the full sun there is, 0 to 1: half a wave over the day, the day longer in summer.
pub(super) fn sun(at: civil::DateTime) -> f64 {
    let since_dawn = (hour(at) - NOON) / day_length(at.date()) + 0.5;
    if (0.0..=1.0).contains(&since_dawn) { (since_dawn * PI).sin() } else { 0.0 }
}

/// What a unit's strings offer from midnight on, Wh.
pub(super) fn energy_before(at: civil::DateTime) -> f64 {
    let midnight = at.date().at(0, 0, 0, 0);
    let minutes = (0..24 * 60).map(|minute| later(midnight, Duration::from_secs(minute * 60)));
    let sum: f64 = minutes.take_while(|minute| *minute < at).map(sun).sum();
    sum / 60.0 * PV_PEAK.iter().sum::<f64>()
}

/// Hours of sun.
pub(super) fn day_length(date: civil::Date) -> f64 {
    let from_midsummer = f64::from(date.day_of_year()) - 172.0;
    12.0 + 2.5 * (from_midsummer / 365.0 * 2.0 * PI).cos()
}

/// What the house takes, W: a base, a hump in the morning, a greater one in the evening.
pub(super) fn load(at: civil::DateTime) -> f64 {
    let hump = |middle: f64, width: f64| (-((hour(at) - middle) / width).powi(2)).exp();
    450.0 + 900.0 * hump(7.5, 1.2) + 2100.0 * hump(19.5, 2.0)
}

/// A unit's own share of the sun: panels differ a little.
pub(super) fn panel_factor(unit: usize) -> f64 {
    [1.0, 0.985, 1.01, 0.99].get(unit % 4).copied().unwrap_or(1.0)
}

pub(super) fn later(at: civil::DateTime, time: Duration) -> civil::DateTime {
    at.saturating_add(time)
}

pub(super) fn shifted(at: civil::DateTime, offset: SignedDuration) -> civil::DateTime {
    at.saturating_add(offset)
}

/// Whether a unit could show it.
pub(super) fn is_known(at: &civil::DateTime) -> bool {
    to_wire(*at).is_some()
}

/// As a unit shows it; `None` outside the years 2000 to 2099.
pub(super) fn to_wire(at: civil::DateTime) -> Option<DateTime> {
    let date = at.date();
    let [month, day, hour, minute, second] =
        [date.month(), date.day(), at.hour(), at.minute(), at.second()]
            .map(|part| u8::try_from(part).unwrap_or_default());
    let date = Date::new(date.year().try_into().ok()?, month, day).ok()?;
    DateTime::new(date, hour, minute, second).ok()
}

pub(super) fn from_wire(time: DateTime) -> Option<civil::DateTime> {
    let date = date_from_wire(time.date())?;
    let [hour, minute, second] =
        [time.hour(), time.minute(), time.second()].map(|part| i8::try_from(part).ok());
    let time = civil::Time::new(hour?, minute?, second?, 0).ok()?;
    Some(civil::DateTime::from_parts(date, time))
}

pub(super) fn date_from_wire(date: Date) -> Option<civil::Date> {
    let year = i16::try_from(date.month().year().get()).ok()?;
    let month = i8::try_from(date.month().month()).ok()?;
    civil::Date::new(year, month, i8::try_from(date.day()).ok()?).ok()
}

pub(super) fn time_of_day(at: civil::DateTime) -> TimeOfDay {
    let [hour, minute] =
        [at.hour(), at.minute()].map(|part| u8::try_from(part).unwrap_or_default());
    TimeOfDay::new(hour, minute).unwrap_or_default()
}

fn hour(at: civil::DateTime) -> f64 {
    f64::from(at.hour()) + f64::from(at.minute()) / 60.0 + f64::from(at.second()) / 3600.0
}

/// When the sun stands highest, hours.
const NOON: f64 = 13.0;
