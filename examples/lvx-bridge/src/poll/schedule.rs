//! The schedule of one unit: which question is asked next.
//!
//! Each question has a time from which it may be asked again, and a deadline: the time at which its answer
//! becomes stale. Among those that may be asked, the one with the earliest deadline is next. A deadline stays
//! where it is until the question was asked, while the deadlines of the others move on. So each question
//! becomes the earliest sometime, even if the configuration asks for more than fits on the line.
//!
//! The questions of a group are asked at multiples of its period, counted from the same time on all links of a
//! bank. So the measurements of all units are read at the same time and can be compared. A question that is asked
//! more than half a period late, because the line is full, is due again half a period later.

use std::time::{Duration, Instant};

use pi18_proto::Query;

use super::group::{DAY, Group};
use crate::config::PollConfig;

/// How a question was answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// With a reply.
    Answered,
    /// The unit says that it does not know the question, which it also says if the question was garbled on the line.
    Refused,
    /// With no reply, or one that cannot be read.
    Failed,
}

/// The schedule of the questions to one unit. It has no clock.
#[derive(Clone, Debug)]
pub struct Schedule {
    config: PollConfig,
    epoch: Instant,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    query: Query,
    group: Group,
    /// Time from which the question may be asked.
    due: Instant,
    /// Time at which the last answer becomes stale.
    deadline: Instant,
    /// Number of failures in a row.
    failures: u32,
    /// Whether the unit answered since the start or the reconnect: then it knows the question.
    is_known: bool,
    /// Whether the last outcome was a refusal.
    is_refused: bool,
}

impl Schedule {
    /// Creates a schedule without questions. Periods are counted from `epoch`.
    #[must_use]
    pub fn new(config: PollConfig, epoch: Instant) -> Self {
        Self { config, epoch, entries: Vec::new() }
    }

    /// Adds a question, which is due at once; does nothing if the schedule has it.
    pub fn add(&mut self, query: Query, now: Instant) {
        if self.entries.iter().any(|entry| entry.query == query) {
            return;
        }
        let group = Group::of(query);
        let deadline = now + group.max_age(&self.config);
        let (due, failures) = (now, 0);
        let entry =
            Entry { query, group, due, deadline, failures, is_known: false, is_refused: false };
        self.entries.push(entry);
    }

    /// Removes the questions for which `keep` returns false.
    pub fn retain(&mut self, mut keep: impl FnMut(Query) -> bool) {
        self.entries.retain(|entry| keep(entry.query));
    }

    /// Makes every question due, the fast ones first: after the start, a reconnect, or a swap of units.
    pub fn restart(&mut self, now: Instant) {
        for entry in &mut self.entries {
            entry.due = now;
            entry.deadline = now + entry.group.max_age(&self.config);
            entry.failures = 0;
            entry.is_known = false;
            entry.is_refused = false;
        }
    }

    /// Makes questions due because their answers may have changed. They get the deadline of fast questions, so that
    /// these do not starve while settings are written one after the other.
    pub fn hasten(&mut self, is_changed: impl Fn(Query) -> bool, now: Instant) {
        let deadline = now + Group::Fast.max_age(&self.config);
        for entry in self.entries.iter_mut().filter(|entry| is_changed(entry.query)) {
            entry.due = entry.due.min(now);
            entry.deadline = entry.deadline.min(deadline);
        }
    }

    /// Returns the question to ask now.
    ///
    /// While answers are collected (`is_collecting`), a question may be asked a little before its time, because
    /// that saves another check of the serial number.
    #[must_use]
    pub fn next(&self, now: Instant, is_collecting: bool) -> Option<Query> {
        let may_be_asked = |entry: &&Entry| {
            let early = if is_collecting {
                entry.group.period(&self.config) / EARLY
            } else {
                Duration::ZERO
            };
            entry.due <= now + early
        };
        let ready = self.entries.iter().filter(may_be_asked);
        ready.min_by_key(|entry| entry.deadline).map(|entry| entry.query)
    }

    /// Returns the time at which the next question may be asked; `None` without questions.
    #[must_use]
    pub fn next_due(&self) -> Option<Instant> {
        self.entries.iter().map(|entry| entry.due).min()
    }

