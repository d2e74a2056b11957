//! The packs of a battery, and the limits that their maker states.

use std::{fmt, str::FromStr};

use pi18_proto::{Amperes, Celsius, Decivolts};
use serde::{Deserialize, Serialize};

use super::{Battery, Chemistry, Millivolts};
use crate::model::parse_error::ParseError;

/// The packs of a battery: equal packs in parallel.
///
/// A guard that names its packs needs no further keys. Chemistry, cells, cell voltages and the total charge
/// current follow from the packs, unless the guard states them.
///
/// ```
/// use lvx_settings::{Battery, Millivolts, PackModel};
/// use pi18_proto::Amperes;
///
/// let battery = Battery::parse("battery.yaml", "packs: eg4-lp4-v2\ncount: 3\n")?;
/// assert_eq!(battery.cells, Some(16));
/// assert_eq!(battery.max_cell_voltage, Some(Millivolts(3650)));
/// assert_eq!(battery.max_bank_charge_current, Some(Amperes(300)));
///
/// let text = "{packs: eg4-lp4-v2, count: 3, pack_limits: {max_charge_current: 80 A}}";
/// let battery = Battery::parse("battery.yaml", text)?;
/// assert_eq!(battery.max_bank_charge_current, Some(Amperes(240)));
/// assert_eq!(battery.packs.unwrap().limits().recommended_charge_current, Amperes(50));
/// # Ok::<(), lvx_settings::Diagnostics>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Packs {
    /// Model of all packs.
    pub model: PackModel,
    /// Number of packs in parallel, 1 to [`MAX_COUNT`](Self::MAX_COUNT).
    pub count: u16,
    /// Limits that replace those of the model.
    #[serde(default, skip_serializing_if = "PackOverrides::is_empty")]
    pub overrides: PackOverrides,
}

/// A model of battery packs.
///
/// | name in a profile | pack |
/// |---|---|
/// | `eg4-lp4-v2` | EG4 LifePower4 v2: 51.2 V, 100 Ah, 16 LFP cells in series |
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PackModel {
    /// EG4 LifePower4 v2, also called LP4 v2.
    #[serde(rename = "eg4-lp4-v2")]
    Eg4Lp4V2,
}

impl PackModel {
    /// All models.
    pub const ALL: [Self; 1] = [Self::Eg4Lp4V2];

    /// Returns the name of the model in a profile.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Eg4Lp4V2 => "eg4-lp4-v2",
        }
    }

    /// Returns the chemistry of the cells.
    #[must_use]
    pub const fn chemistry(self) -> Chemistry {
        match self {
            Self::Eg4Lp4V2 => Chemistry::Lfp,
        }
    }

    /// Returns the number of cells in series.
    #[must_use]
    pub const fn cells(self) -> u16 {
        match self {
            Self::Eg4Lp4V2 => 16,
        }
    }

    /// Returns the limits that the maker states for one pack.
    #[must_use]
    pub const fn limits(self) -> PackLimits {
        match self {
            Self::Eg4Lp4V2 => PackLimits::EG4_LP4_V2,
        }
    }
}

/// The name of a limit of packs, its meaning and its source.
///
/// ```
/// use lvx_settings::PackLimits;
///
/// for limit in PackLimits::LIST {
///     println!("{:34} {} ({})", limit.key, limit.label, limit.source);
/// }
/// assert_eq!(PackLimits::LIST[0].key, "max_charge_voltage");
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PackLimitInfo {
    /// Name of the limit, as it is in a profile under `pack_limits`.
    pub key: &'static str,
    /// Meaning of the limit.
    pub label: &'static str,
    /// Unit of the value: `V`, `A` or `°C`.
    pub unit: &'static str,
    /// Number of decimals that the value can have.
    pub decimals: u8,
    /// Source of the value for EG4 LP4 v2 packs.
    pub source: &'static str,
}

