//! The steps of time, and a timer for conditions that have to last.

use std::time::Duration;

/// Length of a step, during which modes and powers are constant.
pub(crate) const STEP: Duration = Duration::from_secs(10);

/// The number of steps for which a condition has lasted.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Timer(u32);

/// How time passes while states change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Pace {
    /// A step has passed.
    Step,
    /// States change at once to those that they would have after a long time.
    AtOnce,
}

impl Timer {
    /// Counts a step if the condition holds, and starts again otherwise. Returns whether the condition has lasted
    /// for some seconds.
    pub(crate) fn lasts(&mut self, condition: bool, seconds: u64, pace: Pace) -> bool {
        if pace == Pace::AtOnce {
            return condition;
        }
        self.0 = if condition { self.0.saturating_add(1) } else { 0 };
        condition && self.reaches(seconds)
    }

    /// Counts a step.
    pub(crate) fn count(&mut self, pace: Pace) {
        if pace == Pace::Step {
            self.0 = self.0.saturating_add(1);
        }
    }

    /// Returns whether the counted steps last at least this number of seconds.
    pub(crate) fn reaches(self, seconds: u64) -> bool {
        u64::from(self.0) * STEP.as_secs() >= seconds
    }
}
