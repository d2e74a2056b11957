//! The clock of a unit, as its offset from the clock of this computer.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, Instant},
};

use jiff::civil;
use pi18_proto::{ClockSetting, Date, DateTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::parse_error::ParseError;

/// The offset of a unit's clock from the clock of this computer.
///
/// As text, `host` is no offset, `host+37s` is 37 s ahead, and `host-3600s` is an hour behind.
///
/// ```
/// use lvx_settings::ClockOffset;
///
/// let offset: ClockOffset = "host+37s".parse().unwrap();
/// assert_eq!(offset.seconds, 37);
/// assert!(offset.agrees(ClockOffset::default()), "within the tolerance of a minute");
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ClockOffset {
    /// Offset in seconds, negative if the unit's clock is behind.
    pub seconds: i64,
}

impl ClockOffset {
    /// Largest difference between offsets that count as equal, because reading and setting a clock take
    /// time.
    pub const TOLERANCE: Duration = Duration::from_mins(1);

    /// Returns whether two offsets differ by no more than [`TOLERANCE`](Self::TOLERANCE).
    #[must_use]
    pub fn agrees(self, other: Self) -> bool {
        self.seconds.abs_diff(other.seconds) <= Self::TOLERANCE.as_secs()
    }
}

impl fmt::Display for ClockOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seconds {
            0 => f.write_str("host"),
            seconds => write!(f, "host{seconds:+}s"),
        }
    }
}

impl Serialize for ClockOffset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ClockOffset {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl FromStr for ClockOffset {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let read = || {
            let rest = text.strip_prefix("host")?;
            if rest.is_empty() {
                return Some(Self::default());
            }
            let number = rest.strip_suffix('s').filter(|rest| rest.starts_with(['+', '-']))?;
            let seconds: i64 = number.parse().ok()?;
            // About a century, the range of a unit's clock; sums stay within i64.
            Some(Self { seconds }).filter(|offset| offset.seconds.unsigned_abs() < 4_000_000_000)
        };
        read().ok_or_else(|| ParseError::new("host or host+37s", text))
    }
}

/// The clock of this computer.
///
/// ```
/// use std::time::Instant;
///
/// use lvx_settings::HostClock;
/// use pi18_proto::{Date, DateTime};
///
/// let now = Instant::now();
/// let time = DateTime::new(Date::new(2026, 11, 27).unwrap(), 13, 5, 0).unwrap();
/// let clock = HostClock::new(now, time);
/// assert_eq!(clock.time(now), Some(time));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HostClock(Source);

#[derive(Clone, Copy, Debug)]
enum Source {
    /// The clock of the system.
    System,
    /// The time at one instant, from which the time at other instants is calculated.
    Fixed { at: Instant, time: DateTime },
}

impl HostClock {
    /// Returns a clock that shows `time` at the instant `at` of a link's clock, for links with a simulated
    /// clock.
    #[must_use]
    pub fn new(at: Instant, time: DateTime) -> Self {
        Self(Source::Fixed { at, time })
    }

    /// Returns the clock of the system in its time zone.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// Returns the time at an instant of a link's clock; `None` outside the years 2000 to 2099, the range
    /// of a unit's clock.
    #[must_use]
    pub fn time(&self, now: Instant) -> Option<DateTime> {
        match self.0 {
            Source::System => wire(jiff::Zoned::now().datetime()),
            Source::Fixed { at, time } => {
                wire(civil(time).saturating_add(now.saturating_duration_since(at)))
            }
        }
    }

    /// Returns the time since a fixed moment, including time in which the computer sleeps. For links with a
    /// simulated clock, this is the time on that clock.
    pub(crate) fn elapsed(&self, now: Instant) -> Duration {
        match self.0 {
            Source::System => since_boot(),
            Source::Fixed { at, .. } => now.saturating_duration_since(at),
        }
    }
}

/// Returns the time since the computer started, including time in which it slept.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::try_from(time).unwrap_or_default()
}

/// Returns the calendar time: this platform has no other clock that continues during sleep.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn since_boot() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

/// Returns the offset of a unit's clock from `host`.
pub(crate) fn offset(unit: DateTime, host: DateTime) -> ClockOffset {
    ClockOffset { seconds: civil(unit).duration_since(civil(host)).as_secs() }
}

/// Returns the time to set for a clock with this offset from `host`; `None` outside the years 2000 to
/// 2099.
pub(crate) fn setting(offset: ClockOffset, host: DateTime) -> Option<ClockSetting> {
    let ahead = jiff::SignedDuration::from_secs(offset.seconds);
    civil(host).checked_add(ahead).ok().and_then(wire).map(ClockSetting)
}

/// Converts a unit's time for calculations.
fn civil(time: DateTime) -> civil::DateTime {
    let date = time.date();
    let small = |number: u8| i8::try_from(number).unwrap_or_default();
    civil::DateTime::new(
        i16::try_from(date.month().year().get()).unwrap_or_default(),
        small(date.month().month()),
        small(date.day()),
        small(time.hour()),
        small(time.minute()),
        small(time.second()),
        0,
    )
    .unwrap_or_default()
}

/// Converts a calculated time to a unit's; `None` outside the years 2000 to 2099.
fn wire(time: civil::DateTime) -> Option<DateTime> {
    let small = |number: i8| u8::try_from(number).ok();
    let year = u16::try_from(time.year()).ok()?;
    let date = Date::new(year, small(time.month())?, small(time.day())?).ok()?;
    DateTime::new(date, small(time.hour())?, small(time.minute())?, small(time.second())?).ok()
}
