//! One unit with what the core remembers about it beside its view.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::SignedDuration;
use lvx_parallel::{Gap, Reason, UnitSnapshot};
use pi18_proto::{AnyReply, Query};

use super::{
    Energy, Held, LinkState, LinkView, UnitView, energy_meter::EnergyMeter, link::LinkCounts,
};
use crate::{
    Now,
    config::{PollConfig, UnitConfig},
    poll::{Answered, Group, UnitClock},
};

/// A unit: its view in the snapshot, and what the core remembers beside it.
#[derive(Debug)]
pub(super) struct Tracked {
    pub(super) view: Arc<UnitView>,
    /// The link on which the unit is read.
    pub(super) holder: Option<usize>,
    /// Another link on which a unit with the same serial number answers.
    pub(super) duplicate: Option<Duplicate>,
    /// Why the unit is not read, for the rules.
    pub(super) gap: Gap,
    /// Whether `GS` was answered since the last judgement.
    pub(super) is_measured: bool,
    /// Whether the unit was not judged since it was found.
    pub(super) is_new: bool,
    pub(super) meter: EnergyMeter,
    clock: UnitClock,
    connected_at: Option<Instant>,
    /// Mnemonics of the questions that were asked since the unit was found.
    asked: BTreeSet<&'static str>,
    /// Times of the last attempts of `PRIn` and `PGSn`.
    asked_about_units: HashMap<Query, Instant>,
    latencies: VecDeque<Duration>,
}

/// A link on which a unit with the serial number of another link answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Duplicate {
    pub(super) link: usize,
    /// Whether the last batch was from this link.
    pub(super) is_last: bool,
    /// Number of times that both links answered in turn.
    pub(super) alternations: u32,
}

impl Duplicate {
    /// Returns whether two units have the serial number, or two links lead to one unit. Once, the links can answer
    /// in turn because cables were swapped.
    pub(super) fn is_confirmed(self) -> bool {
        self.alternations >= 2
    }
}

/// What happened to the counters of a unit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Reset {
    /// The counter of the PV energy fell.
    Counter {
        /// Value before, in watt-hours.
        from: u64,
        /// Value after, in watt-hours.
        to: u64,
    },
    /// The clock jumped.
    Clock(SignedDuration),
}

impl Tracked {
    pub(super) fn new(config: &UnitConfig, now: Now) -> Self {
        let view = UnitView {
            name: config.name.clone(),
            serial: config.serial,
            link: LinkView {
                address: config.address.place().to_owned(),
                state: LinkState::Starting,
                since: now.wall,
                counts: LinkCounts::default(),
                latency: None,
            },
            held: Vec::new(),
            energy: Energy::default(),
        };
        Self {
            view: Arc::new(view),
            holder: None,
            duplicate: None,
            gap: Gap::new(Reason::NotAsked, "the link is not open yet"),
            is_measured: false,
            is_new: true,
            meter: EnergyMeter::default(),
            clock: UnitClock::default(),
            connected_at: None,
            asked: BTreeSet::new(),
            asked_about_units: HashMap::new(),
            latencies: VecDeque::new(),
        }
    }

    /// Reads the unit on this link from now on. The poller asks every question once.
    pub(super) fn connect(&mut self, link: usize, address: &str, now: Now) {
        self.connected_at = Some(now.instant);
        self.is_new = true;
        self.asked.clear();
        self.hold(link, address, now);
    }

    /// Reads the unit on this link from now on. Its answers are kept.
    pub(super) fn hold(&mut self, link: usize, address: &str, now: Now) {
        self.holder = Some(link);
        self.duplicate = None;
        self.is_measured = false;
        let view = Arc::make_mut(&mut self.view);
        address.clone_into(&mut view.link.address);
        view.link.counts.connects += 1;
        view.link.state = LinkState::Up;
        view.link.since = now.wall;
    }

    /// Marks the unit as unreachable.
    pub(super) fn lose(&mut self, why: Gap, retry_in: Option<Duration>, now: Now) {
        self.holder = None;
        let link = &mut Arc::make_mut(&mut self.view).link;
        if !matches!(link.state, LinkState::Down { .. }) {
            link.since = now.wall;
        }
        link.counts.timeouts += u64::from(why.reason == Reason::Silent);
        let retry_at = retry_in.and_then(|time| now.wall.checked_add(time).ok());
        link.state = LinkState::Down { why: why.text.clone(), retry_at };
        self.gap = why;
    }

    /// Takes a suspend of this computer: answers are older by that time, and everything is read again.
    pub(super) fn resume(&mut self, suspended: Duration, now: Instant) {
        for held in &mut Arc::make_mut(&mut self.view).held {
            held.reply =
                held.reply.and_then(|(reply, at)| Some((reply, at.checked_sub(suspended)?)));
        }
        self.meter.interrupt();
        self.clock = UnitClock::default();
        if self.holder.is_some() {
            self.connected_at = Some(now);
            (self.is_new, self.is_measured) = (true, false);
            self.asked.clear();
        }
    }

    /// Returns whether every question was asked since the unit was found, or it takes too long.
    pub(super) fn is_ready(&self, now: Instant) -> bool {
        let all = UnitSnapshot::STATIC.iter().chain(UnitSnapshot::DYNAMIC);
        let mut mnemonics = all.map(|query| query.info().mnemonic).chain([PARALLEL_RATING]);
        let mut is_complete = || mnemonics.all(|mnemonic| self.asked.contains(mnemonic));
        let is_late = |at: Instant| now.saturating_duration_since(at) > MAX_START;
        self.connected_at.is_some_and(is_late) || is_complete()
    }

