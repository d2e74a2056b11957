//! Pauses, deadlines and limits of a run.

use std::time::{Duration, Instant};

/// Pauses, deadlines and limits of a run.
///
/// ```
/// use std::time::Duration;
/// use lvx_settings::Options;
///
/// // Undo everything unless someone confirms the new settings within ten minutes.
/// let options = Options { confirm_within: Some(Duration::from_mins(10)), ..Options::default() };
/// assert_eq!(options.within, Duration::from_secs(15));
/// assert_eq!(options.attempts, 3);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Pause between a write and the first reading, and between two readings.
    pub pause: Duration,
    /// Time that a unit may keep showing the old value after a write or a refusal. (On a bridge that
    /// serves several hosts, a refusal may be meant for another one.)
    ///
    /// A value that is still old after this time counts as not written, and the step is undone. At
    /// least two readings are made, however long they take. No known unit takes longer than a few
    /// seconds (assumed).
    pub within: Duration,
    /// Time for which the link to a unit may fail during one step before the unit is given up. All
    /// interruptions of the step count together.
    pub away: Duration,
    /// Maximum number of times that a write is sent if nothing proves that it arrived. It is sent at
    /// least once.
    pub attempts: u32,
    /// Total time to wait for idle windows if a unit refuses because it charges; `None` to fail at
    /// once. While a later unit is waited for, it differs from the units that are already set.
    pub wait_idle: Option<Duration>,
    /// Time after which everything is undone unless it is confirmed; `None` if no confirmation is
    /// needed. Only a running program can undo: one that was killed leaves a journal.
    pub confirm_within: Option<Duration>,
}

impl Default for Options {
    /// A pause of 0.5 s, 15 s for a value to show, 1 min for a failing link, 3 attempts, no waiting
    /// for idle windows, no confirmation.
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

/// Pause between two checks of whether a unit has stopped charging.
pub(super) const IDLE_CHECK_INTERVAL: Duration = Duration::from_secs(10);

/// Returns `now + time`, capped at one year on overflow.
pub(super) fn later(now: Instant, time: Duration) -> Instant {
    let far = || now.checked_add(Duration::from_hours(24 * 365));
    now.checked_add(time).or_else(far).unwrap_or(now)
}
