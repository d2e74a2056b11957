//! An answer: series of points, as JSON and CSV.

use std::fmt::Write;

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

/// Series over the same times.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Version of the API.
    pub api: u32,
    /// Name of the bank.
    pub bank: String,
    /// Start, in Unix seconds.
    pub from: i64,
    /// End, in Unix seconds; not included.
    pub to: i64,
    /// Seconds of a point, `raw` for each reading, or `day` for local days.
    pub step: String,
    /// Start of each point, in Unix seconds; with `raw`, the time of each reading.
    pub t: Vec<i64>,
    /// The series. Each list has one entry per point; one in which nothing was read is null.
    pub series: Vec<Column>,
}

/// One series.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Name as it was asked for, such as `pv_power` or `unit-1.battery_voltage`.
    pub series: String,
    /// Name for people.
    pub name: String,
    /// Unit of measurement; empty if it has none.
    pub unit: String,
    /// Digits after the decimal point of a reading.
    pub decimals: u8,
    /// Mean of the readings; with `raw`, the reading. Empty for a counter of the day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mean: Vec<Option<f64>>,
    /// Least reading; empty with `raw`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub min: Vec<Option<f64>>,
    /// Greatest reading; empty with `raw`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub max: Vec<Option<f64>>,
    /// Number of readings; empty with `raw`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub count: Vec<i64>,
    /// Energy of each day; only with the step `day`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub energy: Option<Energy>,
}

/// Energy of each day.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Energy {
    /// `counter`: the unit's own counter. `computed`: integrated by the bridge over the time in which it read the power.
    pub origin: String,
    /// Energy in watt-hours.
    pub wh: Vec<Option<f64>>,
    /// Energy while the power was negative, as a positive number; empty for a counter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub negative_wh: Vec<Option<f64>>,
    /// Time that was integrated, in seconds; empty for a counter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seconds: Vec<Option<f64>>,
}

impl Answer {
    /// Returns the answer as CSV: a header, then a line per point. What was not read is empty. Times have the offset of
    /// `zone`.
    ///
    /// Texts are names and keys without commas and quotes.
    #[must_use]
    pub fn csv(&self, zone: &TimeZone) -> String {
        let mut text = self.csv_header();
        for index in 0..self.t.len() {
            self.csv_line(index, zone, &mut text);
        }
        text
    }

    /// Returns the header of the CSV form.
    #[must_use]
    pub fn csv_header(&self) -> String {
        let mut text = "time".to_owned();
        for (column, part, _) in self.parts() {
            let _ = write!(text, ",{}{part}", column.series);
        }
        text.push('\n');
        text
    }

    /// Writes a line of the CSV form.
    fn csv_line(&self, index: usize, zone: &TimeZone, text: &mut String) {
        let Some(t) = self.t.get(index) else { return };
        let time = Timestamp::from_second(*t).unwrap_or_default();
        let _ = write!(text, "{}", time.to_zoned(zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z"));
        for (_, _, values) in self.parts() {
            text.push(',');
            match values {
                Values::Numbers(values) => {
                    if let Some(Some(value)) = values.get(index) {
                        let _ = write!(text, "{value}");
                    }
                }
                Values::Counts(values) => {
                    let _ = write!(text, "{}", values.get(index).copied().unwrap_or_default());
                }
            }
        }
        text.push('\n');
    }

    /// Returns all lists with the ends of their names. The mean has the name of the series.
    fn parts(&self) -> impl Iterator<Item = (&Column, &'static str, Values<'_>)> {
        self.series.iter().flat_map(|column| {
            let numbers = move |end, values| (column, end, Values::Numbers(values));
            let energy = column.energy.as_ref();
            let energies = energy.into_iter().flat_map(move |energy| {
                let is_counter = energy.origin == "counter";
                let end = if is_counter { "_wh" } else { "_computed_wh" };
                [
                    numbers(end, &energy.wh),
                    numbers("_computed_negative_wh", &energy.negative_wh),
                    numbers("_computed_seconds", &energy.seconds),
                ]
            });
            [numbers("", &column.mean), numbers("_min", &column.min), numbers("_max", &column.max)]
                .into_iter()
                .chain([(column, "_count", Values::Counts(&column.count))])
                .chain(energies)
                .filter(|(_, _, values)| !values.is_empty())
        })
    }
}

/// A list of an answer.
enum Values<'a> {
    Numbers(&'a [Option<f64>]),
    Counts(&'a [i64]),
}

impl Values<'_> {
    fn is_empty(&self) -> bool {
        match self {
            Self::Numbers(values) => values.is_empty(),
            Self::Counts(values) => values.is_empty(),
        }
    }
}
