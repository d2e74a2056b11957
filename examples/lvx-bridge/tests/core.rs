//! The state of a bank as it follows its units: swapped cables, doubled and unknown serial numbers, units that are
//! lost, resets of counters.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic fails the test"
)]

mod support;

use std::{
    sync::{Mutex, atomic::Ordering},
    time::{Duration, Instant},
};

use lvx_bridge::{
    Snapshot,
    config::PollConfig,
    poll::{Answered, Event, EventKind},
    state::{Core, Datum, LinkState},
};
use lvx_parallel::{Gap, Reason, Severity};
use pi18_proto::{AnyReply, Query, SerialNumber};
use pi18_transport::sim::{Bank, BankConfig, SharedBank};
use support::{Routes, Run, State, UNPLUGGED, bank_config};

fn bank(units: usize) -> SharedBank {
    let switches = vec!["think=20ms".parse().unwrap(); units];
    SharedBank::virtual_time(Bank::new(BankConfig { units, switches }).unwrap())
}

/// Runs two units for some seconds. `action` is called at each second, with the snapshot.
fn run(seconds: u64, action: impl Fn(u64, &Snapshot, &SharedBank, &Routes) + Sync) -> State {
    let bank = bank(2);
    let time = Duration::from_secs(seconds);
    let run = Run { bank, poll: PollConfig::default(), time, has_routes: true };
    let on_tick = |state: &mut State, routes: &Routes, now: Duration| {
        action(now.as_secs(), &state.core.snapshot(), &run.bank, routes);
    };
    run.run(|_, _| {}, on_tick).0
}

fn rules(snapshot: &Snapshot) -> Vec<String> {
    let findings = snapshot.findings.iter().flatten();
    findings.map(|finding| finding.rule.to_string()).collect()
}

fn is_down(snapshot: &Snapshot, unit: usize) -> bool {
    matches!(snapshot.units[unit].link.state, LinkState::Down { .. })
}

#[test]
fn healthy_bank_has_no_warnings_from_the_start() {
    let judged = Mutex::new(0);
    let state = run(120, |_, snapshot, _, _| {
        let Some(findings) = &snapshot.findings else { return };
        let is_warning = |severity| severity >= Severity::Warning;
        assert!(!findings.iter().any(|found| is_warning(found.severity)), "{findings:?}");
        *judged.lock().unwrap() += 1;
    });
    assert!(*judged.lock().unwrap() > 100);
    let snapshot = state.core.snapshot();
    assert_eq!(snapshot.totals.fresh_units, 2);
    assert_eq!(snapshot.totals.settings_that_differ, Some(0));
    assert!(snapshot.totals.pv_power.unwrap() > 0 && snapshot.totals.pv_energy.is_some());
    let age = snapshot.now.instant - snapshot.judged_at.unwrap();
    assert!(age < Duration::from_secs(6), "{age:?}");
}

#[test]
fn findings_remain_between_two_readings_of_what_units_report_about_each_other() {
    let state = run(120, |now, snapshot, bank, _| {
        if now == 20 {
            bank.with(|bank| bank.switch(1, "battery-offset=1.5")).unwrap();
        }
        assert!(now < 60 || rules(snapshot).contains(&"battery-voltage".to_owned()), "{now}");
    });
    assert!(state.core.snapshot().units.iter().all(|unit| unit.link.state == LinkState::Up));
}

#[test]
fn suspend_of_the_host_leaves_no_old_value_fresh() {
    let bank = bank(2);
    let poll = PollConfig::default();
    let run = Run { bank, poll, time: Duration::from_mins(2), has_routes: false };
    let charged = Mutex::new(0);
    let on_tick = |state: &mut State, _: &Routes, now: Duration| {
        let fresh = |state: &State, mnemonic: &str| {
            let snapshot = state.core.snapshot();
            let units = snapshot.units.iter();
            units.filter(|unit| unit.fresh(mnemonic, snapshot.now.instant).is_some()).count()
        };
        match now.as_secs() {
            60 => {
                state.show_saved();
                let before = state.core.snapshot();
                *charged.lock().unwrap() = before.totals.battery_charge_energy.unwrap();
                assert_eq!([fresh(state, "GS"), fresh(state, "ET")], [2, 2]);
                state.suspend(Duration::from_hours(50));
                assert_eq!([fresh(state, "GS"), fresh(state, "ET")], [0, 0]);
                let snapshot = state.core.snapshot();
                assert_eq!((snapshot.totals.fresh_units, snapshot.totals.pv_power), (0, None));
                run.bank.with(|bank| {
                    (0..2).for_each(|unit| bank.switch(unit, "clock=2026-06-23T12:31:00").unwrap());
                });
            }
            75 => assert_eq!([fresh(state, "GS"), fresh(state, "ET")], [2, 2]),
            _ => {}
        }
    };
    let (mut state, _) = run.run(|_, _| {}, on_tick);
    state.show_saved();
    let snapshot = state.core.snapshot();
    let found = snapshot.findings.iter().flatten().find(|found| found.rule == "host-suspend");
    let found = found.map(ToString::to_string);
    assert_eq!(found.as_deref(), Some("this computer was suspended for 50h"));
    assert!(!rules(&snapshot).contains(&"energy-era".to_owned()), "{:?}", rules(&snapshot));
    for unit in &snapshot.units {
        assert_eq!((unit.energy.era, unit.link.counts.missed_deadlines), (0, 0));
        assert_eq!(unit.link.counts.connects, 1);
    }
    // Two minutes at a few kilowatts, not 50 hours.
    let charged = snapshot.totals.battery_charge_energy.unwrap() - charged.into_inner().unwrap();
    assert!(charged < 500, "{charged} Wh");
}

