//! Mishaps around applying: edited plans, long waits, torn journals, units that change places.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod bank;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bank::{
    Fate, Memory, apply_meddled, apply_to, bank, client, host, plan_for, profile, run_with,
    settings_of,
};
use lvx_settings::{
    Action, Apply, Audit, Ending, Journal, Keeper, Options, Past, Permissions, Plan, Progress,
    Record, Report, Settings, Step, Unit, Units, Way,
};
use pi18_proto::{Amperes, DateTime, Decivolts, OutputMode, OutputPriority, SolarPriority};
use pi18_transport::{Link, sim::SharedBank};

const STILL: &str = "frozen=on";

fn other() -> Settings {
    profile(|s| {
        s.bulk_voltage = Some(Decivolts(560));
        s.float_voltage = Some(Decivolts(540));
        s.output_source_priority = Some(OutputPriority::SOLAR_UTILITY_BATTERY);
    })
}

fn idle_bank() -> SharedBank {
    bank(&["frozen=on&soc=100&sun=0&grid=off", STILL])
}

fn planned(bank: &SharedBank, wanted: &Settings) -> Plan {
    plan_for(bank, wanted, Permissions::default())
}

fn is_set(bytes: &[u8], mnemonic: &str) -> bool {
    bytes.starts_with(b"^S")
        && bytes.get(5..).is_some_and(|data| data.starts_with(mnemonic.as_bytes()))
}

fn switch(bank: &SharedBank, unit: usize, switches: &str) {
    bank.with(|bank| switches.split('&').try_for_each(|s| bank.switch(unit, s))).unwrap();
}

fn received(bank: &SharedBank) -> Vec<u64> {
    bank.with(|bank| (0..bank.units()).map(|unit| bank.sets(unit).received).collect())
}

type Hook = Box<dyn FnMut(&SharedBank, &Action)>;

/// Keeps in memory, and lets a test look on, interrupt and confirm at a time.
struct Keep {
    memory: Memory,
    bank: SharedBank,
    interrupt_after: Option<Duration>,
    confirm_after: Option<Duration>,
    hook: Hook,
}

impl Keep {
    fn new(bank: &SharedBank) -> Self {
        Self {
            memory: Memory { begun: true, ..Memory::default() },
            bank: bank.clone(),
            interrupt_after: None,
            confirm_after: None,
            hook: Box::new(|_, _| {}),
        }
    }
}

impl Keeper for Keep {
    fn begin(&mut self, plan: &Plan, units: &[Unit]) -> std::io::Result<()> {
        self.memory.begin(plan, units)
    }
    fn record(&mut self, record: &Record, at: Option<DateTime>) -> std::io::Result<()> {
        self.memory.record(record, at)
    }
    fn audit(&mut self, line: &Audit) {
        self.memory.audit(line);
    }
    fn watch(&mut self, action: &Action) {
        (self.hook)(&self.bank, action);
    }
    fn is_confirmed(&mut self) -> bool {
        self.confirm_after.is_some_and(|time| self.bank.elapsed() >= time)
    }
    fn is_interrupted(&mut self) -> bool {
        self.interrupt_after.is_some_and(|time| self.bank.elapsed() >= time)
    }
}

/// Runs over plain links that come back when they are opened again.
fn run_keep(bank: &SharedBank, apply: Apply, keep: &mut Keep) -> Report {
    let count = apply.plan().units.len();
    let clock = host(&mut client(bank, 0));
    let clients = (0..count).map(|at| client(bank, at)).collect();
    let mut units = Units::new(clients, clock).reopened_by(|unit| {
        bank.with(|bank| bank.reconnect(unit));
        Ok(client(bank, unit))
    });
    lvx_settings::run(apply, &mut units, keep)
}

// 1. Plans that a person edited.

#[test]
fn an_edited_plan_does_not_write_an_installation_setting_that_nobody_allowed() {
    let bank = idle_bank();
    let mut plan = planned(&bank, &other());
    let mode = plan.units[0].unit.settings().output_mode;
    let part = |mode| profile(|s| s.output_mode = mode);
    plan.steps.push(Step { unit: 0, from: part(mode), to: part(Some(OutputMode::SINGLE)) });
    assert!(plan.allow_installation.is_empty());
    assert!(plan.check().is_err(), "the plan passes its check");
}

