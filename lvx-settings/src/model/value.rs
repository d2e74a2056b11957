//! What a setting can hold, and how a person writes it.

use std::fmt;

use pi18_proto::{
    Amperes, BatteryType, ChargerPriority, Decihertz, Decivolts, InputRange, MachineType,
    OutputMode, OutputPriority, RegulationState, SolarPriority, Switch, TimeOfDay,
};

use crate::{Setting, model::clock::ClockOffset};

/// The value of a setting.
///
/// Its Display is the text that a profile takes: `56.4 V`, `user`, `on`, `23:00-06:00`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum SettingValue {
    /// A voltage.
    Voltage(Decivolts),
    /// A current.
    Current(Amperes),
    /// A frequency.
    Frequency(Decihertz),
    /// A number that stands for something.
    Code(Code),
    /// Off or on.
    Switch(Switch),
    /// A part of the day.
    Window(Window),
    /// How far a unit's clock is from this computer's.
    Clock(ClockOffset),
}

/// A number that stands for something.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Code {
    /// As on the wire.
    pub number: u8,
    /// What it stands for, if that is known.
    pub name: Option<&'static str>,
}

/// A part of the day, over midnight if it ends before it starts; all day if it ends as it starts.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Window {
    /// From.
    pub start: TimeOfDay,
    /// Until.
    pub end: TimeOfDay,
}

/// What the values of a setting look like.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Shape {
    /// A number with a unit.
    Quantity {
        /// The unit.
        unit: &'static str,
        /// Digits after the point.
        decimals: u8,
    },
    /// One of some words; the name of each number that has one.
    Words(fn(u8) -> Option<&'static str>),
    /// `on` or `off`.
    Switch,
    /// `hh:mm-hh:mm`
    Window,
    /// `host`
    Clock,
}

/// A type that a setting can have.
pub(crate) trait Typed: Copy {
    const SHAPE: Shape;
    fn value(self) -> SettingValue;
    fn from_value(value: SettingValue) -> Option<Self>;
}

macro_rules! typed {
    ($($ty:ty: $variant:ident, $shape:expr;)+) => { $(
        impl Typed for $ty {
            const SHAPE: Shape = $shape;
            fn value(self) -> SettingValue { SettingValue::$variant(self) }
            fn from_value(value: SettingValue) -> Option<Self> {
                match value { SettingValue::$variant(value) => Some(value), _ => None }
            }
        }
    )+ };
}

typed! {
    Decivolts: Voltage, Shape::Quantity { unit: Self::UNIT, decimals: Self::DECIMALS };
    Amperes: Current, Shape::Quantity { unit: Self::UNIT, decimals: Self::DECIMALS };
    Decihertz: Frequency, Shape::Quantity { unit: Self::UNIT, decimals: Self::DECIMALS };
    Switch: Switch, Shape::Switch;
    Window: Window, Shape::Window;
    ClockOffset: Clock, Shape::Clock;
}

macro_rules! codes {
    ($($ty:ident),+) => { $(
        impl Typed for $ty {
            const SHAPE: Shape = Shape::Words(|number| $ty(number).name());
            fn value(self) -> SettingValue {
                SettingValue::Code(Code { number: self.0, name: self.name() })
            }
            fn from_value(value: SettingValue) -> Option<Self> {
                match value { SettingValue::Code(code) => Some(Self(code.number)), _ => None }
            }
        }
    )+ };
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
            Self::Window(Window { start, end }) => format!("{start}-{end}"),
            Self::Clock(offset) => offset.to_string(),
        };
        f.pad(&text)
    }
}

/// A code's name as a profile writes it: `solar_battery_utility`.
pub(crate) fn word(name: &str) -> String {
    let parts: Vec<_> = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|part| !part.is_empty())
        .map(str::to_ascii_lowercase)
        .collect();
    parts.join("_")
}

impl Shape {
    /// The words that a setting of this shape takes; none if it takes no words.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::Words(name) => (0..=u8::MAX).filter_map(name).map(word).collect(),
            Self::Switch => ["on", "off"].map(str::to_owned).into(),
            _ => Vec::new(),
        }
    }

    /// What a value looks like, as an error says it.
    #[must_use]
    pub fn wanted(&self) -> String {
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

/// `a, b or c`
fn one_of(words: &[String]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [word] => word.clone(),
        [words @ .., last] => format!("{} or {last}", words.join(", ")),
    }
}

