//! Decides what happens next on a link: opening it, a question, a check of the serial number, or a pause.
//!
//! Answers are committed only between two reads of the serial number that show the same configured unit. If
//! another unit answers, the answers since the last read are discarded.

use std::time::{Duration, Instant};

use lvx_parallel::{Gap, Reason, UnitSnapshot};
use pi18_proto::{AnyReply, Date, Presence, Query, SerialNumber};

use super::{
    backoff::Backoff,
    clock::UnitClock,
    event::{Answered, EventKind},
    peers::Peers,
    schedule::{Outcome, Schedule},
};
use crate::config::PollConfig;

/// What a poller does next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// It opens the link.
    Open,
    /// It asks a question.
    Ask(Query),
    /// It waits, for jobs too.
    Wait(Instant),
}

/// The decisions of one poller. It has no I/O and no clock.
#[derive(Debug)]
pub struct Machine {
    link: usize,
    /// Serial numbers of the units of the bank.
    configured: Vec<SerialNumber>,
    schedule: Schedule,
    peers: Peers,
    backoff: Backoff,
    clock: UnitClock,
    /// The date of `ED` in the schedule.
    day: Option<Date>,
    /// Times at which settings are read again, the next one first: a unit shows a new value only after a while.
    rereads: Vec<Instant>,
    state: State,
}

#[derive(Debug)]
enum State {
    Closed { retry_at: Instant, why: Gap },
    Open(Session),
}

/// What is known about an open link.
#[derive(Debug, Default)]
struct Session {
    /// The unit, and the time at which its serial number was read last.
    unit: Option<(SerialNumber, Instant)>,
    /// Answers since then.
    answers: Vec<Answered>,
    /// Whether the serial number is read next, for example because a question was not answered.
    needs_identity: bool,
    /// Whether another unit may be there now.
    is_doubted: bool,
}

impl Machine {
    /// Creates the decisions for a link of a bank with these units. `epoch` is the time from which the periods of
    /// all links of the bank count.
    #[must_use]
    pub fn new(
        link: usize,
        configured: Vec<SerialNumber>,
        config: PollConfig,
        peers: Peers,
        epoch: Instant,
        seed: u64,
    ) -> Self {
        let mut schedule = Schedule::new(config, epoch);
        let asked = UnitSnapshot::DYNAMIC.iter().rev().chain(UnitSnapshot::STATIC);
        asked
            .filter(|query| **query != Query::Identity)
            .for_each(|query| schedule.add(*query, epoch));
        schedule.add(Query::TotalEnergy, epoch);
        let why = Gap::new(Reason::NotAsked, "the link is not open yet");
        Self {
            link,
            configured,
            schedule,
            peers,
            backoff: Backoff::new(seed),
            clock: UnitClock::default(),
            day: None,
            rereads: Vec::new(),
            state: State::Closed { retry_at: epoch, why },
        }
    }

    /// Returns the unit that answers on the link; `None` if it is not known.
    #[must_use]
    pub fn unit(&self) -> Option<SerialNumber> {
        match &self.state {
            State::Open(session) => session.unit.map(|(serial, _)| serial),
            State::Closed { .. } => None,
        }
    }

    /// Returns why the link is closed; `None` if it is open.
    #[must_use]
    pub fn closed(&self) -> Option<&Gap> {
        match &self.state {
            State::Closed { why, .. } => Some(why),
            State::Open(_) => None,
        }
    }

