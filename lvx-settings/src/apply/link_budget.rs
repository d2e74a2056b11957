//! The limit on the time for which a link may fail.

use std::time::{Duration, Instant};

/// Time for which a link may fail, all interruptions together.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinkBudget {
    left: Duration,
    /// Start of the current interruption.
    since: Option<Instant>,
}

impl LinkBudget {
    pub(super) fn new(time: Duration) -> Self {
        Self { left: time, since: None }
    }

    /// Notes that the link fails. Returns whether the budget is used up.
    pub(super) fn fails(&mut self, now: Instant) -> bool {
        let since = *self.since.get_or_insert(now);
        now.saturating_duration_since(since) >= self.left
    }

    /// Notes that the link works, and subtracts the interruption from the budget.
    pub(super) fn works(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            let lost = now.saturating_duration_since(since).max(MIN_COST);
            self.left = self.left.saturating_sub(lost);
        }
    }
}

/// Minimum length that an interruption counts as. Without it, an adapter that disconnects and reconnects very
/// fast would never be given up.
const MIN_COST: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interruptions_add_up_to_the_budget() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut budget = LinkBudget::new(Duration::from_secs(10));
        assert!(!budget.fails(at(0)));
        assert!(!budget.fails(at(6)));
        budget.works(at(6));
        assert!(!budget.fails(at(100)));
        assert!(!budget.fails(at(103)));
        assert!(budget.fails(at(104)));
    }

    #[test]
    fn flapping_without_delay_uses_up_the_budget() {
        let now = Instant::now();
        let mut budget = LinkBudget::new(Duration::from_secs(10));
        let flaps = (0..).take_while(|_| {
            let given_up = budget.fails(now);
            budget.works(now);
            !given_up
        });
        assert_eq!(flaps.take(1000).count(), 100);
    }
}
