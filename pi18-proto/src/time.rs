//! Dates and times in wire format. This module does no calendar arithmetic and reads no clock.

use core::{fmt, str::FromStr};

use crate::{
    EncodeError, ParseError, RangeError, Text, Value,
    field::{Field, Form, Writer, Zero, digit_groups},
};

/// Returns the error of a check, as `?` does outside constants.
macro_rules! check {
    (
        // The check, a `Result<(), _>`.
        $check:expr
    ) => {
        if let Err(error) = $check {
            return Err(error);
        }
    };
}

/// A date from 2000 to 2099 and a time of day, without a time zone.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct DateTime {
    date: Date,
    hour: u8,
    minute: u8,
    second: u8,
}

impl DateTime {
    /// Creates a date and time.
    ///
    /// # Errors
    /// If the hour is above 23, or the minute or second above 59.
    pub const fn new(date: Date, hour: u8, minute: u8, second: u8) -> Result<Self, RangeError> {
        check!(within("hour", "0 to 23", widen(hour), 0, 23));
        check!(within("minute", "0 to 59", widen(minute), 0, 59));
        check!(within("second", "0 to 59", widen(second), 0, 59));
        Ok(Self { date, hour, minute, second })
    }

    /// Returns the date.
    #[must_use]
    pub const fn date(self) -> Date {
        self.date
    }

    /// Returns the hour, 0 to 23.
    #[must_use]
    pub const fn hour(self) -> u8 {
        self.hour
    }

    /// Returns the minute, 0 to 59.
    #[must_use]
    pub const fn minute(self) -> u8 {
        self.minute
    }

    /// Returns the second, 0 to 59.
    #[must_use]
    pub const fn second(self) -> u8 {
        self.second
    }
}

impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:02}:{:02}:{:02}", self.date, self.hour, self.minute, self.second)
    }
}

/// A date from 2000-01-01 to 2099-12-31.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Date {
    month: Month,
    day: u8,
}

impl Date {
    /// Creates a date.
    ///
    /// # Errors
    /// If the year is not 2000 to 2099, the month not 1 to 12, or the month has no such day.
    ///
    /// ```
    /// # use pi18_proto::Date;
    /// assert_eq!(Date::new(2024, 2, 29)?.to_string(), "2024-02-29");
    /// assert!(Date::new(2026, 2, 29).is_err());
    /// # Ok::<(), pi18_proto::RangeError>(())
    /// ```
    pub const fn new(year: u16, month: u8, day: u8) -> Result<Self, RangeError> {
        let month = match Month::new(year, month) {
            Ok(month) => month,
            Err(error) => return Err(error),
        };
        check!(within("day", "a day of the month", widen(day), 1, widen(month.days())));
        Ok(Self { month, day })
    }

    /// Returns the year and month.
    #[must_use]
    pub const fn month(self) -> Month {
        self.month
    }

    /// Returns the day of the month, 1 to 31.
    #[must_use]
    pub const fn day(self) -> u8 {
        self.day
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:02}", self.month, self.day)
    }
}

/// A month of a year from 2000 to 2099.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Month {
    year: Year,
    month: u8,
}

impl Month {
    /// Creates a month.
    ///
    /// # Errors
    /// If the year is not 2000 to 2099 or the month not 1 to 12.
    pub const fn new(year: u16, month: u8) -> Result<Self, RangeError> {
        let year = match Year::new(year) {
            Ok(year) => year,
            Err(error) => return Err(error),
        };
        check!(within("month", "1 to 12", widen(month), 1, 12));
        Ok(Self { year, month })
    }

    /// Returns the year.
    #[must_use]
    pub const fn year(self) -> Year {
        self.year
    }

    /// Returns the number of the month, 1 to 12.
    #[must_use]
    pub const fn month(self) -> u8 {
        self.month
    }

    /// Returns the number of days in the month.
    const fn days(self) -> u8 {
        match self.month {
            // From 2000 to 2099 every fourth year is a leap year.
            2 if self.year.0.is_multiple_of(4) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:02}", self.year, self.month)
    }
}

/// A year from 2000 to 2099.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Year(u16);

