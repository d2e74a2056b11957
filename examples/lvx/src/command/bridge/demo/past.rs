//! An invented past of the virtual bank, so that the chart and the energies of yesterday have something to show.

use std::{f64::consts::PI, path::Path};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use lvx_bridge::{
    Name,
    history::{HistoryError, Past, Store},
};

use crate::args::Scene;

/// Writes a year until now: sun, house and battery of a bank with this number of units.
pub(super) fn write(
    path: &Path,
    bank: &Name,
    scene: Scene,
    units: usize,
) -> Result<(), HistoryError> {
    let (now, zone) = (Timestamp::now(), TimeZone::system());
    let mut past = Past::new(bank, 5, zone.clone());
    let mut house = House::new(u32::try_from(units).map_or(1.0, f64::from), now, hour_of(scene));
    let (mut today, mut wh) = (None, 0.0);
    let mut seconds = YEAR;
    let mut was_read = true;
    while seconds > 0 {
        let step = if seconds > WEEK { 3600 } else { 300 };
        let at = now - SignedDuration::from_secs(seconds);
        house.advance(at, step);
        let day = at.to_zoned(zone.clone()).date();
        if today.replace(day) != Some(day) {
            wh = 0.0;
        }
        wh += house.solar * hours(step);
        let is_gap = GAPS.iter().any(|(from, to)| (*to..*from).contains(&seconds));
        if !is_gap {
            past.add(at, &house.values(wh), was_read);
        }
        was_read = !is_gap;
        seconds -= step;
    }
    Store::open(path)?.commit(&past.finish())
}

/// What the sun gives, what the house uses, and what the battery holds.
struct House {
    units: f64,
    now: Timestamp,
    /// Hour of the day of the virtual bank at present.
    hour: f64,
    solar: f64,
    load: f64,
    battery: f64,
    /// Energy in the battery in watt-hours.
    energy: f64,
}

impl House {
    fn new(units: f64, now: Timestamp, hour: f64) -> Self {
        Self {
            units,
            now,
            hour,
            solar: 0.0,
            load: 0.0,
            battery: 0.0,
            energy: 0.8 * CAPACITY * units,
        }
    }

    /// Lets time pass until `at`.
    fn advance(&mut self, at: Timestamp, step: i64) {
        let age = hours(self.now.duration_since(at).as_secs());
        // Of the virtual bank, whose clock is not that of this computer.
        let (day, hour) = (((self.hour - age) / 24.0).floor(), (self.hour - age).rem_euclid(24.0));
        let height = (PI * (hour - 6.0) / 13.5).sin().max(0.0);
        // A day has clouds or not, and today has none; a long wave makes summer and winter.
        let clear = 0.72 + 0.28 * (day * 2.4).sin() * (day * 0.7).cos();
        let clear = if day.abs() < 0.5 { 1.0 } else { clear };
        let season = 0.88 + 0.12 * (age / 24.0 / 365.0 * 2.0 * PI).cos();
        let gust = 1.0 - 0.12 * ((age * 7.3).sin() * (age * 2.9).cos()).abs();
        self.solar = self.units * 3650.0 * height.powf(1.3) * clear * season * gust;
        let evening =
            (-(hour - 19.5).powi(2) / 6.0).exp() + 0.4 * (-(hour - 7.5).powi(2) / 2.0).exp();
        self.load = self.units * (225.0 + 2300.0 * evening + 25.0 * (age * 5.1).sin());
        let room = (CAPACITY * self.units - self.energy) / hours(step);
        self.battery = (self.solar - self.load).min(room);
        // What the battery does not take is not made.
        self.solar = (self.load + self.battery).max(0.0);
        self.energy = (self.energy + self.battery * hours(step))
            .clamp(0.1 * CAPACITY * self.units, CAPACITY * self.units);
    }

    fn values(&self, wh: f64) -> [(&'static str, i64); 5] {
        [
            ("pv_power", whole(self.solar)),
            ("load_power", whole(self.load)),
            ("battery_power", whole(self.battery)),
            ("state_of_charge", whole(100.0 * self.energy / (CAPACITY * self.units))),
            ("pv_energy_today", whole(wh)),
        ]
    }
}

/// Returns the hour of the day at which a scene starts.
fn hour_of(scene: Scene) -> f64 {
    if scene == Scene::Night { 23.5 } else { 12.5 }
}

fn hours(seconds: i64) -> f64 {
    i32::try_from(seconds).map_or(0.0, f64::from) / 3600.0
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    reason = "a power or an energy of a house is far below the limit"
)]
fn whole(value: f64) -> i64 {
    value.round() as i64
}

/// Capacity of the battery of each unit in watt-hours.
const CAPACITY: f64 = 22_000.0;

const YEAR: i64 = 365 * 86_400;
const WEEK: i64 = 8 * 86_400;

/// Times in which nothing was read, in seconds before now.
const GAPS: [(i64, i64); 3] =
    [(59_000, 53_000), (6 * 86_400, 5 * 86_400), (100 * 86_400, 94 * 86_400)];

#[cfg(test)]
mod tests {
    use lvx_bridge::history::{Query, Reader};

    use super::*;

    #[test]
    fn past_has_days_nights_and_gaps() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.db");
        let bank: Name = "virtual".parse().unwrap();
        write(&path, &bank, Scene::Day, 2).unwrap();
        for from in ["-1d", "-30d", "-364d"] {
            let query = [("series", "pv_power,state_of_charge"), ("from", from)];
            let query = Query::parse(query, Timestamp::now(), &TimeZone::UTC).unwrap();
            let answer =
                Reader::open(&path).unwrap().answer("virtual", &query, &TimeZone::UTC).unwrap();
            let solar = &answer.series[0];
            let values: Vec<_> = solar.mean.iter().flatten().copied().collect();
            let max = values.iter().copied().fold(0.0, f64::max);
            assert!((3000.0..8000.0).contains(&max), "{from}: {max}");
            if from == "-1d" {
                assert!(values.iter().any(|watts| *watts < 1.0));
            }
            assert!(solar.mean.len() > values.len(), "{from}: no gap");
            let charge = answer.series[1].mean.iter().flatten();
            assert!(charge.clone().all(|percent| (9.0..=100.0).contains(percent)), "{from}");
        }
    }
}