#[test]
fn an_edited_plan_is_refused_by_apply_if_it_writes_what_nobody_wanted() {
    let bank = idle_bank();
    let mut plan = planned(&bank, &other());
    let mode = plan.units[0].unit.settings().output_mode;
    let part = |mode| profile(|s| s.output_mode = mode);
    plan.steps.insert(0, Step { unit: 0, from: part(mode), to: part(Some(OutputMode::SINGLE)) });
    let (report, memory) = apply_to(&bank, plan, Options::default(), Memory::default());
    assert_eq!(memory.audit, Vec::<String>::new(), "{report}");
}

#[test]
fn an_edited_plan_does_not_write_back_and_forth() {
    let bank = idle_bank();
    let mut plan = planned(&bank, &other());
    let now = plan.units[0].unit.settings().solar_power_priority;
    let part = |value| profile(|s| s.solar_power_priority = value);
    let forth = Step { unit: 0, from: part(now), to: part(Some(SolarPriority(1))) };
    assert_ne!(now, Some(SolarPriority(1)));
    for _ in 0..10_000 {
        plan.steps.push(forth);
        plan.steps.push(forth.reversed());
    }
    assert!(plan.check().is_err(), "20,000 writes that change nothing in the end are taken");
}

#[test]
fn a_journal_that_was_written_can_be_read() {
    let bank = idle_bank();
    let mut plan = planned(&bank, &other());
    let now = plan.units[0].unit.settings().solar_power_priority;
    let part = |value| profile(|s| s.solar_power_priority = value);
    let forth = Step { unit: 0, from: part(now), to: part(Some(SolarPriority(1))) };
    for _ in 0..20_000 {
        plan.steps.push(forth);
        plan.steps.push(forth.reversed());
    }
    let path = std::env::temp_dir().join(format!("mishap-{}-big.journal", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let made = Journal::create(&path, &plan);
    let read = Past::read(&path);
    let _ = std::fs::remove_file(&path);
    // Either is fine: not begun, or readable.
    assert!(made.is_err() || read.is_ok(), "{}", read.unwrap_err());
}

// 2. and 4. Waiting.

#[test]
fn an_interrupt_ends_the_wait_before_the_first_write() {
    let bank = bank(&["frozen=on&soc=60", STILL]);
    let wanted = profile(|s| s.max_charging_current = Some(Amperes(50)));
    let plan = planned(&bank, &wanted);
    let options = Options { wait_idle: Some(Duration::from_hours(12)), ..Options::default() };
    let started = bank.elapsed();
    let mut keep = Keep::new(&bank);
    keep.interrupt_after = Some(started + Duration::from_mins(1));
    let report = run_keep(&bank, Apply::new(plan, options), &mut keep);
    let took = bank.elapsed() - started;
    assert!(took < Duration::from_mins(2), "it went on waiting for {took:?}\n{report}");
}

/// Unit 1 starts to charge when its `MCHGC` comes.
fn charging_at_second(bank: &SharedBank, keep: &mut Keep) {
    let _ = bank;
    keep.hook = Box::new(|bank, action| {
        if matches!(action, Action::Write(write) if write.unit == 1) {
            switch(bank, 1, "soc=60&sun=100&grid=on");
        }
    });
}

#[test]
fn an_interrupt_ends_the_wait_in_a_step() {
    let bank = idle_bank();
    let wanted = profile(|s| s.max_charging_current = Some(Amperes(50)));
    let plan = planned(&bank, &wanted);
    let options = Options { wait_idle: Some(Duration::from_hours(12)), ..Options::default() };
    let started = bank.elapsed();
    let mut keep = Keep::new(&bank);
    charging_at_second(&bank, &mut keep);
    keep.interrupt_after = Some(started + Duration::from_mins(1));
    let report = run_keep(&bank, Apply::new(plan, options), &mut keep);
    let took = bank.elapsed() - started;
    assert!(took < Duration::from_mins(2), "it went on waiting for {took:?}\n{report}");
}

/// While a step waits for an idle window, something happens after 20 min, and the sun sets after 30.
fn waiting_while(happens: impl Fn(&SharedBank) + Send + 'static) -> (SharedBank, Report, Memory) {
    let bank = idle_bank();
    let wanted = profile(|s| s.max_charging_current = Some(Amperes(50)));
    let plan = planned(&bank, &wanted);
    let options = Options { wait_idle: Some(Duration::from_hours(12)), ..Options::default() };
    let started = bank.elapsed();
    let mut keep = Keep::new(&bank);
    let (mut charging, mut happened) = (false, false);
    keep.hook = Box::new(move |bank, action| {
        if matches!(action, Action::Write(write) if write.unit == 1) && !charging {
            charging = true;
            switch(bank, 1, "soc=60&sun=100&grid=on");
        }
        if bank.elapsed() - started > Duration::from_mins(20) && !happened {
            happened = true;
            happens(bank);
        }
        if bank.elapsed() - started > Duration::from_mins(30) {
            switch(bank, 1, "soc=100&sun=0&grid=off");
        }
    });
    let report = run_keep(&bank, Apply::new(plan, options), &mut keep);
    (bank, report, keep.memory)
}

#[test]
fn waiting_works_at_all() {
    let (_, report, _) = waiting_while(|_| {});
    assert_eq!(report.ending, Ending::Applied, "{report}");
}

#[test]
fn a_device_that_comes_back_during_a_long_wait_is_not_lost() {
    let (_, report, _) = waiting_while(|bank| bank.with(|bank| bank.disconnect(1)));
    assert_eq!(report.ending, Ending::Applied, "{report}");
}

#[test]
fn a_few_lost_answers_during_a_long_wait_do_not_lose_a_unit() {
    let bank = idle_bank();
    let wanted = profile(|s| {
        s.solar_power_priority = Some(SolarPriority(1));
        s.max_charging_current = Some(Amperes(50));
    });
    let plan = planned(&bank, &wanted);
    let options = Options { wait_idle: Some(Duration::from_hours(12)), ..Options::default() };
    let started = bank.elapsed();
    let mut charging = false;
    // Half a minute of noise on the line.
    let (report, _) =
        apply_meddled(&bank, plan, options, Memory::default(), move |bank, unit, bytes| {
            if unit == 1 && is_set(bytes, "MCHGC") && !charging {
                charging = true;
                switch(bank, 1, "soc=60&sun=100&grid=on");
            }
            let now = bank.elapsed() - started;
            if now > Duration::from_mins(30) {
                switch(bank, 1, "soc=100&sun=0&grid=off");
            }
            let noise = now > Duration::from_mins(20) && now < Duration::from_secs(20 * 60 + 30);
            if unit == 1 && noise { Fate::Lost } else { Fate::Arrive }
        });
    assert!(
        matches!(report.ending, Ending::Applied | Ending::Undone),
        "the unit answers again, and yet:\n{report}"
    );
}

#[test]
fn after_a_wait_a_write_is_looked_at_again() {
    // Somebody at the display raises the AC current above what is to be written.
    let (_, report, memory) = waiting_while(|bank| switch(bank, 1, "max-ac-charge=60"));
    let sent = memory.audit.iter().filter(|line| line.as_str() == "MCHGC1,050 accepted").count();
    assert_eq!(sent, 0, "50 A was written below 60 A of AC: {:?}\n{report}", memory.audit);
}

// 2. Reports.

#[test]
fn what_was_confirmed_is_not_undone_because_a_device_went_away_and_came_back() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let options = Options { confirm_within: Some(Duration::from_mins(10)), ..Options::default() };
    let mut keep = Keep::new(&bank);
    keep.confirm_after = Some(bank.elapsed() + Duration::from_mins(1));
    keep.hook = Box::new(|bank, action| {
        if matches!(action, Action::Confirmation(_)) {
            bank.with(|bank| bank.disconnect(1));
        }
    });
    let report = run_keep(&bank, Apply::new(plan, options), &mut keep);
    assert!(keep.memory.records.contains(&Record::Confirmed));
    assert_ne!(report.ending, Ending::Undone, "confirmed, and undone all the same:\n{report}");
}

#[test]
fn what_was_confirmed_is_not_undone_because_somebody_changed_something_else() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let options = Options { confirm_within: Some(Duration::from_mins(10)), ..Options::default() };
    let mut keep = Keep::new(&bank);
    keep.confirm_after = Some(bank.elapsed() + Duration::from_mins(1));
    keep.hook = Box::new(|bank, action| {
        if matches!(action, Action::Confirmation(_)) {
            switch(bank, 1, "solar-priority=1");
        }
    });
    let report = run_keep(&bank, Apply::new(plan, options), &mut keep);
    assert!(keep.memory.records.contains(&Record::Confirmed));
    assert_ne!(report.ending, Ending::Undone, "confirmed, and undone all the same:\n{report}");
}