/// Declares the limits.
macro_rules! pack_limits {
    ($(
        // Meaning of the limit, one line.
        #[doc = $label:literal]
        // Name: quantity = value for EG4 LP4 v2, source.
        $key:ident: $ty:ty = $value:expr, $source:ident;
    )+) => {
        /// The limits of one pack.
        ///
        /// The voltages of the battery management system (BMS) are those at which it switches the pack off, and
        /// the *release* is that at which it switches it on again. The other limits are those that the maker
        /// allows or recommends. [`LIST`](Self::LIST) has the source of each.
        ///
        /// ```
        /// use lvx_settings::PackModel;
        ///
        /// let limits = PackModel::Eg4Lp4V2.limits();
        /// assert_eq!(limits.max_charge_voltage.to_string(), "56.8 V");
        /// assert_eq!(limits.cell_over_voltage.to_string(), "3.80 V");
        /// ```
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize)]
        #[non_exhaustive]
        pub struct PackLimits {
            $( #[doc = $label] #[doc = concat!("\n\nSource for EG4 LP4 v2: ", $source!(), ".")] pub $key: $ty, )+
        }

        /// Limits that replace those of a [`PackModel`].
        ///
        /// ```
        /// use lvx_settings::PackOverrides;
        ///
        /// let mut overrides = PackOverrides::default();
        /// overrides.set("max_charge_current", "80 A")?;
        /// assert_eq!(overrides.values(), [("max_charge_current", "80 A".to_owned())]);
        /// assert!(overrides.set("max_charge_voltage", "80 A").is_err());
        /// # Ok::<(), lvx_settings::ParseError>(())
        /// ```
        #[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        #[non_exhaustive]
        pub struct PackOverrides {
            $(
                #[doc = $label]
                #[serde(default, skip_serializing_if = "Option::is_none")]
                pub $key: Option<$ty>,
            )+
        }

        impl PackLimits {
            /// Name, meaning, unit and source of each limit.
            pub const LIST: &'static [PackLimitInfo] = &[
                $( PackLimitInfo {
                    key: stringify!($key),
                    label: $label.trim_ascii(),
                    unit: <$ty as Limit>::UNIT,
                    decimals: <$ty as Limit>::DECIMALS,
                    source: $source!(),
                } ),+
            ];

            const EG4_LP4_V2: Self = Self { $( $key: $value ),+ };

            /// Returns the limits with those in `overrides` replaced.
            #[must_use]
            pub fn with(self, overrides: &PackOverrides) -> Self {
                Self { $( $key: overrides.$key.unwrap_or(self.$key) ),+ }
            }
        }

        impl PackOverrides {
            /// Sets a limit from text, with or without its unit.
            ///
            /// # Errors
            /// If there is no such limit, or the value does not fit its quantity.
            pub fn set(&mut self, key: &str, text: &str) -> Result<(), ParseError> {
                match key {
                    $( stringify!($key) => self.$key = Some(read(text)?), )+
                    _ => return Err(ParseError::new("the name of a limit of packs", key)),
                }
                Ok(())
            }

            /// Returns the name of each limit that is set, with its value as it is shown.
            #[must_use]
            pub fn values(&self) -> Vec<(&'static str, String)> {
                let all = [$( (stringify!($key), self.$key.map(|value| value.to_string())) ),+];
                all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
            }
        }
    };
}

/// The manual of the packs.
macro_rules! manual {
    () => {
        "EG4 LifePower4 v2 manual"
    };
}

/// The manual of the packs with the same cells, for what the manual of the packs does not state.
macro_rules! ll_s_manual {
    () => {
        "EG4-LL-S manual, for packs with the same cells"
    };
}

pack_limits! {
    /// Highest voltage to which a pack may be charged (bulk)
    max_charge_voltage: Decivolts = Decivolts(568), manual;
    /// Recommended bulk voltage, ± 0.2 V
    recommended_charge_voltage: Decivolts = Decivolts(562), manual;
    /// Recommended float voltage, ± 0.2 V
    recommended_float_voltage: Decivolts = Decivolts(540), manual;
    /// Lowest voltage to which a pack may be discharged, where the BMS switches it off
    min_discharge_voltage: Decivolts = Decivolts(448), manual;
    /// Recommended cut-off voltage, ± 0.2 V
    recommended_cutoff_voltage: Decivolts = Decivolts(480), manual;
    /// Highest charge current of a pack
    max_charge_current: Amperes = Amperes(100), manual;
    /// Recommended charge current of a pack
    recommended_charge_current: Amperes = Amperes(50), manual;
    /// Highest discharge current of a pack
    max_discharge_current: Amperes = Amperes(100), manual;
    /// Recommended discharge current of a pack
    recommended_discharge_current: Amperes = Amperes(50), manual;
    /// Cell voltage above which the BMS stops the charge after 1 s
    cell_over_voltage: Millivolts = Millivolts(3800), manual;
    /// Cell voltage below which the BMS allows the charge again
    cell_over_voltage_release: Millivolts = Millivolts(3450), manual;
    /// Pack voltage above which the BMS stops the charge
    pack_over_voltage: Decivolts = Decivolts(600), manual;
    /// Pack voltage below which the BMS allows the charge again
    pack_over_voltage_release: Decivolts = Decivolts(552), manual;
    /// Charge current above which the BMS stops the charge after 10 s
    charge_over_current: Amperes = Amperes(102), manual;
    /// Charge current above which the BMS stops the charge after 3 s
    charge_over_current_fast: Amperes = Amperes(120), manual;
    /// Cell voltage below which the BMS stops the discharge
    cell_under_voltage: Millivolts = Millivolts(2300), ll_s_manual;
    /// Cell voltage above which the BMS allows the discharge again
    cell_under_voltage_release: Millivolts = Millivolts(3100), ll_s_manual;
    /// Pack voltage below which the BMS stops the discharge
    pack_under_voltage: Decivolts = Decivolts(448), ll_s_manual;
    /// Pack voltage above which the BMS allows the discharge again
    pack_under_voltage_release: Decivolts = Decivolts(480), ll_s_manual;
    /// Temperature below which the BMS stops the charge
    min_charge_temperature: Celsius = Celsius(-5), manual;
    /// Temperature above which the BMS stops the charge
    max_charge_temperature: Celsius = Celsius(70), manual;
    /// Lower end of the recommended range of temperatures while a pack is charged
    recommended_min_charge_temperature: Celsius = Celsius(0), manual;
    /// Upper end of the recommended range of temperatures while a pack is charged
    recommended_max_charge_temperature: Celsius = Celsius(45), manual;
    /// Temperature below which the BMS stops the discharge
    min_discharge_temperature: Celsius = Celsius(-20), ll_s_manual;
    /// Temperature above which the BMS stops the discharge
    max_discharge_temperature: Celsius = Celsius(75), ll_s_manual;
    /// Lower end of the recommended range of temperatures while a pack is discharged
    recommended_min_discharge_temperature: Celsius = Celsius(-20), manual;
    /// Upper end of the recommended range of temperatures while a pack is discharged
    recommended_max_discharge_temperature: Celsius = Celsius(50), manual;
}

