//! Before the first write: is every unit the one, and as it was, when the plan was made?

use std::time::Instant;

use pi18_proto::{Model, WorkingMode};

use super::{Action, Event, Options, ResumeMode, explain, later};
use crate::{
    Plan, PlannedUnit, Setting, Settings, Step, Unit,
    model::{limits::is_observed, settings::same},
};

/// What is about to be done, and so what may speak against it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    /// The plan is carried out from its first step.
    Begin,
    /// The rest of a plan is carried out: some settings are as wanted already.
    Finish,
    /// What was done is undone: a fault is no reason to keep it, and may come from it.
    Undo,
}

impl Purpose {
    pub(super) fn of(mode: Option<ResumeMode>) -> Self {
        match mode {
            None => Self::Begin,
            Some(ResumeMode::Finish) => Self::Finish,
            Some(ResumeMode::Undo) => Self::Undo,
        }
    }
}

/// Reads all units, one after the other, and judges them together.
#[derive(Debug)]
pub(super) struct Preflight {
    purpose: Purpose,
    found: Vec<Unit>,
    paused: bool,
}

impl Preflight {
    pub(super) fn new(purpose: Purpose) -> Self {
        Self { purpose, found: Vec::new(), paused: false }
    }

    pub(super) fn next(&self) -> Action {
        if self.paused {
            Action::Pause(super::BETWEEN_LOOKS)
        } else {
            Action::Survey { unit: self.found.len() }
        }
    }

    /// Returns `None` while there is more to do.
    pub(super) fn handle(
        &mut self,
        event: Event,
        plan: &Plan,
        options: &Options,
        patience: &mut Option<Instant>,
        now: Instant,
    ) -> Option<Result<Vec<Unit>, String>> {
        match event {
            Event::Paused => self.paused = false,
            Event::Surveyed(Err(why)) => return Some(Err(why)),
            Event::Surveyed(Ok(unit)) => {
                self.found.push(*unit);
                if self.found.len() >= plan.units.len() {
                    return self.judge(plan, options, patience, now);
                }
            }
            _ => {}
        }
        None
    }

    fn judge(
        &mut self,
        plan: &Plan,
        options: &Options,
        patience: &mut Option<Instant>,
        now: Instant,
    ) -> Option<Result<Vec<Unit>, String>> {
        let found = std::mem::take(&mut self.found);
        let against = against(plan, &found, self.purpose);
        if !against.is_empty() {
            return Some(Err(against.join("\n")));
        }
        match charging(plan, &found).filter(|_| self.purpose != Purpose::Undo) {
            None => Some(Ok(found)),
            Some(why) => {
                let wait = options.wait_idle.unwrap_or_default();
                let until = *patience.get_or_insert(later(now, wait));
                if now >= until {
                    return Some(Err(why));
                }
                self.paused = true;
                None
            }
        }
    }
}

impl Plan {
    /// Returns what speaks against carrying it out now, if the units are as given: another unit than
    /// the plan is for, one that changed since, a fault, a unit that would refuse.
    #[must_use]
    pub fn objections(&self, units: &[Unit]) -> Vec<String> {
        self.objections_to(units, Purpose::Begin)
    }

    /// Returns what speaks against doing the rest of it now, after an earlier run was left: the same,
    /// but settings may be as before or as wanted, and those of other settings do not matter.
    #[must_use]
    pub fn objections_to_finish(&self, units: &[Unit]) -> Vec<String> {
        self.objections_to(units, Purpose::Finish)
    }

    fn objections_to(&self, units: &[Unit], purpose: Purpose) -> Vec<String> {
        let against = against(self, units, purpose);
        if against.is_empty() { charging(self, units).into_iter().collect() } else { against }
    }
}

/// What speaks against writing to these units.
fn against(plan: &Plan, found: &[Unit], purpose: Purpose) -> Vec<String> {
    let mut against = Vec::new();
    for (at, (planned, unit)) in plan.units.iter().zip(found).enumerate() {
        let place = planned.place();
        let mut objections = strangers(planned, unit);
        let is_it = unit.serial_number == planned.unit.serial_number;
        if is_it && purpose != Purpose::Undo {
            objections.extend(faulty(unit));
            objections.extend(match purpose {
                Purpose::Begin => changed_since(planned, unit),
                _ => changed_by_others(plan, at, unit),
            });
            let sets_mode =
                pending(plan, found).any(|step| step.unit == at && step.to.output_mode.is_some());
            objections.extend(loaded(unit).filter(|_| sets_mode));
        }
        against.extend(objections.into_iter().map(|why| format!("{place}: {why}")));
    }
    if against.is_empty() && purpose != Purpose::Undo {
        let mut fresh = plan.clone();
        if purpose == Purpose::Begin {
            for (planned, unit) in fresh.units.iter_mut().zip(found) {
                planned.unit = unit.clone();
            }
        }
        against.extend(fresh.check().err().map(|error| error.to_string()));
    }
    against
}