    /// Returns what to do next.
    pub fn next(&mut self, now: Instant) -> Step {
        let session = match &self.state {
            State::Closed { retry_at, .. } if *retry_at <= now => return Step::Open,
            State::Closed { retry_at, .. } => return Step::Wait(*retry_at),
            State::Open(session) => session,
        };
        let known = session.unit.filter(|_| !session.is_doubted);
        let Some((serial, read_at)) = known else { return Step::Ask(Query::Identity) };
        if !self.configured.contains(&serial) {
            let check_at = read_at + UNKNOWN_UNIT_INTERVAL;
            return if check_at <= now { Step::Ask(Query::Identity) } else { Step::Wait(check_at) };
        }
        let is_collecting = !session.answers.is_empty();
        let is_full = session.needs_identity || now >= read_at + MAX_COLLECTING;
        while self.rereads.first().is_some_and(|time| *time <= now) {
            self.rereads.remove(0);
            self.schedule.hasten(has_settings, now);
        }
        let mut next = self.schedule.next(now, is_collecting);
        if next == self.day.map(Query::DayEnergy) && next.is_some() {
            // The date may have changed since the question became due.
            self.set_day(now);
            next = self.day.map(Query::DayEnergy);
        }
        match next {
            _ if is_collecting && is_full => Step::Ask(Query::Identity),
            None if is_collecting => Step::Ask(Query::Identity),
            None => {
                let due = self.schedule.next_due().unwrap_or(now + UNKNOWN_UNIT_INTERVAL);
                Step::Wait(self.rereads.first().map_or(due, |time| due.min(*time)))
            }
            Some(_) if !is_collecting && now > read_at + MAX_IDLE => Step::Ask(Query::Identity),
            Some(query) => Step::Ask(query),
        }
    }

    /// Lets the answers that were collected be confirmed next.
    pub fn confirm_next(&mut self) {
        if let State::Open(session) = &mut self.state {
            session.needs_identity |= !session.answers.is_empty();
        }
    }

    /// Lets the settings be read next, because one of them was written, to this unit or to another one of the bank. They
    /// are read again after a while, because units do not show a new value at once. Answers that were collected before
    /// are confirmed first, except for settings: those may be old.
    pub fn settings_changed(&mut self, now: Instant) {
        if let State::Open(session) = &mut self.state {
            session.answers.retain(|answer| !has_settings(answer.query));
        }
        self.confirm_next();
        self.schedule.hasten(has_settings, now);
        self.rereads = REREADS.map(|time| now + time).into();
    }

    /// Takes the result of opening the link.
    pub fn opened(&mut self, result: Result<(), Gap>, now: Instant) -> Option<EventKind> {
        match result {
            Ok(()) => {
                self.state = State::Open(Session::default());
                None
            }
            Err(why) => Some(self.lose(why, now)),
        }
    }

    /// Takes the answer to a question that was sent at `asked`, and returns what has to be reported.
    pub fn answered(
        &mut self,
        query: Query,
        answer: Result<AnyReply, Gap>,
        asked: Instant,
        at: Instant,
    ) -> Option<EventKind> {
        let latency = at.saturating_duration_since(asked);
        match answer {
            Ok(AnyReply::Identity(found)) => {
                let reply = Ok(AnyReply::Identity(found));
                let answer = Answered { query, answer: reply, at, latency };
                self.identified(found.serial_number, answer)
            }
            Err(why) if query == Query::Identity || why.reason == Reason::Gone => {
                Some(self.lose(why, at))
            }
            answer => {
                self.collect(Answered { query, answer, at, latency }, asked);
                None
            }
        }
    }

    /// Lets a closed link be opened soon, and an open one be checked, because a device appeared or disappeared.
    pub fn hotplug(&mut self, now: Instant) {
        self.backoff.reset();
        match &mut self.state {
            State::Closed { retry_at, .. } => *retry_at = (*retry_at).min(now + HOTPLUG_DELAY),
            State::Open(_) => self.doubt(),
        }
    }

    /// Lets everything be read again, because this computer was suspended. Its clock stopped meanwhile, so it is not known
    /// how old answers are that were collected, and another unit may be there now.
    pub fn resumed(&mut self, now: Instant) {
        self.hotplug(now);
        if let State::Open(session) = &mut self.state {
            session.answers.clear();
            self.forget(now);
        }
    }

    /// Lets the serial number be read next, because another unit may be there now.
    pub fn doubt(&mut self) {
        if let State::Open(session) = &mut self.state {
            session.is_doubted = true;
        }
    }

    /// Takes the serial number that the unit reports.
    fn identified(&mut self, serial: SerialNumber, answer: Answered) -> Option<EventKind> {
        let at = answer.at;
        let State::Open(session) = &mut self.state else { return None };
        let before = session.unit.replace((serial, at)).map(|(serial, _)| serial);
        let mut answers = std::mem::take(&mut session.answers);
        (session.needs_identity, session.is_doubted) = (false, false);
        if before == Some(serial) {
            if answers.is_empty() {
                return None;
            }
            self.backoff.reset();
            answers.push(answer);
            self.learn(&answers);
            return Some(EventKind::Batch { serial, answers });
        }
        self.forget(at);
        let is_swap = before.is_some();
        Some(if is_swap { EventKind::Swapped { serial } } else { EventKind::Connected { serial } })
    }

