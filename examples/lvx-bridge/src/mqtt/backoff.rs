//! Pauses between attempts to connect.

use std::time::Duration;

/// Pauses between attempts: each is twice the one before, up to a limit, and shortened at random, so that many
/// bridges do not return at the same moment.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Backoff {
    /// First pause.
    const FIRST: Duration = Duration::from_millis(500);

    pub(super) fn new() -> Self {
        Self { next: Self::FIRST }
    }

    /// Returns the next pause: between half of and all of the time that is due, which is at most `max`. `random` is
    /// between 0 and 1.
    pub(super) fn pause(&mut self, max: Duration, random: f64) -> Duration {
        let pause = self.next.min(max);
        self.next = pause.saturating_mul(2);
        pause.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
    }

    /// Starts again with the first pause.
    pub(super) fn reset(&mut self) {
        self.next = Self::FIRST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_limit() {
        let mut backoff = Backoff::new();
        let max = Duration::from_secs(3);
        let pauses: Vec<_> = (0..5).map(|_| backoff.pause(max, 1.0).as_millis()).collect();
        assert_eq!(pauses, [500, 1000, 2000, 3000, 3000]);
        assert_eq!(backoff.pause(max, 0.0).as_millis(), 1500);
        backoff.reset();
        assert_eq!(backoff.pause(max, 1.0).as_millis(), 500);
    }
}
