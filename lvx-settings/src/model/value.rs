//! The values of settings, and their text.

mod parse;

use std::fmt;

use pi18_proto::{
    Amperes, BatteryType, ChargerPriority, Decihertz, Decivolts, InputRange, MachineType,
    OutputMode, OutputPriority, RegulationState, SolarPriority, Switch, TimeOfDay,
};

use serde::{Serialize, Serializer};

use super::clock::ClockOffset;

pub(crate) use parse::{nearest, quantity};

/// The value of a setting.
///
/// `Display` writes it as in a profile: `56.4 V`, `user`, `on`, `23:00-06:00`.
///
/// ```
/// use lvx_settings::{Setting, SettingValue};
/// use pi18_proto::Decivolts;
///
/// let value = Setting::BulkVoltage.parse("56.4")?;
/// assert_eq!(value, SettingValue::Voltage(Decivolts(564)));
/// assert_eq!(value.to_string(), "56.4 V");
///
/// let error = Setting::BatteryType.parse("usr").unwrap_err();
/// assert_eq!(error.hint.as_deref(), Some("did you mean user?"));
/// # Ok::<(), lvx_settings::ValueError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum SettingValue {
    /// A voltage.
    Voltage(Decivolts),
    /// A current.
    Current(Amperes),
    /// A frequency.
    Frequency(Decihertz),
    /// A code, such as a battery type.
    Code(Code),
    /// Off or on.
    Switch(Switch),
    /// A part of the day.
    Window(Window),
    /// The offset of the unit's clock from the clock of this computer.
    Clock(ClockOffset),
}

/// A number on the wire with a meaning, such as a battery type.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Code {
    /// The number on the wire.
    pub number: u8,
    /// The name of the number, if it has one.
    pub name: Option<&'static str>,
}

/// A part of the day.
///
/// A window whose end is before its start extends past midnight. Equal start and end mean the whole day.
///
/// ```
/// use lvx_settings::{Setting, SettingValue};
///
/// let value = Setting::AcChargeWindow.parse("23:00-06:00")?;
/// let SettingValue::Window(window) = value else { panic!("expected a window") };
/// assert_eq!((window.start.hour(), window.end.hour()), (23, 6));
/// # Ok::<(), lvx_settings::ValueError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Window {
    /// Start of the window.
    pub start: TimeOfDay,
    /// End of the window.
    pub end: TimeOfDay,
}

