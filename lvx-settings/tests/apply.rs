//! Applies plans to virtual units, and checks what is written, what is reported, and what the units have
//! afterwards.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

mod bank;

use std::time::Duration;

use bank::{
    Fate, STATIC, apply_intercepted, apply_to, assert_true, bank, client, host, idle_bank, is_set,
    other, plan_for, planned, profile, received, recorder::Memory, run_with, settings_of, settled,
    valid_settings,
};
use lvx_settings::{
    Apply, ApplyProgress, ApplyReport, Ending, Options, Permissions, Plan, Reason, Record,
    ResumeMode, Setting, Settings, Unit, Units, broken_rules,
};
use pi18_proto::{Amperes, BatteryType, Decivolts, OutputMode, OutputPriority};
use pi18_transport::{SetOutcome, sim::SharedBank};
use proptest::prelude::*;

/// The policy of the commissioned bank.
fn commissioned() -> Settings {
    profile(|s| {
        s.battery_type = Some(BatteryType::USER);
        s.bulk_voltage = Some(Decivolts(564));
        s.float_voltage = Some(Decivolts(540));
        s.cutoff_voltage = Some(Decivolts(480));
        s.recharge_voltage = Some(Decivolts(480));
        s.redischarge_voltage = Some(Decivolts(540));
        s.max_charge_current = Some(Amperes(60));
    })
}

fn apply(bank: &SharedBank, target: &Settings) -> (ApplyReport, Memory) {
    apply_to(bank, planned(bank, target), Options::default(), Memory::default())
}

#[test]
fn unchanged_settings_write_nothing() {
    let bank = bank(&[STATIC, STATIC]);
    let (report, memory) = apply(&bank, &commissioned());
    assert_eq!(report.ending, Ending::NothingToDo);
    assert_eq!(received(&bank), [0, 0]);
    assert_eq!(memory.records, []);
    insta::assert_snapshot!(report);
}

#[test]
fn factory_defaults_become_policy_and_back() {
    let bank = idle_bank();
    for unit in 0..2 {
        let outcome = client(&bank, unit).set("PF".parse().unwrap()).unwrap();
        assert_eq!(outcome, SetOutcome::Accepted);
    }
    let mut first = client(&bank, 0);
    let host = host(&mut first);
    let defaults = Unit::read(&mut first, &host).unwrap().defaults.unwrap();
    let factory = Settings::factory(&defaults);
    let sent: u64 = received(&bank).iter().sum();
    for target in [commissioned(), factory] {
        let (report, _) = apply(&bank, &target);
        assert_eq!(report.ending, Ending::Applied, "{report}");
        assert_eq!(report.units_agree, Some(true));
        assert!(report.writes >= 6, "{report}");
        assert_true(&report, &bank);
        for unit in 0..2 {
            assert!(settled(&bank, unit).satisfy(&target));
        }
        let (again, _) = apply(&bank, &target);
        assert_eq!((again.ending, again.writes), (Ending::NothingToDo, 0));
    }
    assert!(received(&bank).iter().sum::<u64>() > sent);
}

#[test]
fn writes_set_each_group_on_all_units_in_turn() {
    let (_, memory) = apply(&idle_bank(), &other());
    insta::assert_snapshot!(memory.audit.join("\n"));
}

#[test]
fn each_write_is_announced_and_verified() {
    let bank = idle_bank();
    let (report, memory) = apply(&bank, &other());
    assert_eq!(report.writes, 4);
    assert_eq!(received(&bank), [2, 2]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&memory.records).unwrap());
}

/// Returns the report of a plan that is refused before anything is written.
#[track_caller]
fn refused(bank: &SharedBank, plan: Plan) -> String {
    let before = received(bank);
    let (report, memory) = apply_to(bank, plan, Options::default(), Memory::default());
    assert_eq!(report.ending, Ending::Refused, "{report}");
    assert_eq!(received(bank), before);
    assert!(!memory.begun);
    let charging = matches!(report.why, Some(Reason::Charging { .. }));
    assert_eq!(report.to_string().contains("the unit charges at"), charging, "{report}");
    assert_eq!(report.charging().is_some(), charging, "{report}");
    report.to_string()
}

