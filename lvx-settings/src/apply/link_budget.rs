//! How long a link may be in trouble.

use std::time::{Duration, Instant};

/// The time that a link may be in trouble, all interruptions together.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinkBudget {
    left: Duration,
    /// The start of the present interruption.
    since: Option<Instant>,
}

impl LinkBudget {
    pub(super) fn new(time: Duration) -> Self {
        Self { left: time, since: None }
    }

    /// Notes that the link fails; returns whether the budget is used up.
    pub(super) fn fails(&mut self, now: Instant) -> bool {
        let since = *self.since.get_or_insert(now);
        now.saturating_duration_since(since) >= self.left
    }

    /// Notes that the unit answers; the interruption is taken off the budget.
    pub(super) fn works(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            let lost = now.saturating_duration_since(since).max(LEAST);
            self.left = self.left.saturating_sub(lost);
        }
    }
}

/// What an interruption costs at least: an adapter that flaps faster is given up as well.
const LEAST: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interruptions_add_up_until_the_budget_is_used_up() {
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
    fn a_link_that_flaps_without_taking_time_is_given_up() {
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