/// The steps whose settings the units do not have yet.
fn pending<'a>(plan: &'a Plan, found: &'a [Unit]) -> impl Iterator<Item = &'a Step> {
    plan.steps
        .iter()
        .filter(|step| found.get(step.unit).is_none_or(|unit| !unit.settings().satisfy(&step.to)))
}

/// Why a unit's output mode cannot be set now.
///
/// Source: assumed, from manuals of such units: the setting is open in standby only.
fn loaded(unit: &Unit) -> Option<String> {
    let stands_by = [WorkingMode::STANDBY, WorkingMode::POWER_ON].contains(&unit.mode);
    (!stands_by).then(|| {
        format!(
            "output_mode is set in standby only, and the unit is in mode {:02} ({}) with {} of load; \
             switch its output off first",
            unit.mode.0, unit.mode, unit.status.active_power
        )
    })
}

/// Why it is not the unit that the plan is for.
fn strangers(planned: &PlannedUnit, unit: &Unit) -> Vec<String> {
    let mut against = Vec::new();
    let then = &planned.unit;
    if unit.serial_number != then.serial_number {
        // All else follows from that.
        return vec![format!(
            "unit {} is there, the plan is for {}; name the right address",
            unit.serial_number, then.serial_number
        )];
    }
    let mut changed = |what: &str, now: &dyn ToString, then: &dyn ToString| {
        let (now, then) = (now.to_string(), then.to_string());
        if now != then {
            against.push(format!(
                "its {what} is {now}, it was {then} when the plan was made; make a new plan"
            ));
        }
    };
    changed("firmware", &versions(unit), &versions(then));
    let named =
        |model: Option<Model>| model.map_or("not told".to_owned(), |model| model.to_string());
    changed("model", &named(unit.model), &named(then.model));
    changed(
        "rated battery voltage",
        &unit.rated.battery_rated_voltage,
        &then.rated.battery_rated_voltage,
    );
    against
}

fn faulty(unit: &Unit) -> Option<String> {
    (unit.mode == WorkingMode::FAULT).then(|| {
        format!("it has fault {}; clear it first, no unit is set in fault mode", unit.fault)
    })
}

/// Settings that are no longer as they were when the plan was made.
fn changed_since(planned: &PlannedUnit, unit: &Unit) -> Vec<String> {
    // The clock moves, and is compared only where it is to be set.
    let is_still = |setting| setting != Setting::Clock || planned.wanted.clock.is_some();
    let still = |settings: Settings| settings.only(is_still);
    let (now, before) = (still(unit.settings()), still(planned.unit.settings()));
    let changes = before.differences(&now).map(|change| {
        let then = change.from.map_or("not there".to_owned(), |value| value.to_string());
        format!(
            "{} is {}, it was {then} when the plan was made; make a new plan",
            change.setting, change.to
        )
    });
    changes.collect()
}

/// Settings of the plan that are none of what its steps leave.
fn changed_by_others(plan: &Plan, at: usize, unit: &Unit) -> Vec<String> {
    let now = unit.settings();
    let states: Vec<_> = (0..=plan.steps.len())
        .filter_map(|count| plan.settings_after(count).get(at).copied())
        .collect();
    let is_known = |setting: Setting| {
        states.iter().any(|state| match (state.get(setting), now.get(setting)) {
            (Some(one), Some(other)) => same(one, other),
            (one, other) => one == other,
        })
    };
    let others = plan.touched(at).filter(|setting| !is_known(*setting));
    let others = others.map(|setting| {
        let now = now.get(setting).map_or("not there".to_owned(), |value| value.to_string());
        format!("{setting} is {now}, neither what it was nor what the plan writes; make a new plan")
    });
    others.collect()
}

fn versions(unit: &Unit) -> String {
    let firmware = unit.firmware;
    format!("{}, {}, {}", firmware.main, firmware.slave1, firmware.slave2)
}

/// A unit that would refuse because it charges.
fn charging(plan: &Plan, found: &[Unit]) -> Option<String> {
    let concerned = pending(plan, found).filter(|step| step.to.max_charge_current.is_some());
    let mut units =
        concerned.filter_map(|step| Some((plan.units.get(step.unit)?, found.get(step.unit)?)));
    let (planned, unit) = units.find(|(_, unit)| is_observed(unit.model) && unit.is_charging())?;
    Some(format!("{}: {}", planned.place(), explain::charges(&unit.status)))
}