#[test]
fn unit_changed_since_plan_is_refused() {
    let report_after = |change: &str| {
        let bank = idle_bank();
        let plan = planned(&bank, &other());
        bank.with(|bank| change.split('&').try_for_each(|switch| bank.switch(1, switch)).unwrap());
        refused(&bank, plan)
    };
    insta::assert_snapshot!(
        [
            report_after("float=53.0"),
            report_after("serial-number=96132206100499"),
            report_after("fault=86"),
            report_after("model=07"),
            report_after("rated=24"),
            report_after("silent=1"),
        ]
        .join("\n")
    );
}

#[test]
fn output_mode_outside_standby_is_refused() {
    let single = "frozen=on&soc=100&sun=0&grid=off&output-mode=0";
    let bank = bank(&[single, single]);
    let target = profile(|s| s.output_mode = Some(OutputMode::PARALLEL));
    let permissions = || Permissions::default().with_installation([Setting::OutputMode]);
    let plan = plan_for(&bank, &target, permissions());
    insta::assert_snapshot!(refused(&bank, plan));
    bank.with(|bank| (0..2).try_for_each(|unit| bank.switch(unit, "mode=01"))).unwrap();
    let plan = plan_for(&bank, &target, permissions());
    let (report, _) = apply_to(&bank, plan, Options::default(), Memory::default());
    assert_eq!(report.ending, Ending::Applied, "{report}");
}

#[test]
fn charge_current_while_charging_is_refused() {
    let bank = bank(&["frozen=on&soc=60", STATIC]);
    let target = profile(|s| s.max_charge_current = Some(Amperes(50)));
    insta::assert_snapshot!(refused(&bank, planned(&bank, &target)));
}

#[test]
fn charge_current_waits_for_idle_window() {
    let bank = bank(&["frozen=on&soc=60", STATIC]);
    let target = profile(|s| s.max_charge_current = Some(Amperes(50)));
    let plan = planned(&bank, &target);
    let options = Options::default().with_wait_idle(Duration::from_hours(1));
    // The sun sets half an hour later.
    let (report, memory) =
        apply_intercepted(&bank, plan, options, Memory::default(), |bank, _, _| {
            if bank.elapsed() > Duration::from_mins(30) {
                bank.with(|bank| {
                    ["sun=0", "grid=off"].iter().try_for_each(|s| bank.switch(0, s)).unwrap();
                });
            }
            Fate::Arrive
        });
    assert_eq!(report.ending, Ending::Applied, "{report}");
    assert_eq!(memory.audit.len(), 2);
    assert_true(&report, &bank);
}

#[test]
fn refusal_while_charging_is_retried_when_idle() {
    let bank = idle_bank();
    let plan = planned(&bank, &profile(|s| s.max_charge_current = Some(Amperes(50))));
    let options = Options::default().with_wait_idle(Duration::from_hours(1));
    let mut clouded = None;
    // The sun shines for a quarter of an hour from just before the second unit is set.
    let (report, memory) =
        apply_intercepted(&bank, plan, options, Memory::default(), move |bank, unit, bytes| {
            let now = bank.elapsed();
            let switch = |sun: &str| {
                bank.with(|bank| {
                    ["soc=60", sun].iter().try_for_each(|s| bank.switch(0, s)).unwrap();
                });
            };
            if unit == 1 && is_set(bytes, "MCHGC") && clouded.is_none() {
                clouded = Some(now + Duration::from_mins(15));
                switch("sun=100");
            } else if clouded.is_some_and(|until| now > until) {
                switch("sun=0");
            }
            Fate::Arrive
        });
    assert_eq!(report.ending, Ending::Applied, "{report}");
    assert_eq!(memory.audit, ["MCHGC0,050 accepted", "MCHGC1,050 refused", "MCHGC1,050 accepted"]);
    assert_true(&report, &bank);
}

