//! The checks before the first write: each unit must be the one that the plan was made for, still have the
//! settings that it had then, and be able to accept the new ones.

use std::time::Instant;

use pi18_proto::{Model, WorkingMode};

use super::{
    action::{Action, Event},
    direction::ResumeMode,
    objection::{Objection, ObjectionKind},
    options::{IDLE_CHECK_INTERVAL, Options, later},
    reason::{Reason, RefusalCause},
};
use crate::{
    Plan, PlannedUnit, Setting, Settings, Step, Unit,
    model::{limits::is_observed, settings::same},
};

/// The purpose of a run, which decides which checks apply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    /// The plan is carried out from its first step.
    Begin,
    /// The rest of a plan is carried out. Some settings have their new values already.
    Finish,
    /// Steps are undone. A fault does not prevent this: the steps may have caused it.
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

/// Reads all units, one after the other, and then checks them together.
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
            Action::Pause(IDLE_CHECK_INTERVAL)
        } else {
            Action::Survey { unit: self.found.len() }
        }
    }

    /// Takes the result of the last action. Returns the units or the objections, or `None` if further
    /// actions are needed. `idle_until` is the end of the wait for an idle window, if one has begun.
    pub(super) fn handle(
        &mut self,
        event: Event,
        plan: &Plan,
        options: &Options,
        idle_until: &mut Option<Instant>,
        now: Instant,
    ) -> Option<Result<Vec<Unit>, Reason>> {
        match event {
            Event::Paused => self.paused = false,
            Event::Surveyed(Err(error)) => return Some(Err(Reason::Unread { error })),
            Event::Surveyed(Ok(unit)) => {
                self.found.push(*unit);
                if self.found.len() >= plan.units.len() {
                    return self.check(plan, options, idle_until, now);
                }
            }
            _ => {}
        }
        None
    }

    fn check(
        &mut self,
        plan: &Plan,
        options: &Options,
        idle_until: &mut Option<Instant>,
        now: Instant,
    ) -> Option<Result<Vec<Unit>, Reason>> {
        let found = std::mem::take(&mut self.found);
        let objections = lasting_objections(plan, &found, self.purpose);
        if !objections.is_empty() {
            return Some(Err(Reason::Objected(objections)));
        }
        let charging = charging(plan, &found).filter(|_| self.purpose != Purpose::Undo);
        let Some((planned, unit)) = charging else { return Some(Ok(found)) };
        let wait = options.wait_idle.unwrap_or_default();
        let until = *idle_until.get_or_insert(later(now, wait));
        if now >= until {
            return Some(Err(Reason::Charging {
                unit: unit.serial_number,
                place: planned.place(),
                current: unit.status.charge_current,
            }));
        }
        self.paused = true;
        None
    }
}

