//! Checks of a plan: the consistency of its steps, warnings, and the old values outside the guard.

use std::fmt;

use pi18_proto::BatteryType;

use super::{Bounds, Obstacle, ObstacleKind, Plan, PlannedUnit, Step, bank::BankCurrent};
use crate::{
    Battery, BrokenRule, Error, Group, Setting, broken_rules,
    model::settings::{alike, same},
};

impl Plan {
    /// Returns the old values outside the battery guard among the settings that the plan writes. An undo
    /// would restore them. The guards of the plan and of the site both count, and charge currents count
    /// together with those of the other units of the bank.
    ///
    /// An automatic undo always restores the old values. A person who requests an undo later should be
    /// warned.
    #[must_use]
    pub fn outside_guard(&self, site: Option<&Battery>) -> Vec<Obstacle> {
        let guards = [self.battery.as_ref(), site];
        let mut found = Vec::new();
        for (at, planned) in self.units.iter().enumerate() {
            let groups: Vec<_> = self.touched(at).map(Setting::group).collect();
            let old = planned.unit.settings().only(|setting| groups.contains(&setting.group()));
            let of_guard = |guard| {
                let is_of_guard = |rule: &BrokenRule| rule.is_of_guard();
                broken_rules(&old, Some(guard)).into_iter().filter(is_of_guard).collect::<Vec<_>>()
            };
            for rule in guards.into_iter().flatten().flat_map(of_guard) {
                let obstacle =
                    Obstacle::new(ObstacleKind::Rule, planned.place(), rule.text, rule.advice)
                        .about(rule.settings);
                if !found.contains(&obstacle) {
                    found.push(obstacle);
                }
            }
        }
        for guard in guards.into_iter().flatten() {
            let obstacle = self.old_bank_current(guard);
            found.extend(obstacle.filter(|obstacle| !found.contains(obstacle)));
        }
        found
    }

    /// Checks a plan from a file against the rules and the limits of its units.
    ///
    /// # Errors
    /// For the first obstacle, or the first step that is inconsistent or breaks a rule.
    pub fn check(&self) -> Result<(), Error> {
        self.first_obstacle().map_or(Ok(()), |obstacle| Err(obstacle.into()))
    }

    /// Returns the first obstacle, or the first step that is inconsistent or breaks a rule.
    pub(crate) fn first_obstacle(&self) -> Option<Obstacle> {
        let unsound = |check: Result<(), Unsound>| check.err().map(Obstacle::from);
        unsound(self.check_shape())
            .or_else(|| self.obstacles().into_iter().next())
            .or_else(|| unsound(self.check_states()))
    }

    /// Checks that no intermediate state breaks a rule, and that the steps lead to the targets and change
    /// nothing else.
    pub(super) fn check_states(&self) -> Result<(), Unsound> {
        let current = BankCurrent::of(self);
        let starts = self.settings_after(0);
        let mut states = starts.clone();
        for (number, step) in (1..).zip(&self.steps) {
            let wrong = |why| Unsound { place: format!("plan, step {number}"), why };
            let before = states.clone();
            let (Some(planned), Some(state)) =
                (self.units.get(step.unit), states.get_mut(step.unit))
            else {
                continue;
            };
            Bounds::of(planned, self.battery).allows(state, &step.to).map_err(wrong)?;
            *state = state.overlaid(&step.to);
            if let Some(current) = current {
                current.allows(&before, &states).map_err(wrong)?;
            }
        }
        for ((planned, start), state) in self.units.iter().zip(&starts).zip(&states) {
            let wrong = |why| Unsound { place: "plan".to_owned(), why };
            if let Some(missing) = state.differences(&planned.target).next() {
                return Err(wrong(format!("the steps do not lead to the target: {missing}")));
            }
            let others = start.only(|setting| planned.target.get(setting).is_none());
            if let Some(changed) = state.differences(&others).next() {
                return Err(wrong(format!(
                    "the steps change {}, which is not in the target",
                    changed.setting
                )));
            }
        }
        Ok(())
    }

    /// Checks that the steps are consistent, regardless of limits: each writes the settings of one command
    /// on one unit, starts from the state after the steps before it, changes only settings that are in the
    /// target and allowed, and writes a group that no other step writes on that unit.
    pub(crate) fn check_shape(&self) -> Result<(), Unsound> {
        if self.units.len() > MAX_UNITS {
            let why = format!("expected at most {MAX_UNITS} units, found {}", self.units.len());
            return Err(Unsound { place: "plan".to_owned(), why });
        }
        let mut states = self.settings_after(0);
        let mut written: Vec<(usize, Group)> = Vec::new();
        for (number, step) in (1..).zip(&self.steps) {
            let wrong = |why: &dyn fmt::Display| Unsound {
                place: format!("plan, step {number}"),
                why: why.to_string(),
            };
            let group =
                step.group().ok_or_else(|| wrong(&"expected the settings of one command"))?;
            let (Some(planned), Some(state)) =
                (self.units.get(step.unit), states.get_mut(step.unit))
            else {
                return Err(wrong(&format!("expected the index of a unit, found {}", step.unit)));
            };
            let present = state.only(|setting| setting.group() == group);
            if !alike(&present, &step.from) {
                return Err(wrong(&"expected the values after the steps before it, found others"));
            }
            if present.satisfy(&step.to) {
                return Err(wrong(&"expected a change, found none"));
            }
            // A change of the battery type can take two writes, with user in between.
            let before = written.iter().filter(|known| **known == (step.unit, group)).count();
            if before > usize::from(group == Group::BatteryType) {
                return Err(wrong(&"expected each command once on a unit, found it again"));
            }
            written.push((step.unit, group));
            self.check_target(planned, step).map_err(|why| wrong(&why))?;
            *state = state.overlaid(&step.to);
        }
        Ok(())
    }

    /// Checks that a step changes only settings in the target, and installation settings only if allowed.
    fn check_target(&self, planned: &PlannedUnit, step: &Step) -> Result<(), String> {
        for change in step.from.differences(&step.to) {
            let setting = change.setting;
            let detour = step.to.battery_type == Some(BatteryType::USER);
            let is_target = planned.target.get(setting).is_some_and(|value| same(value, change.to));
            if !is_target && !detour {
                return Err(format!("{setting} {} is not in the target", change.to));
            }
            if setting.group().is_installation() && !self.allow_installation.contains(&setting) {
                return Err(format!("{setting} is an installation setting without permission"));
            }
        }
        Ok(())
    }
}

/// The place and the reason of an inconsistency in a plan.
#[derive(Debug)]
pub(crate) struct Unsound {
    pub(super) place: String,
    pub(super) why: String,
}

impl fmt::Display for Unsound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.why)
    }
}

impl From<Unsound> for Obstacle {
    fn from(unsound: Unsound) -> Self {
        Self::new(ObstacleKind::Plan, unsound.place, unsound.why, "")
    }
}

impl From<Unsound> for Error {
    fn from(unsound: Unsound) -> Self {
        Self::plan(unsound.place, unsound.why)
    }
}

/// Maximum number of units: parallel instances are 0 to 9.
const MAX_UNITS: usize = 10;
