//! Checks before a run, before a write, and before a verdict.

use lvx_settings::{RunDirection, Settings};
use pi18_proto::{MachineType, OutputPriority};

use super::*;

#[test]
fn failed_backup_refuses_run() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let mut script = Script::new(&bank);
    script.memory.no_backup = true;
    let report = run_script(&bank, Apply::new(plan, Options::default()), &mut script);
    assert_eq!(report.ending, Ending::Refused, "{report}");
    assert_eq!(received(&bank), [0, 0]);
}

#[test]
fn foreign_change_before_write_prevents_it() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let mut script = Script::new(&bank);
    script.hook = Box::new(|bank, _, action| {
        if matches!(action, Action::Record(Record::Proved { step: 0, .. })) {
            switch(bank, 1, "solar-priority=1");
        }
    });
    let report = run_script(&bank, Apply::new(plan, Options::default()), &mut script);
    assert_eq!(report.ending, Ending::Undone, "{report}");
    assert_eq!(received(&bank)[1], 0, "{:?}", script.memory.audit);
}

#[test]
fn value_shown_once_is_not_verified() {
    // The new value shows in one reading only, the second after the write.
    let bank = bank(&["frozen=on&soc=100&sun=0&grid=off&lag=60s", STATIC]);
    let target = profile(|s| s.bulk_voltage = Some(Decivolts(560)));
    let plan = planned(&bank, &target);
    let (mut written, mut readings) = (false, 0);
    let (report, memory) = apply_intercepted(
        &bank,
        plan,
        Options::default(),
        Memory::default(),
        move |bank, unit, bytes| {
            written |= unit == 0 && is_set(bytes, "MCHGV");
            if unit == 0 && written && bytes.windows(4).any(|part| part == b"PIRI") {
                readings += 1;
                match readings {
                    2 => switch(bank, 0, "bulk=56.0"),
                    3 => switch(bank, 0, "bulk=56.4"),
                    _ => {}
                }
            }
            Fate::Arrive
        },
    );
    assert_ne!(report.ending, Ending::Applied, "{report}");
    let proved = Record::Proved { step: 0, direction: RunDirection::Forward };
    assert!(!memory.records.contains(&proved), "{:?}", memory.records);
}

#[test]
fn garbled_answer_leaves_write_in_doubt() {
    // Each POP is carried out, answered with noise, and shown after a minute.
    let bank = bank(&["frozen=on&soc=100&sun=0&grid=off&pop-garbled=on&lag=60s"]);
    let target = profile(|s| s.output_priority = Some(OutputPriority(0)));
    let plan = planned(&bank, &target);
    let old = plan.settings_after(0)[0].output_priority;
    let mut script = Script::new(&bank);
    script.hook = Box::new(|bank, _, action| {
        if matches!(action, Action::Record(Record::Undoing { .. })) {
            switch(bank, 0, "pop-garbled=off");
        }
    });
    let report = run_script(&bank, Apply::new(plan, Options::default()), &mut script);
    bank.link(0).pause(Duration::from_mins(2));
    let now = settings_of(&bank, 0).output_priority;
    assert!(report.ending != Ending::Undone || now == old, "{now:?}\n{report}");
    assert_eq!(now, old, "{report}");
}

#[test]
fn unexpected_last_reading_undoes_run() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let old = plan.settings_after(0)[0].bulk_voltage;
    let mut script = Script::new(&bank);
    script.hook = Box::new(|bank, _, action| {
        if matches!(action, Action::Record(Record::Applied)) {
            switch(bank, 1, "solar-priority=1");
        }
    });
    let report = run_script(&bank, Apply::new(plan, Options::default()), &mut script);
    assert_eq!(report.ending, Ending::Undone, "{report}");
    assert_eq!(settings_of(&bank, 0).bulk_voltage, old, "{report}");
}

#[test]
fn idle_wait_limit_counts_for_all_steps() {
    // Each unit starts to charge when it is set; the first one is idle 40 minutes later.
    let bank = idle_bank();
    let target = profile(|s| s.max_charge_current = Some(Amperes(50)));
    let plan = planned(&bank, &target);
    let options = Options::default().with_wait_idle(Duration::from_hours(1));
    let started = bank.elapsed();
    let mut script = Script::new(&bank);
    let mut seen = [false; 2];
    script.hook = Box::new(move |bank, _, action| {
        if let Action::Write(write) = action
            && write.direction == RunDirection::Forward
            && !seen[write.unit]
        {
            seen[write.unit] = true;
            switch(bank, write.unit, "soc=60&sun=100&grid=on");
        }
        let now = bank.elapsed().saturating_sub(started);
        if now > Duration::from_mins(40) && !seen[1] {
            switch(bank, 0, "soc=100&sun=0&grid=off");
        }
    });
    let report = run_script(&bank, Apply::new(plan, options), &mut script);
    let took = bank.elapsed().saturating_sub(started);
    assert!(took > Duration::from_mins(55), "{took:?}\n{report}");
    assert!(took < Duration::from_mins(65), "it waited for {took:?}\n{report}");
}

