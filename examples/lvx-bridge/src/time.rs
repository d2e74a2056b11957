//! The time that decisions are made with.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::time::{ClockId, clock_gettime};

/// The present time on two clocks.
///
/// Ages and deadlines are measured with the monotonic clock, so a jump of the wall clock changes none of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Now {
    /// Time of the monotonic clock.
    pub instant: Instant,
    /// Time of the wall clock, for what people and other programs read.
    pub wall: Timestamp,
}

impl Now {
    /// Returns the present time of this computer.
    #[must_use]
    pub fn system() -> Self {
        Self { instant: Instant::now(), wall: Timestamp::now() }
    }
}

/// Time since this computer started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Uptime {
    /// With the time of suspends.
    total: Duration,
    /// Without: the monotonic clock stops during a suspend.
    awake: Duration,
}

impl Uptime {
    /// Returns the time since this computer started.
    pub(crate) fn system() -> Self {
        let read = |clock| clock_gettime(clock).try_into().unwrap_or_default();
        // In this order, a pause between the two is not taken for a suspend.
        let (total, awake) = (read(ClockId::Boottime), read(ClockId::Monotonic));
        Self { total, awake }
    }
}

/// Notices that this computer was suspended.
#[derive(Debug)]
pub(crate) struct SuspendWatch {
    /// Time of all suspends until the last one that was noticed.
    suspended: Duration,
}

impl SuspendWatch {
    pub(crate) fn new(uptime: Uptime) -> Self {
        Self { suspended: uptime.total.saturating_sub(uptime.awake) }
    }

    /// Returns how long this computer was suspended since the last call; `None` if it was not.
    pub(crate) fn check(&mut self, uptime: Uptime) -> Option<Duration> {
        let suspended = uptime.total.saturating_sub(uptime.awake);
        let new = suspended.saturating_sub(self.suspended);
        (new >= MIN_SUSPEND).then(|| {
            self.suspended = suspended;
            new
        })
    }
}

/// Shortest suspend that is noticed. Shorter ones add up.
const MIN_SUSPEND: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suspend_is_noticed_once() {
        let uptime = |total, awake| Uptime {
            total: Duration::from_millis(total),
            awake: Duration::from_millis(awake),
        };
        let mut watch = SuspendWatch::new(uptime(9_000, 5_000));
        assert_eq!(watch.check(uptime(3_609_000, 3_605_000)), None);
        assert_eq!(watch.check(uptime(3_617_500, 3_606_000)), Some(Duration::from_millis(7_500)));
        assert_eq!(watch.check(uptime(3_618_500, 3_607_000)), None);
        assert_eq!(watch.check(uptime(3_619_200, 3_607_000)), None, "less than a second");
        assert_eq!(watch.check(uptime(3_620_000, 3_607_100)), Some(Duration::from_millis(1_400)));
    }

    #[test]
    fn total_uptime_is_at_least_the_awake_one() {
        let uptime = Uptime::system();
        assert!(uptime.awake > Duration::ZERO);
        assert!(SuspendWatch::new(uptime).suspended + uptime.awake >= uptime.total);
    }
}
