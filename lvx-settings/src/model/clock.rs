//! The one setting that moves: how far a unit's clock is from this computer's.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, Instant},
};

use jiff::civil;
use pi18_proto::{ClockSetting, Date, DateTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// How far a unit's clock is ahead of this computer's.
///
/// Written `host` if they agree, `host+37s` or `host-3600s` if not.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ClockOffset {
    /// Seconds, less than 0 if the unit's clock is behind.
    pub seconds: i64,
}

impl ClockOffset {
    /// Reading a clock and setting it both take their time: so much makes no difference.
    pub const TOLERANCE: Duration = Duration::from_mins(1);

    /// Whether two clocks can be said to agree.
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
        text.parse()
            .map_err(|()| de::Error::custom(format!("expected host or host+37s, found {text:?}")))
    }
}

impl FromStr for ClockOffset {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let rest = text.strip_prefix("host").ok_or(())?;
        if rest.is_empty() {
            return Ok(Self::default());
        }
        let number = rest.strip_suffix('s').filter(|rest| rest.starts_with(['+', '-'])).ok_or(())?;
        let seconds: i64 = number.parse().map_err(|_| ())?;
        // A century is more than any clock is off, and keeps sums small.
        Some(Self { seconds })
            .filter(|offset| offset.seconds.unsigned_abs() < 4_000_000_000)
            .ok_or(())
    }
}

/// This computer's time.
#[derive(Clone, Copy, Debug)]
pub struct HostClock(Source);

#[derive(Clone, Copy, Debug)]
enum Source {
    /// Whatever the system says when it is asked.
    System,
    /// What was said once, and the time that has gone by since.
    Fixed { at: Instant, time: DateTime },
}

impl HostClock {
    /// At the instant `at` of a link's clock this computer shows `time`: for links in made-up time.
    #[must_use]
    pub fn new(at: Instant, time: DateTime) -> Self {
        Self(Source::Fixed { at, time })
    }

    /// This computer's own clock in its own time zone.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// What this computer shows at the present instant of a link's clock; `None` beyond the years 2000
    /// to 2099, which units know.
    #[must_use]
    pub fn time(&self, now: Instant) -> Option<DateTime> {
        match self.0 {
            Source::System => wire(jiff::Zoned::now().datetime()),
            Source::Fixed { at, time } => {
                wire(civil(time).saturating_add(now.saturating_duration_since(at)))
            }
        }
    }

    /// Returns the time since some moment, which goes on while the computer sleeps; with a made-up
    /// clock, that of the links.
    pub(crate) fn elapsed(&self, now: Instant) -> Duration {
        match self.0 {
            Source::System => since_boot(),
            Source::Fixed { at, .. } => now.saturating_duration_since(at),
        }
    }
}

/// The time since the computer started, with the time that it slept.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn since_boot() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::try_from(time).unwrap_or_default()
}

/// The time of this computer's calendar: no other clock is known that goes on while it sleeps.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn since_boot() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

/// How far a unit's clock is ahead of `host`.
pub(crate) fn offset(unit: DateTime, host: DateTime) -> ClockOffset {
    ClockOffset { seconds: civil(unit).duration_since(civil(host)).as_secs() }
}

/// What to set a clock to that is to be so far ahead of `host`; `None` beyond the years 2000 to 2099.
pub(crate) fn setting(offset: ClockOffset, host: DateTime) -> Option<ClockSetting> {
    let ahead = jiff::SignedDuration::from_secs(offset.seconds);
    civil(host).checked_add(ahead).ok().and_then(wire).map(ClockSetting)
}

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

fn wire(time: civil::DateTime) -> Option<DateTime> {
    let small = |number: i8| u8::try_from(number).ok();
    let year = u16::try_from(time.year()).ok()?;
    let date = Date::new(year, small(time.month())?, small(time.day())?).ok()?;
    DateTime::new(date, small(time.hour())?, small(time.minute())?, small(time.second())?).ok()
}
