//! Fault injection: a report is true whatever fault occurs.
//!
//! 10,000 runs take half a minute on one core, in simulated time. `LVX_FAULT_RUNS` sets another number.
//! A run has at most one fault beside those of the lines, because two swaps in a row without a reading
//! between them cannot be noticed.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic fails the test")]

mod bank;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::Duration,
};

use bank::{
    bank,
    cables::Cables,
    client, host, profile, random_settings,
    recorder::{Memory, Script},
    run_with, settings_of,
};
use lvx_settings::{
    Action, Apply, ApplyProgress, ApplyReport, Ending, Options, Permissions, Plan, PlannedUnit,
    Record, ResumeMode, Setting, SettingState, Settings, StrayCause, Unit,
};
use pi18_proto::{Amperes, BatteryType, Decivolts, OutputPriority, Switch};
use pi18_transport::{Link, sim::SharedBank};

/// Switches for faults of a line.
const LINE_FAULTS: [&str; 10] = [
    "lose=0.002",
    "double=0.002",
    "flip=0.002",
    "junk=0.1",
    "late=0.05&late-by=1s",
    "late=0.05&late-by=4s",
    "stale=0.1",
    "silent=0.05",
    "reports=on",
    "pop-garbled=on",
];

/// Switches for units that lag, refuse, ignore commands, or charge.
const UNIT_QUIRKS: [&str; 8] =
    ["lag=1s", "lag=4s", "lag=13s", "refuse=0.1", "ignore=0.1", "refuse=0.5", "soc=60", ""];

/// Switches for changes by another program or at the display.
const FOREIGN_CHANGES: [&str; 9] = [
    "float=53.9",
    "bulk=56.5",
    "recharge=47.0",
    "output-priority=0",
    "max-charge=70",
    "solar-priority=1",
    "battery-type=0",
    "silent=1",
    "refuse=1",
];

/// A fault that occurs at one moment.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Switch(usize, &'static str),
    Unplug(usize),
    /// A unit is unplugged, and connected again when its link is opened.
    Replug(usize),
    /// A unit is unplugged for longer than a step waits.
    ReturnLate(usize),
    /// Two cables are swapped while the links stay open.
    Swap(usize, usize),
    /// Two units swap their numbers in the bank.
    Renumber(usize, usize),
    /// A refusal for another host arrives on the same bridge.
    ForeignRefusal,
    /// The program is killed.
    Kill,
}

impl Fault {
    fn random(random: &mut fastrand::Rng, planned: usize, count: usize) -> Self {
        let unit = random.usize(0..planned);
        let other = (unit + random.usize(1..count.max(2))) % count;
        match random.u8(0..12) {
            0 => Self::Unplug(unit),
            1 => Self::Replug(unit),
            2 => Self::ReturnLate(unit),
            3 | 4 => Self::Swap(unit, other),
            5 | 6 => Self::Renumber(unit, other),
            7 => Self::ForeignRefusal,
            8 => Self::Kill,
            _ => Self::Switch(unit, random.choice(FOREIGN_CHANGES).unwrap()),
        }
    }
}

/// Injects a fault at an action.
struct Injector {
    cables: Cables,
    fault: Option<(usize, Fault)>,
    /// Number of actions so far.
    actions: usize,
}

/// Panic payload that simulates a kill.
struct Death;

impl Injector {
    /// Is called before each action.
    fn watch(&mut self, bank: &SharedBank, memory: &Memory, action: &Action) {
        self.actions += 1;
        assert!(self.actions < 5_000, "the run does not end");
        if let Some((at, fault)) = self.fault
            && self.actions >= at
            && (!matches!(fault, Fault::Switch(..)) || is_before_last_reading(memory, action))
        {
            self.fault = None;
            self.inject(bank, fault);
        }
    }

    fn inject(&self, bank: &SharedBank, fault: Fault) {
        let number = |unit: usize, number: usize| {
            bank.with(|bank| bank.switch(unit, &format!("instance={number}"))).unwrap();
        };
        match fault {
            Fault::Switch(unit, switch) => {
                bank.with(|bank| bank.switch(unit, switch)).unwrap();
            }
            Fault::Unplug(unit) => self.cables.unplug(unit, Duration::MAX),
            Fault::Replug(unit) => self.cables.unplug(unit, Duration::ZERO),
            Fault::ReturnLate(unit) => self.cables.unplug(unit, Duration::from_secs(75)),
            Fault::Swap(one, other) => self.cables.swap(one, other),
            Fault::Renumber(one, other) => {
                number(one, other);
                number(other, one);
            }
            Fault::ForeignRefusal => self.cables.refuse_another_host(),
            Fault::Kill => resume_unwind(Box::new(Death)),
        }
    }
}