    /// Takes confirmed answers, and returns resets of the unit's counters or clock.
    pub(super) fn take(&mut self, answers: Vec<Answered>, poll: &PollConfig) -> Vec<Reset> {
        let mut resets = Vec::new();
        for answer in answers {
            if let Ok(reply) = &answer.answer {
                resets.extend(self.measure(reply, &answer, poll));
            }
            self.asked.insert(answer.query.info().mnemonic);
            if is_about_a_unit(answer.query) {
                self.asked_about_units.insert(answer.query, answer.at);
            }
            if self.latencies.len() >= MAX_LATENCIES {
                self.latencies.pop_front();
            }
            self.latencies.push_back(answer.latency);
            self.store(answer, poll);
        }
        let mut latencies: Vec<_> = self.latencies.iter().copied().collect();
        latencies.sort();
        let view = Arc::make_mut(&mut self.view);
        view.link.latency = latencies.get(latencies.len() / 2).copied();
        view.energy = self.meter.energy();
        resets
    }

    /// Takes a reply into the counters.
    fn measure(&mut self, reply: &AnyReply, answer: &Answered, poll: &PollConfig) -> Option<Reset> {
        match reply {
            AnyReply::GeneralStatus(status) => {
                self.is_measured = true;
                let max_gap = Group::of(answer.query).max_age(poll);
                self.meter.take_status(status, answer.at, max_gap);
                None
            }
            AnyReply::TotalEnergy(total) => {
                let period = Group::of(answer.query).period(poll);
                let min_gap = period * 3 / 4;
                let (from, to) =
                    self.meter.take_total(total.energy.0.into(), answer.at, min_gap)?;
                Some(Reset::Counter { from, to })
            }
            AnyReply::DayEnergy(day) => {
                self.meter.take_today(day.energy.0.into());
                None
            }
            AnyReply::Clock(clock) => {
                let jump = self.clock.set(clock.time, answer.at)?;
                // Setting the clock right, or to summer time, resets no counter.
                (jump.unsigned_abs() > MAX_CLOCK_CHANGE).then(|| {
                    self.meter.start_era();
                    Reset::Clock(jump)
                })
            }
            _ => None,
        }
    }

    /// Stores an answer in the view.
    fn store(&mut self, answer: Answered, poll: &PollConfig) {
        let connected_at = self.connected_at;
        let view = Arc::make_mut(&mut self.view);
        let counts = &mut view.link.counts;
        counts.exchanges += 1;
        let max_age = Group::of(answer.query).max_age(poll);
        let is_same = |query: Query| match (query, answer.query) {
            (Query::DayEnergy(_), Query::DayEnergy(_)) => true,
            (query, asked) => query == asked,
        };
        if !view.held.iter().any(|held| is_same(held.query)) {
            view.held.push(Held { query: answer.query, reply: None, failure: None, max_age });
        }
        let Some(held) = view.held.iter_mut().find(|held| is_same(held.query)) else { return };
        if held.query != answer.query {
            // The energy of another day is not the answer to this question.
            held.reply = None;
        }
        (held.query, held.max_age) = (answer.query, max_age);
        match answer.answer {
            Ok(reply) => {
                let before = held.reply.replace((reply, answer.at)).map(|(_, at)| at);
                held.failure = None;
                let is_missed = |before: Instant| {
                    connected_at.is_some_and(|start| before >= start)
                        && answer.at.saturating_duration_since(before) > max_age
                };
                counts.missed_deadlines += u64::from(before.is_some_and(is_missed));
            }
            Err(gap) => {
                match gap.reason {
                    Reason::Refused => counts.refusals += 1,
                    Reason::Silent => counts.timeouts += 1,
                    Reason::Unreadable => counts.unreadable += 1,
                    _ => {}
                }
                held.failure = Some(gap);
            }
        }
    }

    /// Removes answers to `PRIn` and `PGSn`, so that the rules do not miss them: those that the unit is not asked for any
    /// more, because another unit is asked or no unit has the number, and those that failed for long.
    pub(super) fn forget_old(&mut self, now: Instant) {
        let age = |at: Instant| now.saturating_duration_since(at);
        let asked = &self.asked_about_units;
        let is_old = |held: &Held| {
            let is_asked = asked.get(&held.query).is_some_and(|at| age(*at) <= held.max_age);
            let max_failing = held.max_age.saturating_mul(4);
            let is_failing = held.reply.is_none_or(|(_, at)| age(at) > max_failing);
            is_about_a_unit(held.query) && (!is_asked || is_failing)
        };
        if self.view.held.iter().any(is_old) {
            Arc::make_mut(&mut self.view).held.retain(|held| !is_old(held));
        }
    }
}

/// Returns whether the unit is asked about a unit with a number, which may be another one.
fn is_about_a_unit(query: Query) -> bool {
    matches!(query, Query::ParallelRating(_) | Query::ParallelStatus(_))
}

/// Mnemonic of the questions about other units, the last ones that are asked.
const PARALLEL_RATING: &str = "PRI";

/// Time after which a unit is judged although it has not answered every question.
const MAX_START: Duration = Duration::from_mins(2);

/// Number of exchanges of which the median time is shown.
const MAX_LATENCIES: usize = 63;

/// Largest change of the unit's clock that does not start a new era.
const MAX_CLOCK_CHANGE: Duration = Duration::from_hours(25);