#[test]
fn a_device_that_blinks_at_the_very_end_is_opened_again() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let mut keep = Keep::new(&bank);
    keep.hook = Box::new(|bank, action| {
        if matches!(action, Action::Record(Record::Applied)) {
            bank.with(|bank| bank.disconnect(1));
        }
    });
    let report = run_keep(&bank, Apply::new(plan, Options::default()), &mut keep);
    assert_eq!(report.ending, Ending::Applied, "{report}");
}

#[test]
fn an_interrupt_while_it_waits_is_told_as_one() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let options = Options { confirm_within: Some(Duration::from_mins(10)), ..Options::default() };
    let mut keep = Keep::new(&bank);
    let inside = Arc::new(Mutex::new(false));
    keep.hook = Box::new(move |_, action| {
        *inside.lock().unwrap() |= matches!(action, Action::Confirmation(_));
    });
    keep.interrupt_after = Some(bank.elapsed() + Duration::from_mins(5));
    let report = run_keep(&bank, Apply::new(plan, options), &mut keep);
    let why = report.why.unwrap();
    assert!(why.contains("interrupted"), "five minutes were left, and it says: {why}");
}

#[test]
fn nothing_is_told_undone_while_a_write_may_still_show() {
    // Unit 1 shows its float after a minute; writing it back is refused.
    let bank = bank(&[STILL, "frozen=on&lag=60s"]);
    let plan = planned(&bank, &other());
    let mut keep = Keep::new(&bank);
    keep.hook = Box::new(|bank, action| {
        if matches!(action, Action::Record(Record::Undoing { .. })) {
            switch(bank, 1, "refuse=1");
        }
    });
    let report = run_keep(&bank, Apply::new(plan.clone(), Options::default()), &mut keep);
    bank.link(0).pause(Duration::from_mins(2));
    let old = plan.settings_after(0)[1].bulk_voltage;
    let now = settings_of(&bank, 1).bulk_voltage;
    assert!(
        report.ending != Ending::Undone || now == old,
        "told undone, but bulk is {now:?}, was {old:?}\n{report}"
    );
}