impl Year {
    /// Creates a year.
    ///
    /// # Errors
    /// If the year is not 2000 to 2099.
    pub const fn new(year: u16) -> Result<Self, RangeError> {
        check!(within("year", "2000 to 2099", year, 2000, 2099));
        Ok(Self(year))
    }

    /// Returns the year as a number.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Year {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// An hour and a minute, 00:00 to 23:59.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TimeOfDay {
    hour: u8,
    minute: u8,
}

impl TimeOfDay {
    /// Creates a time of day.
    ///
    /// # Errors
    /// If the hour is above 23 or the minute above 59.
    pub const fn new(hour: u8, minute: u8) -> Result<Self, RangeError> {
        check!(within("hour", "0 to 23", widen(hour), 0, 23));
        check!(within("minute", "0 to 59", widen(minute), 0, 59));
        Ok(Self { hour, minute })
    }

    /// Returns the hour, 0 to 23.
    #[must_use]
    pub const fn hour(self) -> u8 {
        self.hour
    }

    /// Returns the minute, 0 to 59.
    #[must_use]
    pub const fn minute(self) -> u8 {
        self.minute
    }
}

impl Zero for TimeOfDay {
    const ZERO: Self = Self { hour: 0, minute: 0 };
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

/// The date and time that `DAT` sends, with two digits of the year.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ClockSetting(pub DateTime);

/// Checks that a part of a date or time is within its range.
const fn within(
    name: &'static str,
    expected: &'static str,
    found: u16,
    min: u16,
    max: u16,
) -> Result<(), RangeError> {
    if min <= found && found <= max {
        return Ok(());
    }
    let [low, high] = found.to_le_bytes();
    let found = u32::from_le_bytes([low, high, 0, 0]);
    Err(RangeError { name, expected, found, decimals: 0, unit: "" })
}

/// Converts a number without loss, in constants too.
const fn widen(number: u8) -> u16 {
    u16::from_le_bytes([number, 0])
}

fn date(year: u32, month: u32, day: u32) -> Option<Date> {
    Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok()
}

fn date_time(date: Date, hour: u32, minute: u32, second: u32) -> Option<DateTime> {
    let [hour, minute, second] =
        [hour.try_into().ok()?, minute.try_into().ok()?, second.try_into().ok()?];
    DateTime::new(date, hour, minute, second).ok()
}

/// Implements [`Field`] for the dates and times.
macro_rules! fields {
    ($(
        // The type.
        $name:ty:
        // The pattern of its characters.
        $picture:literal,
        // A description of a well-formed field, for error texts.
        $expected:literal,
        // The parts of the field, and their numbers of digits.
        [$($part:ident: $width:literal),+] =>
        // The value made from these parts, an `Option`.
        $read:expr,
        // The parts made from the value.
        |$value:ident| [$($get:expr),+];
    )+) => { $(
        impl Field for $name {
            const FORM: Form = Form::Text($picture);
            const EXPECTED: &'static str = $expected;

            fn read(token: &[u8]) -> Option<Self> {
                let [$($part),+] = digit_groups(token, [$($width),+])?;
                $read
            }

            fn write(self, _width: usize, out: &mut Writer<'_>) -> Result<(), EncodeError> {
                let $value = self;
                let parts = [$(u32::from($get)),+];
                for (part, width) in parts.into_iter().zip([$($width),+]) {
                    out.number(part, width)?;
                }
                Ok(())
            }

            fn value(&self) -> Option<Value<'_>> {
                Some(Value::Text(Text::format(format_args!("{self}"))))
            }
        }
    )+ };
}