#[test]
fn interrupt_ends_wait_for_idle_window() {
    let options = Options::default().with_wait_idle(Duration::from_hours(12));
    let target = profile(|s| s.max_charge_current = Some(Amperes(50)));
    // Before the first write, and between the first and the second.
    for (charging, interrupt_at, ending) in [(true, 0, Ending::Refused), (false, 2, Ending::Mixed)]
    {
        let bank = idle_bank();
        let plan = planned(&bank, &target);
        let sunny = |bank: &SharedBank| {
            bank.with(|bank| {
                ["soc=60", "sun=100"].iter().try_for_each(|s| bank.switch(0, s)).unwrap();
            });
        };
        if charging {
            sunny(&bank);
        }
        let memory = Memory { interrupt_at: Some(interrupt_at), ..Memory::default() };
        let (report, _) =
            apply_intercepted(&bank, plan, options, memory, move |bank, unit, bytes| {
                if unit == 1 && is_set(bytes, "MCHGC") {
                    sunny(bank);
                }
                Fate::Arrive
            });
        assert_eq!(report.ending, ending, "{report}");
        assert!(bank.elapsed() < Duration::from_hours(1));
        assert!(report.why.as_ref().unwrap().is_interrupted(), "{report}");
        assert_true(&report, &bank);
    }
}

/// Returns the report and the commands of a run whose bytes pass through `intercept`.
fn apply_report(
    bank: &SharedBank,
    target: &Settings,
    intercept: impl FnMut(&SharedBank, usize, &[u8]) -> Fate + Send + 'static,
) -> String {
    let plan = planned(bank, target);
    let (report, memory) =
        apply_intercepted(bank, plan, Options::default(), Memory::default(), intercept);
    assert_true(&report, bank);
    format!("{report}\n{}\n", memory.audit.join("\n"))
}

/// Returns the report of a run in which switches of unit 1 are set just before a command reaches it.
fn switched_at(mnemonic: &'static str, target: &Settings, switch: &'static str) -> String {
    apply_report(&idle_bank(), target, move |bank, unit, bytes| {
        if unit == 1 && is_set(bytes, mnemonic) {
            bank.with(|bank| {
                switch.split('&').try_for_each(|switch| bank.switch(1, switch)).unwrap();
            });
        }
        Fate::Arrive
    })
}

#[test]
fn refusal_is_explained_and_undone() {
    let lower_recharge = profile(|s| {
        s.recharge_voltage = Some(Decivolts(490));
        s.redischarge_voltage = Some(Decivolts(530));
    });
    let current = profile(|s| s.max_charge_current = Some(Amperes(50)));
    insta::assert_snapshot!(
        "while_charging",
        switched_at("MCHGC", &current, "soc=60&sun=100&grid=on")
    );
    insta::assert_snapshot!("not_user", switched_at("MCHGV", &other(), "battery-type=0"));
    insta::assert_snapshot!("above_float", switched_at("BUCD", &lower_recharge, "float=52.0"));
    insta::assert_snapshot!("no_reason", switched_at("POP", &other(), "refuse=1"));
    // A plan for another product line may contain 0.
    let bank = bank(&["frozen=on&model=04", "frozen=on&model=04"]);
    let until_full = profile(|s| s.redischarge_voltage = Some(Decivolts(0)));
    insta::assert_snapshot!("until_full", apply_report(&bank, &until_full, |_, _, _| Fate::Arrive));
}

#[test]
fn garbled_answer_is_verified_by_reading_back() {
    let bank = bank(&["frozen=on&pop-garbled=on", "frozen=on&pop-garbled=on"]);
    let target = profile(|s| s.output_priority = Some(OutputPriority(0)));
    let (report, memory) = apply(&bank, &target);
    assert_eq!(report.ending, Ending::Applied, "{report}");
    assert_eq!(memory.audit, ["POP0 garbled", "POP0 garbled"]);
}