#[test]
fn a_refusal_of_a_second_try_proves_nothing_about_the_first() {
    // The first try arrives, its answer does not; the unit lags; the second try is refused.
    let bank = bank(&[STILL, "frozen=on&lag=60s"]);
    let plan = planned(&bank, &other());
    let mut keep = Keep::new(&bank);
    keep.hook = Box::new(|bank, action| match action {
        Action::Record(Record::Writing { step: 1, attempt: 1, .. }) => {
            switch(bank, 1, "late=1&late-by=10s");
        }
        Action::Pause(_) => switch(bank, 1, "late=0"),
        Action::Record(Record::Writing { step: 1, attempt: 2, .. }) => switch(bank, 1, "refuse=1"),
        _ => {}
    });
    let report = run_keep(&bank, Apply::new(plan.clone(), Options::default()), &mut keep);
    bank.link(0).pause(Duration::from_mins(2));
    let old = plan.settings_after(0)[1].bulk_voltage;
    let now = settings_of(&bank, 1).bulk_voltage;
    assert!(
        report.ending != Ending::Undone || now == old,
        "told undone, but bulk is {now:?}, was {old:?}\n{report}\n{:?}",
        keep.memory.audit
    );
}

#[test]
fn undone_means_that_every_unit_has_what_it_had() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let mut keep = Keep::new(&bank);
    keep.hook = Box::new(|bank, action| {
        if matches!(action, Action::Write(write) if write.unit == 1 && write.step == 3) {
            switch(bank, 1, "solar-priority=1");
        }
    });
    let report = run_keep(&bank, Apply::new(plan, Options::default()), &mut keep);
    let others: usize = report.units.iter().map(|unit| unit.changed_by_others.len()).sum();
    assert!(
        report.ending != Ending::Undone || others == 0,
        "\"everything is as it was before\":\n{report}"
    );
}

