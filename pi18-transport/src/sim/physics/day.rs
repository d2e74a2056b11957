//! The sun and the house over a day.

use std::{f64::consts::PI, time::Duration};

use jiff::civil;

use crate::sim::calendar;

/// Peak power of the two strings of a unit, W.
pub(crate) const PV_PEAK: [f64; 2] = [2700.0, 2500.0];

/// Returns the power of the sun as a share of its peak, 0 to 1: half a sine wave from dawn to dusk.
pub(crate) fn sun(at: civil::DateTime) -> f64 {
    let part_of_day = (hour(at) - NOON) / day_length(at.date()) + 0.5;
    if (0.0..=1.0).contains(&part_of_day) { (part_of_day * PI).sin() } else { 0.0 }
}

/// Returns the energy that the strings of a unit can supply from midnight until `at`, Wh.
pub(crate) fn energy_before(at: civil::DateTime) -> f64 {
    let midnight = at.date().at(0, 0, 0, 0);
    let minutes =
        (0..24 * 60).map(|minute| calendar::later(midnight, Duration::from_secs(minute * 60)));
    let sum: f64 = minutes.take_while(|minute| *minute < at).map(sun).sum();
    sum / 60.0 * PV_PEAK.iter().sum::<f64>()
}

/// Returns the hours from dawn to dusk: 9.5 in midwinter, 14.5 in midsummer.
pub(crate) fn day_length(date: civil::Date) -> f64 {
    let from_midsummer = f64::from(date.day_of_year()) - 172.0;
    12.0 + 2.5 * (from_midsummer / 365.0 * 2.0 * PI).cos()
}

/// Returns the power that the house uses, W: a base load, a peak in the morning and a higher one in the
/// evening.
pub(crate) fn load(at: civil::DateTime) -> f64 {
    let peak = |middle: f64, width: f64| (-((hour(at) - middle) / width).powi(2)).exp();
    450.0 + 900.0 * peak(7.5, 1.2) + 2100.0 * peak(19.5, 2.0)
}

/// Returns the relative power of the panels of a unit, which differs slightly from unit to unit.
pub(crate) fn panel_factor(unit: usize) -> f64 {
    [1.0, 0.985, 1.01, 0.99].get(unit % 4).copied().unwrap_or(1.0)
}

/// Returns the time of day in hours.
fn hour(at: civil::DateTime) -> f64 {
    f64::from(at.hour()) + f64::from(at.minute()) / 60.0 + f64::from(at.second()) / 3600.0
}

/// Hour of the day at which the sun is highest.
const NOON: f64 = 13.0;