#[test]
fn late_value_is_waited_for() {
    let bank = bank(&["frozen=on&lag=12s", "frozen=on&lag=3s"]);
    let (report, memory) = apply(&bank, &other());
    assert_eq!(report.ending, Ending::Applied, "{report}");
    assert_eq!(memory.audit.len(), 4);
    assert_true(&report, &bank);
}

#[test]
fn value_never_shown_is_undone() {
    let bank = bank(&[STATIC, "frozen=on&lag=60s"]);
    let plan = planned(&bank, &other());
    let (report, memory) = apply_to(&bank, plan, Options::default(), Memory::default());
    assert_eq!(report.ending, Ending::Undone, "{report}");
    assert_true(&report, &bank);
    insta::assert_snapshot!(format!("{report}\n{}", memory.audit.join("\n")));
}

#[test]
fn single_reading_verifies_nothing() {
    // The new value shows in one reading, and the old one after it.
    let bank = idle_bank();
    let mut readings = 0;
    let mut written = false;
    let report = apply_report(&bank, &other(), move |bank, unit, bytes| {
        written |= unit == 0 && is_set(bytes, "MCHGV");
        if unit == 0 && written && bytes.windows(4).any(|part| part == b"PIRI") {
            readings += 1;
            if readings == 2 {
                bank.with(|bank| bank.switch(0, "bulk=56.4")).unwrap();
            }
        }
        Fate::Arrive
    });
    assert!(report.starts_with("undone"), "{report}");
}

#[test]
fn report_needs_two_equal_readings() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let mut after = 0;
    let mut applied = false;
    let (report, _) = apply_intercepted(
        &bank,
        plan,
        Options::default(),
        Memory::default(),
        move |bank, unit, bytes| {
            applied |= unit == 1 && is_set(bytes, "POP");
            // The last readings follow the readings that verify the last write.
            if applied && unit == 0 && bytes.windows(4).any(|part| part == b"PIRI") {
                after += 1;
                if after == 2 {
                    bank.with(|bank| bank.switch(0, "solar-priority=1")).unwrap();
                }
            }
            Fate::Arrive
        },
    );
    assert_ne!(report.ending, Ending::Applied, "{report}");
    assert_true(&report, &bank);
}

#[test]
fn accepted_but_ignored_write_is_undone() {
    let bank = bank(&[STATIC, "frozen=on&ignore=1"]);
    let (report, _) = apply(&bank, &other());
    assert_eq!(report.ending, Ending::Undone, "{report}");
    assert_true(&report, &bank);
    insta::assert_snapshot!(report);
}

#[test]
fn lost_command_is_sent_again() {
    let mut lost = 2;
    let report = apply_report(&idle_bank(), &other(), move |_, _, bytes| {
        if bytes.starts_with(b"^S") && lost > 0 {
            lost -= 1;
            return Fate::Lost;
        }
        Fate::Arrive
    });
    insta::assert_snapshot!(report);
}

#[test]
fn silent_unit_is_reported_and_other_undone() {
    let mut silent = false;
    let report = apply_report(&idle_bank(), &other(), move |_, unit, bytes| {
        silent |= unit == 1 && is_set(bytes, "POP");
        if silent && unit == 1 { Fate::Lost } else { Fate::Arrive }
    });
    insta::assert_snapshot!(report);
}

#[test]
fn unplugged_unit_is_reported_and_other_undone() {
    let report = apply_report(&idle_bank(), &other(), move |bank, unit, bytes| {
        if unit == 1 && is_set(bytes, "POP") {
            bank.with(|bank| bank.disconnect(1));
        }
        Fate::Arrive
    });
    insta::assert_snapshot!(report);
}

