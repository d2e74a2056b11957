//! The answers of one unit, and which questions are due.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use lvx_parallel::{Gap, Reading, Reason, UnitSnapshot};
use pi18_proto::{AnyReply, ParallelInstance, Query, SerialNumber};

use super::poll::Report;
use crate::overview::{LinkState, Unit};

/// The answers of one unit. It has no clock and no link.
#[derive(Debug)]
pub(super) struct Answers {
    name: String,
    held: Vec<Held>,
    /// Whether a round is asked now.
    pub(super) is_busy: bool,
    /// Number of rounds that were begun since the unit was last lost.
    rounds: u32,
    /// Time at which the slow questions were last asked.
    slow_asked: Option<Instant>,
    /// Whether the slow questions were answered since the unit was last lost.
    is_complete: bool,
    /// Whether the round asks the slow questions.
    is_slow_round: bool,
    lost: Option<(Gap, Timestamp)>,
}

/// The latest answer to a query.
#[derive(Debug)]
struct Held {
    query: Query,
    reply: Option<(AnyReply, Instant)>,
    failure: Option<Gap>,
}

impl Answers {
    /// Starts without answers.
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            held: Vec::new(),
            is_busy: false,
            rounds: 0,
            slow_asked: None,
            is_complete: false,
            is_slow_round: false,
            lost: None,
        }
    }

    /// Begins a round. Returns its questions. `peers` are the units that this one is asked about.
    pub(super) fn begin(&mut self, peers: &[ParallelInstance], now: Instant) -> Vec<Query> {
        self.is_busy = true;
        self.rounds = self.rounds.saturating_add(1);
        let is_due =
            self.slow_asked.is_none_or(|at| now.saturating_duration_since(at) >= SLOW_PERIOD);
        // The first round is short, so that there is something to see.
        self.is_slow_round = is_due && self.rounds > 1;
        if self.rounds == 1 {
            let first = [Query::Identity, Query::Clock];
            return first.into_iter().chain(FAST).collect();
        }
        if !self.is_slow_round {
            return FAST.to_vec();
        }
        self.slow_asked = Some(now);
        let mut questions: Vec<_> = UnitSnapshot::STATIC.to_vec();
        questions.push(Query::Clock);
        if let Some(AnyReply::Clock(clock)) = self.reply(Query::Clock) {
            questions.push(Query::DayEnergy(clock.time.date()));
        }
        questions.extend(peers.iter().map(|peer| Query::ParallelRating(*peer)));
        questions.extend([Query::FaultsAndWarnings, Query::Mode]);
        // What units report about each other is compared with what they measure, so it is asked close to it.
        questions.extend(peers.iter().map(|peer| Query::ParallelStatus(*peer)));
        questions.push(Query::GeneralStatus);
        questions
    }

    /// Takes a report. Returns whether it ends the round.
    pub(super) fn take(&mut self, report: Report, wall: Timestamp) -> bool {
        match report {
            Report::Answer { query, answer } => {
                self.lost = None;
                self.put(query, answer);
            }
            Report::Lost(gap) => {
                // The time of the first failure remains.
                let since = self.lost.as_ref().map_or(wall, |(_, since)| *since);
                for held in &mut self.held {
                    held.failure = Some(gap.clone());
                }
                self.lost = Some((gap, since));
                (self.rounds, self.slow_asked, self.is_complete) = (0, None, false);
            }
            Report::Done => {
                self.is_busy = false;
                self.is_complete |= self.is_slow_round && self.lost.is_none();
                return true;
            }
        }
        false
    }

    fn put(&mut self, query: Query, answer: Result<(AnyReply, Instant), Gap>) {
        if matches!(query, Query::DayEnergy(_)) {
            // Only the present day is held.
            self.held
                .retain(|held| held.query == query || !matches!(held.query, Query::DayEnergy(_)));
        }
        let place = self.held.iter().position(|held| held.query == query);
        let place = place.unwrap_or_else(|| {
            self.held.push(Held { query, reply: None, failure: None });
            self.held.len() - 1
        });
        let Some(held) = self.held.get_mut(place) else { return };
        match answer {
            Ok(reply) => (held.reply, held.failure) = (Some(reply), None),
            Err(gap) => held.failure = Some(gap),
        }
    }

    fn reply(&self, query: Query) -> Option<AnyReply> {
        self.held.iter().find(|held| held.query == query)?.reply.map(|(reply, _)| reply)
    }

    /// Returns the serial number, if the unit reported it.
    pub(super) fn serial(&self) -> Option<SerialNumber> {
        match self.reply(Query::Identity)? {
            AnyReply::Identity(identity) => Some(identity.serial_number),
            _ => None,
        }
    }

    /// Returns the number of the unit in its bank, if the unit reported it.
    pub(super) fn number(&self) -> Option<u16> {
        match self.reply(Query::GeneralStatus)? {
            AnyReply::GeneralStatus(status) => Some(status.parallel_instance.0),
            _ => None,
        }
    }

    /// Returns whether the unit can be judged: it answered all questions, or is lost.
    pub(super) fn is_known(&self) -> bool {
        self.is_complete || self.lost.is_some()
    }

    /// Returns whether the unit is lost.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.is_some()
    }

    /// Returns the time of the latest `PGSn`.
    pub(super) fn statuses_at(&self) -> Option<Instant> {
        let held = self.held.iter().filter(|held| matches!(held.query, Query::ParallelStatus(_)));
        held.filter_map(|held| Some(held.reply?.1)).max()
    }

    /// Returns the time of the oldest answer that still counts.
    pub(super) fn oldest(&self, every: Duration, now: Instant) -> Option<Instant> {
        let held = self.held.iter().filter_map(|held| held.fresh(every, now));
        held.map(|(_, at)| at).min()
    }

    /// Returns the answers as the rules judge them. Times count from `start`.
    pub(super) fn snapshot(&self, every: Duration, start: Instant, now: Instant) -> UnitSnapshot {
        if let Some((gap, _)) = &self.lost {
            let mut unit = UnitSnapshot::lost(&*self.name, gap.clone());
            unit.serial = self.serial();
            return unit;
        }
        let mut unit = UnitSnapshot::new(&*self.name);
        for held in &self.held {
            let answer = match (held.fresh(every, now), &held.failure) {
                (Some((reply, at)), _) => {
                    Ok(Reading::new(reply, at.saturating_duration_since(start)))
                }
                (None, Some(gap)) => Err(gap.clone()),
                (None, None) => Err(Gap::new(Reason::Old, "")),
            };
            unit.take(held.query, answer);
        }
        unit
    }

    /// Returns the unit as it is shown.
    pub(super) fn unit(&self, every: Duration, now: Instant) -> Unit {
        let mut unit = Unit::new(&self.name, &self.name);
        unit.link = match &self.lost {
            Some((gap, since)) => LinkState::Down { why: gap.text.clone(), since: Some(*since) },
            None if self.held.iter().any(|held| held.reply.is_some()) => LinkState::Up,
            None => LinkState::Starting,
        };
        for held in &self.held {
            match (held.reply, held.fresh(every, now), &held.failure) {
                (_, None, Some(gap)) | (None, _, Some(gap)) => unit.take(held.query, Err(gap)),
                (Some((reply, at)), ..) => {
                    unit.take(held.query, Ok((&reply, at, limit(held.query, every))));
                }
                (None, ..) => {}
            }
        }
        unit.serial = self.serial().map(|serial| serial.to_string());
        unit.number = self.number();
        unit
    }
}

impl Held {
    /// Returns the reply if it is within its limit of age.
    fn fresh(&self, every: Duration, now: Instant) -> Option<(AnyReply, Instant)> {
        let (reply, at) = self.reply?;
        (now.saturating_duration_since(at) <= limit(self.query, every)).then_some((reply, at))
    }
}

/// Returns the limit of age of an answer.
pub(super) fn limit(query: Query, every: Duration) -> Duration {
    if FAST.contains(&query) { (every * 3).max(MIN_LIMIT) } else { SLOW_LIMIT.max(every * 3) }
}

/// The questions of each round. `GS` is the last one, so that all units measure at the same time.
const FAST: [Query; 3] = [Query::FaultsAndWarnings, Query::Mode, Query::GeneralStatus];
/// Time between two rounds with all questions.
const SLOW_PERIOD: Duration = Duration::from_mins(1);
/// Limit of age of the answers to slow questions.
pub(super) const SLOW_LIMIT: Duration = Duration::from_mins(5);
/// Least limit of age: a round with all questions takes some seconds.
const MIN_LIMIT: Duration = Duration::from_secs(30);