    /// Keeps an answer until the serial number was read again.
    fn collect(&mut self, answer: Answered, asked: Instant) {
        let State::Open(session) = &mut self.state else { return };
        let outcome = match &answer.answer {
            Ok(_) => Outcome::Answered,
            Err(gap) if gap.reason == Reason::Refused => Outcome::Refused,
            Err(gap) => {
                session.needs_identity |= gap.reason == Reason::Silent;
                Outcome::Failed
            }
        };
        self.schedule.done(answer.query, outcome, asked);
        session.answers.push(answer);
    }

    /// Closes the link.
    fn lose(&mut self, why: Gap, now: Instant) -> EventKind {
        let retry_in = self.backoff.next();
        self.state = State::Closed { retry_at: now + retry_in, why: why.clone() };
        EventKind::Lost { why, retry_in }
    }

    /// Forgets what another unit answered; every question is due.
    fn forget(&mut self, now: Instant) {
        (self.clock, self.day) = (UnitClock::default(), None);
        self.rereads.clear();
        let is_general = |query| {
            !matches!(
                query,
                Query::ParallelRating(_) | Query::ParallelStatus(_) | Query::DayEnergy(_)
            )
        };
        self.schedule.retain(is_general);
        self.schedule.restart(now);
    }

    /// Takes from confirmed answers what later questions depend on.
    fn learn(&mut self, answers: &[Answered]) {
        for Answered { query, answer, at, .. } in answers {
            match (query, answer) {
                (_, Ok(AnyReply::GeneralStatus(status))) => {
                    if let Ok(number) = u8::try_from(status.parallel_instance.0) {
                        self.peers.set(self.link, number);
                    }
                    let asked = self.peers.asked_of(self.link);
                    let is_asked = |query| match query {
                        Query::ParallelRating(number) | Query::ParallelStatus(number) => {
                            asked.contains(&number)
                        }
                        _ => true,
                    };
                    self.schedule.retain(is_asked);
                    for number in asked {
                        self.schedule.add(Query::ParallelRating(number), *at);
                    }
                }
                (&Query::ParallelRating(number), Ok(AnyReply::ParallelRating(rating))) => {
                    let status = Query::ParallelStatus(number);
                    if rating.presence == Presence::PRESENT {
                        self.schedule.add(status, *at);
                    } else {
                        self.schedule.retain(|query| query != status);
                    }
                }
                (_, Ok(AnyReply::Clock(clock))) => {
                    self.clock.set(clock.time, *at);
                    self.set_day(*at);
                }
                _ => {}
            }
        }
    }

    /// Asks `ED` for the present day of the unit's clock.
    fn set_day(&mut self, now: Instant) {
        let day = self.clock.date(now);
        if day != self.day {
            self.schedule.retain(|query| !matches!(query, Query::DayEnergy(_)));
            self.day = day;
            if let Some(day) = day {
                self.schedule.add(Query::DayEnergy(day), now);
            }
        }
    }
}

/// Returns whether the answer to a question has settings, or copies of those of another unit.
fn has_settings(query: Query) -> bool {
    matches!(
        query,
        Query::RatedInformation
            | Query::Flags
            | Query::Clock
            | Query::AcChargeWindow
            | Query::AcLoadWindow
            | Query::ParallelRating(_)
            | Query::ParallelStatus(_)
    )
}

/// Times after a set command at which settings are read again. A unit takes up to 15 s to show a new value (assumed, as
/// in `lvx_settings::Options::within`), and copies of other units come later.
const REREADS: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(20)];

/// Time after which the serial number is read again before the next answers are collected.
const MAX_IDLE: Duration = Duration::from_secs(1);

/// Time for which answers are collected before the serial number is read again.
const MAX_COLLECTING: Duration = Duration::from_secs(2);

/// Time between two checks whether a unit that is not configured was replaced.
const UNKNOWN_UNIT_INTERVAL: Duration = Duration::from_secs(10);

/// Time that udev needs to set the group of a new device node; see `pi18_transport`.
const HOTPLUG_DELAY: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests;