// Restores.

/// A run that was left with its last step done and undoing it impossible: steps 0 to 2 are undone.
fn left_with_the_last_step_done() -> (SharedBank, Plan, Progress) {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let step = plan.steps[3];
    let instance = plan.units[step.unit].unit.instance().unwrap();
    let command = step.group().unwrap().command(&step.to, instance, None).unwrap();
    client(&bank, step.unit).set(command).unwrap();
    use lvx_settings::Direction::{Backward, Forward};
    let records = [
        Record::Proved { step: 0, direction: Forward },
        Record::Proved { step: 1, direction: Forward },
        Record::Proved { step: 2, direction: Forward },
        Record::Proved { step: 3, direction: Forward },
        Record::Undoing { why: "it was interrupted".to_owned(), done: 4, unproved: None },
        Record::Left { step: 3 },
        Record::Proved { step: 2, direction: Backward },
        Record::Proved { step: 1, direction: Backward },
        Record::Proved { step: 0, direction: Backward },
        Record::Ended { ending: Ending::Mixed },
    ];
    let progress = Progress::of(&records);
    assert_eq!(progress.at_most, 4);
    (bank, plan, progress)
}

#[test]
fn a_finish_that_fails_undoes_all_that_was_done() {
    let (bank, plan, progress) = left_with_the_last_step_done();
    let mut keep = Keep::new(&bank);
    keep.hook = Box::new(|bank, action| {
        if matches!(action, Action::Write(write) if write.step == 1) {
            switch(bank, 1, "refuse=1");
        }
        if matches!(action, Action::Record(Record::Undoing { .. })) {
            switch(bank, 1, "refuse=0");
        }
    });
    let apply = Apply::resume(plan, Options::default(), progress, Way::Finish);
    let report = run_keep(&bank, apply, &mut keep);
    assert_eq!(report.ending, Ending::Undone, "{report}\n{:?}", keep.memory.records);
}

#[test]
fn a_finish_that_is_interrupted_undoes_all_that_was_done() {
    let (bank, plan, progress) = left_with_the_last_step_done();
    let apply = Apply::resume(plan, Options::default(), progress, Way::Finish);
    let memory = Memory { begun: true, interrupt_at: Some(1), ..Memory::default() };
    let clients = (0..2).map(|at| client(&bank, at)).collect();
    let (report, memory) = run_with(&bank, clients, apply, memory);
    assert_eq!(report.ending, Ending::Undone, "{report}\n{:?}", memory.records);
}

#[test]
fn a_finish_after_an_undo_that_could_not_be_noted_finishes() {
    // All four steps were proved, then undone while the disk was full.
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let progress = Progress { at_most: 4, in_flight: false, unproved: None };
    let apply = Apply::resume(plan, Options::default(), progress, Way::Finish);
    let memory = Memory { begun: true, ..Memory::default() };
    let clients = (0..2).map(|at| client(&bank, at)).collect();
    let (report, _) = run_with(&bank, clients, apply, memory);
    assert_eq!(report.ending, Ending::Applied, "{report}");
}