    /// Takes the outcome of a question that was sent at `asked`.
    pub fn done(&mut self, query: Query, outcome: Outcome, asked: Instant) {
        let (config, epoch) = (self.config, self.epoch);
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.query == query) else {
            return;
        };
        let period = entry.group.period(&config);
        entry.deadline = asked + entry.group.max_age(&config);
        let was_refused = std::mem::replace(&mut entry.is_refused, outcome == Outcome::Refused);
        entry.is_known |= outcome == Outcome::Answered;
        entry.failures =
            if outcome == Outcome::Answered { 0 } else { entry.failures.saturating_add(1) };
        entry.due = match outcome {
            // The line is full: a common time with the other links cannot be kept.
            Outcome::Answered if asked > entry.due + period / 2 => asked + period / 2,
            Outcome::Answered => next_multiple(epoch, period, asked + period / 2),
            Outcome::Refused if was_refused && !entry.is_known => asked + DAY,
            Outcome::Refused | Outcome::Failed => {
                let factor = 2_u32.saturating_pow(entry.failures.saturating_sub(1));
                let pause = period.saturating_mul(factor).min(config.slow.max(period));
                next_multiple(epoch, period, asked + pause / 2)
            }
        };
        entry.deadline = entry.deadline.max(entry.due);
    }
}

/// Returns the first multiple of `period` after `epoch` that is not before `from`.
pub(super) fn next_multiple(epoch: Instant, period: Duration, from: Instant) -> Instant {
    let passed = from.saturating_duration_since(epoch);
    let count = passed.as_nanos().div_ceil(period.as_nanos().max(1));
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let multiple = period.checked_mul(count).and_then(|time| epoch.checked_add(time));
    multiple.unwrap_or(from).max(from)
}

