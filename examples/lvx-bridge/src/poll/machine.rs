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
mod tests {
    use pi18_proto::Identity;

    use super::*;

    const OURS: [&str; 2] = ["96132206100410", "96132206100411"];

    fn serial(text: &str) -> SerialNumber {
        SerialNumber::new(text).unwrap()
    }

    /// A machine whose link is open, and the time.
    struct Open {
        machine: Machine,
        now: Instant,
    }

    impl Open {
        fn new() -> Self {
            let now = Instant::now();
            let configured = OURS.map(serial).into();
            let (config, peers) = (PollConfig::default(), Peers::new(2));
            let mut machine = Machine::new(0, configured, config, peers, now, 1);
            assert_eq!(machine.next(now), Step::Open);
            assert_eq!(machine.opened(Ok(()), now), None);
            Self { machine, now }
        }

        fn step(&mut self) -> Step {
            self.machine.next(self.now)
        }

        fn identify(&mut self, text: &str) -> Option<EventKind> {
            let identity = Identity::new(serial(text)).into();
            self.answer(Query::Identity, Ok(identity))
        }

        fn answer(&mut self, query: Query, answer: Result<AnyReply, Gap>) -> Option<EventKind> {
            let asked = self.now;
            self.now += Duration::from_millis(100);
            self.machine.answered(query, answer, asked, self.now)
        }

        /// Answers the next question with its sample, and returns the question.
        fn sample(&mut self) -> Query {
            let Step::Ask(query) = self.step() else { panic!("{:?}", self.step()) };
            let (reply, _) = query.parse_reply(query.info().sample.as_bytes()).unwrap();
            assert_eq!(self.answer(query, Ok(reply)), None);
            query
        }
    }

    #[test]
    fn answers_are_committed_once_the_serial_number_was_read_again() {
        let mut open = Open::new();
        assert_eq!(open.step(), Step::Ask(Query::Identity));
        let connected = EventKind::Connected { serial: serial(OURS[0]) };
        assert_eq!(open.identify(OURS[0]), Some(connected));
        assert_eq!(open.sample(), Query::GeneralStatus);
        assert_eq!(open.sample(), Query::Mode);
        open.machine.confirm_next();
        assert_eq!(open.step(), Step::Ask(Query::Identity));
        let Some(EventKind::Batch { serial: unit, answers }) = open.identify(OURS[0]) else {
            panic!("expected a batch");
        };
        assert_eq!(unit, serial(OURS[0]));
        let queries: Vec<_> = answers.iter().map(|answer| answer.query).collect();
        assert_eq!(queries, [Query::GeneralStatus, Query::Mode, Query::Identity]);
    }

    #[test]
    fn answers_are_discarded_if_another_unit_answers() {
        let mut open = Open::new();
        open.identify(OURS[0]);
        open.sample();
        let swapped = EventKind::Swapped { serial: serial(OURS[1]) };
        assert_eq!(open.identify(OURS[1]), Some(swapped));
        assert_eq!(open.machine.unit(), Some(serial(OURS[1])));
        // The other unit is asked everything.
        assert_eq!(open.sample(), Query::GeneralStatus);
    }

    #[test]
    fn unit_that_is_not_configured_is_asked_for_its_serial_number_only() {
        let mut open = Open::new();
        open.identify("96132206109999");
        assert_eq!(open.step(), Step::Wait(open.now + UNKNOWN_UNIT_INTERVAL));
        open.now += UNKNOWN_UNIT_INTERVAL;
        assert_eq!(open.step(), Step::Ask(Query::Identity));
        assert_eq!(open.identify("96132206109999"), None);
    }

    #[test]
    fn serial_number_is_read_after_a_pause_and_after_silence() {
        let mut open = Open::new();
        open.identify(OURS[0]);
        open.now += Duration::from_secs(2);
        assert_eq!(open.step(), Step::Ask(Query::Identity));
        open.identify(OURS[0]);
        let silence = Gap::new(Reason::Silent, "no reply");
        assert_eq!(open.answer(Query::GeneralStatus, Err(silence.clone())), None);
        assert_eq!(open.step(), Step::Ask(Query::Identity));
        let lost = open.answer(Query::Identity, Err(silence.clone()));
        assert!(matches!(lost, Some(EventKind::Lost { why, .. }) if why == silence));
        assert_eq!((open.machine.unit(), open.machine.closed()), (None, Some(&silence)));
    }

