//! The settings of PI18 inverters: which make two units agree, and where they differ.
//!
//! ```
//! use lvx_settings::differences;
//! use pi18_proto::RatedInformation;
//! use pi18_transport::Client;
//!
//! let first: RatedInformation = Client::open("sim:0")?.read()?;
//! let second: RatedInformation = Client::open("sim:1")?.read()?;
//! assert_eq!(differences(&first, &second), []);
//! # Ok::<(), pi18_transport::Error>(())
//! ```

use std::fmt;

use pi18_proto::{FieldInfo, RatedInformation, Reply};

/// The twelve settings that must be equal on all units of a bank, as [`RatedInformation`] names them.
///
/// Source: what was compared when two LVX6048 were commissioned in parallel ("12/12 match").
pub const AGREEING: [&str; 12] = [
    "battery_type",
    "bulk_voltage",
    "float_voltage",
    "cutoff_voltage",
    "recharge_voltage",
    "redischarge_voltage",
    "max_charge_current",
    "max_ac_charge_current",
    "output_priority",
    "charger_priority",
    "solar_priority",
    "machine_type",
];

/// A setting and its value on a unit.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Setting {
    /// What is set: name, label, unit.
    pub info: &'static FieldInfo,
    /// To what, with its unit.
    pub value: String,
}

/// A setting that two units have at different values.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Difference {
    /// What is set: name, label, unit.
    pub info: &'static FieldInfo,
    /// The value on the first unit.
    pub first: String,
    /// The value on the second.
    pub second: String,
}

/// The twelve settings of a unit, in the order of [`AGREEING`].
#[must_use]
pub fn settings(unit: &RatedInformation) -> Vec<Setting> {
    let mut settings = Vec::with_capacity(AGREEING.len());
    unit.visit(&mut |info, value| {
        if let Some(place) = AGREEING.iter().position(|name| *name == info.name) {
            settings.push((place, Setting { info, value: value.to_string() }));
        }
    });
    settings.sort_by_key(|(place, _)| *place);
    settings.into_iter().map(|(_, setting)| setting).collect()
}

/// The settings, of the twelve, that differ.
#[must_use]
pub fn differences(first: &RatedInformation, second: &RatedInformation) -> Vec<Difference> {
    let pairs = settings(first).into_iter().zip(settings(second));
    let differing = pairs.filter(|(first, second)| first.value != second.value);
    differing
        .map(|(first, second)| Difference {
            info: first.info,
            first: first.value,
            second: second.value,
        })
        .collect()
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} against {}", self.info.label, self.first, self.second)
    }
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Amperes, Decivolts};

    use super::*;

    fn sample() -> RatedInformation {
        RatedInformation::decode(RatedInformation::SAMPLE.as_bytes()).unwrap()
    }

    #[test]
    fn all_twelve_are_there() {
        let names = settings(&sample()).into_iter().map(|setting| setting.info.name);
        assert_eq!(names.collect::<Vec<_>>(), AGREEING);
    }

    #[test]
    fn says_what_differs() {
        let mut other = sample();
        other.max_charge_current = Amperes(100);
        other.float_voltage = Decivolts(540);
        // Not one of the twelve.
        other.parallel_max.0 += 1;
        let told: Vec<_> =
            differences(&sample(), &other).iter().map(Difference::to_string).collect();
        assert_eq!(
            told,
            [
                "Battery float voltage: 54.4 V against 54.0 V",
                "Maximum charge current: 60 A against 100 A",
            ]
        );
    }
}
