//! When a part that ended is started again. No I/O, no clock.

use std::time::{Duration, Instant};

/// Decides when a part that ended is started again: after a second, and then after longer and longer pauses.
#[derive(Debug)]
pub(super) struct Restart {
    pause: Duration,
    /// Time of the next attempt; `None` while the part runs.
    due: Option<Instant>,
    /// Time of the last attempt.
    tried: Option<Instant>,
}

impl Restart {
    pub(super) fn new() -> Self {
        Self { pause: MIN_PAUSE, due: None, tried: None }
    }

    /// Takes whether the part runs, and returns whether to start it now. To be called about once a second.
    pub(super) fn is_due(&mut self, is_running: bool, now: Instant) -> bool {
        if is_running {
            self.due = None;
            let is_long = |at| now.saturating_duration_since(at) >= MAX_PAUSE;
            if self.tried.is_none_or(is_long) {
                self.pause = MIN_PAUSE;
            }
            return false;
        }
        let pause = self.pause;
        if now < *self.due.get_or_insert_with(|| now + pause) {
            return false;
        }
        self.pause = (pause * 2).min(MAX_PAUSE);
        (self.due, self.tried) = (None, Some(now));
        true
    }
}

const MIN_PAUSE: Duration = Duration::from_secs(1);

/// Longest pause, and the time after which a part that runs counts as healthy.
const MAX_PAUSE: Duration = Duration::from_mins(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_until_the_part_has_run_for_a_while() {
        let start = Instant::now();
        let mut restart = Restart::new();
        let mut starts = Vec::new();
        for second in 0..2_000 {
            // It ends at once, each time.
            if restart.is_due(false, start + Duration::from_secs(second)) {
                starts.push(second);
            }
        }
        let pauses: Vec<_> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(starts[0], 1);
        assert_eq!(pauses[..8], [3, 5, 9, 17, 33, 65, 129, 257]);
        assert!(pauses[8..].iter().all(|pause| *pause == 301), "{pauses:?}");
        let later = start + Duration::from_secs(2_000);
        assert!(!restart.is_due(true, later));
        assert!(!restart.is_due(true, later + MAX_PAUSE));
        assert!(!restart.is_due(false, later + MAX_PAUSE));
        assert!(restart.is_due(false, later + MAX_PAUSE + MIN_PAUSE));
    }
}