    #[test]
    fn closed_link_is_opened_later_or_soon_after_a_device_appeared() {
        let mut open = Open::new();
        let gone = Gap::new(Reason::Gone, "unplugged");
        let mut delays = Vec::new();
        for _ in 0..4 {
            let Some(EventKind::Lost { retry_in, .. }) =
                open.machine.opened(Err(gone.clone()), open.now)
            else {
                panic!("expected a loss");
            };
            assert_eq!(open.step(), Step::Wait(open.now + retry_in));
            delays.push(retry_in.as_secs_f64().round());
            open.now += retry_in;
            assert_eq!(open.step(), Step::Open);
        }
        assert!(delays[3] >= 6.0, "{delays:?}");
        open.machine.opened(Err(gone), open.now);
        open.machine.hotplug(open.now);
        assert_eq!(open.step(), Step::Wait(open.now + HOTPLUG_DELAY));
    }

    #[test]
    fn serial_number_is_read_after_a_device_appeared_or_disappeared() {
        let mut open = Open::new();
        open.identify(OURS[0]);
        assert_eq!(open.step(), Step::Ask(Query::GeneralStatus));
        open.machine.hotplug(open.now);
        assert_eq!(open.step(), Step::Ask(Query::Identity));
        open.identify(OURS[0]);
        assert_eq!(open.step(), Step::Ask(Query::GeneralStatus));
    }

    #[test]
    fn everything_is_read_again_after_a_suspend() {
        let mut open = Open::new();
        open.identify(OURS[0]);
        while open.sample() != Query::Clock {}
        open.machine.resumed(open.now);
        assert_eq!(open.step(), Step::Ask(Query::Identity));
        assert_eq!(open.identify(OURS[0]), None, "old answers are discarded");
        assert_eq!(open.sample(), Query::GeneralStatus);
        assert_eq!(open.sample(), Query::Mode);
        // A link that is closed is opened soon.
        let gone = Gap::new(Reason::Gone, "unplugged");
        for _ in 0..4 {
            open.machine.opened(Err(gone.clone()), open.now);
        }
        open.machine.resumed(open.now);
        assert_eq!(open.step(), Step::Wait(open.now + HOTPLUG_DELAY));
    }

    #[test]
    fn settings_are_read_at_once_after_a_set_command() {
        let mut open = Open::new();
        open.identify(OURS[0]);
        let (mut asked, mut before) = (Vec::new(), Vec::new());
        while let Step::Ask(query) = open.step() {
            if query != Query::Identity {
                asked.push(query);
                open.sample();
            } else if let Some(EventKind::Batch { answers, .. }) = open.identify(OURS[0]) {
                before.extend(answers);
            }
        }
        assert!(asked.contains(&Query::RatedInformation), "{asked:?}");
        open.machine.settings_changed(open.now);
        let mut again = Vec::new();
        open.identify(OURS[0]);
        for _ in 0..3 {
            again.push(open.sample());
        }
        for query in [Query::RatedInformation, Query::Flags, Query::Clock] {
            assert!(again.contains(&query), "{again:?}");
        }
        // What was read before another set command is not shown as the value after it.
        open.machine.settings_changed(open.now);
        assert_eq!(open.identify(OURS[0]), None);
        let mut later = Vec::new();
        while let Step::Ask(query) = open.step() {
            if query == Query::Identity {
                open.identify(OURS[0]);
            } else {
                later.push(open.sample());
            }
        }
        assert!(later.contains(&Query::RatedInformation), "{later:?}");
    }

    #[test]
    fn settings_are_read_again_until_units_show_the_new_values() {
        let mut open = Open::new();
        open.identify(OURS[0]);
        let read_all = |open: &mut Open| {
            let mut asked = Vec::new();
            while let Step::Ask(query) = open.step() {
                asked.push(query);
                if query == Query::Identity {
                    open.identify(OURS[0]);
                } else {
                    open.sample();
                }
            }
            asked
        };
        read_all(&mut open);
        let set = open.now;
        open.machine.settings_changed(set);
        let first = read_all(&mut open);
        for after in REREADS {
            open.now = set + after;
            let again = read_all(&mut open);
            for query in first.iter().filter(|query| has_settings(**query)) {
                assert!(again.contains(query), "{query} after {after:?}: {again:?}");
            }
        }
        open.now += Duration::from_secs(10);
        assert!(!read_all(&mut open).contains(&Query::RatedInformation));
        assert_eq!(open.machine.rereads, []);
    }

    #[test]
    fn day_energy_is_asked_for_the_day_of_the_unit() {
        let mut open = Open::new();
        open.identify(OURS[0]);
        let (reply, _) = Query::Clock.parse_reply(b"20260228235930").unwrap();
        open.answer(Query::Clock, Ok(reply));
        open.identify(OURS[0]);
        assert_eq!(open.machine.day, Date::new(2026, 2, 28).ok());
        open.now += Duration::from_secs(30);
        open.machine.set_day(open.now);
        assert_eq!(open.machine.day, Date::new(2026, 3, 1).ok());
    }
}
