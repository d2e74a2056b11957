//! Pauses between attempts to connect.

use std::time::Duration;

/// Pauses between attempts: each is twice the one before, up to a limit, and shortened at random, so that many
/// bridges do not return at the same moment.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    /// First pause after a failure that can pass by itself.
    pub(super) const FIRST: Duration = Duration::from_millis(500);

    /// Creates pauses of which the first one is `first`.
    pub(super) fn new(first: Duration) -> Self {
        Self { next: first }
    }

    /// Returns the next pause: between half of and all of the time that is due, which is at most `max`. `random` is
    /// between 0 and 1.
    pub(super) fn pause(&mut self, max: Duration, random: f64) -> Duration {
        let pause = self.next.min(max);
        self.next = pause.saturating_mul(2);
        pause.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_limit() {
        let mut backoff = Backoff::new(Backoff::FIRST);
        let max = Duration::from_secs(3);
        let pauses: Vec<_> = (0..5).map(|_| backoff.pause(max, 1.0).as_millis()).collect();
        assert_eq!(pauses, [500, 1000, 2000, 3000, 3000]);
        assert_eq!(backoff.pause(max, 0.0).as_millis(), 1500);
    }
}