/// Why a text is no value of a setting.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{key}: expected {wanted}, found {found}{}", hint.as_ref().map_or(String::new(), |hint| format!("; {hint}")))]
#[non_exhaustive]
pub struct ValueError {
    /// The setting's key.
    pub key: &'static str,
    /// What was wanted.
    pub wanted: String,
    /// What was there.
    pub found: String,
    /// What to write instead, where that is known.
    pub hint: Option<String>,
}

impl ValueError {
    fn new(setting: Setting, found: &str, hint: Option<String>) -> Self {
        let found = if found.is_empty() { "nothing".to_owned() } else { format!("{found:?}") };
        Self { key: setting.key(), wanted: setting.shape().wanted(), found, hint }
    }

    pub(crate) fn kind(setting: Setting, value: SettingValue) -> Self {
        Self::new(setting, &value.to_string(), None)
    }
}

impl Setting {
    /// Reads a value as a person writes it: `56.4 V`, `56.4`, `user`, `on`, `23:00-06:00`.
    ///
    /// Any value that a unit can *have* is read, `code 7` for a number without a name too; whether
    /// a unit can be set to it is a matter of its [`Limits`](crate::Limits).
    ///
    /// # Errors
    /// If it is another unit, another kind of value or an unknown word.
    pub fn parse(self, text: &str) -> Result<SettingValue, ValueError> {
        let text = text.trim();
        let wrong = |hint| ValueError::new(self, text, hint);
        match self.shape() {
            Shape::Quantity { unit, decimals } => {
                let steps = quantity(text, unit, decimals).map_err(wrong)?;
                Ok(match unit {
                    "V" => SettingValue::Voltage(Decivolts(steps)),
                    "A" => SettingValue::Current(Amperes(steps)),
                    _ => SettingValue::Frequency(Decihertz(steps)),
                })
            }
            Shape::Words(name) => {
                let known =
                    |number: &u8| name(*number).is_some_and(|name| word(name) == word(text));
                let number = (0..=u8::MAX).find(known).or_else(|| code(text));
                let number = number.ok_or_else(|| wrong(self.word_hint(text, name)))?;
                Ok(SettingValue::Code(Code { number, name: name(number) }))
            }
            Shape::Switch => match text.to_ascii_lowercase().as_str() {
                "on" | "true" | "yes" => Ok(SettingValue::Switch(Switch::ON)),
                "off" | "false" | "no" => Ok(SettingValue::Switch(Switch::OFF)),
                _ => code(text)
                    .map(|code| SettingValue::Switch(Switch(code)))
                    .ok_or_else(|| wrong(None)),
            },
            Shape::Window => window(text).map(SettingValue::Window).ok_or_else(|| wrong(None)),
            Shape::Clock => text.parse().map(SettingValue::Clock).map_err(|()| wrong(None)),
        }
    }

    /// What a wrong word may have meant.
    fn word_hint(self, text: &str, name: fn(u8) -> Option<&'static str>) -> Option<String> {
        if let Some(name) = text.parse().ok().and_then(name) {
            return Some(format!("{text} is {} on the wire: write the word", word(name)));
        }
        nearest(&word(text), self.shape().words().iter().map(String::as_str))
            .map(|near| format!("did you mean {near}?"))
    }
}

/// The candidate that takes the fewest changes, if they are few.
pub(crate) fn nearest<'a>(
    text: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    // Nothing known is so long, and the work grows with it.
    if text.len() > 64 {
        return None;
    }
    let distance = |known: &str| strsim::damerau_levenshtein(known, text);
    candidates
        .map(|known| (distance(known), known))
        .min()
        .filter(|(distance, known)| *distance <= (known.len().max(text.len()) / 3).max(1))
        .map(|(_, known)| known)
}

/// `code 7`
fn code(text: &str) -> Option<u8> {
    let number = text.strip_prefix("code ")?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())?
}

/// Steps of a number with or without its unit; the error is a hint.
pub(crate) fn quantity(text: &str, unit: &str, decimals: u8) -> Result<u16, Option<String>> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, given) = text.split_at(end);
    let given = given.trim_start();
    if given.starts_with(',') {
        return Err(Some("write a point, not a comma".to_owned()));
    }
    if !given.is_empty() && given != unit {
        return Err(Some(format!("its unit is {unit}")));
    }
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let kept = part.trim_end_matches('0');
    if kept.len() > decimals.into() {
        let step = if decimals == 0 { "whole".to_owned() } else { "tenths of a".to_owned() };
        return Err(Some(format!("units know {step} {unit} only")));
    }
    let point_without_digits = number.contains('.') && part.is_empty();
    let digits = format!("{whole}{kept:0<width$}", width = decimals.into());
    let number = digits.parse().ok().filter(|_| !whole.is_empty() && !point_without_digits);
    number.ok_or(None)
}

