//! Which hook is called with which change next. No I/O, no clock.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::super::model::Notice;

/// Number of changes that wait for a hook. The oldest is dropped.
const MAX_WAITING: usize = 64;

/// Pauses between attempts.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const MAX_PAUSE: Duration = Duration::from_mins(10);

/// Number of attempts before a change is given up: about a day.
const MAX_ATTEMPTS: u32 = 150;

/// Decides which hook is called with which change next.
#[derive(Debug)]
pub(super) struct Delivery {
    queues: Vec<Queue>,
}

#[derive(Debug)]
struct Queue {
    /// Number of the last change that was delivered or given up.
    delivered: u64,
    waiting: VecDeque<Notice>,
    attempts: u32,
    retry_at: Option<Instant>,
}

impl Delivery {
    /// Creates the state; `delivered` has for each hook the number of the last change that was delivered.
    pub(super) fn new(delivered: Vec<u64>) -> Self {
        let queue =
            |delivered| Queue { delivered, waiting: VecDeque::new(), attempts: 0, retry_at: None };
        Self { queues: delivered.into_iter().map(queue).collect() }
    }

    /// Adds a change for all hooks that were not notified of it.
    pub(super) fn push(&mut self, notice: &Notice) {
        for queue in &mut self.queues {
            let last = queue.waiting.back().map_or(queue.delivered, |last| last.number);
            if notice.number <= last {
                continue;
            }
            if queue.waiting.len() >= MAX_WAITING {
                queue.waiting.pop_front();
                queue.attempts = 0;
            }
            queue.waiting.push_back(notice.clone());
        }
    }

    /// Returns the next hook to call, and the change.
    pub(super) fn next(&self, now: Instant) -> Option<(usize, Notice)> {
        let ready = |queue: &Queue| queue.retry_at.is_none_or(|at| at <= now);
        let mut queues = self.queues.iter().enumerate().filter(|(_, queue)| ready(queue));
        queues.find_map(|(index, queue)| Some((index, queue.waiting.front()?.clone())))
    }

    /// Notes the end of a call. After a failure the change is tried again, later each time. `random` is between 0
    /// and 1.
    pub(super) fn done(&mut self, index: usize, is_delivered: bool, now: Instant, random: f64) {
        let Some(queue) = self.queues.get_mut(index) else { return };
        queue.attempts += 1;
        if is_delivered || queue.attempts >= MAX_ATTEMPTS {
            if let Some(notice) = queue.waiting.pop_front() {
                queue.delivered = notice.number;
            }
            queue.attempts = 0;
            queue.retry_at = None;
            return;
        }
        let doublings = (queue.attempts - 1).min(16);
        let pause = FIRST_PAUSE.saturating_mul(1 << doublings).min(MAX_PAUSE);
        queue.retry_at = Some(now + pause.mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0));
    }

    /// Returns the time of the next call; `None` if no change waits.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let busy = self.queues.iter().filter(|queue| !queue.waiting.is_empty());
        busy.filter_map(|queue| queue.retry_at).min()
    }

    /// Returns for each hook the number of the last change that was delivered.
    pub(super) fn delivered(&self) -> impl Iterator<Item = u64> {
        self.queues.iter().map(|queue| queue.delivered)
    }
}
