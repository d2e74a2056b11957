//! The delay between two attempts to open a link.

use std::time::Duration;

/// A delay that doubles with each attempt, from 1 s to 60 s, and varies by a quarter, so that the links of many
/// units are not opened at the same time.
#[derive(Debug)]
pub(super) struct Backoff {
    delay: Duration,
    random: fastrand::Rng,
}

impl Backoff {
    /// Creates a delay whose variation depends on `seed`.
    pub(super) fn new(seed: u64) -> Self {
        Self { delay: MIN_DELAY, random: fastrand::Rng::with_seed(seed) }
    }

    /// Returns the delay before the next attempt: 0.75 to 1 times its nominal value.
    pub(super) fn next(&mut self) -> Duration {
        let delay = self.delay;
        self.delay = (delay * 2).min(MAX_DELAY);
        delay * self.random.u32(750..=1000) / 1000
    }

    /// Starts again with the shortest delay.
    pub(super) fn reset(&mut self) {
        self.delay = MIN_DELAY;
    }
}

const MIN_DELAY: Duration = Duration::from_secs(1);

const MAX_DELAY: Duration = Duration::from_mins(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_doubles_up_to_a_minute_and_varies() {
        let mut backoff = Backoff::new(7);
        let delays: Vec<_> = (0..9).map(|_| backoff.next().as_secs_f64()).collect();
        for (delay, nominal) in
            delays.iter().zip([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0])
        {
            assert!((0.75 * nominal..=nominal).contains(delay), "{delays:?}");
        }
        assert!((delays[7] - delays[8]).abs() > 0.0);
        backoff.reset();
        assert!(backoff.next() <= MIN_DELAY);
    }
}
