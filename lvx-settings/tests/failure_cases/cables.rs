//! Units that change their numbers or their cables while a plan is carried out.

use lvx_settings::{PlannedUnit, RunDirection, Settings, StrayCause};

use super::{bank::cables::Cables, *};

/// A plan for the first unit of a bank only.
pub(super) fn plan_for_first(bank: &SharedBank, target: &Settings) -> Plan {
    let both = planned(bank, target);
    let units: Vec<PlannedUnit> = both.units.into_iter().take(1).collect();
    let permissions = Permissions::default().without_battery_guard().with_part_of_bank();
    Plan::new(units, permissions, None).unwrap()
}

pub(super) fn swap_numbers(bank: &SharedBank) {
    switch(bank, 0, "instance=1");
    switch(bank, 1, "instance=0");
}

/// Returns a hook that acts once, before the first action that is due.
pub(super) fn once(
    is_due: impl Fn(&Action) -> bool + 'static,
    act: impl Fn(&SharedBank) + 'static,
) -> Hook {
    let mut done = false;
    Box::new(move |bank, _, action| {
        if !done && is_due(action) {
            done = true;
            act(bank);
        }
    })
}

pub(super) fn announces(action: &Action, number: usize, expected: RunDirection) -> bool {
    matches!(
        action,
        Action::Record(Record::Writing { step, direction, .. })
            if *step == number && *direction == expected
    )
}

fn ac_current() -> Settings {
    profile(|s| s.max_ac_charge_current = Some(Amperes(20)))
}

#[test]
fn renumbering_before_step_is_followed() {
    let bank = idle_bank();
    let others = settings_of(&bank, 1);
    let plan = plan_for_first(&bank, &ac_current());
    let mut script = Script::new(&bank);
    script.hook = once(|action| matches!(action, Action::Backup), swap_numbers);
    let report = Cables::new(&bank).run(Apply::new(plan, Options::default()), &mut script);
    assert_eq!(report.ending, Ending::Applied, "{report}");
    assert_eq!(script.memory.audit, ["MUCHGC1,020 accepted"]);
    assert_eq!(settings_of(&bank, 1), others);
}

#[test]
fn renumbering_before_undo_is_followed() {
    let bank = idle_bank();
    let others = settings_of(&bank, 1);
    let plan = plan_for_first(&bank, &ac_current());
    let options = Options::default().with_confirm_within(Duration::from_mins(1));
    let mut script = Script::new(&bank);
    script.hook = once(|action| matches!(action, Action::Confirmation(_)), swap_numbers);
    let report = Cables::new(&bank).run(Apply::new(plan, options), &mut script);
    assert_eq!(report.ending, Ending::Undone, "{report}");
    assert_eq!(script.memory.audit, ["MUCHGC0,020 accepted", "MUCHGC1,030 accepted"]);
    assert_eq!(settings_of(&bank, 1), others);
}

#[test]
fn renumbering_at_write_corrects_other_unit() {
    for both in [true, false] {
        let bank = idle_bank();
        let others = settings_of(&bank, 1);
        let target = ac_current();
        let plan = if both { planned(&bank, &target) } else { plan_for_first(&bank, &target) };
        let serial = planned(&bank, &target).units[1].unit.serial_number;
        let mut script = Script::new(&bank);
        script.hook = once(|action| announces(action, 0, RunDirection::Forward), swap_numbers);
        let report = Cables::new(&bank).run(Apply::new(plan, Options::default()), &mut script);
        let stray = &report.strays[0];
        assert_eq!(stray.command, "MUCHGC0,020", "{report}");
        let found = Some(serial);
        assert!(
            matches!(stray.cause, StrayCause::Renumbered { found: known, .. } if known == found)
        );
        // The old value of a unit outside the plan is not known.
        assert_eq!((stray.put_right, settings_of(&bank, 1) == others), (both, both), "{report}");
        let ending = if both { Ending::Undone } else { Ending::Mixed };
        assert_eq!(report.ending, ending, "{report}");
        assert!(report.to_string().contains(serial.as_str()), "{report}");
    }
}

#[test]
fn swap_before_write_reaches_right_unit_or_none() {
    for both in [true, false] {
        let bank = idle_bank();
        let others = settings_of(&bank, 1);
        let plan = if both { planned(&bank, &other()) } else { plan_for_first(&bank, &other()) };
        let cables = Cables::new(&bank);
        let mut script = Script::new(&bank);
        let cable = cables.clone();
        script.hook = once(|action| matches!(action, Action::Backup), move |_| cable.swap(0, 1));
        let report = cables.run(Apply::new(plan, Options::default()), &mut script);
        assert_eq!(report.ending == Ending::Applied, both, "{report}");
        assert_eq!(report.strays, [], "{report}");
        assert!(both || settings_of(&bank, 1) == others, "{report}");
    }
}

/// Two cables are swapped just before the first write is sent.
fn swapped_at_the_write(plan: Plan, bank: &SharedBank) -> (ApplyReport, Memory) {
    let cables = Cables::new(bank);
    let mut script = Script::new(bank);
    let cable = cables.clone();
    script.hook =
        once(|action| announces(action, 0, RunDirection::Forward), move |_| cable.swap(0, 1));
    let report = cables.run(Apply::new(plan, Options::default()), &mut script);
    (report, script.memory)
}