/// Unplugs a unit when its `POP` is sent. `plug` then connects a unit when the link is opened again.
fn replugged(plug: impl Fn(&SharedBank)) -> (ApplyReport, SharedBank) {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let interceptor: bank::Interceptor = std::sync::Arc::new(std::sync::Mutex::new({
        let mut done = false;
        move |bank: &SharedBank, unit: usize, bytes: &[u8]| {
            if unit == 1 && is_set(bytes, "POP") && !done {
                done = true;
                bank.with(|bank| bank.disconnect(1));
            }
            Fate::Arrive
        }
    }));
    let clients = (0..2).map(|at| bank::intercepted(&bank, at, &interceptor)).collect();
    let clock = host(&mut client(&bank, 0));
    let mut units = Units::new(clients, clock).reopened_by(|unit| {
        plug(&bank);
        Ok(bank::intercepted(&bank, unit, &interceptor))
    });
    let mut memory = Memory::default();
    let report = lvx_settings::run(Apply::new(plan, Options::default()), &mut units, &mut memory);
    assert_true(&report, &bank);
    drop(units);
    (report, bank)
}

#[test]
fn replugged_unit_gets_remaining_steps() {
    let (report, _) = replugged(|bank| bank.with(|bank| bank.reconnect(1)));
    assert_eq!(report.ending, Ending::Applied, "{report}");
}

#[test]
fn replaced_unit_is_never_written() {
    let (report, bank) = replugged(|bank| {
        bank.with(|bank| {
            bank.reconnect(1);
            bank.switch(1, "serial-number=96132206100499").unwrap();
        });
    });
    assert_eq!(report.ending, Ending::Mixed);
    // Only the command before it was unplugged.
    assert_eq!(received(&bank)[1], 1);
    insta::assert_snapshot!(report);
}

#[test]
fn foreign_change_is_kept_and_reported() {
    let report = apply_report(&idle_bank(), &other(), move |bank, unit, bytes| {
        if unit == 1 && is_set(bytes, "POP") {
            bank.with(|bank| bank.switch(1, "float=53.5")).unwrap();
        }
        Fate::Arrive
    });
    insta::assert_snapshot!(report);
}

#[test]
fn journal_failure_undoes_steps() {
    for full_at in 0..10 {
        let bank = idle_bank();
        let plan = planned(&bank, &other());
        let memory = Memory { full_at: Some(full_at), ..Memory::default() };
        let (report, memory) = apply_to(&bank, plan, Options::default(), memory);
        let ending = if full_at < 9 { Ending::Undone } else { Ending::Applied };
        assert_eq!(report.ending, ending, "{full_at}: {report}\n{:?}", memory.records);
        assert_true(&report, &bank);
    }
}

#[test]
fn interrupt_undoes_steps() {
    for interrupt_at in 0..4 {
        let bank = idle_bank();
        let plan = planned(&bank, &other());
        let memory = Memory { interrupt_at: Some(interrupt_at), ..Memory::default() };
        let (report, memory) = apply_to(&bank, plan, Options::default(), memory);
        let ending = if interrupt_at == 0 { Ending::Refused } else { Ending::Undone };
        assert_eq!(report.ending, ending, "{report}");
        assert_eq!(memory.audit.len(), 2 * interrupt_at);
        assert_true(&report, &bank);
    }
}

#[test]
fn missing_confirmation_undoes_steps() {
    for (confirms, ending) in [(true, Ending::Applied), (false, Ending::Undone)] {
        let bank = idle_bank();
        let plan = planned(&bank, &other());
        let options = Options::default().with_confirm_within(Duration::from_mins(10));
        let started = bank.elapsed();
        let (report, memory) =
            apply_to(&bank, plan, options, Memory { confirms, ..Memory::default() });
        assert_eq!(report.ending, ending, "{report}");
        let waited = bank.elapsed().saturating_sub(started) > Duration::from_mins(10);
        assert_eq!(waited, !confirms);
        assert_eq!(memory.records.contains(&Record::Confirmed), confirms);
        assert_true(&report, &bank);
    }
}