#[test]
fn an_undo_that_is_taken_up_again_still_insists() {
    // Unit 1 accepted and shows it after a minute; the program dies after it noted that it undoes.
    let bank = bank(&[STILL, "frozen=on&lag=60s"]);
    let plan = planned(&bank, &other());
    let mut keep = Keep::new(&bank);
    keep.hook = Box::new(|_, action| {
        if matches!(action, Action::Write(write) if write.direction == lvx_settings::Direction::Backward)
        {
            std::panic::resume_unwind(Box::new("dead"));
        }
    });
    let died = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        run_keep(&bank, Apply::new(plan.clone(), Options::default()), &mut keep)
    }));
    assert!(died.is_err());
    // Killed one line earlier: the announcement of the write back is not there yet.
    let mut records = keep.memory.records.clone();
    assert!(matches!(records.pop(), Some(Record::Writing { .. })));
    assert!(matches!(records.last(), Some(Record::Undoing { .. })));
    let apply = Apply::resume(plan.clone(), Options::default(), Progress::of(&records), Way::Undo);
    let mut keep = Keep::new(&bank);
    let report = run_keep(&bank, apply, &mut keep);
    bank.link(0).pause(Duration::from_mins(2));
    let old = plan.settings_after(0)[1].bulk_voltage;
    let now = settings_of(&bank, 1).bulk_voltage;
    assert!(
        report.ending != Ending::Undone || now == old,
        "told undone, but bulk is {now:?}, was {old:?}\n{report}"
    );
}

// 1. The wrong unit.

#[test]
fn a_unit_that_comes_back_with_another_instance_is_not_addressed_by_the_old_one() {
    let bank = idle_bank();
    let wanted = profile(|s| {
        s.max_ac_charging_current = Some(Amperes(20));
        s.solar_power_priority = Some(SolarPriority(1));
    });
    let plan = planned(&bank, &wanted);
    let first_of_unit_1 = plan.steps.iter().position(|step| step.unit == 1).unwrap();
    let mut keep = Keep::new(&bank);
    let mut done = false;
    keep.hook = Box::new(move |bank, action| {
        // It restarts when its first step is looked at.
        if !done
            && matches!(action, Action::Record(Record::Proved { step, .. }) if *step < first_of_unit_1)
        {
            done = true;
            bank.with(|bank| bank.disconnect(1));
            switch(bank, 1, "instance=2");
        }
    });
    let report = run_keep(&bank, Apply::new(plan, options_default()), &mut keep);
    let wrong: Vec<_> =
        keep.memory.audit.iter().filter(|line| line.starts_with("MUCHGC1,")).collect();
    assert!(wrong.is_empty(), "instance 1 is another unit now: {wrong:?}\n{report}");
}

fn options_default() -> Options {
    Options::default()
}

// The journal.

