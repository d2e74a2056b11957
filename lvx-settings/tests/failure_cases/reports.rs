//! Reports of runs during which units, links or settings change.

use super::*;

#[test]
fn confirmed_run_survives_replug() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let options = Options::default().with_confirm_within(Duration::from_mins(10));
    let mut script = Script::new(&bank);
    let at = bank.elapsed() + Duration::from_mins(1);
    script.confirm = Box::new(move |bank| bank.elapsed() >= at);
    script.hook = Box::new(|bank, _, action| {
        if matches!(action, Action::Confirmation(_)) {
            bank.with(|bank| bank.disconnect(1));
        }
    });
    let report = run_script(&bank, Apply::new(plan, options), &mut script);
    assert!(script.memory.records.contains(&Record::Confirmed));
    assert_ne!(report.ending, Ending::Undone, "undone after it was confirmed:\n{report}");
}

#[test]
fn confirmed_run_survives_foreign_change() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let options = Options::default().with_confirm_within(Duration::from_mins(10));
    let mut script = Script::new(&bank);
    let at = bank.elapsed() + Duration::from_mins(1);
    script.confirm = Box::new(move |bank| bank.elapsed() >= at);
    script.hook = Box::new(|bank, _, action| {
        if matches!(action, Action::Confirmation(_)) {
            switch(bank, 1, "solar-priority=1");
        }
    });
    let report = run_script(&bank, Apply::new(plan, options), &mut script);
    assert!(script.memory.records.contains(&Record::Confirmed));
    assert_ne!(report.ending, Ending::Undone, "undone after it was confirmed:\n{report}");
}

#[test]
fn device_lost_in_last_reading_is_reopened() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let mut script = Script::new(&bank);
    script.hook = Box::new(|bank, _, action| {
        if matches!(action, Action::Record(Record::Applied)) {
            bank.with(|bank| bank.disconnect(1));
        }
    });
    let report = run_script(&bank, Apply::new(plan, Options::default()), &mut script);
    assert_eq!(report.ending, Ending::Applied, "{report}");
}

#[test]
fn interrupt_during_confirmation_is_reported() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let options = Options::default().with_confirm_within(Duration::from_mins(10));
    let mut script = Script::new(&bank);
    let inside = Arc::new(Mutex::new(false));
    script.hook = Box::new(move |_, _, action| {
        *inside.lock().unwrap() |= matches!(action, Action::Confirmation(_));
    });
    script.interrupt_after = Some(bank.elapsed() + Duration::from_mins(5));
    let report = run_script(&bank, Apply::new(plan, options), &mut script);
    let why = report.why.unwrap();
    assert_eq!(why, Reason::Interrupted, "five minutes before the deadline");
}

#[test]
fn pending_write_is_not_reported_undone() {
    // Unit 1 shows its voltages after a minute, and refuses the undo.
    let bank = bank(&[STATIC, "frozen=on&lag=60s"]);
    let plan = planned(&bank, &other());
    let mut script = Script::new(&bank);
    script.hook = Box::new(|bank, _, action| {
        if matches!(action, Action::Record(Record::Undoing { .. })) {
            switch(bank, 1, "refuse=1");
        }
    });
    let report = run_script(&bank, Apply::new(plan.clone(), Options::default()), &mut script);
    bank.link(0).pause(Duration::from_mins(2));
    let old = plan.settings_after(0)[1].bulk_voltage;
    let now = settings_of(&bank, 1).bulk_voltage;
    assert!(
        report.ending != Ending::Undone || now == old,
        "reported undone, but bulk is {now:?}, was {old:?}\n{report}"
    );
}

#[test]
fn refused_second_attempt_leaves_first_in_doubt() {
    // The first attempt arrives but its answer does not, the unit lags, and the second attempt is refused.
    let bank = bank(&[STATIC, "frozen=on&lag=60s"]);
    let plan = planned(&bank, &other());
    let mut script = Script::new(&bank);
    script.hook = Box::new(|bank, _, action| match action {
        Action::Record(Record::Writing { step: 1, attempt: 1, .. }) => {
            switch(bank, 1, "late=1&late-by=10s");
        }
        Action::Pause(_) => switch(bank, 1, "late=0"),
        Action::Record(Record::Writing { step: 1, attempt: 2, .. }) => switch(bank, 1, "refuse=1"),
        _ => {}
    });
    let report = run_script(&bank, Apply::new(plan.clone(), Options::default()), &mut script);
    bank.link(0).pause(Duration::from_mins(2));
    let old = plan.settings_after(0)[1].bulk_voltage;
    let now = settings_of(&bank, 1).bulk_voltage;
    assert!(
        report.ending != Ending::Undone || now == old,
        "reported undone, but bulk is {now:?}, was {old:?}\n{report}\n{:?}",
        script.memory.audit
    );
}