/// Returns whether the last readings have certainly not begun. The report does not contain changes by another
/// program during these readings.
fn is_before_last_reading(memory: &Memory, action: &Action) -> bool {
    let writing =
        matches!(memory.records.last(), Some(Record::Writing { .. } | Record::Correcting { .. }));
    match action {
        Action::Survey { .. } | Action::Write(_) | Action::Record(Record::Writing { .. }) => true,
        Action::Read { .. } => writing && memory.full_at.is_none(),
        _ => false,
    }
}

/// A run, and the bank after it.
struct Run {
    bank: SharedBank,
    /// Settings of all units before the run, also of those outside the plan.
    before: Vec<Settings>,
    plan: Plan,
    report: ApplyReport,
    records: Vec<Record>,
    fault: Option<(usize, Fault)>,
    /// Number of set commands that arrived.
    sent: u64,
    /// Whether the program was killed, and another one continued the run.
    killed: bool,
    seed: u64,
}

/// Returns random settings. If the units have stored voltages, they change from type AGM to type user.
fn random_target(random: &mut fastrand::Rng, stored: bool) -> Settings {
    let mut target = random_settings(random);
    if stored {
        target.battery_type = Some(BatteryType::USER);
        if random.bool() {
            target.bulk_voltage = Some(Decivolts(560));
            target.float_voltage = Some(Decivolts(540));
            target.cutoff_voltage = Some(Decivolts(random.u16(440..=460)));
        }
    }
    target
}

/// Returns a plan for the first units of a bank; `None` if there is nothing to do or no plan.
fn plan_for_first(bank: &SharedBank, count: usize, target: &Settings) -> Option<Plan> {
    let host = host(&mut client(bank, 0));
    let units = (0..count).map(|at| {
        let unit = Unit::read(&mut client(bank, at), &host).unwrap();
        PlannedUnit::new(format!("sim:{at}"), unit, *target)
    });
    let permissions = Permissions::default().without_battery_guard().with_part_of_bank();
    let plan = Plan::new(units.collect(), permissions, None).ok()?;
    (!plan.is_empty()).then_some(plan)
}

fn inject(seed: u64) -> Option<Run> {
    let mut random = fastrand::Rng::with_seed(seed);
    let count = random.usize(1..=3);
    let planned = if count > 1 && random.u8(0..3) == 0 { count - 1 } else { count };
    let stored = random.u8(0..4) == 0;
    let mut calm = "frozen=on&soc=100&sun=0&grid=off".to_owned();
    if stored {
        calm += "&battery-type=0&cutoff=40.8&stored-voltages=58.4,54.0,42.0";
    }
    let bank = bank(&vec![&*calm; count]);
    let target = random_target(&mut random, stored);
    let plan = plan_for_first(&bank, planned, &target)?;
    let before: Vec<_> = (0..count).map(|unit| settings_of(&bank, unit)).collect();
    let counted = received(&bank);
    bank.with(|bank| {
        bank.switch(0, &format!("seed={seed}")).unwrap();
        for unit in 0..count {
            for list in [&LINE_FAULTS[..], &UNIT_QUIRKS[..]] {
                if random.bool() {
                    let switches = *random.choice(list).unwrap();
                    let each = switches.split('&').filter(|switch| !switch.is_empty());
                    each.for_each(|switch| bank.switch(unit, switch).unwrap());
                }
            }
        }
    });
    let fault = random.u8(0..4) > 0;
    let fault = fault.then(|| {
        (
            random.usize(1..=11 * plan.steps.len() + count),
            Fault::random(&mut random, planned, count),
        )
    });
    let mut options = Options::default();
    if random.bool() {
        options.wait_idle = Some(Duration::from_mins(1));
    }
    let mut memory = Memory::default();
    match random.u8(0..12) {
        0 => memory.interrupt_at = Some(random.usize(0..=2 * plan.steps.len())),
        1 => memory.full_at = Some(random.usize(0..=3 * plan.steps.len())),
        2 | 3 => {
            options.confirm_within = Some(Duration::from_mins(5));
            memory.confirms = random.bool();
        }
        _ => {}
    }
    let cables = Cables::new(&bank);
    let mut injector = Injector { cables: cables.clone(), fault, actions: 0 };
    let mut script = Script::new(&bank);
    script.memory = memory;
    script.hook = Box::new(move |bank, memory, action| injector.watch(bank, memory, action));
    let apply = Apply::new(plan.clone(), options);
    let ended = catch_unwind(AssertUnwindSafe(|| cables.run(apply, &mut script)));
    let (report, killed) = match ended {
        Ok(report) => (report, false),
        Err(death) if death.is::<Death>() => {
            let mode = if random.bool() { ResumeMode::Undo } else { ResumeMode::Finish };
            let progress = ApplyProgress::of(&script.memory.records);
            let records = std::mem::take(&mut script.memory.records);
            script.memory = Memory { records, ..Memory::resumed() };
            let apply = Apply::resume(plan.clone(), options, progress, mode);
            (cables.run(apply, &mut script), true)
        }
        Err(other) => resume_unwind(other),
    };
    // After this time every write is shown.
    bank.link(0).pause(Duration::from_mins(2));
    let sent = received(&bank) - counted;
    let records = script.memory.records;
    Some(Run { bank, before, plan, report, records, fault, sent, killed, seed })
}