#[test]
fn a_journal_survives_a_line_that_was_written_half() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let path = std::env::temp_dir().join(format!("mishap-{}-torn.journal", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let mut journal = Journal::create(&path, &plan).unwrap();
    let forward = lvx_settings::Direction::Forward;
    journal.append(&Record::Writing { step: 0, direction: forward, attempt: 1 }, None).unwrap();
    // A disk that is full takes half a line: what ENOSPC at the end of a block does.
    let mut same = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    std::io::Write::write_all(&mut same, b"{\"record\":\"prov").unwrap();
    // The undo goes on, and there is space again.
    let why = "the journal cannot be written".to_owned();
    journal.append(&Record::Undoing { why, done: 1, unproved: None }, None).unwrap();
    drop(journal);
    let read = Past::read(&path);
    std::fs::remove_file(&path).unwrap();
    assert!(read.is_ok(), "{}", read.unwrap_err());
}

// 3. Rules.

#[test]
fn an_undo_does_not_break_a_rule_in_a_second_place() {
    use lvx_settings::{Battery, Chemistry, Millivolts};
    // The bank had its bulk, float and re-discharge above the cell guard: the plan brings them down.
    let high = "frozen=on&bulk=57.6&float=57.6&redischarge=57.0";
    let bank = bank(&[high, high]);
    let battery = Battery {
        chemistry: Some(Chemistry::Lfp),
        cells: Some(16),
        max_cell_voltage: Some(Millivolts(3500)),
        min_cell_voltage: None,
    };
    let wanted = profile(|s| {
        s.bulk_voltage = Some(Decivolts(560));
        s.float_voltage = Some(Decivolts(540));
        s.redischarge_voltage = Some(Decivolts(540));
    });
    let permissions = Permissions { battery: Some(battery), ..Permissions::default() };
    let plan = plan_for(&bank, &wanted, permissions);
    let mut keep = Keep::new(&bank);
    let last = plan.steps.len() - 1;
    keep.hook = Box::new(move |bank, action| {
        if matches!(action, Action::Write(write) if write.step == last) {
            switch(bank, 1, "refuse=1");
        }
        if matches!(action, Action::Record(Record::Undoing { .. })) {
            switch(bank, 1, "refuse=0");
        }
    });
    let report = run_keep(&bank, Apply::new(plan, Options::default()), &mut keep);
    // What an undo of an unsafe start should be is a question; that it is told is not.
    assert_eq!(report.ending, Ending::Undone, "{report}\n{:?}", keep.memory.audit);
}

// Later additions.

#[test]
fn a_unit_whose_firmware_changed_since_the_plan_is_not_written_to() {
    // `applies_to: {main_firmware}` is checked when the plan is made, and is not in the plan.
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    switch(&bank, 1, "main=06440");
    let (report, _) = apply_to(&bank, plan, Options::default(), Memory::default());
    assert_eq!(report.ending, Ending::Refused, "{report}");
    assert_eq!(received(&bank), [0, 0]);
}

#[test]
fn two_units_that_change_places_for_a_moment_are_not_lost() {
    // After a reset of the USB hub the other unit is found first, as /dev/hidraw numbers go.
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
    let mut keep = Keep::new(&bank);
    let mut done = false;
    keep.hook = Box::new(move |bank, action| {
        if !done && matches!(action, Action::Write(write) if write.unit == 1) {
            done = true;
            bank.with(|bank| bank.disconnect(1));
        }
    });
    let report = lvx_settings::run(Apply::new(plan, Options::default()), &mut units, &mut keep);
    assert_ne!(report.ending, Ending::Mixed, "{report}");
}

#[test]
fn a_run_that_nobody_has_to_confirm_does_not_wait_to_be_confirmed() {
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let path = std::env::temp_dir().join(format!("mishap-{}-wait.journal", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let waits = Arc::new(Mutex::new(false));
    let mut journal = Journal::create(&path, &plan).unwrap();
    let mut keep = Keep::new(&bank);
    let (seen, file) = (Arc::clone(&waits), path.clone());
    keep.hook = Box::new(move |_, action| {
        if let Action::Record(record) = action {
            journal.append(record, None).unwrap();
        }
        *seen.lock().unwrap() |= Past::read(&file).unwrap().is_unconfirmed();
    });
    // No confirm_within.
    let report = run_keep(&bank, Apply::new(plan, Options::default()), &mut keep);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(report.ending, Ending::Applied);
    assert!(!*waits.lock().unwrap(), "lvx confirm says \"kept\" before it is verified");
}

#[test]
fn a_unit_that_rounds_what_is_written_gets_its_old_value_back() {
    // Unit 1 takes 55.9 V when 56.0 V is written, and says yes.
    let bank = idle_bank();
    let plan = planned(&bank, &other());
    let mut keep = Keep::new(&bank);
    let mut written = false;
    keep.hook = Box::new(move |bank, action| {
        if written && matches!(action, Action::Pause(_)) {
            written = false;
            switch(bank, 1, "bulk=55.9");
        }
        let forward = lvx_settings::Direction::Forward;
        written |= matches!(
            action,
            Action::Write(write) if (write.unit, write.step, write.direction) == (1, 1, forward)
        );
    });
    let report = run_keep(&bank, Apply::new(plan.clone(), Options::default()), &mut keep);
    let old = plan.settings_after(0)[1].bulk_voltage;
    assert_eq!(settings_of(&bank, 1).bulk_voltage, old, "{report}\n{:?}", keep.memory.audit);
}
