//! Dates and times: conversion between the bank's calendar and the wire.

use std::time::Duration;

use jiff::{SignedDuration, civil};
use pi18_proto::{Date, DateTime, TimeOfDay};

/// Returns the date and time that follows `at` by `time`.
pub(super) fn later(at: civil::DateTime, time: Duration) -> civil::DateTime {
    at.saturating_add(time)
}

/// Returns the date and time on a clock that differs from `at` by `offset`.
pub(super) fn shifted(at: civil::DateTime, offset: SignedDuration) -> civil::DateTime {
    at.saturating_add(offset)
}

/// Returns whether a unit can show a date and time.
pub(super) fn is_representable(at: &civil::DateTime) -> bool {
    to_wire(*at).is_some()
}

/// Converts a date and time to the form that a unit sends; `None` outside the years 2000 to 2099.
pub(super) fn to_wire(at: civil::DateTime) -> Option<DateTime> {
    let date = at.date();
    let [month, day, hour, minute, second] =
        [date.month(), date.day(), at.hour(), at.minute(), at.second()]
            .map(|part| u8::try_from(part).unwrap_or_default());
    let date = Date::new(date.year().try_into().ok()?, month, day).ok()?;
    DateTime::new(date, hour, minute, second).ok()
}

/// Converts a received date and time; `None` if the calendar does not have it.
pub(super) fn from_wire(time: DateTime) -> Option<civil::DateTime> {
    let date = date_from_wire(time.date())?;
    let [hour, minute, second] =
        [time.hour(), time.minute(), time.second()].map(|part| i8::try_from(part).ok());
    let time = civil::Time::new(hour?, minute?, second?, 0).ok()?;
    Some(civil::DateTime::from_parts(date, time))
}

/// Converts a received date; `None` if the calendar does not have it.
pub(super) fn date_from_wire(date: Date) -> Option<civil::Date> {
    let year = i16::try_from(date.month().year().get()).ok()?;
    let month = i8::try_from(date.month().month()).ok()?;
    civil::Date::new(year, month, i8::try_from(date.day()).ok()?).ok()
}

/// Returns the time of day.
pub(super) fn time_of_day(at: civil::DateTime) -> TimeOfDay {
    let [hour, minute] =
        [at.hour(), at.minute()].map(|part| u8::try_from(part).unwrap_or_default());
    TimeOfDay::new(hour, minute).unwrap_or_default()
}
