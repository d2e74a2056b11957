//! Applying while everything goes wrong: whatever happens, what is reported is what is true.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

mod bank;

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    time::Duration,
};

use bank::{Memory, bank, client, host, plan_for, profile, random_settings, run_with, settings_of};
use lvx_settings::{
    Action, Apply, Audit, Ending, Keeper, Options, Permissions, Plan, Progress, Record, Report,
    Setting, Settings, State, Unit, Units, Way, run,
};
use pi18_proto::{Amperes, DateTime, Decivolts, OutputPriority, Switch};
use pi18_transport::{Link, sim::SharedBank};

/// What goes wrong on a line, one or more of them.
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

/// What a unit does of its own accord.
const MOODS: [&str; 8] =
    ["lag=1s", "lag=4s", "lag=13s", "refuse=0.1", "ignore=0.1", "refuse=0.5", "soc=60", ""];

/// What somebody else does to a unit.
const MEDDLING: [&str; 9] = [
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

/// One thing that happens at one moment.
#[derive(Clone, Copy, Debug)]
enum Blow {
    Switch(usize, &'static str),
    Unplug(usize),
    /// Unplugged, and there again when it is opened.
    Replug(usize),
}

/// Deals the blow when so many chances for it have gone by.
struct Storm {
    bank: SharedBank,
    memory: Memory,
    blow: Option<(usize, Blow)>,
    chances: usize,
    actions: usize,
}

impl Storm {
    fn strike(&mut self) {
        self.chances += 1;
        if let Some((at, blow)) = self.blow
            && at == self.chances
        {
            self.bank.with(|bank| match blow {
                Blow::Switch(unit, switch) => bank.switch(unit, switch).unwrap(),
                Blow::Unplug(unit) | Blow::Replug(unit) => bank.disconnect(unit),
            });
        }
    }
}

impl Keeper for Storm {
    fn begin(&mut self, plan: &Plan, units: &[Unit]) -> std::io::Result<()> {
        self.memory.begin(plan, units)
    }

    fn record(&mut self, record: &Record, at: Option<DateTime>) -> std::io::Result<()> {
        self.memory.record(record, at)
    }

    fn audit(&mut self, line: &Audit) {
        self.memory.audit(line);
    }

    fn is_confirmed(&mut self) -> bool {
        self.memory.is_confirmed()
    }

    fn is_interrupted(&mut self) -> bool {
        self.memory.is_interrupted()
    }

    fn watch(&mut self, action: &Action) {
        self.actions += 1;
        assert!(self.actions < 5_000, "it does not end");
        // Not while the units are read a last time: that is what the report tells.
        let last = self.memory.records.last();
        let done = self.memory.full_at.is_none()
            && matches!(last, Some(Record::Writing { .. }))
            && matches!(action, Action::Read { .. });
        if done
            || matches!(
                action,
                Action::Survey { .. } | Action::Write(_) | Action::Record(Record::Writing { .. })
            )
        {
            self.strike();
        }
    }
}

/// Everything that a unit has, once everything is shown.
fn truth(bank: &SharedBank, unit: usize) -> Settings {
    settings_of(bank, unit)
}

struct Run {
    bank: SharedBank,
    plan: Plan,
    report: Report,
    records: Vec<Record>,
    blow: Option<(usize, Blow)>,
    /// Set commands that arrived.
    sent: u64,
    seed: u64,
}

fn storm(seed: u64) -> Option<Run> {
    let mut random = fastrand::Rng::with_seed(seed);
    let count = random.usize(1..=3);
    let calm = "frozen=on&soc=100&sun=0&grid=off";
    let bank = bank(&vec![calm; count]);
    let wanted = random_settings(&mut random);
    let plan = plan_for(&bank, &wanted, Permissions::default());
    if plan.is_empty() {
        return None;
    }
    let clock = host(&mut client(&bank, 0));
    let counted = received(&bank);
    bank.with(|bank| {
        bank.switch(0, &format!("seed={seed}")).unwrap();
        for unit in 0..count {
            for list in [&LINE_FAULTS[..], &MOODS[..]] {
                if random.bool() {
                    let switches = *random.choice(list).unwrap();
                    let each = switches.split('&').filter(|switch| !switch.is_empty());
                    each.for_each(|switch| bank.switch(unit, switch).unwrap());
                }
            }
        }
    });
    let unit = random.usize(0..count);
    let blow = match random.u8(0..6) {
        0 => Blow::Unplug(unit),
        1 => Blow::Replug(unit),
        _ => Blow::Switch(unit, random.choice(&MEDDLING).unwrap()),
    };
    let blow = random.bool().then(|| (random.usize(1..=3 * plan.steps.len() + count), blow));
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
    let mut keeper = Storm { bank: bank.clone(), memory, blow, chances: 0, actions: 0 };
    let clients = (0..count).map(|at| client(&bank, at)).collect();
    let again = bank.clone();
    let comes_back = matches!(blow, Some((_, Blow::Replug(_))));
    let mut units = Units::new(clients, clock).reopened_by(|unit| {
        if comes_back {
            again.with(|bank| bank.reconnect(unit));
        }
        Ok(client(&again, unit))
    });
    let report = run(Apply::new(plan.clone(), options), &mut units, &mut keeper);
    drop(units);
    // Whatever is still on its way is shown by then.
    bank.link(0).pause(Duration::from_mins(2));
    let sent = received(&bank) - counted;
    Some(Run { bank, plan, report, records: keeper.memory.records, blow, sent, seed })
}

fn received(bank: &SharedBank) -> u64 {
    bank.with(|bank| (0..bank.units()).map(|unit| bank.sets(unit).received).sum())
}

impl Run {
    /// Fails with all there is to know.
    #[track_caller]
    fn check(&self, holds: bool, what: &str) {
        assert!(
            holds,
            "{what}\nseed {}, blow {:?}\n{}\n{:?}",
            self.seed, self.blow, self.report, self.records
        );
    }

    /// What is reported is what is true.
    fn is_true(&self) {
        let steps = self.plan.steps.len();
        let (old, new) = (self.plan.settings_after(0), self.plan.settings_after(steps));
        let truths: Vec<_> = (0..old.len()).map(|unit| truth(&self.bank, unit)).collect();
        for (at, told) in self.report.units.iter().enumerate() {
            let others: Vec<_> = told.changed_by_others.iter().map(|told| told.setting).collect();
            let touched: Vec<_> = self.plan.touched(at).collect();
            let touched: Vec<_> =
                touched.into_iter().filter(|setting| !others.contains(setting)).collect();
            let part = |all: &Settings| all.only(|setting| touched.contains(&setting));
            let now = &truths[at];
            match told.state {
                State::New => self.check(now.satisfy(&part(&new[at])), "not the new settings"),
                State::Old => self.check(now.satisfy(&part(&old[at])), "not the old settings"),
                State::Between => {
                    let all = told.settings.iter().all(|told| told.now == now.get(told.setting));
                    self.check(all, "not what is told");
                }
                _ => {}
            }
            let others: Vec<_> = others.into_iter().chain(touched.iter().copied()).collect();
            if told.state != State::Unknown {
                for (setting, value) in now.iter().filter(|(setting, _)| !others.contains(setting))
                {
                    let told = old[at].get(setting) == Some(value);
                    self.check(told, &format!("{setting} is {value}, which nobody tells"));
                }
            }
            for setting in touched {
                let known = [&old[at], &new[at]].map(|all| all.get(setting));
                let by_others = matches!(self.blow, Some((_, Blow::Switch(unit, _))) if unit == at);
                self.check(
                    known.contains(&now.get(setting)) || by_others,
                    &format!("{setting} is neither old nor new"),
                );
            }
        }
        let all = |state| {
            self.report
                .units
                .iter()
                .all(|unit| unit.state == state || unit.state == State::Unchanged)
        };
        match self.report.ending {
            Ending::Applied => self.check(all(State::New), "applied, but not everywhere"),
            Ending::Undone => self.check(all(State::Old), "undone, but not everywhere"),
            _ => {}
        }
        if self.report.units_agree == Some(true) {
            let agreeing =
                |all: &Settings| all.only(|setting| Setting::AGREEING.contains(&setting));
            let first = agreeing(&truths[0]);
            self.check(truths.iter().all(|all| agreeing(all) == first), "they do not agree");
        }
        self.check(self.sent <= self.report.writes, "more was sent than is told");
    }
}

#[test]
fn in_ten_thousand_storms_what_is_reported_is_true() {
    let mut endings = std::collections::BTreeMap::<String, u32>::new();
    let mut runs = 0;
    for seed in 0.. {
        if let Some(run) = storm(seed) {
            run.is_true();
            *endings.entry(format!("{:?}", run.report.ending)).or_default() += 1;
            runs += 1;
        }
        if runs == STORMS {
            break;
        }
    }
    // Each kind of ending was met often enough to mean something.
    for ending in ["Applied", "Undone", "Mixed", "Refused"] {
        assert!(endings.get(ending).is_some_and(|count| *count > STORMS / 50), "{endings:?}");
    }
}

const STORMS: u32 = 10_000;

/// The program dies at one action.
struct Mortal {
    memory: Memory,
    left: usize,
}

/// What it dies of.
struct Death;

impl Keeper for Mortal {
    fn begin(&mut self, plan: &Plan, units: &[Unit]) -> std::io::Result<()> {
        self.memory.begin(plan, units)
    }

    fn record(&mut self, record: &Record, at: Option<DateTime>) -> std::io::Result<()> {
        self.memory.record(record, at)
    }

    fn watch(&mut self, _action: &Action) {
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => resume_unwind(Box::new(Death)),
        }
    }
}

/// Dies at an action, and is brought to an end by another run; `None` if it ended before.
fn killed(at: usize, way: Way, switches: &str) -> Option<(SharedBank, Plan, Report)> {
    let calm = format!("frozen=on&soc=100&sun=0&grid=off&{switches}");
    let bank = bank(&[&calm, &calm]);
    let wanted = profile(|s| {
        s.bulk_voltage = Some(Decivolts(550));
        s.float_voltage = Some(Decivolts(520));
        s.redischarge_voltage = Some(Decivolts(510));
        s.max_charging_current = Some(Amperes(50));
        s.output_source_priority = Some(OutputPriority(0));
        s.backlight = Some(Switch::OFF);
    });
    let plan = plan_for(&bank, &wanted, Permissions::default());
    let clock = host(&mut client(&bank, 0));
    let mut keeper = Mortal { memory: Memory::default(), left: at };
    let clients = (0..2).map(|at| client(&bank, at)).collect();
    let mut units = Units::new(clients, clock);
    let apply = Apply::new(plan.clone(), Options::default());
    let ended = catch_unwind(AssertUnwindSafe(|| run(apply, &mut units, &mut keeper)));
    drop(units);
    match ended {
        Ok(_) => return None,
        Err(death) => assert!(death.is::<Death>(), "it died of something else"),
    }
    let memory = Memory { begun: true, ..Memory::default() };
    let progress = Progress::of(&keeper.memory.records);
    let clients = (0..2).map(|at| client(&bank, at)).collect();
    let apply = Apply::resume(plan.clone(), Options::default(), progress, way);
    let (report, _) = run_with(&bank, clients, apply, memory);
    bank.link(0).pause(Duration::from_mins(2));
    Some((bank, plan, report))
}

#[test]
fn killed_at_any_action_it_is_finished_or_undone() {
    for switches in ["", "lag=4s"] {
        for way in [Way::Finish, Way::Undo] {
            let mut at = 0;
            while let Some((bank, plan, report)) = killed(at, way, switches) {
                let (steps, ending) = match way {
                    Way::Finish => (plan.steps.len(), Ending::Applied),
                    Way::Undo => (0, Ending::Undone),
                };
                assert_eq!(report.ending, ending, "killed at action {at}: {report}");
                let wanted = plan.settings_after(steps);
                for (unit, wanted) in wanted.iter().enumerate() {
                    let wanted = wanted.only(|setting| setting != Setting::Clock);
                    assert!(truth(&bank, unit).satisfy(&wanted), "killed at action {at}");
                }
                at += 1;
            }
            assert!(at > 60, "{at}");
        }
    }
}