#[test]
fn impossible_undo_is_reported() {
    let bank =
        bank(&["frozen=on&soc=100&sun=0&grid=off&max-charge=100", "frozen=on&max-charge=100"]);
    let target = profile(|s| s.max_charge_current = Some(Amperes(50)));
    let plan = planned(&bank, &target);
    let report = report_of_plan(&bank, plan, |bank, unit, bytes| {
        if unit == 1 && is_set(bytes, "MCHGC") {
            bank.with(|bank| bank.switch(1, "refuse=1")).unwrap();
        }
        Fate::Arrive
    });
    insta::assert_snapshot!(report);
}

fn report_of_plan(
    bank: &SharedBank,
    plan: Plan,
    intercept: impl FnMut(&SharedBank, usize, &[u8]) -> Fate + Send + 'static,
) -> String {
    let (report, _) =
        apply_intercepted(bank, plan, Options::default(), Memory::default(), intercept);
    assert_true(&report, bank);
    report.to_string()
}

#[test]
fn resume_finishes_or_undoes_run() {
    for surely in 0..=4 {
        for in_flight in [false, true] {
            for (mode, ending) in
                [(ResumeMode::Finish, Ending::Applied), (ResumeMode::Undo, Ending::Undone)]
            {
                let bank = idle_bank();
                let plan = planned(&bank, &other());
                for step in plan.steps.iter().take(surely) {
                    let unit = &plan.units[step.unit].unit;
                    let instance = unit.instance().unwrap();
                    let command = step.group().unwrap().command(&step.to, instance, None);
                    let outcome = client(&bank, step.unit).set(command.unwrap()).unwrap();
                    assert_eq!(outcome, SetOutcome::Accepted);
                }
                let at_most = (surely + usize::from(in_flight)).min(4);
                let mut progress = ApplyProgress::default();
                (progress.at_most, progress.in_flight) = (at_most, in_flight);
                let apply = Apply::resume(plan, Options::default(), progress, mode);
                let clients = (0..2).map(|at| client(&bank, at)).collect();
                let memory = Memory::resumed();
                let (report, _) = run_with(&bank, clients, apply, memory);
                assert_eq!(report.ending, ending, "{surely} {mode:?} {report}");
                assert_true(&report, &bank);
            }
        }
    }
}

#[test]
fn clock_is_set_as_last_step() {
    let bank = idle_bank();
    let outcome = client(&bank, 1).set("DAT260621100000".parse().unwrap()).unwrap();
    assert_eq!(outcome, SetOutcome::Accepted);
    let target = profile(|s| {
        s.clock = Some(lvx_settings::ClockOffset::default());
        s.output_priority = Some(OutputPriority(0));
    });
    let plan = planned(&bank, &target);
    assert_eq!(plan.touched(1).last(), Some(Setting::Clock));
    assert!(plan.touched(0).all(|setting| setting != Setting::Clock));
    let (report, memory) = apply_to(&bank, plan, Options::default(), Memory::default());
    assert_eq!(report.ending, Ending::Applied, "{report}");
    assert!(memory.audit[2].starts_with("DAT2606211"), "{:?}", memory.audit);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// A run ends with the new settings, and at no moment does a unit have settings that break a rule.
    #[test]
    fn apply_reaches_target_through_valid_states(a in valid_settings(), b in valid_settings()) {
        let bank = idle_bank();
        let installation = Setting::ALL.iter().filter(|setting| setting.group().is_installation());
        let allow_installation: Vec<_> = installation.copied().collect();
        for target in [a, b] {
            let permissions = Permissions::default().with_installation(allow_installation.clone());
            let plan = plan_for(&bank, &target, permissions);
            let writes = u64::try_from(plan.steps.len()).unwrap();
            let (report, _) = apply_intercepted(&bank, plan, Options::default(), Memory::default(), |bank, unit, _| {
                assert_eq!(broken_rules(&settings_of(bank, unit), None), []);
                Fate::Arrive
            });
            prop_assert!(matches!(report.ending, Ending::Applied | Ending::NothingToDo), "{}", report);
            prop_assert_eq!(report.writes, writes);
            for unit in 0..2 {
                prop_assert!(settings_of(&bank, unit).satisfy(&target));
            }
        }
    }
}
