//! Random commands under faults: what is published as set equals the bank, units that differ are reported, nothing
//! outside `allow` is written, and nothing is written to a unit that is not of the bank.
//!
//! `LVX_CONTROL_COMMANDS` sets the number of commands.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::mpsc,
};

use jiff::SignedDuration;
use lvx_settings::Settings;

use super::{CALM, Command, CommandState, Resume, Site};
use crate::mqtt::testing::Arrivals;

/// Panic payload that simulates a kill.
struct Death;

/// Faults of the lines and of the units.
const FAULTS: [&str; 13] = [
    "",
    "lose=0.002",
    "double=0.002",
    "flip=0.002",
    "junk=0.1",
    "late=0.05&late-by=1s",
    "late=0.05&late-by=4s",
    "silent=0.03",
    "pop-garbled=on",
    "lag=1s",
    "lag=4s",
    "refuse=0.3",
    "ignore=0.1",
];

/// What happens in the middle of a command.
#[derive(Clone, Copy, Debug)]
enum Incident {
    /// The cables are swapped at the units.
    Swap,
    /// The cables are swapped at the computer.
    Replug,
    /// A unit is replaced by one with another serial number.
    Replace(usize),
}

/// Serial number of a unit that is not of the bank.
const STRANGER: &str = "96132206109990";

/// What happens while a command is carried out.
struct Course {
    incident: Option<(usize, Incident)>,
    /// The unit that was replaced, and the number of set commands that it had received.
    replaced: mpsc::Receiver<(usize, u64)>,
}

impl Course {
    /// Lets the next run have an incident before one of its actions, or be killed.
    fn begin(random: &mut fastrand::Rng, site: &Site) -> Self {
        let kill_at = (random.u8(0..8) == 0).then(|| random.usize(0..30));
        let incident = (random.u8(0..4) == 0).then(|| {
            let all = [Incident::Swap, Incident::Replug, Incident::Replace(random.usize(0..2))];
            (random.usize(0..30), *random.choice(&all).unwrap())
        });
        let (bank, cables) = (site.pollers.bank.clone(), site.pollers.cables.clone());
        let (sender, replaced) = mpsc::channel();
        let mut actions = 0;
        site.runs.on_action(move |action| {
            actions += 1;
            assert!(actions < MAX_ACTIONS, "the run does not end: {action:?}");
            match incident.filter(|(at, _)| *at == actions).map(|(_, incident)| incident) {
                None => {}
                Some(Incident::Swap) => cables.swap(),
                Some(Incident::Replug) => {
                    cables.swap();
                    cables.replug();
                }
                Some(Incident::Replace(unit)) => bank.with(|bank| {
                    bank.switch(unit, &format!("serial-number={STRANGER}")).unwrap();
                    sender.send((unit, bank.set_counts(unit).received)).unwrap();
                }),
            }
            if kill_at == Some(actions) {
                resume_unwind(Box::new(Death));
            }
        });
        Self { incident, replaced }
    }
}

/// Maximum number of actions of a run.
const MAX_ACTIONS: usize = 20_000;

#[derive(Default, Debug)]
struct Counts {
    incidents: u32,
    proved: u32,
    refused: u32,
    undone: u32,
    mixed: u32,
    kills: u32,
}

impl Counts {
    fn add(&mut self, state: CommandState) {
        *match state {
            CommandState::Proved => &mut self.proved,
            CommandState::Refused => &mut self.refused,
            CommandState::Undone => &mut self.undone,
            CommandState::Mixed | CommandState::Pending => &mut self.mixed,
        } += 1;
    }
}

#[test]
fn random_commands_under_faults_are_reported_truly() {
    let total = std::env::var("LVX_CONTROL_COMMANDS").ok().and_then(|text| text.parse().ok());
    let total: u32 = total.unwrap_or(150);
    let (mut counts, mut seed) = (Counts::default(), 0);
    let mut done = 0;
    while done < total {
        let count = 25.min(total - done);
        round(seed, count, &mut counts);
        (done, seed) = (done + count, seed + 1);
    }
    eprintln!("{done} commands: {counts:?}");
    assert!(counts.proved * 20 > done && counts.incidents * 8 > done, "{counts:?}");
}

