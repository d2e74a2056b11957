//! Waiting for an idle window, and failures during the wait.

use super::*;

#[test]
fn interrupt_ends_wait_before_first_write() {
    let bank = bank(&["frozen=on&soc=60", STATIC]);
    let target = profile(|s| s.max_charge_current = Some(Amperes(50)));
    let plan = planned(&bank, &target);
    let options = Options::default().with_wait_idle(Duration::from_hours(12));
    let started = bank.elapsed();
    let mut script = Script::new(&bank);
    script.interrupt_after = Some(started + Duration::from_mins(1));
    let report = run_script(&bank, Apply::new(plan, options), &mut script);
    let took = bank.elapsed().saturating_sub(started);
    assert!(took < Duration::from_mins(2), "it waited for {took:?}\n{report}");
}

/// Lets unit 1 begin to charge when its `MCHGC` is sent.
fn charging_at_second(script: &mut Script) {
    script.hook = Box::new(|bank, _, action| {
        if matches!(action, Action::Write(write) if write.unit == 1) {
            switch(bank, 1, "soc=60&sun=100&grid=on");
        }
    });
}

#[test]
fn interrupt_ends_wait_in_step() {
    let bank = idle_bank();
    let target = profile(|s| s.max_charge_current = Some(Amperes(50)));
    let plan = planned(&bank, &target);
    let options = Options::default().with_wait_idle(Duration::from_hours(12));
    let started = bank.elapsed();
    let mut script = Script::new(&bank);
    charging_at_second(&mut script);
    script.interrupt_after = Some(started + Duration::from_mins(1));
    let report = run_script(&bank, Apply::new(plan, options), &mut script);
    let took = bank.elapsed().saturating_sub(started);
    assert!(took < Duration::from_mins(2), "it waited for {took:?}\n{report}");
}

/// Carries out a run that waits for an idle window, which begins after 30 min. Calls `happens` after 20 min.
fn waiting_while(
    happens: impl Fn(&SharedBank) + Send + 'static,
) -> (SharedBank, ApplyReport, Memory) {
    let bank = idle_bank();
    let target = profile(|s| s.max_charge_current = Some(Amperes(50)));
    let plan = planned(&bank, &target);
    let options = Options::default().with_wait_idle(Duration::from_hours(12));
    let started = bank.elapsed();
    let mut script = Script::new(&bank);
    let (mut charging, mut happened) = (false, false);
    script.hook = Box::new(move |bank, _, action| {
        if matches!(action, Action::Write(write) if write.unit == 1) && !charging {
            charging = true;
            switch(bank, 1, "soc=60&sun=100&grid=on");
        }
        if bank.elapsed().saturating_sub(started) > Duration::from_mins(20) && !happened {
            happened = true;
            happens(bank);
        }
        if bank.elapsed().saturating_sub(started) > Duration::from_mins(30) {
            switch(bank, 1, "soc=100&sun=0&grid=off");
        }
    });
    let report = run_script(&bank, Apply::new(plan, options), &mut script);
    (bank, report, script.memory)
}

#[test]
fn idle_wait_in_step_applies_run() {
    let (_, report, _) = waiting_while(|_| {});
    assert_eq!(report.ending, Ending::Applied, "{report}");
}

#[test]
fn replug_during_idle_wait_is_survived() {
    let (_, report, _) = waiting_while(|bank| bank.with(|bank| bank.disconnect(1)));
    assert_eq!(report.ending, Ending::Applied, "{report}");
}

#[test]
fn lost_answers_during_idle_wait_are_survived() {
    let bank = idle_bank();
    let target = profile(|s| {
        s.solar_priority = Some(SolarPriority(1));
        s.max_charge_current = Some(Amperes(50));
    });
    let plan = planned(&bank, &target);
    let options = Options::default().with_wait_idle(Duration::from_hours(12));
    let started = bank.elapsed();
    let mut charging = false;
    // Half a minute of noise on the line.
    let (report, _) =
        apply_intercepted(&bank, plan, options, Memory::default(), move |bank, unit, bytes| {
            if unit == 1 && is_set(bytes, "MCHGC") && !charging {
                charging = true;
                switch(bank, 1, "soc=60&sun=100&grid=on");
            }
            let now = bank.elapsed().saturating_sub(started);
            if now > Duration::from_mins(30) {
                switch(bank, 1, "soc=100&sun=0&grid=off");
            }
            let noise = now > Duration::from_mins(20) && now < Duration::from_secs(20 * 60 + 30);
            if unit == 1 && noise { Fate::Lost } else { Fate::Arrive }
        });
    assert!(matches!(report.ending, Ending::Applied | Ending::Undone), "{report}");
}

#[test]
fn settings_are_checked_again_after_idle_wait() {
    // Someone at the display sets a maximum AC current above the current that is to be written.
    let (_, report, memory) = waiting_while(|bank| switch(bank, 1, "max-ac-charge=60"));
    let sent = memory.audit.iter().filter(|line| line.as_str() == "MCHGC1,050 accepted").count();
    assert_eq!(
        sent, 0,
        "50 A was written below the AC current of 60 A: {:?}\n{report}",
        memory.audit
    );
}
