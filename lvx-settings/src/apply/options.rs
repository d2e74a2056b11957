//! The pauses, deadlines and limits of a run.

use std::time::{Duration, Instant};

/// Pauses, deadlines and limits of a run.
///
/// ```
/// use std::time::Duration;
/// use lvx_settings::Options;
///
/// // Undo the run unless the new settings are confirmed within ten minutes.
/// let options = Options::default().with_confirm_within(Duration::from_mins(10));
/// assert_eq!(options.within, Duration::from_secs(15));
/// assert_eq!(options.attempts, 3);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Options {
    /// Pause between a write and the first reading, and between two readings.
    pub pause: Duration,
    /// Time for which a unit may still show the old value after a write. It also applies after a refusal,
    /// because on a bridge that serves several hosts the refusal may be meant for another host.
    ///
    /// If the unit still shows the old value after this time, the write is sent again or the step fails. At
    /// least two readings are made, however long they take. Assumed: no unit needs more than a few seconds.
    pub within: Duration,
    /// Time for which the link to a unit may fail during one step before the unit is given up. All
    /// interruptions of the step count together.
    pub away: Duration,
    /// Maximum number of times that a command is sent if the unit neither accepts nor refuses it and shows
    /// no new value. It is sent at least once.
    pub attempts: u32,
    /// Total time to wait for idle windows if a unit refuses a write because it charges; `None` to fail at
    /// once. Meanwhile the units of a bank can have different settings.
    pub wait_idle: Option<Duration>,
    /// Time after which the run is undone unless the new settings are confirmed; `None` if no confirmation
    /// is needed. Only a running program can undo: if it is killed, the journal remains.
    pub confirm_within: Option<Duration>,
}

impl Default for Options {
    /// Returns a pause of 0.5 s, 15 s until a value must show, 1 min for a failing link, 3 attempts, no
    /// wait for idle windows, and no confirmation.
    fn default() -> Self {
        Self {
            pause: Duration::from_millis(500),
            within: Duration::from_secs(15),
            away: Duration::from_mins(1),
            attempts: 3,
            wait_idle: None,
            confirm_within: None,
        }
    }
}

impl Options {
    /// Returns the options with another pause between readings.
    #[must_use]
    pub const fn with_pause(self, pause: Duration) -> Self {
        Self { pause, ..self }
    }

    /// Returns the options with another time for which a unit may still show the old value.
    #[must_use]
    pub const fn with_within(self, within: Duration) -> Self {
        Self { within, ..self }
    }

    /// Returns the options with another time for which a link may fail.
    #[must_use]
    pub const fn with_away(self, away: Duration) -> Self {
        Self { away, ..self }
    }

    /// Returns the options with another maximum number of attempts.
    #[must_use]
    pub const fn with_attempts(self, attempts: u32) -> Self {
        Self { attempts, ..self }
    }

    /// Returns the options with a wait for idle windows of at most this time.
    #[must_use]
    pub const fn with_wait_idle(self, time: Duration) -> Self {
        Self { wait_idle: Some(time), ..self }
    }

    /// Returns the options with an undo unless the new settings are confirmed in this time.
    #[must_use]
    pub const fn with_confirm_within(self, time: Duration) -> Self {
        Self { confirm_within: Some(time), ..self }
    }
}

/// Pause between two checks of whether a unit has stopped charging.
pub(super) const IDLE_CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// Returns `now + time`, capped at one year on overflow.
pub(super) fn later(now: Instant, time: Duration) -> Instant {
    let far = || now.checked_add(Duration::from_hours(24 * 365));
    now.checked_add(time).or_else(far).unwrap_or(now)
}