/// Carries out commands on a new bank.
fn round(seed: u64, count: u32, counts: &mut Counts) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut switches = || {
        let fault: &str = random.choice(FAULTS).unwrap();
        if fault.is_empty() { CALM.to_owned() } else { format!("{CALM}&{fault}") }
    };
    let switches = [switches(), switches()];
    let mut site = Site::new(&switches.each_ref().map(String::as_str));
    if random.bool() {
        site.config.resume = Resume::Undo;
    }
    let first = site.truths();
    let (mut used, mut arrivals) = (Vec::<Command>::new(), Arrivals::default());
    for _ in 0..count {
        let (mut command, must_refuse) = random_command(&mut random, &site, &used);
        used.push(command.clone());
        if random.bool() {
            let is_retained = random.u8(0..8) == 0;
            let arrived = arrivals.send(&command, is_retained, site.clock().now().wall);
            assert!(!is_retained || arrived.is_none(), "{command:?}");
            let Some(arrived) = arrived else {
                counts.refused += 1;
                continue;
            };
            command = arrived;
        }
        if random.u8(0..12) == 0 {
            let unit = random.usize(0..2);
            site.pollers.bank.with(|bank| bank.disconnect(unit));
            site.pollers.bank.with(|bank| bank.reconnect(unit));
        }
        if random.u8(0..10) == 0 {
            site.runs.fill_after(Some(random.usize(0..8)));
        }
        let course = Course::begin(&mut random, &site);
        let context = format!("seed {seed}, {switches:?}, {:?}", course.incident);
        let received = site.received();
        let ended = catch_unwind(AssertUnwindSafe(|| site.carry_out(command.clone())));
        site.runs.on_action(|_| {});
        site.runs.fill_after(None);
        let replaced = course.replaced.try_iter().last();
        if let Some((unit, before)) = replaced {
            let now = site.pollers.bank.with(|bank| bank.set_counts(unit).received);
            assert_eq!(now, before, "a stranger got a command, {context}");
        }
        counts.incidents += u32::from(course.incident.is_some());
        match ended {
            Ok(result) => {
                counts.add(result.state);
                if must_refuse {
                    assert_eq!(result.state, CommandState::Refused, "{command:?}, {context}");
                }
                if result.state == CommandState::Refused {
                    assert_eq!(site.received(), received, "{result:?}, {context}");
                }
                site.operator().check_runs(false);
                check(&mut site, result.state, &context);
                repair(&site, replaced);
            }
            Err(death) if death.is::<Death>() => {
                counts.kills += 1;
                repair(&site, replaced);
                site.pause(60);
                site.restart();
                check(&mut site, CommandState::Mixed, &context);
            }
            Err(other) => resume_unwind(other),
        }
        // A person finishes the run: both units get the values that they had at first.
        if site.operator().unfinished.is_some() {
            site.runs.clear();
            for unit in 0..2 {
                for switch in ["output-priority=1", "max-charge=60"] {
                    let _ = site.pollers.bank.with(|bank| bank.switch(unit, switch));
                }
            }
            site.pause(60);
            site.restart();
        }
        // Nothing outside the list is ever written.
        let others = |all: &Settings| all.only(|setting| !site.config.allow.contains(&setting));
        for (unit, first) in first.iter().enumerate() {
            assert_eq!(others(&site.truth(unit)), others(first), "{command:?}, {context}");
        }
    }
}

/// Puts a unit back that was replaced, and waits until all units answer. Cables stay swapped.
fn repair(site: &Site, replaced: Option<(usize, u64)>) {
    if let Some((unit, _)) = replaced {
        let switch = format!("serial-number={}", site.pollers.serials[unit]);
        site.pollers.bank.with(|bank| bank.switch(unit, &switch)).unwrap();
    }
    site.pollers.settle_all();
}

/// Returns a command, and whether it must be refused.
fn random_command(random: &mut fastrand::Rng, site: &Site, used: &[Command]) -> (Command, bool) {
    const GOOD: [(&str, &str); 6] = [
        ("output_priority", "solar_utility_battery"),
        ("output_priority", "solar_battery_utility"),
        ("backlight", "on"),
        ("backlight", "off"),
        ("max_charge_current", "50 A"),
        ("max_charge_current", "60 A"),
    ];
    const BAD: [(&str, &str); 5] = [
        ("max_charge_current", "80 A"),
        ("bulk_voltage", "56.0 V"),
        ("output_mode", "single"),
        ("output_priority", "x"),
        ("clock", "host"),
    ];
    match random.u8(0..10) {
        0 => {
            let (key, to) = random.choice(BAD).unwrap();
            (site.command(key, to), true)
        }
        1 if !used.is_empty() => {
            let command = random.choice(used).unwrap().clone();
            // Its time is right, but its id was seen, unless it was refused before it was taken.
            let is_taken = site.operator.as_ref().unwrap().has_taken(&command.id);
            let expires = site.command("x", "y").expires;
            (Command { expires, ..command }, is_taken)
        }
        2 => {
            let (key, to) = random.choice(GOOD).unwrap();
            (Command { expires: None, ..site.command(key, to) }, true)
        }
        3 => {
            let (key, to) = random.choice(GOOD).unwrap();
            let command = site.command(key, to);
            let late = command.expires.map(|at| at - SignedDuration::from_secs(62));
            (Command { expires: late, ..command }, true)
        }
        4 => {
            // It may expire while the units are read.
            let (key, to) = random.choice(GOOD).unwrap();
            let command = site.command(key, to);
            let left = SignedDuration::from_secs(random.i64(1..10));
            let soon = command.expires.map(|at| at - SignedDuration::from_secs(50) + left);
            (Command { expires: soon, ..command }, false)
        }
        _ => {
            let (key, to) = random.choice(GOOD).unwrap();
            (site.command(key, to), false)
        }
    }
}

/// Checks the view against the bank.
fn check(site: &mut Site, state: CommandState, context: &str) {
    // After this time, every write shows.
    site.pause(60);
    let view = site.operator().view();
    let is_reported = !view.problems.is_empty();
    for item in &view.items {
        let truths: Vec<_> = (0..2).map(|unit| site.value(unit, item.setting)).collect();
        for ((_, shown), truth) in item.values.iter().zip(&truths) {
            if let Some(shown) = shown
                && state != CommandState::Mixed
            {
                assert_eq!(shown, truth, "{}, {context}", item.setting);
            }
        }
        if truths[0] != truths[1] {
            let shows = item.value.is_none();
            assert!(
                shows || is_reported,
                "{}: {truths:?} is not reported, {context}",
                item.setting
            );
        }
        if let Some(value) = &item.value
            && state == CommandState::Proved
        {
            assert!(truths.iter().all(|truth| truth == value), "{context}");
        }
    }
}