#[test]
fn undo_after_foreign_change_lists_it() {
    for (switched, listed) in [
        ("solar-priority=1", "solar_priority"),
        // Written by the same command as a setting of the plan: only the plan's setting is undone.
        ("float=53.5", "float_voltage"),
    ] {
        let bank = idle_bank();
        let plan = planned(&bank, &other());
        let old = plan.settings_after(0);
        let mut script = Script::new(&bank);
        script.hook = Box::new(move |bank, _, action| {
            if matches!(action, Action::Write(write) if write.unit == 1 && write.step == 3) {
                switch(bank, 1, switched);
            }
        });
        let report = run_script(&bank, Apply::new(plan, Options::default()), &mut script);
        assert_eq!(report.ending, Ending::Undone, "{report}");
        assert!(script.memory.records.contains(&Record::Ended { ending: Ending::Undone }));
        assert!(!report.to_string().contains("all settings have their old values"), "{report}");
        let others: Vec<_> =
            report.units[1].changed_by_others.iter().map(|changed| changed.setting.key()).collect();
        assert_eq!(others, [listed], "{report}");
        let now = settings_of(&bank, 1);
        assert_eq!(now.bulk_voltage, old[1].bulk_voltage, "{report}");
        assert_eq!(now.output_priority, old[1].output_priority, "{report}");
    }
}

#[test]
fn undo_lists_foreign_flag() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let mut script = Script::new(&bank);
    script.hook = Box::new(|bank, _, action| {
        if matches!(action, Action::Write(write) if write.step == 3) {
            let outcome = client(bank, 1).set("PDF".parse().unwrap()).unwrap();
            assert_eq!(outcome, SetOutcome::Accepted);
        }
    });
    let report = run_script(&bank, Apply::new(plan, Options::default()), &mut script);
    assert_eq!(report.ending, Ending::Undone, "{report}");
    let others: Vec<_> =
        report.units[1].changed_by_others.iter().map(|changed| changed.setting.key()).collect();
    assert_eq!(others, ["backlight"], "{report}");
}

#[test]
fn undo_keeps_foreign_value() {
    let bank = idle_bank();
    let target = profile(|s| s.charger_priority = Some(ChargerPriority(1)));
    let plan = planned(&bank, &target);
    let options = Options::default().with_confirm_within(Duration::from_mins(1));
    let mut script = Script::new(&bank);
    script.hook = Box::new(|bank, _, action| {
        if matches!(action, Action::Confirmation(_)) {
            switch(bank, 1, "charger-priority=2");
        }
    });
    let report = run_script(&bank, Apply::new(plan, options), &mut script);
    assert_eq!(report.ending, Ending::Undone, "{report}");
    let others: Vec<_> =
        report.units[1].changed_by_others.iter().map(|changed| changed.setting.key()).collect();
    assert_eq!(others, ["charger_priority"], "{report}");
    assert_eq!(settings_of(&bank, 1).charger_priority, Some(ChargerPriority(2)));
}

#[test]
fn returned_unit_is_addressed_by_new_instance() {
    let bank = idle_bank();
    let target = profile(|s| {
        s.max_ac_charge_current = Some(Amperes(20));
        s.solar_priority = Some(SolarPriority(1));
    });
    let plan = planned(&bank, &target);
    let first_of_unit_1 = plan.steps.iter().position(|step| step.unit == 1).unwrap();
    let mut script = Script::new(&bank);
    let mut done = false;
    script.hook = Box::new(move |bank, _, action| {
        // The unit restarts just before its first step.
        if !done
            && matches!(action, Action::Record(Record::Proved { step, .. }) if *step < first_of_unit_1)
        {
            done = true;
            bank.with(|bank| bank.disconnect(1));
            switch(bank, 1, "instance=2");
        }
    });
    let report = run_script(&bank, Apply::new(plan, Options::default()), &mut script);
    let wrong: Vec<_> =
        script.memory.audit.iter().filter(|line| line.starts_with("MUCHGC1,")).collect();
    assert!(wrong.is_empty(), "instance 1 belongs to another unit: {wrong:?}\n{report}");
}

