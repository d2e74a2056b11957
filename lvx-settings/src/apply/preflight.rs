//! Before the first write: is every unit the one, and as it was, when the plan was made?

use std::time::Instant;

use pi18_proto::{Model, WorkingMode};

use super::{Action, Event, Options, explain, later};
use crate::{Plan, PlannedUnit, Setting, Settings, Unit, limits::is_observed};

/// Reads all units, one after the other, and judges them together.
#[derive(Debug)]
pub(super) struct Preflight {
    /// An earlier run has changed some settings, and may have caused a fault.
    resumed: bool,
    found: Vec<Unit>,
    paused: bool,
}

impl Preflight {
    pub(super) fn new(resumed: bool) -> Self {
        Self { resumed, found: Vec::new(), paused: false }
    }

    pub(super) fn next(&self) -> Action {
        if self.paused {
            Action::Pause(super::BETWEEN_LOOKS)
        } else {
            Action::Survey { unit: self.found.len() }
        }
    }

    /// `None` while there is more to do.
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
        let against = against(plan, &found, self.resumed);
        if !against.is_empty() {
            return Some(Err(against.join("\n")));
        }
        match charging(plan, &found).filter(|_| !self.resumed) {
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
    /// What speaks against carrying it out now, if the units are as they say here: another unit than
    /// the plan is for, one that changed since, a fault, a unit that would refuse.
    #[must_use]
    pub fn objections(&self, units: &[Unit]) -> Vec<String> {
        let against = against(self, units, false);
        if against.is_empty() { charging(self, units).into_iter().collect() } else { against }
    }
}

/// What speaks against writing to these units; less if an earlier run has changed some settings.
fn against(plan: &Plan, found: &[Unit], resumed: bool) -> Vec<String> {
    let mut against = Vec::new();
    for (planned, unit) in plan.units.iter().zip(found) {
        let place = planned.place();
        let mut objections = objections(planned, unit, resumed);
        let steps = plan.steps.iter().filter(|step| step.to.output_mode.is_some());
        let sets_mode =
            steps.filter_map(|step| plan.units.get(step.unit)).any(|unit| unit == planned);
        if sets_mode && !resumed {
            objections.extend(loaded(unit));
        }
        against.extend(objections.into_iter().map(|why| format!("{place}: {why}")));
    }
    if against.is_empty() && !resumed {
        let mut fresh = plan.clone();
        for (planned, unit) in fresh.units.iter_mut().zip(found) {
            planned.unit = unit.clone();
        }
        against.extend(fresh.check().err().map(|error| error.to_string()));
    }
    against
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

/// What speaks against writing to a unit.
fn objections(planned: &PlannedUnit, unit: &Unit, resumed: bool) -> Vec<String> {
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
    if resumed {
        return against;
    }
    if unit.mode == WorkingMode::FAULT {
        against.push(format!(
            "it has fault {}; clear it first, no unit is set in fault mode",
            unit.fault
        ));
    }
    // The clock moves, and is compared only where it is to be set.
    let is_still = |setting| setting != Setting::Clock || planned.wanted.clock.is_some();
    let still = |settings: Settings| settings.only(is_still);
    let (now, before) = (still(unit.settings()), still(then.settings()));
    for change in before.differences(&now) {
        let then = change.from.map_or("not there".to_owned(), |value| value.to_string());
        against.push(format!(
            "{} is {}, it was {then} when the plan was made; make a new plan",
            change.setting, change.to
        ));
    }
    against
}

fn versions(unit: &Unit) -> String {
    let firmware = unit.firmware;
    format!("{}, {}, {}", firmware.main, firmware.slave1, firmware.slave2)
}

/// A unit that would refuse because it charges.
fn charging(plan: &Plan, found: &[Unit]) -> Option<String> {
    let concerned = plan.steps.iter().filter(|step| step.to.max_charging_current.is_some());
    let mut units =
        concerned.filter_map(|step| Some((plan.units.get(step.unit)?, found.get(step.unit)?)));
    let (planned, unit) = units.find(|(_, unit)| is_observed(unit.model) && unit.is_charging())?;
    Some(format!("{}: {}", planned.place(), explain::charges(&unit.status)))
}