impl PackOverrides {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Packs {
    /// The highest number of packs in parallel.
    ///
    /// Source: assumed, from the 64 addresses that packs with automatic addresses use.
    pub const MAX_COUNT: u16 = 64;

    /// Returns packs of this model with the limits of their maker; `None` if `count` is not 1 to
    /// [`MAX_COUNT`](Self::MAX_COUNT).
    #[must_use]
    pub fn new(model: PackModel, count: u16) -> Option<Self> {
        let is_valid = (1..=Self::MAX_COUNT).contains(&count);
        is_valid.then(|| Self { model, count, overrides: PackOverrides::default() })
    }

    /// Returns the packs with limits that replace those of the model.
    #[must_use]
    pub const fn with_overrides(self, overrides: PackOverrides) -> Self {
        Self { overrides, ..self }
    }

    /// Returns the limits of one pack.
    #[must_use]
    pub fn limits(&self) -> PackLimits {
        self.model.limits().with(&self.overrides)
    }

    /// Returns the battery guard that follows from the packs.
    ///
    /// | key | value |
    /// |---|---|
    /// | `chemistry`, `cells` | those of the model |
    /// | `max_cell_voltage` | the highest voltage in use of the chemistry, 3.65 V for LFP; the rule `pack-charge-voltage` ([`broken_rules`](crate::broken_rules)) limits the voltage of the pack further |
    /// | `min_cell_voltage` | `min_discharge_voltage` divided by the cells |
    /// | `max_bank_charge_current` | `max_charge_current` of all packs together |
    ///
    /// ```
    /// use lvx_settings::{Millivolts, PackModel, Packs};
    /// use pi18_proto::Amperes;
    ///
    /// let guard = Packs::new(PackModel::Eg4Lp4V2, 3).unwrap().guard();
    /// assert_eq!(guard.errors(), []);
    /// assert!(guard.incomplete().is_none());
    /// assert_eq!(guard.min_cell_voltage, Some(Millivolts(2800)));
    /// assert_eq!(guard.max_bank_charge_current, Some(Amperes(300)));
    /// ```
    #[must_use]
    pub fn guard(&self) -> Battery {
        let (limits, model) = (self.limits(), self.model);
        let (chemistry, cells) = (model.chemistry(), model.cells());
        // Rounded up, towards the safe side.
        let lowest = (u32::from(limits.min_discharge_voltage.0) * 100).div_ceil(cells.into());
        let lowest = Millivolts(lowest.try_into().unwrap_or(u16::MAX));
        let current = Amperes(limits.max_charge_current.0.saturating_mul(self.count));
        Battery {
            packs: Some(*self),
            ..Battery::new(chemistry, cells, lowest, chemistry.cell_range().1)
                .with_max_bank_charge_current(current)
        }
    }
}

impl fmt::Display for PackModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for PackModel {
    type Err = ParseError;

    /// Reads the name of a model in a profile.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let named = Self::ALL.into_iter().find(|known| known.word() == text);
        named.ok_or_else(|| ParseError::new("eg4-lp4-v2", text))
    }
}

impl fmt::Display for Packs {
    /// Writes the number, the model and the limits that replace those of the model.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.count, self.model)?;
        for (key, value) in self.overrides.values() {
            write!(f, ", {key} {value}")?;
        }
        Ok(())
    }
}

