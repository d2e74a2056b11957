//! A time of the computer's clock, with its offset from UTC.

use std::{fmt, str::FromStr};

use jiff::{Zoned, civil, fmt::temporal::Pieces};
use pi18_proto::{Date, DateTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::FormatError;

/// A time by the clock of the computer that read a bank, with its offset from UTC if that is known.
///
/// Banks that were saved as `lvx-bank` 1 have no offset. As text, the time has the form
/// `2026-11-27 13:43:48+01:00`. Files have a `T` instead of the space (RFC 3339), except for times without an
/// offset; both forms are read, and fractions of a second are dropped.
///
/// ```
/// use lvx_parallel::HostTime;
///
/// let time: HostTime = "2026-11-27T13:43:48+01:00".parse()?;
/// assert_eq!(time.to_string(), "2026-11-27 13:43:48+01:00");
/// assert_eq!(time.time().hour(), 13);
/// assert_eq!(time.utc_offset_minutes(), Some(60));
///
/// let of_version_1: HostTime = "2026-11-27 13:43:48".parse()?;
/// assert_eq!(of_version_1.utc_offset_minutes(), None);
/// # Ok::<(), lvx_parallel::FormatError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct HostTime {
    time: DateTime,
    utc_offset_minutes: Option<i16>,
}

impl HostTime {
    /// Returns the present time in the time zone of the system; `None` outside the years 2000 to 2099, the
    /// range of a unit's clock.
    #[must_use]
    pub fn now() -> Option<Self> {
        let now = Zoned::now();
        let offset = i16::try_from(now.offset().seconds() / 60).ok();
        Self::of(now.datetime())?.with_utc_offset(offset?)
    }

    /// Returns a time whose offset from UTC is not known.
    #[must_use]
    pub const fn new(time: DateTime) -> Self {
        Self { time, utc_offset_minutes: None }
    }

    /// Returns the same time with its offset from UTC, in minutes: 60 for `+01:00`. `None` if the offset is a
    /// day or more.
    #[must_use]
    pub fn with_utc_offset(self, minutes: i16) -> Option<Self> {
        (minutes.unsigned_abs() < MINUTES_PER_DAY)
            .then_some(Self { utc_offset_minutes: Some(minutes), ..self })
    }

    /// Returns the date and time in the time zone of the computer.
    #[must_use]
    pub const fn time(self) -> DateTime {
        self.time
    }

    /// Returns the offset from UTC in minutes, if it is known.
    #[must_use]
    pub const fn utc_offset_minutes(self) -> Option<i16> {
        self.utc_offset_minutes
    }

    fn of(time: civil::DateTime) -> Option<Self> {
        let small = |number: i8| u8::try_from(number).ok();
        let year = u16::try_from(time.year()).ok()?;
        let date = Date::new(year, small(time.month())?, small(time.day())?).ok()?;
        let (hour, minute) = (small(time.hour())?, small(time.minute())?);
        DateTime::new(date, hour, minute, small(time.second())?).ok().map(Self::new)
    }
}

const MINUTES_PER_DAY: u16 = 24 * 60;

impl From<DateTime> for HostTime {
    fn from(time: DateTime) -> Self {
        Self::new(time)
    }
}

impl fmt::Display for HostTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.time)?;
        let Some(minutes) = self.utc_offset_minutes else { return Ok(()) };
        let sign = if minutes < 0 { '-' } else { '+' };
        let minutes = minutes.unsigned_abs();
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

impl FromStr for HostTime {
    type Err = FormatError;

    fn from_str(text: &str) -> Result<Self, FormatError> {
        let error = || {
            let expected =
                "expected a time such as 2026-11-27T13:43:48+01:00 of the years 2000 to 2099";
            FormatError::new("time", format!("{expected}, found {text:?}"))
        };
        let pieces = Pieces::parse(text).map_err(|_| error())?;
        let time = pieces.time().ok_or_else(error)?;
        let time = Self::of(pieces.date().to_datetime(time)).ok_or_else(error)?;
        let Some(offset) = pieces.to_numeric_offset() else { return Ok(time) };
        let minutes = i16::try_from(offset.seconds() / 60).ok();
        minutes.and_then(|minutes| time.with_utc_offset(minutes)).ok_or_else(error)
    }
}

impl Serialize for HostTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.to_string();
        match self.utc_offset_minutes {
            Some(_) => serializer.serialize_str(&text.replacen(' ', "T", 1)),
            None => serializer.serialize_str(&text),
        }
    }
}

impl<'de> Deserialize<'de> for HostTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error: FormatError| de::Error::custom(error.why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<HostTime, String> {
        text.parse().map_err(|error: FormatError| error.to_string())
    }

    #[test]
    fn text_and_json_are_read_back() {
        for (text, minutes) in [
            ("2026-11-27 13:43:48+01:00", Some(60)),
            ("2026-11-27 13:43:48-03:30", Some(-210)),
            ("2026-11-27 13:43:48+00:00", Some(0)),
            ("2026-11-27 13:43:48", None),
        ] {
            let time = read(text).unwrap();
            assert_eq!((time.to_string(), time.utc_offset_minutes()), (text.to_owned(), minutes));
            let json = serde_json::to_string(&time).unwrap();
            assert_eq!(json.contains('T'), minutes.is_some(), "{json}");
            assert_eq!(serde_json::from_str::<HostTime>(&json).unwrap(), time);
        }
        let utc = read("2026-11-27T13:43:48.25Z").unwrap();
        assert_eq!(utc.to_string(), "2026-11-27 13:43:48+00:00");
    }

    #[test]
    fn other_texts_are_errors() {
        for text in ["", "soon", "2026-11-27", "1999-11-27 13:43:48", "2026-11-27 25:43:48"] {
            let expected = "time: expected a time such as 2026-11-27T13:43:48+01:00 of the years 2000 to \
                            2099, found ";
            assert_eq!(read(text), Err(format!("{expected}{text:?}")));
        }
        assert_eq!(read("2026-11-27 13:43:48").unwrap().with_utc_offset(1440), None);
    }

    #[test]
    fn present_time_has_an_offset() {
        assert!(HostTime::now().is_some_and(|time| time.utc_offset_minutes().is_some()));
    }
}