/// `23:00-06:00`
fn window(text: &str) -> Option<Window> {
    let (start, end) = text.split_once('-')?;
    Some(Window { start: time(start.trim_end())?, end: time(end.trim_start())? })
}

fn time(text: &str) -> Option<TimeOfDay> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if digits { text.parse().ok() } else { None }
    };
    if minute.len() != 2 {
        return None;
    }
    TimeOfDay::new(number(hour)?, number(minute)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(setting: Setting, text: &str) -> String {
        setting.parse(text).unwrap_err().to_string()
    }

    #[test]
    fn takes_what_a_person_writes() {
        let volts = |text| Setting::BulkVoltage.parse(text).unwrap();
        for text in ["56.4 V", "56.4", "56.4V", " 56.40 V ", "056.4"] {
            assert_eq!(volts(text), SettingValue::Voltage(Decivolts(564)), "{text}");
        }
        let amperes = Setting::MaxChargeCurrent.parse("60 A").unwrap();
        assert_eq!(amperes, SettingValue::Current(Amperes(60)));
        for text in ["solar_battery_utility", "solar-battery-utility", "Solar Battery Utility"] {
            let value = Setting::OutputPriority.parse(text).unwrap();
            assert_eq!(value.to_string(), "solar_battery_utility");
        }
        let window = Setting::AcLoadWindow.parse("7:30 - 06:00").unwrap();
        assert_eq!(window.to_string(), "07:30-06:00");
        assert_eq!(Setting::Backlight.parse("Yes").unwrap().to_string(), "on");
    }

    #[test]
    fn says_what_is_wrong() {
        let told = [
            (Setting::BulkVoltage, "56.4 A"),
            (Setting::BulkVoltage, "56,4 V"),
            (Setting::BulkVoltage, "56.45 V"),
            (Setting::BulkVoltage, "high"),
            (Setting::BulkVoltage, "-56.4"),
            (Setting::BulkVoltage, "56."),
            (Setting::BulkVoltage, ""),
            (Setting::MaxChargeCurrent, "60.5"),
            (Setting::MaxChargeCurrent, "99999999999"),
            (Setting::BatteryType, "usr"),
            (Setting::BatteryType, "2"),
            (Setting::BatteryType, "lfp"),
            (Setting::OutputFrequency, "50 Hertz"),
            (Setting::Backlight, "maybe"),
            (Setting::AcChargeWindow, "23:00-24:30"),
            (Setting::Clock, "now"),
        ]
        .map(|(setting, text)| refused(setting, text));
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn every_value_that_a_unit_can_have_is_read_back_from_its_text() {
        let mut values: Vec<(Setting, SettingValue)> = Vec::new();
        for &setting in Setting::ALL {
            match setting.shape() {
                Shape::Words(name) => values.extend((0..=u8::MAX).map(|number| {
                    (setting, SettingValue::Code(Code { number, name: name(number) }))
                })),
                Shape::Switch => {
                    values
                        .extend((0..=u8::MAX).map(|n| (setting, SettingValue::Switch(Switch(n)))));
                }
                Shape::Quantity { unit: "V", .. } => {
                    values.extend(
                        (0..=u16::MAX).map(|n| (setting, SettingValue::Voltage(Decivolts(n)))),
                    );
                }
                Shape::Quantity { unit: "A", .. } => {
                    values.extend(
                        (0..=u16::MAX).map(|n| (setting, SettingValue::Current(Amperes(n)))),
                    );
                }
                Shape::Quantity { .. } => {
                    values.extend(
                        (0..=u16::MAX).map(|n| (setting, SettingValue::Frequency(Decihertz(n)))),
                    );
                }
                Shape::Window => {}
                Shape::Clock => values.extend(
                    (-90_000..90_000)
                        .map(|n| (setting, SettingValue::Clock(ClockOffset { seconds: n }))),
                ),
            }
        }
        for (setting, value) in values {
            assert_eq!(setting.parse(&value.to_string()), Ok(value), "{}", setting.key());
        }
    }
}