#[test]
fn answer_from_before_a_suspend_is_not_taken_after_it() {
    let mut events = Events::new();
    events.state.suspend(Duration::from_secs(20));
    let sample = Query::GeneralStatus.info().sample;
    let now = events.now;
    events.now = now.checked_sub(Duration::from_secs(1)).unwrap();
    events.answer(Query::GeneralStatus, sample, 0);
    assert_eq!(events.state.core.snapshot().totals.fresh_units, 0);
    events.now = now;
    events.answer(Query::GeneralStatus, sample, 1);
    assert_eq!(events.state.core.snapshot().totals.fresh_units, 1);
    // A short suspend makes a value older by its time.
    events.state.suspend(Duration::from_secs(10));
    let snapshot = events.state.core.snapshot();
    let (_, age) = snapshot.units[0].fresh("GS", snapshot.now.instant).unwrap();
    assert_eq!(age, Duration::from_secs(10));
    events.state.suspend(Duration::from_secs(6));
    assert_eq!(events.state.core.snapshot().totals.fresh_units, 0);
}

#[test]
fn swapped_cables_are_followed() {
    let state = run(120, |now, snapshot, _, routes| match now {
        60 => {
            routes[0].store(1, Ordering::Release);
            routes[1].store(0, Ordering::Release);
        }
        75 => assert!(!is_down(snapshot, 0) && !is_down(snapshot, 1)),
        _ => {}
    });
    let snapshot = state.core.snapshot();
    let addresses: Vec<_> = snapshot.units.iter().map(|unit| unit.link.address.as_str()).collect();
    assert_eq!(addresses, ["sim:1", "sim:0"]);
    assert_eq!(snapshot.totals.fresh_units, 2);
}

#[test]
fn duplicate_serial_number_is_reported_and_read_once() {
    let state = run(90, |now, snapshot, bank, _| match now {
        30 => bank.with(|bank| bank.switch(1, "serial-number=96132206100410")).unwrap(),
        31.. => {
            // The other unit has number 1.
            let number = snapshot.units[0].value("GS", "parallel_instance", snapshot.now.instant);
            let zero = Datum::Quantity { steps: 0, decimals: 0, unit: "" };
            assert_eq!(number.fresh(), Some(&zero));
            assert!(now < 60 || is_down(snapshot, 1));
        }
        _ => {}
    });
    let snapshot = state.core.snapshot();
    assert!(rules(&snapshot).contains(&"doubled-serial".to_owned()), "{:?}", rules(&snapshot));
    assert_eq!(snapshot.units[0].link.address, "sim:0");
    assert_eq!(snapshot.units[0].link.state, LinkState::Up);
    assert_eq!((snapshot.totals.fresh_units, snapshot.totals.pv_power), (1, None));
}

#[test]
fn unit_that_is_not_configured_is_not_published() {
    let state = run(90, |now, _, bank, _| {
        if now == 30 {
            bank.with(|bank| bank.switch(1, "serial-number=96132206109999")).unwrap();
        }
    });
    let snapshot = state.core.snapshot();
    assert!(rules(&snapshot).contains(&"unknown-unit".to_owned()), "{:?}", rules(&snapshot));
    let LinkState::Down { why, .. } = &snapshot.units[1].link.state else { panic!("up") };
    assert_eq!(why, "sim:1: unit 96132206109999 answers here");
    assert!(snapshot.units[1].fresh("GS", snapshot.now.instant).is_none());
}