#[test]
fn swap_at_write_names_other_unit() {
    let bank = idle_bank();
    let serial = planned(&bank, &other()).units[1].unit.serial_number;
    let (report, memory) = swapped_at_the_write(plan_for_first(&bank, &other()), &bank);
    assert_eq!(report.ending, Ending::Mixed, "{report}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["strays"][0]["cause"], "another_unit", "{json}");
    assert_eq!(json["strays"][0]["found"], serial.as_str(), "{json}");
    assert_eq!(json["strays"][0]["put_right"], false, "{json}");
    assert!(report.strays[0].command.starts_with("MCHGV560"), "{report}");
    let proved =
        memory.records.iter().any(|record| matches!(record, Record::Proved { direction, .. } if *direction == RunDirection::Forward));
    assert!(!proved, "{:?}", memory.records);
}

#[test]
fn swap_of_planned_units_at_write_is_undone_on_both() {
    // With a lag, the stray value shows only after the unit was set back.
    for lag in ["lag=0s", "lag=8s"] {
        let switches = format!("frozen=on&soc=100&sun=0&grid=off&{lag}");
        let bank = bank(&[&switches, &switches]);
        let before = [settings_of(&bank, 0), settings_of(&bank, 1)];
        let (report, memory) = swapped_at_the_write(planned(&bank, &other()), &bank);
        assert_eq!(report.ending, Ending::Undone, "{report}\n{:?}", memory.records);
        assert!(report.strays[0].put_right, "{report}");
        assert_eq!([settings_of(&bank, 0), settings_of(&bank, 1)], before, "{report}");
    }
}

#[test]
fn resume_corrects_stray_write_from_journal() {
    let bank = idle_bank();
    let before = [settings_of(&bank, 0), settings_of(&bank, 1)];
    let plan = planned(&bank, &other());
    let cables = Cables::new(&bank);
    let mut script = Script::new(&bank);
    let cable = cables.clone();
    let mut swapped = false;
    script.hook = Box::new(move |_, _, action| {
        if !swapped && announces(action, 0, RunDirection::Forward) {
            swapped = true;
            cable.swap(0, 1);
        }
        if matches!(action, Action::Record(Record::Undoing { .. })) {
            std::panic::resume_unwind(Box::new("killed"));
        }
    });
    let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        cables.run(Apply::new(plan.clone(), Options::default()), &mut script)
    }));
    assert!(died.is_err());
    assert_ne!(settings_of(&bank, 1), before[1]);
    // The records are those of a journal.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.journal");
    let mut journal = Journal::create(&path, &plan).unwrap();
    for record in &script.memory.records {
        journal.append(record, None).unwrap();
    }
    let progress = Past::read(&path).unwrap().progress();
    assert_eq!(progress.strays.len(), 1);
    let apply = Apply::resume(plan, Options::default(), progress, ResumeMode::Undo);
    let mut script = Script::new(&bank);
    let report = cables.run(apply, &mut script);
    assert_eq!(report.ending, Ending::Undone, "{report}\n{:?}", script.memory.records);
    assert!(report.strays[0].put_right, "{report}");
    assert_eq!([settings_of(&bank, 0), settings_of(&bank, 1)], before);
}

#[test]
fn last_reading_of_other_unit_is_rejected() {
    // The other unit has the settings that the first one should get, and another program changes those
    // of the first one.
    let bank = bank(&["frozen=on&soc=100&sun=0&grid=off", "frozen=on&bulk=56.0&output-priority=0"]);
    let plan = plan_for_first(&bank, &other());
    let cables = Cables::new(&bank);
    let mut script = Script::new(&bank);
    let cable = cables.clone();
    script.hook = once(
        |action| matches!(action, Action::Record(Record::Applied)),
        move |bank| {
            cable.swap(0, 1);
            switch(bank, 0, "bulk=55.0");
        },
    );
    let report = cables.run(Apply::new(plan, Options::default()), &mut script);
    assert_eq!(report.units[0].state, lvx_settings::SettingState::Unknown, "{report}");
    let unread = report.units[0].unread.as_ref().unwrap();
    assert!(unread.to_string().contains("answers on this link"), "{report}");
}

#[test]
fn reading_that_ends_with_other_unit_fails() {
    let bank = idle_bank();
    let mut questions = 0;
    let interceptor: bank::Interceptor =
        Arc::new(Mutex::new(move |bank: &SharedBank, _: usize, _: &[u8]| {
            questions += 1;
            if questions == 8 {
                switch(bank, 0, "serial-number=96132206100499");
            }
            Fate::Arrive
        }));
    let clock = host(&mut client(&bank, 0));
    let error = Unit::read(&mut bank::intercepted(&bank, 0, &interceptor), &clock).unwrap_err();
    let why = error.to_string();
    assert!(why.contains("expected unit 96132206100410 in all replies"), "{why}");
    assert!(why.contains("found unit 96132206100499"), "{why}");
}

#[test]
fn refusal_of_another_host_is_outlasted() {
    let bank = bank(&["frozen=on&soc=100&sun=0&grid=off&lag=8s", "frozen=on&lag=8s"]);
    let plan = planned(&bank, &other());
    let cables = Cables::new(&bank);
    let mut script = Script::new(&bank);
    let cable = cables.clone();
    script.hook = once(
        |action| announces(action, 1, RunDirection::Forward),
        move |_| cable.refuse_another_host(),
    );
    let report = cables.run(Apply::new(plan, Options::default()), &mut script);
    assert!(script.memory.audit.contains(&"MCHGV560,540 refused".to_owned()));
    assert_eq!(report.ending, Ending::Applied, "{report}");
}