#[test]
fn plan_beyond_limits_is_refused() {
    let bank = idle_bank();
    let mut plan = planned(&bank, &profile(|s| s.max_charge_current = Some(Amperes(50))));
    // 100 A is not in the unit's list.
    for step in &mut plan.steps {
        step.to.max_charge_current = Some(Amperes(100));
    }
    for planned in &mut plan.units {
        planned.target.max_charge_current = Some(Amperes(100));
    }
    let (report, _) = apply_to(&bank, plan, Options::default(), Memory::default());
    assert_eq!(report.ending, Ending::Refused, "{report}");
    assert_eq!(received(&bank), [0, 0]);
}

/// Returns the report of a run that is resumed before its first step.
fn resumed(bank: &SharedBank, plan: Plan, mode: ResumeMode) -> ApplyReport {
    let apply = Apply::resume(plan, Options::default(), ApplyProgress::default(), mode);
    run_script(bank, apply, &mut Script::new(bank))
}

#[test]
fn finish_is_checked_and_undo_is_not() {
    for (trouble, why) in [
        ("fault=83", "the unit has fault"),
        ("bulk=55.0", "expected the old or the new value of bulk_voltage, found 55.0 V"),
    ] {
        let bank = idle_bank();
        let plan = planned(&bank, &other());
        switch(&bank, 1, trouble);
        let report = resumed(&bank, plan.clone(), ResumeMode::Finish);
        assert_eq!(report.ending, Ending::Refused, "{report}");
        assert!(report.to_string().contains(why), "{report}");
        assert_eq!(received(&bank), [0, 0]);
        assert_ne!(resumed(&bank, plan, ResumeMode::Undo).ending, Ending::Refused);
    }
}

fn installation(switches: &str, target: &Settings) -> (SharedBank, Plan) {
    let switches = format!("frozen=on&soc=100&sun=0&grid=off&{switches}");
    let bank = bank(&[&switches, &switches]);
    let settings = target.iter().map(|(setting, _)| setting);
    let permissions = Permissions::default().with_installation(settings);
    let plan = plan_for(&bank, target, permissions);
    (bank, plan)
}

#[test]
fn finish_outside_standby_refuses_output_mode() {
    let target = profile(|s| s.output_mode = Some(OutputMode::PARALLEL));
    let (bank, plan) = installation("output-mode=0", &target);
    let report = resumed(&bank, plan, ResumeMode::Finish);
    assert_eq!(report.ending, Ending::Refused, "{report}");
    assert!(report.to_string().contains("output_mode can be set in standby only"), "{report}");
    assert_eq!(received(&bank), [0, 0]);
}

#[test]
fn finish_needs_permission_for_installation_setting() {
    let target = profile(|s| s.machine_type = Some(MachineType::GRID_TIE));
    let (bank, mut plan) = installation("", &target);
    plan.allow_installation.clear();
    let report = resumed(&bank, plan.clone(), ResumeMode::Finish);
    assert_eq!(report.ending, Ending::Refused, "{report}");
    assert_eq!(received(&bank), [0, 0]);
    let head = format!(
        "{{\"format\":\"lvx-journal-1\",\"plan\":{}}}\n",
        serde_json::to_string(&plan).unwrap()
    );
    let why = Past::parse(head.as_bytes()).unwrap_err();
    assert!(why.contains("installation setting without permission"), "{why}");
}

#[test]
fn finish_after_foreign_change_keeps_rules() {
    let low = "frozen=on&soc=100&sun=0&grid=off&cutoff=46.0";
    let bank = bank(&[low, low]);
    let plan = planned(&bank, &profile(|s| s.recharge_voltage = Some(Decivolts(470))));
    switch(&bank, 1, "cutoff=48.0");
    let mut script = Script::new(&bank);
    let apply =
        Apply::resume(plan, Options::default(), ApplyProgress::default(), ResumeMode::Finish);
    let report = run_script(&bank, apply, &mut script);
    assert_eq!(received(&bank)[1], 0, "{report}\n{:?}", script.memory.audit);
}