/// The form of a setting's values.
///
/// ```
/// use lvx_settings::Setting;
///
/// assert_eq!(Setting::BulkVoltage.shape().expected(), "a voltage such as 54.0 V");
/// assert_eq!(Setting::Backlight.shape().words(), ["on", "off"]);
/// assert_eq!(Setting::ChargerPriority.shape().words()[0], "solar_first");
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Shape {
    /// A number with a unit.
    Quantity {
        /// Unit of measure: `V`, `A` or `Hz`.
        unit: &'static str,
        /// Number of digits after the decimal point.
        decimals: u8,
    },
    /// One of several words. The function returns the name of a number, if it has one.
    Words(fn(u8) -> Option<&'static str>),
    /// `on` or `off`.
    Switch,
    /// A part of the day: `hh:mm-hh:mm`.
    Window,
    /// The time of this computer: `host`.
    Clock,
}

/// A type that a setting can have.
pub(crate) trait Typed: Copy {
    const SHAPE: Shape;
    fn value(self) -> SettingValue;
    fn from_value(value: SettingValue) -> Option<Self>;

    /// Returns the value as this type, or an error that names the setting's key.
    fn try_from_value(key: &'static str, value: SettingValue) -> Result<Self, ValueError> {
        let error = || ValueError::new(key, &Self::SHAPE, &value.to_string(), None);
        Self::from_value(value).ok_or_else(error)
    }
}

/// Implements `Typed` for types that are values themselves.
macro_rules! typed {
    ($(
        // The type, its variant of `SettingValue`, and the form of its values.
        $ty:ty: $variant:ident, $shape:expr;
    )+) => {
        $(
            impl Typed for $ty {
                const SHAPE: Shape = $shape;

                fn value(self) -> SettingValue {
                    SettingValue::$variant(self)
                }

                fn from_value(value: SettingValue) -> Option<Self> {
                    match value {
                        SettingValue::$variant(value) => Some(value),
                        _ => None,
                    }
                }
            }
        )+
    };
}

typed! {
    Decivolts: Voltage, Shape::Quantity { unit: Self::UNIT, decimals: Self::DECIMALS };
    Amperes: Current, Shape::Quantity { unit: Self::UNIT, decimals: Self::DECIMALS };
    Decihertz: Frequency, Shape::Quantity { unit: Self::UNIT, decimals: Self::DECIMALS };
    Switch: Switch, Shape::Switch;
    Window: Window, Shape::Window;
    ClockOffset: Clock, Shape::Clock;
}

/// Implements `Typed` for codes.
macro_rules! codes {
    ($(
        // A newtype over the number, with `name()`.
        $ty:ident
    ),+) => {
        $(
            impl Typed for $ty {
                const SHAPE: Shape = Shape::Words(|number| $ty(number).name());

                fn value(self) -> SettingValue {
                    SettingValue::Code(Code { number: self.0, name: self.name() })
                }

                fn from_value(value: SettingValue) -> Option<Self> {
                    match value {
                        SettingValue::Code(code) => Some(Self(code.number)),
                        _ => None,
                    }
                }
            }
        )+
    };
}

codes!(
    BatteryType,
    InputRange,
    OutputPriority,
    ChargerPriority,
    SolarPriority,
    MachineType,
    OutputMode,
    RegulationState
);

/// Writes the text of the value.
impl Serialize for SettingValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Display for SettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Voltage(voltage) => voltage.to_string(),
            Self::Current(current) => current.to_string(),
            Self::Frequency(frequency) => frequency.to_string(),
            Self::Code(Code { name: Some(name), .. }) => word(name),
            Self::Switch(Switch::OFF) => "off".to_owned(),
            Self::Switch(Switch::ON) => "on".to_owned(),
            Self::Code(Code { number, .. }) | Self::Switch(Switch(number)) => {
                format!("code {number}")
            }
            Self::Window(window) => window.to_string(),
            Self::Clock(offset) => offset.to_string(),
        };
        f.pad(&text)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end)
    }
}

/// Returns the name of a code as a profile writes it: `solar_battery_utility`.
pub(crate) fn word(name: &str) -> String {
    let parts: Vec<_> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|part| !part.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    parts.join("_")
}

impl Shape {
    /// Returns the words that a setting of this form accepts; empty if its values are not words.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::Words(name) => (0..=u8::MAX).filter_map(name).map(word).collect(),
            Self::Switch => ["on", "off"].map(str::to_owned).into(),
            _ => Vec::new(),
        }
    }

    /// Returns the expected form of a value, for an error message.
    #[must_use]
    pub fn expected(&self) -> String {
        match self {
            Self::Quantity { unit: "V", .. } => "a voltage such as 54.0 V".to_owned(),
            Self::Quantity { unit: "A", .. } => "a current such as 60 A".to_owned(),
            Self::Quantity { unit, .. } => format!("a number of {unit}, such as 60 {unit}"),
            Self::Words(_) | Self::Switch => one_of(&self.words()),
            Self::Window => "a part of the day such as 23:00-06:00".to_owned(),
            Self::Clock => "host, the time of this computer".to_owned(),
        }
    }
}

/// Returns `a, b or c`.
fn one_of(words: &[String]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [word] => word.clone(),
        [words @ .., last] => format!("{} or {last}", words.join(", ")),
    }
}

/// The error for a text or value that does not fit a setting.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize, thiserror::Error)]
#[error("{key}: expected {expected}, found {found}{}", hint.as_ref().map_or(String::new(), |hint| format!("; {hint}")))]
#[non_exhaustive]
pub struct ValueError {
    /// The key of the setting.
    pub key: &'static str,
    /// The form that the setting's values have.
    pub expected: String,
    /// The text that was found.
    pub found: String,
    /// Correction, if one is known.
    pub hint: Option<String>,
}

impl ValueError {
    pub(crate) fn new(key: &'static str, shape: &Shape, found: &str, hint: Option<String>) -> Self {
        let found = if found.is_empty() { "nothing".to_owned() } else { format!("{found:?}") };
        Self { key, expected: shape.expected(), found, hint }
    }
}