impl Plan {
    /// Returns the objections to carrying out the plan on these units now; empty if there are none.
    ///
    /// Objections are a unit that is not the one of the plan, a unit that changed since the plan was made, a
    /// fault, and a unit that would refuse a command in its current state. That a unit charges is an objection
    /// only if there is no other: a run with [`Options::wait_idle`] waits until it no longer charges.
    ///
    /// ```
    /// use lvx_settings::{HostClock, ObjectionKind, Permissions, Plan, Profile, Unit};
    /// use pi18_transport::Client;
    ///
    /// let host = HostClock::system();
    /// let mut client = Client::open("sim:0?frozen=on")?;
    /// let units = vec![("sim:0".to_owned(), Unit::read(&mut client, &host)?)];
    /// let profile = Profile::parse("night.yaml", "output_priority: solar_utility_battery\n")?;
    /// let permissions = Permissions::default().with_part_of_bank();
    /// let plan = Plan::for_profile(profile.profile(), units, &permissions)?;
    /// assert!(plan.objections(&[Unit::read(&mut client, &host)?]).is_empty());
    ///
    /// // The cable now leads to the other unit.
    /// let other = Unit::read(&mut Client::open("sim:1")?, &host)?;
    /// let objections = plan.objections(&[other]);
    /// assert_eq!(objections[0].kind, ObjectionKind::OtherUnit);
    /// assert_eq!(
    ///     objections[0].to_string(),
    ///     "sim:0 (96132206100410): expected unit 96132206100410, found unit 96132206100411; use the \
    ///      address of the right unit"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn objections(&self, units: &[Unit]) -> Vec<Objection> {
        self.objections_for(units, Purpose::Begin)
    }

    /// Returns the objections to carrying out the rest of the plan on these units now, after an earlier run
    /// that did not end.
    ///
    /// They are those of [`objections`](Self::objections), with two exceptions: the settings of the plan may
    /// have their old or their new values, and all other settings may have changed.
    #[must_use]
    pub fn objections_to_finish(&self, units: &[Unit]) -> Vec<Objection> {
        self.objections_for(units, Purpose::Finish)
    }

    fn objections_for(&self, units: &[Unit], purpose: Purpose) -> Vec<Objection> {
        let mut found = lasting_objections(self, units, purpose);
        if found.is_empty()
            && let Some((planned, unit)) = charging(self, units)
        {
            let cause = RefusalCause::Charging { current: unit.status.charge_current };
            let objection = Objection::new(ObjectionKind::Charging, planned, cause);
            found.push(objection.about(Setting::MaxChargeCurrent));
        }
        found
    }
}

/// Returns the objections that a wait does not resolve.
fn lasting_objections(plan: &Plan, found: &[Unit], purpose: Purpose) -> Vec<Objection> {
    let mut all = Vec::new();
    for (at, (planned, unit)) in plan.units.iter().zip(found).enumerate() {
        all.extend(other_unit(planned, unit));
        let is_planned = unit.serial_number == planned.unit.serial_number;
        if is_planned && purpose != Purpose::Undo {
            all.extend(fault(planned, unit));
            all.extend(match purpose {
                Purpose::Begin => changed_since(planned, unit),
                _ => changed_by_others(plan, at, planned, unit),
            });
            let sets_mode =
                pending(plan, found).any(|step| step.unit == at && step.to.output_mode.is_some());
            all.extend(not_in_standby(planned, unit).filter(|_| sets_mode));
        }
    }
    if all.is_empty() && purpose != Purpose::Undo {
        let mut fresh = plan.clone();
        if purpose == Purpose::Begin {
            for (planned, unit) in fresh.units.iter_mut().zip(found) {
                planned.unit = unit.clone();
            }
        }
        all.extend(fresh.first_obstacle().map(Objection::from));
    }
    all
}

/// Returns the steps that the units do not show yet.
fn pending<'a>(plan: &'a Plan, found: &'a [Unit]) -> impl Iterator<Item = &'a Step> {
    plan.steps
        .iter()
        .filter(|step| found.get(step.unit).is_none_or(|unit| !unit.settings().satisfy(&step.to)))
}

/// Returns the reason why the output mode of a unit cannot be set now, if there is one.
///
/// Source: assumed, from manuals of such units: the setting can be changed in standby only.
fn not_in_standby(planned: &PlannedUnit, unit: &Unit) -> Option<Objection> {
    let in_standby = [WorkingMode::STANDBY, WorkingMode::POWER_ON].contains(&unit.mode);
    (!in_standby).then(|| {
        let text = format!(
            "output_mode can be set in standby only, and the unit is in mode {:02} ({}) with a load \
             of {}; switch off its output first",
            unit.mode.0, unit.mode, unit.status.active_power
        );
        Objection::new(ObjectionKind::NotInStandby, planned, text).about(Setting::OutputMode)
    })
}

