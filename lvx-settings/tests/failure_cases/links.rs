//! Links that fail for a time, interrupts, and a computer that sleeps.

use super::{
    bank::cables::{Cables, SimClock},
    *,
};

#[test]
fn late_returning_unit_is_undone() {
    let bank = idle_bank();
    let before = [settings_of(&bank, 0), settings_of(&bank, 1)];
    let plan = planned(&bank, &other());
    let cables = Cables::new(&bank);
    let mut script = Script::new(&bank);
    let cable = cables.clone();
    let mut unplugged = false;
    script.hook = Box::new(move |_, _, action| {
        if !unplugged && matches!(action, Action::Write(write) if write.step == 3) {
            unplugged = true;
            cable.unplug(1, Duration::from_secs(75));
        }
    });
    let report = cables.run(Apply::new(plan, Options::default()), &mut script);
    let lefts = script.memory.records.iter().filter(|record| matches!(record, Record::Left { .. }));
    assert!(lefts.count() > 0, "the unit was never given up: {:?}", script.memory.records);
    assert_eq!(report.ending, Ending::Undone, "{report}\n{:?}", script.memory.records);
    assert_eq!([settings_of(&bank, 0), settings_of(&bank, 1)], before);
    assert_eq!(report.remarks, []);
}

#[test]
fn flapping_adapter_is_given_up() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let cables = Cables::new(&bank);
    let mut script = Script::new(&bank);
    let cable = cables.clone();
    // The unit answers one query after each time it is opened, and is gone at the next action.
    let (mut begun, mut questions) = (false, 0);
    script.hook = Box::new(move |_, _, action| {
        begun |= matches!(action, Action::Write(write) if write.unit == 1);
        questions += usize::from(matches!(action, Action::Read { unit: 1, .. }));
        if begun && questions % 2 == 1 {
            cable.unplug(1, Duration::ZERO);
        }
    });
    let started = bank.elapsed();
    let report = cables.run(Apply::new(plan, Options::default()), &mut script);
    let took = bank.elapsed().saturating_sub(started);
    assert!(took < Duration::from_mins(10), "it took {took:?}\n{report}");
    assert!(cables.reopened() < 1_000, "{} times", cables.reopened());
    assert_eq!(report.ending, Ending::Mixed, "{report}");
}

#[test]
fn interrupt_ends_wait_for_device() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let cables = Cables::new(&bank);
    let mut script = Script::new(&bank);
    let cable = cables.clone();
    let gone = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&gone);
    script.hook = Box::new(move |bank, _, action| {
        let mut seen = seen.lock().unwrap();
        if seen.is_none() && matches!(action, Action::Write(write) if write.step == 3) {
            *seen = Some(bank.elapsed());
            cable.unplug(1, Duration::MAX);
        }
    });
    // The last write is sent about six seconds after the start.
    let at = bank.elapsed() + Duration::from_secs(20);
    script.interrupt_after = Some(at);
    let report = cables.run(Apply::new(plan, Options::default()), &mut script);
    let waited = at.saturating_sub(gone.lock().unwrap().unwrap());
    assert!(
        waited < Duration::from_mins(1),
        "the unit was given up before the interrupt: {waited:?}"
    );
    let took = bank.elapsed().saturating_sub(at);
    assert!(took < Duration::from_secs(20), "it took {took:?}\n{report}");
    assert!(report.why.as_ref().unwrap().is_interrupted(), "{report}");
}

#[test]
fn interrupt_ends_wait_for_verification() {
    let bank = bank(&["frozen=on&soc=100&sun=0&grid=off", "frozen=on&lag=60s"]);
    let old = settings_of(&bank, 1).bulk_voltage;
    let target = profile(|s| s.bulk_voltage = Some(Decivolts(560)));
    let plan = planned(&bank, &target);
    let mut script = Script::new(&bank);
    let undoing = Arc::new(Mutex::new(Duration::ZERO));
    let seen = Arc::clone(&undoing);
    script.hook = Box::new(move |bank, _, action| {
        if matches!(action, Action::Record(Record::Undoing { .. })) {
            *seen.lock().unwrap() = bank.elapsed();
        }
    });
    let at = bank.elapsed() + Duration::from_secs(6);
    script.interrupt_after = Some(at);
    let report = run_script(&bank, Apply::new(plan, Options::default()), &mut script);
    let noticed = undoing.lock().unwrap().saturating_sub(at);
    assert!(noticed < Duration::from_secs(2), "after {noticed:?}\n{report}");
    bank.link(0).pause(Duration::from_mins(2));
    assert_eq!(settings_of(&bank, 1).bulk_voltage, old, "{report}");
}

#[test]
fn undo_outlasts_pending_write() {
    for lag in (2_000..7_000).step_by(250) {
        let bank = bank(&[&format!("frozen=on&soc=100&sun=0&grid=off&lag={lag}ms")]);
        let plan = planned(&bank, &profile(|s| s.bulk_voltage = Some(Decivolts(560))));
        let old = settings_of(&bank, 0);
        let mut script = Script::new(&bank);
        script.interrupt_after = Some(bank.elapsed() + Duration::from_secs(1));
        let report = run_script(&bank, Apply::new(plan, Options::default()), &mut script);
        assert_eq!(report.ending, Ending::Undone, "{lag} ms: {report}");
        bank.link(0).pause(Duration::from_mins(2));
        assert_eq!(settings_of(&bank, 0), old, "{lag} ms");
    }
}

#[test]
fn second_interrupt_ends_waits_of_undo() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let cables = Cables::new(&bank);
    let mut script = Script::new(&bank);
    let cable = cables.clone();
    let mut unplugged = false;
    let options = Options::default().with_away(Duration::from_hours(1));
    script.hook = Box::new(move |_, _, action| {
        if !unplugged
            && matches!(action, Action::Write(write) if write.direction == lvx_settings::RunDirection::Backward)
        {
            unplugged = true;
            cable.unplug(0, Duration::MAX);
            cable.unplug(1, Duration::MAX);
        }
    });
    let start = bank.elapsed();
    script.interrupt_after = Some(start + Duration::from_secs(3));
    script.hurry_after = Some(start + Duration::from_mins(2));
    let report = cables.run(Apply::new(plan, options), &mut script);
    let took = bank.elapsed().saturating_sub(start);
    assert!(took > Duration::from_mins(2), "the undo did not wait: {took:?}\n{report}");
    assert!(took < Duration::from_mins(3), "it took {took:?}\n{report}");
}

#[test]
fn confirmation_deadline_counts_sleep() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let options = Options::default().with_confirm_within(Duration::from_mins(10));
    let mut script = Script::new(&bank);
    let clock = host(&mut client(&bank, 0));
    let clients = (0..2).map(|at| client(&bank, at)).collect();
    let time = SimClock { link: bank.link(0), slept: Duration::from_mins(5) };
    let mut units = Units::new(clients, clock).timed_by(time);
    let started = bank.elapsed();
    let report = lvx_settings::run(Apply::new(plan, options), &mut units, &mut script);
    drop(units);
    let took = bank.elapsed().saturating_sub(started);
    assert_eq!(report.ending, Ending::Undone, "{report}");
    assert!(took < Duration::from_mins(1), "it waited for {took:?}");
}