/// A question may be asked this fraction of its period before its time.
const EARLY: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn config(fast: u64, medium: u64, slow: u64) -> PollConfig {
        PollConfig {
            fast: Duration::from_secs(fast),
            medium: Duration::from_secs(medium),
            slow: Duration::from_secs(slow),
            packs: Duration::from_secs(10),
            stale_after_periods: 3,
        }
    }

    const QUERIES: [Query; 4] =
        [Query::RatedInformation, Query::FaultsAndWarnings, Query::Mode, Query::GeneralStatus];

    fn schedule(config: PollConfig, now: Instant) -> Schedule {
        let mut schedule = Schedule::new(config, now);
        for query in QUERIES {
            schedule.add(query, now);
        }
        schedule
    }

    /// Asks questions of 500 ms each for an hour, and returns the count and the greatest interval of each.
    fn run(config: PollConfig) -> Vec<(Query, u32, Duration)> {
        let start = Instant::now();
        let mut schedule = schedule(config, start);
        let mut asked: Vec<_> = QUERIES.map(|query| (query, 0, start, Duration::ZERO)).into();
        let mut now = start;
        while now < start + Duration::from_hours(1) {
            let Some(query) = schedule.next(now, false) else {
                now = schedule.next_due().unwrap().max(now);
                continue;
            };
            schedule.done(query, Outcome::Answered, now);
            let entry = asked.iter_mut().find(|entry| entry.0 == query).unwrap();
            entry.1 += 1;
            entry.3 = entry.3.max(now - entry.2);
            entry.2 = now;
            now += Duration::from_millis(500);
        }
        asked.into_iter().map(|(query, count, _, interval)| (query, count, interval)).collect()
    }

    #[test]
    fn all_questions_are_due_at_the_start_with_the_fast_ones_first() {
        let start = Instant::now();
        let mut schedule = schedule(config(5, 30, 300), start);
        let mut order = Vec::new();
        while let Some(query) = schedule.next(start, false) {
            schedule.done(query, Outcome::Answered, start);
            order.push(query);
        }
        let expected =
            [Query::Mode, Query::GeneralStatus, Query::FaultsAndWarnings, Query::RatedInformation];
        assert_eq!(order, expected);
        assert_eq!(schedule.next_due(), Some(start + Duration::from_secs(5)));
    }

    #[test]
    fn questions_keep_their_period_if_they_fit() {
        for (query, count, interval) in run(config(5, 30, 300)) {
            let period = Group::of(query).period(&config(5, 30, 300));
            assert!(interval <= period + Duration::from_secs(2), "{query:?} {interval:?}");
            assert!(u64::from(count) >= 3600 / period.as_secs(), "{query:?} {count}");
        }
    }

    #[test]
    fn no_question_starves_if_more_is_asked_than_fits() {
        // Four questions of 500 ms each, with periods of 1, 1, 1 and 2 seconds, take 1.75 s a second.
        for (query, count, interval) in run(config(1, 1, 2)) {
            assert!(count > 600, "{query:?} {count}");
            assert!(interval < Duration::from_secs(10), "{query:?} {interval:?}");
        }
    }

    #[test]
    fn question_that_was_refused_twice_is_asked_again_after_a_day() {
        let start = Instant::now();
        let mut schedule = Schedule::new(config(5, 30, 300), start);
        schedule.add(Query::MachineModel, start);
        schedule.done(Query::MachineModel, Outcome::Refused, start);
        let again = schedule.next_due().unwrap();
        assert!(again <= start + Duration::from_hours(24), "{:?}", again - start);
        schedule.done(Query::MachineModel, Outcome::Refused, again);
        assert_eq!(schedule.next_due(), Some(again + Duration::from_hours(24)));
        schedule.restart(start);
        assert_eq!(schedule.next(start, false), Some(Query::MachineModel));
    }

    #[test]
    fn question_that_was_answered_is_asked_again_soon_after_refusals() {
        let start = Instant::now();
        let mut schedule = Schedule::new(config(5, 30, 300), start);
        schedule.add(Query::GeneralStatus, start);
        schedule.done(Query::GeneralStatus, Outcome::Answered, start);
        let mut now = start;
        for seconds in [5, 5, 10, 20] {
            now = schedule.next_due().unwrap();
            schedule.done(Query::GeneralStatus, Outcome::Refused, now);
            assert_eq!(schedule.next_due(), Some(now + Duration::from_secs(seconds)));
        }
        schedule.done(Query::GeneralStatus, Outcome::Answered, now);
        assert_eq!(schedule.next_due(), Some(now + Duration::from_secs(5)));
    }

    #[test]
    fn pause_after_failures_is_at_most_the_slow_period() {
        let start = Instant::now();
        let mut schedule = Schedule::new(config(5, 30, 300), start);
        schedule.add(Query::Mode, start);
        let mut now = start;
        for _ in 0..40 {
            schedule.done(Query::Mode, Outcome::Failed, now);
            let next = schedule.next_due().unwrap();
            assert!(next <= now + Duration::from_mins(5), "{:?}", next - now);
            now = next;
        }
    }

    #[test]
    fn question_without_reply_is_asked_less_and_less_often() {
        let start = Instant::now();
        let mut schedule = Schedule::new(config(4, 30, 300), start);
        schedule.add(Query::Mode, start);
        let mut intervals = Vec::new();
        let mut now = start;
        for _ in 0..4 {
            schedule.done(Query::Mode, Outcome::Failed, now);
            let next = schedule.next_due().unwrap();
            intervals.push((next - now).as_secs());
            now = next;
        }
        assert_eq!(intervals, [4, 4, 8, 16]);
    }

    #[test]
    fn questions_of_a_group_are_asked_at_multiples_of_its_period() {
        let epoch = Instant::now();
        let mut schedule = Schedule::new(config(5, 30, 300), epoch);
        schedule.add(Query::Mode, epoch);
        schedule.done(Query::Mode, Outcome::Answered, epoch + Duration::from_millis(1_200));
        assert_eq!(schedule.next_due(), Some(epoch + Duration::from_secs(5)));
        schedule.done(Query::Mode, Outcome::Answered, epoch + Duration::from_secs(5));
        schedule.done(Query::Mode, Outcome::Answered, epoch + Duration::from_millis(11_200));
        assert_eq!(schedule.next_due(), Some(epoch + Duration::from_secs(15)));
        schedule.done(Query::Mode, Outcome::Answered, epoch + Duration::from_millis(17_400));
        assert_eq!(schedule.next_due(), Some(epoch + Duration::from_secs(20)));
        // Much too late: the line is full.
        schedule.done(Query::Mode, Outcome::Answered, epoch + Duration::from_secs(23));
        assert_eq!(schedule.next_due(), Some(epoch + Duration::from_millis(25_500)));
    }
}