#[test]
fn undo_from_outside_guard_restores_old_values() {
    use lvx_settings::{Battery, Chemistry, Millivolts};
    // The plan lowers bulk, float and re-discharge voltages that are above the cell guard.
    let high = "frozen=on&bulk=57.6&float=57.6&redischarge=57.0";
    let bank = bank(&[high, high]);
    let battery = Battery::new(Chemistry::Lfp, 16, Millivolts(2500), Millivolts(3500));
    let target = profile(|s| {
        s.bulk_voltage = Some(Decivolts(560));
        s.float_voltage = Some(Decivolts(540));
        s.redischarge_voltage = Some(Decivolts(540));
    });
    let permissions = Permissions::default().with_battery(battery);
    let plan = plan_for(&bank, &target, permissions);
    let mut script = Script::new(&bank);
    let last = plan.steps.len() - 1;
    script.hook = Box::new(move |bank, _, action| {
        if matches!(action, Action::Write(write) if write.step == last) {
            switch(bank, 1, "refuse=1");
        }
        if matches!(action, Action::Record(Record::Undoing { .. })) {
            switch(bank, 1, "refuse=0");
        }
    });
    let report = run_script(&bank, Apply::new(plan, Options::default()), &mut script);
    assert_eq!(report.ending, Ending::Undone, "{report}\n{:?}", script.memory.audit);
}

#[test]
fn changed_firmware_refuses_run() {
    // `applies_to: {main_firmware}` of a profile is checked when the plan is made, and is not in the plan.
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    switch(&bank, 1, "main=06440");
    let (report, _) = apply_to(&bank, plan, Options::default(), Memory::default());
    assert_eq!(report.ending, Ending::Refused, "{report}");
    assert_eq!(received(&bank), [0, 0]);
}

#[test]
fn units_swapped_for_a_moment_are_not_lost() {
    // After a reset of the USB hub, the device path of unit 1 leads to unit 0 at first.
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let clock = host(&mut client(&bank, 0));
    let clients = (0..2).map(|at| client(&bank, at)).collect();
    let mut tries = 0;
    let mut units = Units::new(clients, clock).reopened_by(|unit| {
        tries += 1;
        bank.with(|bank| bank.reconnect(unit));
        Ok(client(&bank, if tries == 1 { 0 } else { unit }))
    });
    let mut script = Script::new(&bank);
    let mut done = false;
    script.hook = Box::new(move |bank, _, action| {
        if !done && matches!(action, Action::Write(write) if write.unit == 1) {
            done = true;
            bank.with(|bank| bank.disconnect(1));
        }
    });
    let report = lvx_settings::run(Apply::new(plan, Options::default()), &mut units, &mut script);
    assert_ne!(report.ending, Ending::Mixed, "{report}");
}