/// Returns the differences between a unit and the one that the plan was made for.
fn other_unit(planned: &PlannedUnit, unit: &Unit) -> Vec<Objection> {
    let then = &planned.unit;
    if unit.serial_number != then.serial_number {
        // Another unit differs in everything else too.
        let text = format!(
            "expected unit {}, found unit {}; use the address of the right unit",
            then.serial_number, unit.serial_number
        );
        return vec![Objection::new(ObjectionKind::OtherUnit, planned, text)];
    }
    let mut objections = Vec::new();
    let mut compare = |name: &str, now: &dyn ToString, then: &dyn ToString| {
        let (now, then) = (now.to_string(), then.to_string());
        if now != then {
            let text = changed(name, &then, &now);
            objections.push(Objection::new(ObjectionKind::UnitChanged, planned, text));
        }
    };
    compare("firmware", &versions(unit), &versions(then));
    let name = |model: Option<Model>| model.map_or("unknown".to_owned(), |model| model.to_string());
    compare("model", &name(unit.model), &name(then.model));
    compare(
        "rated battery voltage",
        &unit.rated.battery_rated_voltage,
        &then.rated.battery_rated_voltage,
    );
    objections
}

/// Returns the text for a property that changed since the plan was made.
fn changed(name: &str, then: &str, now: &str) -> String {
    format!("expected {name} {then} as in the plan, found {now}; make a new plan")
}

fn fault(planned: &PlannedUnit, unit: &Unit) -> Option<Objection> {
    (unit.mode == WorkingMode::FAULT).then(|| {
        let text = format!("the unit has fault {}; clear the fault before a run", unit.fault);
        Objection::new(ObjectionKind::Fault, planned, text)
    })
}

/// Returns the objections for settings that changed since the plan was made.
fn changed_since(planned: &PlannedUnit, unit: &Unit) -> Vec<Objection> {
    // The clock moves, and is compared only if it is to be set.
    let counts = |setting| setting != Setting::Clock || planned.target.clock.is_some();
    let counting = |settings: Settings| settings.only(counts);
    let (now, before) = (counting(unit.settings()), counting(planned.unit.settings()));
    let changes = before.differences(&now).map(|change| {
        let then = change.from.map_or(NO_VALUE.to_owned(), |value| value.to_string());
        let text = changed(change.setting.key(), &then, &change.to.to_string());
        Objection::new(ObjectionKind::SettingChanged, planned, text).about(change.setting)
    });
    changes.collect()
}

/// Returns the objections for settings of the plan whose value is not one that they have before, between or
/// after its steps.
fn changed_by_others(plan: &Plan, at: usize, planned: &PlannedUnit, unit: &Unit) -> Vec<Objection> {
    let now = unit.settings();
    let states: Vec<_> = (0..=plan.steps.len())
        .filter_map(|count| plan.settings_after(count).get(at).copied())
        .collect();
    let is_known = |setting: &Setting| states.iter().any(|state| is_equal(*setting, state, &now));
    let others = plan.touched(at).filter(|setting| !is_known(setting));
    let others = others.map(|setting| {
        let now = now.get(setting).map_or(NO_VALUE.to_owned(), |value| value.to_string());
        let text =
            format!("expected the old or the new value of {setting}, found {now}; make a new plan");
        Objection::new(ObjectionKind::SettingChanged, planned, text).about(setting)
    });
    others.collect()
}

/// Returns whether a setting is equal in two states of a unit: the same value, or none.
pub(super) fn is_equal(setting: Setting, one: &Settings, other: &Settings) -> bool {
    match (one.get(setting), other.get(setting)) {
        (Some(one), Some(other)) => same(one, other),
        (one, other) => one == other,
    }
}

fn versions(unit: &Unit) -> String {
    let firmware = unit.firmware;
    format!("{}, {}, {}", firmware.main, firmware.slave1, firmware.slave2)
}

/// Returns a unit that would refuse a step because it charges, as it was planned and as it was found.
fn charging<'a>(plan: &'a Plan, found: &'a [Unit]) -> Option<(&'a PlannedUnit, &'a Unit)> {
    let concerned = pending(plan, found).filter(|step| step.to.max_charge_current.is_some());
    let mut units =
        concerned.filter_map(|step| Some((plan.units.get(step.unit)?, found.get(step.unit)?)));
    units.find(|(_, unit)| is_observed(unit.model) && unit.is_charging())
}

/// Text for a setting that a unit does not have.
const NO_VALUE: &str = "no value";
