//! Reads the values of settings from their text.

use std::str::FromStr;

use pi18_proto::{Amperes, Decihertz, Decivolts, Switch, TimeOfDay};

use super::{Code, SettingValue, Shape, ValueError, Window, word};
use crate::ParseError;

impl Shape {
    /// Reads a value of this form; `key` names the setting in errors.
    pub(crate) fn parse(self, key: &'static str, text: &str) -> Result<SettingValue, ValueError> {
        let text = text.trim();
        let wrong = |hint| ValueError::new(key, &self, text, hint);
        match self {
            Self::Quantity { unit, decimals } => {
                let steps = quantity(text, unit, decimals).map_err(wrong)?;
                Ok(match unit {
                    "V" => SettingValue::Voltage(Decivolts(steps)),
                    "A" => SettingValue::Current(Amperes(steps)),
                    _ => SettingValue::Frequency(Decihertz(steps)),
                })
            }
            Self::Words(name) => {
                let is_named =
                    |number: &u8| name(*number).is_some_and(|name| word(name) == word(text));
                let number = (0..=u8::MAX).find(is_named).or_else(|| code(text));
                let number = number.ok_or_else(|| wrong(self.word_hint(text, name)))?;
                Ok(SettingValue::Code(Code { number, name: name(number) }))
            }
            Self::Switch => match text.to_ascii_lowercase().as_str() {
                "on" | "true" | "yes" => Ok(SettingValue::Switch(Switch::ON)),
                "off" | "false" | "no" => Ok(SettingValue::Switch(Switch::OFF)),
                _ => code(text)
                    .map(|code| SettingValue::Switch(Switch(code)))
                    .ok_or_else(|| wrong(None)),
            },
            Self::Window => window(text).map(SettingValue::Window).ok_or_else(|| wrong(None)),
            Self::Clock => text.parse().map(SettingValue::Clock).map_err(|_| wrong(None)),
        }
    }

    /// Returns a hint for an unknown word: the word for a number, or a similar word.
    fn word_hint(self, text: &str, name: fn(u8) -> Option<&'static str>) -> Option<String> {
        if let Some(name) = text.parse().ok().and_then(name) {
            return Some(format!(
                "{text} is the number of {} on the wire: write the name",
                word(name)
            ));
        }
        nearest(&word(text), self.words().iter().map(String::as_str))
            .map(|near| format!("did you mean {near}?"))
    }
}

/// Returns the candidate with the smallest edit distance to `text`, if that is at most a third of the
/// longer one.
pub(crate) fn nearest<'a>(
    text: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    // Longer than every known word; the cost grows with the length.
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

/// Reads a code without a name, such as `code 7`.
fn code(text: &str) -> Option<u8> {
    let number = text.strip_prefix("code ")?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())?
}

/// Reads a number, with or without its unit, as steps of the wire. The error is a hint; `None`
/// if none is known.
pub(crate) fn quantity(text: &str, unit: &str, decimals: u8) -> Result<u16, Option<String>> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, given) = text.split_at(end);
    let given = given.trim_start();
    if given.starts_with(',') {
        return Err(Some("write a decimal point, not a comma".to_owned()));
    }
    if !given.is_empty() && given != unit {
        return Err(Some(format!("the unit is {unit}")));
    }
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let kept = part.trim_end_matches('0');
    if kept.len() > decimals.into() {
        let step = if decimals == 0 { "1" } else { "0.1" };
        return Err(Some(format!("the step is {step} {unit}")));
    }
    let point_without_digits = number.contains('.') && part.is_empty();
    let digits = format!("{whole}{kept:0<width$}", width = decimals.into());
    let number = digits.parse().ok().filter(|_| !whole.is_empty() && !point_without_digits);
    number.ok_or(None)
}

impl FromStr for Window {
    type Err = ParseError;

    /// Reads `23:00-06:00`.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        window(text).ok_or_else(|| ParseError::new("a part of the day such as 23:00-06:00", text))
    }
}

/// Reads `23:00-06:00`.
fn window(text: &str) -> Option<Window> {
    let (start, end) = text.split_once('-')?;
    Some(Window { start: time(start.trim_end())?, end: time(end.trim_start())? })
}

/// Reads `7:30` or `07:30`.
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
    use crate::{ClockOffset, Setting};

    #[track_caller]
    fn refused(setting: Setting, text: &str) -> String {
        setting.parse(text).unwrap_err().to_string()
    }

    #[test]
    fn values_in_several_notations_are_read() {
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
    fn wrong_values_are_errors_with_hints() {
        let errors = [
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
        insta::assert_snapshot!(errors.join("\n"));
    }

    #[test]
    fn every_value_of_a_unit_is_read_from_its_text() {
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
