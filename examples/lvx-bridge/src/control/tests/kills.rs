//! The program is killed at every point of a run.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use lvx_settings::Setting;

use super::{CALM, CommandState, Resume, Site};
use crate::control::{OthersRun, Runs};

/// Panic payload that simulates a kill.
struct Death;

/// Carries out a command that is killed before its action with this number. Returns whether it was killed.
fn killed(site: &mut Site, at: usize) -> bool {
    killed_at(site, at, "backlight", "off")
}

/// Carries out this command as [`killed`] does.
fn killed_at(site: &mut Site, at: usize, key: &str, to: &str) -> bool {
    let mut actions = 0;
    site.runs.on_action(move |_| {
        actions += 1;
        if actions == at + 1 {
            resume_unwind(Box::new(Death));
        }
    });
    let command = site.command(key, to);
    let ended = catch_unwind(AssertUnwindSafe(|| site.carry_out(command)));
    site.runs.on_action(|_| {});
    match ended {
        Ok(_) => false,
        Err(death) if death.is::<Death>() => true,
        Err(other) => resume_unwind(other),
    }
}

#[test]
fn run_killed_at_any_action_is_reported_and_nothing_is_written() {
    let mut reported = 0;
    for at in 0.. {
        let mut site = Site::new(&[CALM, CALM]);
        let was_killed = killed(&mut site, at);
        let (before, received) = (site.truths(), site.received());
        site.restart();
        let view = site.operator().view();
        assert_eq!((site.truths(), site.received()), (before, received), "killed at {at}");
        // Units that differ are reported.
        let values: Vec<_> = (0..2).map(|unit| site.value(unit, Setting::Backlight)).collect();
        let is_mixed = values[0] != values[1];
        assert!(!is_mixed || view.problems.len() == 1, "killed at {at}: {values:?}");
        if let [problem] = &view.problems[..] {
            reported += 1;
            assert!(problem.id.starts_with("control/run/"), "{problem:?}");
            let result = site.carry_out(site.command("backlight", "on"));
            assert_eq!(result.state, CommandState::Refused);
            assert!(result.why.unwrap().contains("is not finished"));
            assert_eq!(site.received(), received);
        }
        if !was_killed {
            assert!(at > 10, "{at}");
            break;
        }
    }
    assert!(reported > 5, "{reported}");
}

#[test]
fn run_killed_at_any_action_is_undone_if_configured() {
    for at in 0.. {
        let mut site = Site::new(&[CALM, CALM]);
        site.config.resume = Resume::Undo;
        let was_killed = killed(&mut site, at);
        site.restart();
        let values: Vec<_> = (0..2).map(|unit| site.value(unit, Setting::Backlight)).collect();
        let view = site.operator().view();
        assert_eq!(view.problems, [], "killed at {at}");
        assert_eq!(values[0], values[1], "killed at {at}");
        let shown = view.items[1].value.as_ref();
        assert_eq!(shown, Some(&values[0]), "killed at {at}");
        if !was_killed {
            break;
        }
    }
}

#[test]
fn run_is_undone_only_if_all_conditions_hold() {
    // The first write was sent.
    let at = 8;
    let undo = |change: &dyn Fn(&mut Site)| {
        let mut site = Site::new(&[CALM, CALM]);
        site.config.resume = Resume::Undo;
        assert!(killed(&mut site, at));
        change(&mut site);
        let received = site.received();
        site.restart();
        let view = site.operator().view();
        (view.problems.first().map(|problem| problem.why.clone()), site.received() - received)
    };
    let (why, writes) = undo(&|_| {});
    assert_eq!(why, None);
    assert!(writes > 0);
    let refused: [(Change, &str); 5] = [
        (&|site| site.storage.clone().forget(), "it is not a run of this bridge"),
        (
            &|site| site.config.allow.retain(|setting| *setting != Setting::Backlight),
            "control.allow",
        ),
        (&|site| site.storage.clone().switch_off(), "control was stopped by the file"),
        (
            &|site| {
                let _lock = site.locks.take(&site.pollers.serials, "x").map(std::mem::forget);
            },
            "it was not undone: x",
        ),
        (&of_another_user, "It was interrupted"),
    ];
    for (change, expected) in refused {
        let (why, writes) = undo(change);
        assert!(why.as_ref().is_some_and(|why| why.contains(expected)), "{why:?}, {expected}");
        assert_eq!(writes, 0);
    }
}

#[test]
fn charge_current_is_not_undone_to_a_value_outside_the_guard() {
    let undo = |amperes: u16| {
        let mut site = Site::new(&[CALM, CALM]);
        site.config.resume = Resume::Undo;
        assert!(killed_at(&mut site, 8, "max_charge_current", "50 A"));
        let guard = site.bank.battery.unwrap();
        site.bank.battery = Some(guard.with_max_bank_charge_current(pi18_proto::Amperes(amperes)));
        let received = site.received();
        site.restart();
        let why = site.operator().view().problems.first().map(|problem| problem.why.clone());
        (why, site.received() - received)
    };
    let (why, writes) = undo(500);
    assert_eq!(why, None);
    assert!(writes > 0);
    let (why, writes) = undo(20);
    assert!(why.as_ref().is_some_and(|why| why.contains("outside the battery guard")), "{why:?}");
    assert_eq!(writes, 0);
}

#[test]
fn run_whose_journal_has_changed_is_not_resumed() {
    let mut site = Site::new(&[CALM, CALM]);
    assert!(killed(&mut site, 8));
    let [run] = &mut site.runs.unfinished().unwrap()[..] else { panic!("expected one run") };
    assert!(site.runs.resume(run).is_ok());
    run.records.pop();
    let error = site.runs.resume(run).map(drop).unwrap_err().to_string();
    assert!(error.contains("has changed"), "{error}");
}

#[test]
fn unfinished_run_of_another_user_blocks_and_is_a_problem() {
    let mut site = Site::new(&[CALM, CALM]);
    of_another_user(&mut site);
    let foreign = OthersRun { units: Vec::new(), ..site.runs.of_others().unwrap()[0].clone() };
    site.runs.set_others([site.runs.of_others().unwrap(), vec![foreign]].concat());
    site.restart();
    let problems = site.operator().view().problems;
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].id, "control/run-of/1000");
    assert_eq!(problems[0].units, [site.pollers.serials[1]]);
    let result = site.carry_out(site.command("backlight", "off"));
    assert_eq!(result.why.as_deref(), Some("a run of anna (uid 1000) is not finished"));
    assert_eq!(site.received(), 0);
    site.runs.set_others(Vec::new());
    site.restart();
    assert_eq!(site.carry_out(site.command("backlight", "off")).state, CommandState::Proved);
}

/// Leaves an unfinished run of another user on a unit of the bank.
fn of_another_user(site: &mut Site) {
    site.runs.set_others(vec![OthersRun {
        uid: 1000,
        user: "anna (uid 1000)".to_owned(),
        units: vec![site.pollers.serials[1]],
    }]);
}

/// What happens between the kill and the restart.
type Change = &'static dyn Fn(&mut Site);

/// Changes to the storage.
trait Changed {
    fn forget(&self);
    fn switch_off(&self);
}

impl Changed for super::MemoryStorage {
    fn forget(&self) {
        super::Storage::save(self, "control-bank.run", b"").unwrap();
    }

    fn switch_off(&self) {
        super::Storage::save(self, "control.off", b"").unwrap();
    }
}