fn received(bank: &SharedBank) -> u64 {
    bank.with(|bank| (0..bank.units()).map(|unit| bank.set_counts(unit).received).sum())
}

impl Run {
    /// Fails unless the condition holds, with everything that is needed to repeat the run.
    #[track_caller]
    fn check(&self, holds: bool, what: &str) {
        assert!(
            holds,
            "{what}\nseed {}, fault {:?}, killed: {}\n{}\n{}\n{:?}",
            self.seed, self.fault, self.killed, self.plan, self.report, self.records
        );
    }

    /// Returns whether the fault is a change of this unit by another program.
    fn is_changed_by_fault(&self, unit: usize) -> bool {
        matches!(self.fault, Some((_, Fault::Switch(known, _))) if known == unit)
    }

    /// Checks the report against the bank.
    fn assert_true(&self) {
        let steps = self.plan.steps.len();
        let (old, new) = (self.plan.settings_after(0), self.plan.settings_after(steps));
        let truths: Vec<_> =
            (0..self.before.len()).map(|unit| settings_of(&self.bank, unit)).collect();
        for (at, reported) in self.report.units.iter().enumerate() {
            let now = &truths[at];
            let others: Vec<_> =
                reported.changed_by_others.iter().map(|reported| reported.setting).collect();
            let own: Vec<_> =
                self.plan.touched(at).filter(|setting| !others.contains(setting)).collect();
            let part = |all: &Settings| all.only(|setting| own.contains(&setting));
            match reported.state {
                SettingState::New => {
                    self.check(
                        now.satisfy(&part(&new[at])),
                        "reported new settings, but has others",
                    );
                }
                SettingState::Old => {
                    self.check(
                        now.satisfy(&part(&old[at])),
                        "reported old settings, but has others",
                    );
                }
                SettingState::Between => {
                    let all = reported
                        .settings
                        .iter()
                        .all(|reported| reported.now == now.get(reported.setting));
                    self.check(all, "the unit does not have the values that are reported");
                }
                _ => {}
            }
            if reported.state != SettingState::Unknown {
                for (setting, value) in now.iter() {
                    let reported = others.contains(&setting) || own.contains(&setting);
                    let is_old = old[at].get(setting) == Some(value);
                    let what = format!("{setting} is {value}, but this is not reported");
                    self.check(reported || is_old, &what);
                }
            }
        }
        self.strays_are_reported(&truths);
        let all = |state| {
            self.report
                .units
                .iter()
                .all(|unit| unit.state == state || unit.state == SettingState::Unchanged)
        };
        match self.report.ending {
            Ending::Applied => self.check(all(SettingState::New), "applied, but not everywhere"),
            Ending::Undone => self.check(all(SettingState::Old), "undone, but not everywhere"),
            _ => {}
        }
        if self.report.units_agree == Some(true) {
            let agreeing =
                |all: &Settings| all.only(|setting| Setting::AGREEING.contains(&setting));
            let first = agreeing(&truths[0]);
            let planned = &truths[..self.plan.units.len()];
            self.check(
                planned.iter().all(|all| agreeing(all) == first),
                "reported equal settings, but they differ",
            );
        }
        if !self.killed {
            self.check(self.sent <= self.report.writes, "more writes arrived than are reported");
        }
    }

    /// Checks that each unit outside the plan that was written is reported.
    fn strays_are_reported(&self, truths: &[Settings]) {
        for (at, (before, now)) in self.before.iter().zip(truths).enumerate() {
            if at < self.plan.units.len() || before == now || self.is_changed_by_fault(at) {
                continue;
            }
            let reply = self.bank.with(|bank| bank.peek(at, pi18_proto::Query::Identity));
            let Some(pi18_proto::AnyReply::Identity(identity)) = reply else { continue };
            let serial = identity.serial_number;
            let reported = self.report.strays.iter().any(|stray| match stray.cause {
                StrayCause::AnotherUnit { found } => found == serial,
                StrayCause::Renumbered { found, .. } => found.is_none_or(|found| found == serial),
                _ => true,
            });
            self.check(reported, &format!("unit {serial} was written, but this is not reported"));
        }
    }
}