#[test]
fn unplugged_unit_is_lost_at_once_and_judged_with_its_reason() {
    let state = run(100, |now, snapshot, _, routes| match now {
        30 => routes[1].store(UNPLUGGED, Ordering::Release),
        40 => assert!(is_down(snapshot, 1)),
        50 => {
            assert_eq!(snapshot.totals.pv_power, None);
            let lost = snapshot.findings.iter().flatten().find(|found| found.rule == "unread");
            let lost = lost.map(ToString::to_string).unwrap_or_default();
            assert!(lost.contains("unit-1"), "{:?}", snapshot.findings);
            routes[1].store(1, Ordering::Release);
        }
        _ => {}
    });
    let snapshot = state.core.snapshot();
    assert_eq!(snapshot.units[1].link.state, LinkState::Up);
    assert_eq!(snapshot.units[1].link.counts.connects, 2);
    assert_eq!(snapshot.totals.fresh_units, 2);
}

#[test]
fn unit_that_is_back_is_judged_once_it_was_read() {
    for plugged_at in 50..55 {
        let waited = Mutex::new(0);
        run(80, |now, snapshot, _, routes| {
            match now {
                30 => routes[1].store(UNPLUGGED, Ordering::Release),
                _ if now == plugged_at => routes[1].store(1, Ordering::Release),
                _ => {}
            }
            let is_back = now > plugged_at && !is_down(snapshot, 1);
            if is_back && snapshot.totals.settings_that_differ.is_none() {
                *waited.lock().unwrap() += 1;
            }
        });
        let waited = waited.into_inner().unwrap();
        assert!(waited <= 2, "plugged in at {plugged_at} s: judged after {waited} s");
    }
}

/// A core that gets made-up events.
struct Events {
    state: State,
    serials: Vec<SerialNumber>,
    now: Instant,
}

impl Events {
    /// A bank of one unit.
    fn new() -> Self {
        Self::of(&[0], None)
    }

    /// A bank of these units, all connected, after a start with this saved state.
    fn of(units: &[usize], saved: Option<&[u8]>) -> Self {
        let mut config = bank_config(&bank(2));
        let all = std::mem::take(&mut config.units);
        config.units = units.iter().map(|unit| all[*unit].clone()).collect();
        let now = Instant::now();
        let state = State::new(&config, &PollConfig::default(), now);
        let serials = config.units.iter().map(|unit| unit.serial).collect();
        let mut events = Self { state, serials, now };
        if let Some(saved) = saved {
            let now = events.state.now(now);
            events.state.core.restore(saved, now).unwrap();
        }
        for link in 0..units.len() {
            let serial = events.serials[link];
            events.send(link, EventKind::Connected { serial });
        }
        events
    }

    fn send(&mut self, link: usize, kind: EventKind) {
        self.state.handle(Event { link, at: self.now, kind });
    }

    fn answer(&mut self, query: Query, data: &str, after: u64) {
        self.answer_of(0, query, data, after);
    }

    fn answer_of(&mut self, link: usize, query: Query, data: &str, after: u64) {
        self.now += Duration::from_secs(after);
        let (reply, _) = query.parse_reply(data.as_bytes()).unwrap();
        self.take(link, query, Ok(reply));
    }

    /// The first unit fails to answer.
    fn fail(&mut self, query: Query, after: u64) {
        self.now += Duration::from_secs(after);
        self.take(0, query, Err(Gap::new(Reason::Silent, "no reply")));
    }

    fn take(&mut self, link: usize, query: Query, answer: Result<AnyReply, Gap>) {
        let answer = Answered { query, answer, at: self.now, latency: Duration::from_millis(100) };
        self.send(link, EventKind::Batch { serial: self.serials[link], answers: vec![answer] });
    }

    /// The unit on a link reports this energy two minutes later.
    fn total(&mut self, link: usize, watt_hours: u32) {
        self.answer_of(link, Query::TotalEnergy, &format!("{watt_hours:08}"), 120);
    }

    fn energy(&self) -> lvx_bridge::state::Energy {
        self.state.core.snapshot().units[0].energy
    }

    /// Saves the energies, and returns the file and the PV energy of the bank.
    fn saved(&mut self) -> (Vec<u8>, Option<u64>) {
        let saved = self.state.show_saved();
        (saved, self.state.core.snapshot().totals.pv_energy)
    }
}