/// Reads a limit from text.
fn read<T: Limit>(text: &str) -> Result<T, ParseError> {
    text.parse().map_err(|_| ParseError::new(T::EXPECTED, text))
}

/// A quantity of a limit.
trait Limit: FromStr {
    /// The accepted texts, for error texts.
    const EXPECTED: &'static str;
    /// Unit of the value.
    const UNIT: &'static str;
    /// Number of decimals of a step.
    const DECIMALS: u8;
}

impl Limit for Decivolts {
    const EXPECTED: &'static str = "a voltage such as 56.8 V";
    const UNIT: &'static str = "V";
    const DECIMALS: u8 = 1;
}

impl Limit for Millivolts {
    const EXPECTED: &'static str = "a cell voltage such as 3.60 V";
    const UNIT: &'static str = "V";
    const DECIMALS: u8 = 3;
}

impl Limit for Amperes {
    const EXPECTED: &'static str = "a current such as 100 A";
    const UNIT: &'static str = "A";
    const DECIMALS: u8 = 0;
}

impl Limit for Celsius {
    const EXPECTED: &'static str = "a temperature such as 45 °C";
    const UNIT: &'static str = "°C";
    const DECIMALS: u8 = 0;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_eg4_lp4_v2_are_those_of_the_manual() {
        let limits = serde_json::to_string(&PackModel::Eg4Lp4V2.limits()).unwrap();
        insta::assert_snapshot!(limits.replace(',', ",\n"));
    }

    #[test]
    fn limits_of_the_bms_are_outside_of_those_that_the_maker_allows() {
        for model in PackModel::ALL {
            let limits = model.limits();
            assert!(limits.recommended_float_voltage < limits.recommended_charge_voltage);
            assert!(limits.recommended_charge_voltage <= limits.max_charge_voltage);
            assert!(limits.max_charge_voltage < limits.pack_over_voltage);
            assert!(limits.min_discharge_voltage >= limits.pack_under_voltage);
            assert!(limits.recommended_cutoff_voltage >= limits.min_discharge_voltage);
            assert!(limits.recommended_charge_current <= limits.max_charge_current);
            assert!(limits.max_charge_current < limits.charge_over_current);
            assert!(limits.charge_over_current < limits.charge_over_current_fast);
            assert!(limits.cell_over_voltage_release < limits.cell_over_voltage);
            assert!(limits.cell_under_voltage_release > limits.cell_under_voltage);
            assert!(limits.min_charge_temperature < limits.recommended_min_charge_temperature);
            assert!(limits.recommended_max_charge_temperature < limits.max_charge_temperature);
        }
    }

    #[test]
    fn each_limit_is_set_by_its_key_from_its_own_text() {
        for info in PackLimits::LIST {
            let value = match info.key {
                key if key.contains("temperature") => "-3 °C",
                key if key.starts_with("cell") => "3.50 V",
                key if key.contains("voltage") => "50.1 V",
                _ => "77 A",
            };
            let mut overrides = PackOverrides::default();
            overrides.set(info.key, value).unwrap();
            assert_eq!(overrides.values(), [(info.key, value.to_owned())]);
            let json = serde_json::to_string(&overrides).unwrap();
            assert_eq!(serde_json::from_str::<PackOverrides>(&json).unwrap(), overrides);
            let limits = PackModel::Eg4Lp4V2.limits();
            assert_ne!(limits.with(&overrides), limits, "{}", info.key);
            let wrong = overrides.set(info.key, "much").unwrap_err().to_string();
            assert!(wrong.ends_with(", found \"much\""), "{wrong}");
        }
        let wrong = PackOverrides::default().set("max_current", "1 A").unwrap_err().to_string();
        assert_eq!(wrong, "expected the name of a limit of packs, found \"max_current\"");
    }

    #[test]
    fn guard_follows_from_overrides_too() {
        let mut overrides = PackOverrides::default();
        overrides.set("min_discharge_voltage", "46.5 V").unwrap();
        overrides.set("max_charge_current", "60").unwrap();
        let packs = Packs::new(PackModel::Eg4Lp4V2, 2).unwrap().with_overrides(overrides);
        let guard = packs.guard();
        assert_eq!(guard.min_cell_voltage, Some(Millivolts(2907)));
        assert_eq!(guard.max_bank_charge_current, Some(Amperes(120)));
        assert_eq!(
            packs.to_string(),
            "2 eg4-lp4-v2, min_discharge_voltage 46.5 V, max_charge_current 60 A"
        );
        assert_eq!(Packs::new(PackModel::Eg4Lp4V2, 0), None);
        assert_eq!(Packs::new(PackModel::Eg4Lp4V2, 65), None);
    }
}