#[test]
fn report_is_true_after_any_injected_fault() {
    let runs = std::env::var("LVX_FAULT_RUNS").ok().map_or(10_000, |runs| runs.parse().unwrap());
    let mut endings = BTreeMap::<String, u32>::new();
    let mut strays = 0;
    let mut done = 0;
    for run in (0..).filter_map(inject) {
        run.assert_true();
        *endings.entry(format!("{:?}", run.report.ending)).or_default() += 1;
        strays += u32::from(!run.report.strays.is_empty());
        done += 1;
        if done == runs {
            break;
        }
    }
    // Each ending must occur often enough for the test to be meaningful.
    for ending in ["Applied", "Undone", "Mixed", "Refused"] {
        assert!(endings.get(ending).is_some_and(|count| *count > runs / 50), "{endings:?}");
    }
    assert!(strays > runs / 200, "{strays} of {runs} runs had strays");
}

/// Kills a run at an action, and resumes it. Returns `None` if the run ended before that action.
fn killed(at: usize, mode: ResumeMode, switches: &str) -> Option<(SharedBank, Plan, ApplyReport)> {
    let calm = format!("frozen=on&soc=100&sun=0&grid=off&{switches}");
    let bank = bank(&[&calm, &calm]);
    let target = profile(|s| {
        s.bulk_voltage = Some(Decivolts(550));
        s.float_voltage = Some(Decivolts(520));
        s.redischarge_voltage = Some(Decivolts(510));
        s.max_charge_current = Some(Amperes(50));
        s.output_priority = Some(OutputPriority(0));
        s.backlight = Some(Switch::OFF);
    });
    let plan = plan_for_first(&bank, 2, &target).unwrap();
    let clock = host(&mut client(&bank, 0));
    let mut script = Script::new(&bank);
    script.memory = Memory::default();
    let mut left = at;
    script.hook = Box::new(move |_, _, _| match left.checked_sub(1) {
        Some(fewer) => left = fewer,
        None => resume_unwind(Box::new(Death)),
    });
    let clients = (0..2).map(|at| client(&bank, at)).collect();
    let mut units = lvx_settings::Units::new(clients, clock);
    let apply = Apply::new(plan.clone(), Options::default());
    let ended =
        catch_unwind(AssertUnwindSafe(|| lvx_settings::run(apply, &mut units, &mut script)));
    drop(units);
    match ended {
        Ok(_) => return None,
        Err(death) => assert!(death.is::<Death>(), "the run panicked"),
    }
    let progress = ApplyProgress::of(&script.memory.records);
    let clients = (0..2).map(|at| client(&bank, at)).collect();
    let apply = Apply::resume(plan.clone(), Options::default(), progress, mode);
    let (report, _) = run_with(&bank, clients, apply, Memory::resumed());
    bank.link(0).pause(Duration::from_mins(2));
    Some((bank, plan, report))
}

#[test]
fn kill_at_any_action_is_finished_or_undone() {
    for switches in ["", "lag=4s"] {
        for mode in [ResumeMode::Finish, ResumeMode::Undo] {
            let mut at = 0;
            while let Some((bank, plan, report)) = killed(at, mode, switches) {
                let (steps, ending) = match mode {
                    ResumeMode::Finish => (plan.steps.len(), Ending::Applied),
                    ResumeMode::Undo => (0, Ending::Undone),
                };
                assert_eq!(report.ending, ending, "killed at action {at}: {report}");
                let target = plan.settings_after(steps);
                for (unit, target) in target.iter().enumerate() {
                    let target = target.only(|setting| setting != Setting::Clock);
                    assert!(settings_of(&bank, unit).satisfy(&target), "killed at action {at}");
                }
                at += 1;
            }
            assert!(at > 60, "{at}");
        }
    }
}

/// The lag is longer than all waits of the undo. The report must be true even after the write shows.
#[test]
fn undo_after_kill_with_long_lag_is_true() {
    let mut in_flight = 0;
    for at in 0.. {
        let Some((bank, plan, report)) = killed(at, ResumeMode::Undo, "lag=60s") else { break };
        let old = plan.settings_after(0);
        for (unit, reported) in report.units.iter().enumerate() {
            if reported.state == SettingState::Old {
                let old = old[unit].only(|setting| setting != Setting::Clock);
                let now = settings_of(&bank, unit);
                assert!(now.satisfy(&old), "killed at action {at}: {report}");
            }
        }
        in_flight += u32::from(report.writes > 0);
    }
    assert!(in_flight > 0);
}