#[test]
fn energy_of_the_bank_neither_falls_nor_jumps_with_its_units() {
    let mut one = Events::of(&[0], None);
    one.total(0, 5_000_000);
    assert_eq!(one.saved().1, Some(0), "it begins with zero, whatever the unit has");
    one.total(0, 5_000_300);
    // A reset of the unit, after a reading of zero that is not confirmed.
    for total in [0, 5_000_400, 0, 10] {
        one.total(0, total);
    }
    one.total(0, 35);
    let (saved, energy) = one.saved();
    assert_eq!(energy, Some(425), "300 + 100, then 25 after the reset");

    // A used unit is added.
    let mut two = Events::of(&[0, 1], Some(&saved));
    assert_eq!(two.saved().1, energy);
    two.total(1, 8_000_000);
    two.total(0, 45);
    two.total(1, 8_000_005);
    let (saved, energy) = two.saved();
    assert_eq!(energy, Some(440));

    // It is lent to another bank.
    let mut one = Events::of(&[0], Some(&saved));
    one.total(0, 46);
    let (saved, energy) = one.saved();
    assert_eq!(energy, Some(441));
    let mut two = Events::of(&[0, 1], Some(&saved));
    two.total(1, 9_000_000);
    two.total(1, 9_000_001);
    assert_eq!(two.saved().1, Some(442));
}

#[test]
fn energy_of_the_bank_does_not_fall_after_a_crash() {
    let mut events = Events::of(&[0], None);
    events.total(0, 100);
    let shown = |events: &Events| events.state.core.snapshot().totals.pv_energy;
    let (saved, _) = events.saved();
    events.total(0, 150);
    assert_eq!(shown(&events), Some(0), "the disk does not have it");
    // The crash, and a crash before the first write after it.
    let mut after = Events::of(&[0], Some(&saved));
    after.total(0, 170);
    assert_eq!(shown(&after), Some(0));
    assert_eq!(after.saved().1, Some(70), "what the unit counted meanwhile is added");
}

#[test]
fn file_of_an_earlier_version_is_read() {
    let text = r#"{"session":4,"units":[{"serial":"96132206100410","era":1,"pv_total":7000,"charge":36000000,
        "discharge":null}]}"#;
    let mut events = Events::of(&[0], Some(text.as_bytes()));
    assert_eq!((events.energy().era, events.energy().battery_charge_total), (1, Some(10)));
    events.total(0, 7100);
    events.total(0, 7101);
    assert_eq!(events.saved().1, Some(1));
}

#[test]
fn reset_of_a_counter_starts_an_era_and_is_reported() {
    let mut events = Events::new();
    for total in ["00006591", "00000000", "00006600", "00000001", "00000002"] {
        events.answer(Query::TotalEnergy, total, 120);
        events.answer(Query::GeneralStatus, Query::GeneralStatus.info().sample, 5);
    }
    assert_eq!(events.energy().era, 0, "the disk does not have the era");
    events.state.show_saved();
    assert_eq!((events.energy().era, events.energy().pv_total), (1, Some(2)));
    // The unit has not answered all questions, so it is judged two minutes after it was found.
    let snapshot = events.state.core.snapshot();
    let finding = snapshot.findings.iter().flatten().find(|found| found.rule == "energy-era");
    let finding = finding.unwrap();
    assert_eq!(finding.severity, Severity::Info);
    assert_eq!(finding.to_string(), "the energy counter was reset: unit-0 6600 Wh, then 2 Wh");
}

#[test]
fn energy_of_yesterday_is_no_answer_about_today() {
    let mut events = Events::new();
    let day = |day| Query::DayEnergy(pi18_proto::Date::new(2026, 6, day).unwrap());
    events.answer(day(21), "00020000", 1);
    let is_known = |events: &Events| {
        let snapshot = events.state.core.snapshot();
        snapshot.units[0].fresh("ED", snapshot.now.instant).is_some()
    };
    assert!(is_known(&events));
    let answer = Err(Gap::new(Reason::Silent, "no reply"));
    let latency = Duration::from_secs(1);
    let answers = vec![Answered { query: day(22), answer, at: events.now, latency }];
    events.send(0, EventKind::Batch { serial: events.serials[0], answers });
    assert!(!is_known(&events));
}