fields! {
    DateTime: "yyyymmddhhmmss", "a date and time, yyyymmddhhmmss, of the years 2000 to 2099",
        [year: 4, month: 2, day: 2, hour: 2, minute: 2, second: 2] =>
            date_time(date(year, month, day)?, hour, minute, second),
        |t| [t.date.month.year.0, t.date.month.month, t.date.day, t.hour, t.minute, t.second];
    ClockSetting: "yymmddhhmmss", "a date and time, yymmddhhmmss",
        [year: 2, month: 2, day: 2, hour: 2, minute: 2, second: 2] =>
            date_time(date(2000 + year, month, day)?, hour, minute, second).map(ClockSetting),
        |t| [
            t.0.date.month.year.0 % 100, t.0.date.month.month, t.0.date.day,
            t.0.hour, t.0.minute, t.0.second
        ];
    Date: "yyyymmdd", "a date, yyyymmdd, of the years 2000 to 2099",
        [year: 4, month: 2, day: 2] => date(year, month, day),
        |t| [t.month.year.0, t.month.month, t.day];
    Month: "yyyymm", "a month, yyyymm, of the years 2000 to 2099",
        [year: 4, month: 2] => Month::new(year.try_into().ok()?, month.try_into().ok()?).ok(),
        |t| [t.year.0, t.month];
    Year: "yyyy", "a year, yyyy, from 2000 to 2099",
        [year: 4] => Year::new(year.try_into().ok()?).ok(),
        |t| [t.0];
    TimeOfDay: "hhmm", "a time, hhmm, from 0000 to 2359",
        [hour: 2, minute: 2] => TimeOfDay::new(hour.try_into().ok()?, minute.try_into().ok()?).ok(),
        |t| [t.hour, t.minute];
}

impl fmt::Display for ClockSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Implements `FromStr`, which reads the displayed form.
macro_rules! from_str {
    ($(
        // The type.
        $name:ty,
        // The accepted texts, for error texts.
        $expected:literal;
    )+) => { $(
        impl FromStr for $name {
            type Err = ParseError;

            fn from_str(text: &str) -> Result<Self, ParseError> {
                let is_shown = |value: &Self| Text::format(format_args!("{value}")).as_str() == text;
                digits(text)
                    .and_then(|digits| Self::read(digits.as_bytes()))
                    .filter(is_shown)
                    .ok_or_else(|| ParseError::new($expected, text))
            }
        }
    )+ };
}

from_str! {
    DateTime, "a date and time such as 2026-04-26 13:05:00";
    Date, "a date such as 2026-04-26";
    Month, "a month such as 2026-04";
    Year, "a year from 2000 to 2099";
    TimeOfDay, "a time such as 13:05";
}

impl FromStr for ClockSetting {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        text.parse().map(Self)
    }
}

/// Returns the digits of a text, without separators.
fn digits(text: &str) -> Option<Text> {
    let mut kept = [0; Text::CAPACITY];
    let digits = text.bytes().filter(u8::is_ascii_digit);
    let len = kept.iter_mut().zip(digits).map(|(to, from)| *to = from).count();
    kept.get(..len).and_then(Text::new)
}

#[cfg(feature = "serde")]
mod serde_impls {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    use super::{DateTime, Text, TimeOfDay};

    /// Serialises a type as its displayed text, and deserialises it from the same text.
    macro_rules! as_text {
        ($(
            // The type.
            $name:ty,
            // The accepted strings, for error texts.
            $expected:literal;
        )+) => { $(
            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.collect_str(self)
                }
            }

            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let text = Text::deserialize(deserializer)?;
                    text.as_str().parse().map_err(|_| {
                        de::Error::invalid_value(de::Unexpected::Str(text.as_str()), &$expected)
                    })
                }
            }
        )+ };
    }

    as_text! {
        DateTime, "a date and time such as 2026-04-26 13:05:00";
        TimeOfDay, "a time such as 13:05";
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn date_that_does_not_exist_is_refused() {
        assert!(Date::new(2000, 2, 29).is_ok());
        for (year, month, day) in [(2026, 2, 29), (2026, 4, 31), (2026, 13, 1), (2026, 1, 0)] {
            assert!(Date::new(year, month, day).is_err(), "{year}-{month}-{day}");
        }
        let error = Date::new(1999, 1, 1).unwrap_err();
        assert_eq!(format!("{error}"), "year: expected 2000 to 2099, found 1999");
    }

    #[test]
    fn token_with_missing_or_extra_digits_is_refused() {
        assert_eq!(Date::read(b"20260426"), Date::new(2026, 4, 26).ok());
        for token in [&b"2026042"[..], b"202604260", b"2026-4-6", b"20261340", b""] {
            assert_eq!(Date::read(token), None, "{}", token.escape_ascii());
        }
        assert_eq!(TimeOfDay::read(b"2400"), None);
    }
}
