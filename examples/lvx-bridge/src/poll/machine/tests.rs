//! The machine in virtual time.

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