#[test]
fn resets_of_counter_and_clock_are_both_reported() {
    let mut events = Events::new();
    events.answer(Query::Clock, "20260621123000", 1);
    events.total(0, 6591);
    events.total(0, 0);
    events.now += Duration::from_mins(2);
    let answers = [(Query::TotalEnergy, "00000002"), (Query::Clock, "20200101000000")];
    let answers = answers.map(|(query, data)| {
        let (reply, _) = query.parse_reply(data.as_bytes()).unwrap();
        Answered { query, answer: Ok(reply), at: events.now, latency: Duration::from_millis(100) }
    });
    let serial = events.serials[0];
    events.send(0, EventKind::Batch { serial, answers: answers.into() });
    events.answer(Query::GeneralStatus, Query::GeneralStatus.info().sample, 5);
    events.state.show_saved();
    let snapshot = events.state.core.snapshot();
    let count = rules(&snapshot).iter().filter(|rule| *rule == "energy-era").count();
    assert_eq!((count, events.energy().era), (2, 2), "{:?}", snapshot.findings);
}

#[test]
fn reset_of_the_clock_starts_an_era() {
    let mut events = Events::new();
    events.answer(Query::Clock, "20260621123000", 1);
    events.answer(Query::Clock, "20260621133500", 300);
    assert_eq!(events.energy().era, 0);
    events.answer(Query::Clock, "20200101000000", 300);
    assert!(events.state.core.has_new_era());
    events.state.show_saved();
    assert_eq!(events.energy().era, 1);
}

#[test]
fn energies_and_session_survive_a_restart() {
    let mut events = Events::new();
    events.answer(Query::TotalEnergy, "00006591", 1);
    let sample = Query::GeneralStatus.info().sample;
    (0..20).for_each(|_| events.answer(Query::GeneralStatus, sample, 10));
    let saved = events.saved().0;
    assert_eq!(Core::last_session(&saved), 1);
    assert_eq!(Core::last_session(b"damaged"), 0);
    let mut restored = Events::new();
    let now = restored.state.now(restored.now);
    restored.state.core.restore(&saved, now).unwrap();
    assert_eq!(
        restored.energy(),
        lvx_bridge::state::Energy { pv_total: None, pv_today: None, ..events.energy() }
    );
    assert!(restored.energy().battery_charge_total.unwrap() > 0);
    assert!(restored.state.core.restore(b"damaged", now).is_err());
}

#[test]
fn answers_about_units_that_are_not_asked_any_more_are_forgotten() {
    let mut events = Events::new();
    let query: Query = "PGS1".parse().unwrap();
    events.answer(query, query.info().sample, 1);
    let max_age = events.state.core.snapshot().units[0].held("PGS").unwrap().max_age;
    let at = events.now;
    for (age, is_held) in [(max_age, true), (max_age + Duration::from_secs(1), false)] {
        events.now = at + age;
        let now = events.state.now(events.now);
        events.state.core.tick(now);
        events.answer(Query::GeneralStatus, Query::GeneralStatus.info().sample, 0);
        let snapshot = events.state.core.snapshot();
        assert_eq!(snapshot.units[0].held("PGS").is_some(), is_held, "{age:?}");
    }
}

#[test]
fn failure_about_a_unit_is_kept_only_while_the_unit_is_asked_for_it() {
    let mut events = Events::new();
    let query: Query = "PGS1".parse().unwrap();
    events.answer(query, query.info().sample, 1);
    let max_age = events.state.core.snapshot().units[0].held("PGS").unwrap().max_age;
    for (after, is_held) in [(0, true), (1, true), (max_age.as_secs() + 1, false)] {
        if is_held {
            events.fail(query, max_age.as_secs());
        }
        events.now += Duration::from_secs(after);
        let now = events.state.now(events.now);
        events.state.core.tick(now);
        events.answer(Query::GeneralStatus, Query::GeneralStatus.info().sample, 0);
        let snapshot = events.state.core.snapshot();
        assert_eq!(snapshot.units[0].held("PGS").is_some(), is_held, "{after}");
    }
}

#[test]
fn value_goes_stale_by_the_monotonic_clock_only() {
    let mut events = Events::new();
    events.answer(Query::GeneralStatus, Query::GeneralStatus.info().sample, 1);
    events.state.jump(jiff::SignedDuration::from_hours(-9999));
    let snapshot = |events: &mut Events, after| {
        let now = events.state.now(events.now + Duration::from_secs(after));
        events.state.core.tick(now);
        events.state.core.snapshot()
    };
    assert_eq!(snapshot(&mut events, 15).totals.pv_power, Some(1326));
    assert_eq!(snapshot(&mut events, 16).totals.pv_power, None);
    let unit = &events.state.core.snapshot().units[0];
    assert_eq!(
        unit.value("GS", "pv1_power", events.now + Duration::from_secs(16)).status(),
        "stale"
    );
    assert!(matches!(unit.held("GS").unwrap().reply, Some((AnyReply::GeneralStatus(_), _))));
}
