//! Runs that are resumed.

use lvx_settings::RunDirection::{Backward, Forward};

use super::*;

/// Returns a run whose steps 0 to 2 were undone, and whose step 3 could not be undone.
fn left_with_the_last_step_done() -> (SharedBank, Plan, ApplyProgress) {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let step = plan.steps[3];
    let instance = plan.units[step.unit].unit.instance().unwrap();
    let command = step.group().unwrap().command(&step.to, instance, None).unwrap();
    let outcome = client(&bank, step.unit).set(command).unwrap();
    assert_eq!(outcome, SetOutcome::Accepted);
    let records = [
        Record::Proved { step: 0, direction: Forward },
        Record::Proved { step: 1, direction: Forward },
        Record::Proved { step: 2, direction: Forward },
        Record::Proved { step: 3, direction: Forward },
        Record::Undoing {
            why: "the run was interrupted".to_owned(),
            done: 4,
            unproved: Vec::new(),
            of: Vec::new(),
        },
        Record::Left { step: 3 },
        Record::Proved { step: 2, direction: Backward },
        Record::Proved { step: 1, direction: Backward },
        Record::Proved { step: 0, direction: Backward },
        Record::Ended { ending: Ending::Mixed },
    ];
    let progress = ApplyProgress::of(&records);
    assert_eq!(progress.at_most, 4);
    (bank, plan, progress)
}

#[test]
fn failed_finish_undoes_all_steps() {
    let (bank, plan, progress) = left_with_the_last_step_done();
    let mut script = Script::new(&bank);
    script.hook = Box::new(|bank, _, action| {
        if matches!(action, Action::Write(write) if write.step == 1) {
            switch(bank, 1, "refuse=1");
        }
        if matches!(action, Action::Record(Record::Undoing { .. })) {
            switch(bank, 1, "refuse=0");
        }
    });
    let apply = Apply::resume(plan, Options::default(), progress, ResumeMode::Finish);
    let report = run_script(&bank, apply, &mut script);
    assert_eq!(report.ending, Ending::Undone, "{report}\n{:?}", script.memory.records);
}

#[test]
fn interrupted_finish_undoes_all_steps() {
    let (bank, plan, progress) = left_with_the_last_step_done();
    let apply = Apply::resume(plan, Options::default(), progress, ResumeMode::Finish);
    let memory = Memory { interrupt_at: Some(1), ..Memory::resumed() };
    let clients = (0..2).map(|at| client(&bank, at)).collect();
    let (report, memory) = run_with(&bank, clients, apply, memory);
    assert_eq!(report.ending, Ending::Undone, "{report}\n{:?}", memory.records);
}

#[test]
fn finish_after_unrecorded_undo_applies_all() {
    // All four steps were done, and then undone while the disk was full.
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let mut progress = ApplyProgress::default();
    progress.at_most = 4;
    let apply = Apply::resume(plan, Options::default(), progress, ResumeMode::Finish);
    let memory = Memory::resumed();
    let clients = (0..2).map(|at| client(&bank, at)).collect();
    let (report, _) = run_with(&bank, clients, apply, memory);
    assert_eq!(report.ending, Ending::Applied, "{report}");
}

#[test]
fn resumed_undo_writes_doubtful_step_again() {
    // Unit 1 shows an accepted write after a minute. The program is killed after it recorded the undo.
    let bank = bank(&[STATIC, "frozen=on&lag=60s"]);
    let plan = planned(&bank, &other());
    let mut script = Script::new(&bank);
    script.hook = Box::new(|_, _, action| {
        if matches!(action, Action::Write(write) if write.direction == Backward) {
            std::panic::resume_unwind(Box::new("dead"));
        }
    });
    let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        run_script(&bank, Apply::new(plan.clone(), Options::default()), &mut script)
    }));
    assert!(died.is_err());
    // As if it was killed one record earlier, before the announcement of the undo.
    let mut records = script.memory.records.clone();
    assert!(matches!(records.pop(), Some(Record::Writing { .. })));
    assert!(matches!(records.last(), Some(Record::Undoing { .. })));
    let apply = Apply::resume(
        plan.clone(),
        Options::default(),
        ApplyProgress::of(&records),
        ResumeMode::Undo,
    );
    let mut script = Script::new(&bank);
    let report = run_script(&bank, apply, &mut script);
    bank.link(0).pause(Duration::from_mins(2));
    let old = plan.settings_after(0)[1].bulk_voltage;
    let now = settings_of(&bank, 1).bulk_voltage;
    assert!(
        report.ending != Ending::Undone || now == old,
        "reported undone, but bulk is {now:?}, was {old:?}\n{report}"
    );
}

#[test]
fn finish_after_kill_in_undo_outlasts_its_write() {
    // Each undo shows after a minute. The program is killed just after the undo on the first unit.
    let bank = bank(&["frozen=on&lag=60s", STATIC]);
    let plan = planned(&bank, &profile(|s| s.solar_priority = Some(SolarPriority(1))));
    let mut script = Script::new(&bank);
    let mut sent = false;
    script.hook = Box::new(move |bank, _, action| {
        if sent {
            std::panic::resume_unwind(Box::new("dead"));
        }
        if let Action::Write(write) = action {
            sent = write.direction == Backward && write.unit == 0;
            switch(bank, 0, if sent { "lag=60s" } else { "lag=0s" });
        }
    });
    let options = Options::default().with_confirm_within(Duration::from_secs(20));
    let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        run_script(&bank, Apply::new(plan.clone(), options), &mut script)
    }));
    assert!(died.is_err());
    let progress = ApplyProgress::of(&script.memory.records);
    assert_eq!(progress.unproved, [0]);
    let apply = Apply::resume(plan.clone(), Options::default(), progress, ResumeMode::Finish);
    let report = run_script(&bank, apply, &mut Script::new(&bank));
    bank.link(0).pause(Duration::from_mins(2));
    let target = plan.settings_after(plan.steps.len())[0].solar_priority;
    let now = settings_of(&bank, 0).solar_priority;
    assert!(report.ending != Ending::Applied || now == target, "{now:?}\n{report}");
}