#[test]
fn run_without_confirmation_is_never_unconfirmed() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let path = std::env::temp_dir().join(format!("failure-{}-wait.journal", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let waits = Arc::new(Mutex::new(false));
    let mut journal = Journal::create(&path, &plan).unwrap();
    let mut script = Script::new(&bank);
    let (seen, file) = (Arc::clone(&waits), path.clone());
    script.hook = Box::new(move |_, _, action| {
        if let Action::Record(record) = action {
            journal.append(record, None).unwrap();
        }
        *seen.lock().unwrap() |= Past::read(&file).is_ok_and(|past| past.is_unconfirmed());
    });
    // The options have no `confirm_within`.
    let report = run_script(&bank, Apply::new(plan, Options::default()), &mut script);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(report.ending, Ending::Applied);
    assert!(!*waits.lock().unwrap(), "a program could confirm it before the last readings");
}

#[test]
fn rounded_value_is_undone() {
    // Unit 1 accepts 56.0 V, and sets 55.9 V.
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let mut script = Script::new(&bank);
    let mut written = false;
    script.hook = Box::new(move |bank, _, action| {
        if written && matches!(action, Action::Pause(_)) {
            written = false;
            switch(bank, 1, "bulk=55.9");
        }
        let forward = lvx_settings::RunDirection::Forward;
        written |= matches!(
            action,
            Action::Write(write) if (write.unit, write.step, write.direction) == (1, 1, forward)
        );
    });
    let report = run_script(&bank, Apply::new(plan.clone(), Options::default()), &mut script);
    let old = plan.settings_after(0)[1].bulk_voltage;
    assert_eq!(settings_of(&bank, 1).bulk_voltage, old, "{report}\n{:?}", script.memory.audit);
}

#[test]
fn interrupt_in_last_reading_undoes_steps() {
    let bank = idle_bank();
    let before = [settings_of(&bank, 0), settings_of(&bank, 1)];
    let plan = planned(&bank, &other());
    let mut script = Script::new(&bank);
    script.memory = Memory::default();
    script.hook = Box::new(|_, memory, action| {
        let applied = memory.records.contains(&Record::Applied);
        if applied && matches!(action, Action::Read { .. }) {
            memory.interrupt_at = Some(0);
        }
    });
    let clock = host(&mut client(&bank, 0));
    let clients = (0..2).map(|at| client(&bank, at)).collect();
    let mut units = Units::new(clients, clock);
    let report = lvx_settings::run(Apply::new(plan, Options::default()), &mut units, &mut script);
    assert_eq!(report.ending, Ending::Undone, "{report}");
    assert_eq!(report.why, Some(Reason::Interrupted));
    assert_eq!([settings_of(&bank, 0), settings_of(&bank, 1)], before);
}

#[test]
fn undo_after_foreign_change_keeps_rules() {
    let bank = idle_bank();
    let target = profile(|s| s.bulk_voltage = Some(Decivolts(580)));
    let plan = cables::plan_for_first(&bank, &target);
    let options = Options::default().with_confirm_within(Duration::from_secs(20));
    let mut script = Script::new(&bank);
    let is_wait = |action: &Action| matches!(action, Action::Confirmation(_));
    // Above the old bulk voltage of 56.4 V.
    script.hook = cables::once(is_wait, |bank| switch(bank, 0, "float=57.5"));
    let report = run_script(&bank, Apply::new(plan, options), &mut script);
    assert_eq!(script.memory.audit, ["MCHGV580,540 accepted"], "{report}");
    assert_eq!(report.ending, Ending::Mixed, "{report}");
    assert!(report.to_string().contains("float_voltage 57.5 V is above bulk_voltage"), "{report}");
}

#[test]
fn reasons_name_unit_group_and_cause() {
    let bank = idle_bank();
    switch(&bank, 1, "ignore=1");
    let plan = planned(&bank, &profile(|s| s.bulk_voltage = Some(Decivolts(558))));
    let mut script = Script::new(&bank);
    let report = run_script(&bank, Apply::new(plan, Options::default()), &mut script);
    assert_eq!(report.ending, Ending::Undone, "{report}");
    let Some(Reason::NotTaken { unit, group, to, cause }) = &report.why else { panic!("{report}") };
    assert_eq!(unit.as_str(), "96132206100411");
    assert_eq!(*group, Some(Group::ChargeVoltages));
    assert_eq!(to.bulk_voltage, Some(Decivolts(558)));
    let Cause::NotShown { outcome, attempts, .. } = cause else { panic!("{cause}") };
    assert_eq!((*outcome, *attempts), (SetOutcome::Accepted, 1));
    assert_eq!(report.charging(), None);

    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["why"], report.why.as_ref().unwrap().to_string());
    assert_eq!(json["reason"]["text"], json["why"]);
    assert_eq!(json["reason"]["kind"], "not_taken");
    assert_eq!(json["reason"]["unit"], "96132206100411");
    assert_eq!(json["reason"]["group"], "charge_voltages");
    assert_eq!(json["reason"]["to"]["bulk_voltage"], "55.8 V");
    assert_eq!(json["reason"]["cause"]["kind"], "not_shown");
    assert_eq!(json["reason"]["cause"]["outcome"], "accepted");
    assert_eq!(json["reason"]["cause"]["within_s"], 15.0);
    assert_eq!(json["units"][0]["unread"], serde_json::Value::Null);
}

#[test]
fn refused_run_leaves_no_journal_or_an_ended_one() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    switch(&bank, 1, "fault=86");
    let folder = tempfile::tempdir().unwrap();
    let [late, early] = ["late", "early"].map(|name| folder.path().join(name));
    let file = std::fs::OpenOptions::new().read(true).append(true).create(true).open(&early);
    let journals = [
        Journal::create(&late, &plan).unwrap(),
        Journal::begin(file.unwrap(), &early, &plan, None).unwrap(),
    ];
    for mut journal in journals {
        let clock = host(&mut client(&bank, 0));
        let mut units = Units::new((0..2).map(|at| client(&bank, at)).collect(), clock);
        let apply = Apply::new(plan.clone(), Options::default());
        let report = lvx_settings::run(apply, &mut units, &mut journal);
        assert_eq!(report.ending, Ending::Refused, "{report}");
    }
    assert!(!late.exists());
    let past = Past::read(&early).unwrap();
    assert_eq!((past.ending(), past.is_open()), (Some(Ending::Refused), false));
}

#[test]
fn objections_of_a_refused_run_are_typed() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    switch(&bank, 1, "fault=02");
    let mut script = Script::new(&bank);
    let report = run_script(&bank, Apply::new(plan, Options::default()), &mut script);
    let Some(Reason::Objected(objections)) = &report.why else { panic!("{report}") };
    let kinds: Vec<_> = objections.iter().map(|objection| objection.kind).collect();
    assert_eq!(kinds, [ObjectionKind::Fault]);
    assert_eq!(objections[0].unit.unwrap().as_str(), "96132206100411");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["reason"]["objections"][0]["kind"], "fault");
    assert_eq!(json["reason"]["objections"][0]["place"], "sim:1 (96132206100411)");
}
