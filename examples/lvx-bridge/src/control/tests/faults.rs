//! Random commands under faults: what is published as set equals the bank, units that differ are reported, and nothing
//! outside `allow` is written.
//!
//! `LVX_CONTROL_COMMANDS` sets the number of commands.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use jiff::SignedDuration;
use lvx_settings::Settings;

use super::{CALM, Command, CommandState, Resume, Site};

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

#[derive(Default, Debug)]
struct Counts {
    proved: u32,
    refused: u32,
    undone: u32,
    mixed: u32,
    kills: u32,
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
    assert!(counts.proved * 5 > done, "{counts:?}");
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
    let mut used: Vec<Command> = Vec::new();
    for _ in 0..count {
        let context = format!("seed {seed}, {switches:?}");
        let (command, must_refuse) = random_command(&mut random, &site, &used);
        used.push(command.clone());
        if random.u8(0..12) == 0 {
            let unit = random.usize(0..2);
            site.pollers.bank.with(|bank| bank.disconnect(unit));
            site.pollers.bank.with(|bank| bank.reconnect(unit));
        }
        if random.u8(0..10) == 0 {
            site.runs.fill_after(Some(random.usize(0..8)));
        }
        let kill_at = (random.u8(0..8) == 0).then(|| random.usize(0..30));
        let mut actions = 0;
        site.runs.on_action(move |_| {
            actions += 1;
            if kill_at == Some(actions) {
                resume_unwind(Box::new(Death));
            }
        });
        let received = site.received();
        let ended = catch_unwind(AssertUnwindSafe(|| site.carry_out(command.clone())));
        site.runs.on_action(|_| {});
        site.runs.fill_after(None);
        match ended {
            Ok(result) => {
                match result.state {
                    CommandState::Proved => counts.proved += 1,
                    CommandState::Refused => counts.refused += 1,
                    CommandState::Undone => counts.undone += 1,
                    CommandState::Mixed | CommandState::Pending => counts.mixed += 1,
                }
                if must_refuse {
                    assert_eq!(result.state, CommandState::Refused, "{command:?}, {context}");
                }
                if result.state == CommandState::Refused {
                    assert_eq!(site.received(), received, "{result:?}, {context}");
                }
                site.operator().check_runs(false);
                check(&mut site, result.state, &context);
            }
            Err(death) if death.is::<Death>() => {
                counts.kills += 1;
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
