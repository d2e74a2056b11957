//! What one commit adds to the file.

use std::collections::BTreeMap;

use jiff::civil::Date;
use pi18_proto::SerialNumber;

use super::series::Subject;
use crate::Name;

/// A bank, a unit or a battery pack that values are about.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Source {
    /// Name of the bank.
    pub bank: String,
    /// Name of the unit in the configuration, and its serial number; for a pack its name, and `pack:` with its name. `None`
    /// for the bank itself.
    pub unit: Option<(String, String)>,
    /// Usual time between two readings, in seconds.
    pub period: i64,
}

impl Source {
    /// Returns a bank as a source.
    pub(super) fn bank(bank: &Name, period: i64) -> Self {
        Self { bank: bank.to_string(), unit: None, period }
    }

    /// Returns a unit as a source.
    pub(super) fn unit(bank: &Name, name: &Name, serial: SerialNumber, period: i64) -> Self {
        let unit = Some((name.to_string(), serial.to_string()));
        Self { bank: bank.to_string(), unit, period }
    }

    /// Returns a battery pack as a source. Packs have no reliable serial numbers.
    pub(super) fn pack(bank: &Name, name: &Name, period: i64) -> Self {
        let unit = Some((name.to_string(), format!("{PACK_MARK}{name}")));
        Self { bank: bank.to_string(), unit, period }
    }

    pub(super) fn subject(&self) -> Subject {
        subject_of(self.unit.as_ref().map_or("", |(_, serial)| serial))
    }
}

/// Returns what the source with this serial number is: the serial number of a bank is empty, and that of a pack begins with
/// `pack:`.
pub(super) fn subject_of(serial: &str) -> Subject {
    match serial {
        "" => Subject::Bank,
        serial if serial.starts_with(PACK_MARK) => Subject::Pack,
        _ => Subject::Unit,
    }
}

const PACK_MARK: &str = "pack:";

/// What one commit adds to the file.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub(super) parts: Vec<Part>,
}

/// What one commit adds about one source. Values are in the order of the series of its subject.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) source: Source,
    /// Each reading: Unix time in seconds, and the values that were read.
    pub(super) raw: BTreeMap<i64, Vec<Option<i64>>>,
    /// Statistics of each span: five minutes and an hour.
    pub(super) spans: [BTreeMap<i64, Vec<Stats>>; 2],
    /// Energies by local day and key.
    pub(super) days: BTreeMap<(Date, &'static str), DayEnergy>,
}

/// A length of time over which statistics are kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Span {
    /// Length in seconds. Spans start at multiples of it, in Unix time.
    pub(super) seconds: i64,
    /// End of the names of its tables.
    pub(super) word: &'static str,
}

/// The lengths of time over which statistics are kept.
pub(super) const SPANS: [Span; 2] =
    [Span { seconds: 300, word: "5min" }, Span { seconds: 3600, word: "hour" }];

/// Statistics of a series over a span, in its steps.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Stats {
    /// Number of values. Without any, the others mean nothing.
    pub(super) count: i64,
    pub(super) min: i64,
    pub(super) max: i64,
    pub(super) sum: i64,
}

impl Stats {
    /// Adds a value.
    pub(super) fn add(&mut self, value: i64) {
        self.merge(Self { count: 1, min: value, max: value, sum: value });
    }

    /// Adds the values of other statistics.
    pub(super) fn merge(&mut self, other: Self) {
        if self.count == 0 {
            *self = other;
        } else if other.count > 0 {
            self.count = self.count.saturating_add(other.count);
            self.min = self.min.min(other.min);
            self.max = self.max.max(other.max);
            self.sum = self.sum.saturating_add(other.sum);
        }
    }
}

/// Energy of a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum DayEnergy {
    /// Value of the unit's own counter, in watt-hours.
    Counter {
        /// Greatest value that was read.
        wh: i64,
        /// Unix time of the last reading.
        at: i64,
    },
    /// Integral of a power over the time in which it was read, in watt-milliseconds.
    Computed {
        /// Integral of the positive part.
        positive: i64,
        /// Integral of the negative part, as a positive number.
        negative: i64,
        /// Time that was covered, in milliseconds.
        covered: i64,
    },
}

impl Batch {
    /// Returns whether nothing would be written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.raw.is_empty() && part.days.is_empty())
    }

    /// Returns the number of readings.
    #[must_use]
    pub fn readings(&self) -> usize {
        self.parts.iter().map(|part| part.raw.len()).sum()
    }
}

impl Part {
    pub(super) fn new(source: Source) -> Self {
        Self { source, raw: BTreeMap::new(), spans: Default::default(), days: BTreeMap::new() }
    }

    /// Adds a reading. A second one at the same time completes the first one.
    pub(super) fn add(&mut self, t: i64, values: &[Option<i64>]) {
        for (span, starts) in SPANS.iter().zip(&mut self.spans) {
            let start = t.div_euclid(span.seconds).saturating_mul(span.seconds);
            let stats = starts.entry(start).or_insert_with(|| vec![Stats::default(); values.len()]);
            for (stats, value) in stats.iter_mut().zip(values) {
                if let Some(value) = value {
                    stats.add(*value);
                }
            }
        }
        let row = self.raw.entry(t).or_insert_with(|| vec![None; values.len()]);
        for (held, value) in row.iter_mut().zip(values) {
            *held = value.or(*held);
        }
    }

    /// Adds the energy of a day.
    pub(super) fn add_energy(&mut self, day: Date, key: &'static str, energy: DayEnergy) {
        let held = self.days.entry((day, key)).or_insert(energy.none());
        match (held, energy) {
            (DayEnergy::Counter { wh, at }, DayEnergy::Counter { wh: new, at: later }) => {
                (*wh, *at) = ((*wh).max(new), (*at).max(later));
            }
            (
                DayEnergy::Computed { positive, negative, covered },
                DayEnergy::Computed { positive: more, negative: less, covered: longer },
            ) => {
                *positive = positive.saturating_add(more);
                *negative = negative.saturating_add(less);
                *covered = covered.saturating_add(longer);
            }
            // A key is always of one kind.
            (held, _) => *held = energy,
        }
    }
}

impl DayEnergy {
    /// Returns an energy of the same kind to which nothing was added.
    fn none(self) -> Self {
        match self {
            Self::Counter { .. } => Self::Counter { wh: 0, at: 0 },
            Self::Computed { .. } => Self::Computed { positive: 0, negative: 0, covered: 0 },
        }
    }
}
