//! Checks of a plan: whether its steps are sound, and what a person should know before it is carried
//! out.

use std::fmt;

use pi18_proto::BatteryType;

use super::{Bounds, Obstacle, ObstacleKind, Plan, PlannedUnit, Step, bank::BankCurrent};
use crate::{
    Battery, Broken, Error, Group, Limits, Setting, broken,
    model::settings::{alike, same},
};

impl Plan {
    /// Returns the old values that are outside the battery guard, among the settings that the plan
    /// writes: what an undo would bring back. The guards of the plan and of the site both count. Charge
    /// currents count together with those of the other units of the bank.
    ///
    /// An automatic undo always returns to the old values; a person who asks for an undo later should be
    /// warned of these.
    #[must_use]
    pub fn outside_guard(&self, site: Option<&Battery>) -> Vec<Obstacle> {
        let guards = [self.battery.as_ref(), site];
        let mut found = Vec::new();
        for (at, planned) in self.units.iter().enumerate() {
            // Settings of one group are written together.
            let groups: Vec<_> = self.touched(at).map(Setting::group).collect();
            let old = planned.unit.settings().only(|setting| groups.contains(&setting.group()));
            let of_guard = |guard| {
                let is_of_guard = |rule: &Broken| rule.is_of_guard();
                broken(&old, Some(guard)).into_iter().filter(is_of_guard).collect::<Vec<_>>()
            };
            for rule in guards.into_iter().flatten().flat_map(of_guard) {
                let told =
                    Obstacle::new(ObstacleKind::Rule, planned.place(), rule.text, rule.advice)
                        .about(rule.settings);
                if !found.contains(&told) {
                    found.push(told);
                }
            }
        }
        for guard in guards.into_iter().flatten() {
            let told = self.old_bank_current(guard);
            found.extend(told.filter(|told| !found.contains(told)));
        }
        found
    }

    /// What should be known before it is carried out.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut told = Vec::new();
        for step in &self.steps {
            let Some(planned) = self.units.get(step.unit) else { continue };
            let limits = Limits::of(&planned.unit);
            for (setting, value) in step.from.iter() {
                if let Err(error) = limits.check(setting, value)
                    && step.to.get(setting) != Some(value)
                {
                    told.push(format!(
                        "{}: {setting} cannot be put back once it is changed: {error}",
                        planned.unit.serial_number
                    ));
                }
            }
        }
        told.sort();
        told.dedup();
        let left_out = self.left_out();
        if !left_out.is_empty() {
            let count = self.units.len() + left_out.len();
            let names: Vec<_> = left_out.iter().map(ToString::to_string).collect();
            told.push(format!(
                "the bank has {count} units or more; not in the plan: {}",
                names.join(", ")
            ));
        }
        if let Some(why) = BankCurrent::of(self)
            .and_then(|current| current.excess(&self.settings_after(usize::MAX)))
        {
            told.push(why);
        }
        told
    }

    /// Holds a plan that came from a file against the rules that one made here obeys, and against what
    /// the units' limits are.
    ///
    /// # Errors
    /// If it does not hold together, says which step.
    pub fn check(&self) -> Result<(), Error> {
        self.check_shape()?;
        match self.obstacles().into_iter().next() {
            Some(obstacle) => Err(obstacle.into()),
            None => Ok(self.check_states()?),
        }
    }

    /// Whether every state on the way is sound, and the last one is what is wanted and nothing else.
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
                return Err(wrong(format!("it does not lead to what is wanted: {missing}")));
            }
            let unwanted = start.only(|setting| planned.target.get(setting).is_none());
            if let Some(changed) = state.differences(&unwanted).next() {
                return Err(wrong(format!("it changes {}, which nobody wants", changed.setting)));
            }
        }
        Ok(())
    }

    /// Whether the steps hang together, whatever the limits: each writes the settings of one command of
    /// one unit, from what the steps before it leave, once, and only what is wanted and allowed.
    pub(crate) fn check_shape(&self) -> Result<(), Unsound> {
        if self.units.len() > MAX_UNITS {
            let why = format!("expected at most {MAX_UNITS} units");
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
                return Err(wrong(&format!("there is no unit {}", step.unit)));
            };
            let present = state.only(|setting| setting.group() == group);
            if !alike(&present, &step.from) {
                return Err(wrong(&"it does not start from what the steps before it leave"));
            }
            if present.satisfy(&step.to) {
                return Err(wrong(&"it changes nothing"));
            }
            // Through user to another battery type there are two.
            let before = written.iter().filter(|known| **known == (step.unit, group)).count();
            if before > usize::from(group == Group::BatteryType) {
                return Err(wrong(&"it writes once more what was written already"));
            }
            written.push((step.unit, group));
            self.check_wanted(planned, step).map_err(|why| wrong(&why))?;
            *state = state.overlaid(&step.to);
        }
        Ok(())
    }

    /// Whether a step changes only what is wanted, and installation settings only if allowed.
    fn check_wanted(&self, planned: &PlannedUnit, step: &Step) -> Result<(), String> {
        for change in step.from.differences(&step.to) {
            let setting = change.setting;
            let detour = step.to.battery_type == Some(BatteryType::USER);
            let wanted = planned.target.get(setting).is_some_and(|wanted| same(wanted, change.to));
            if !wanted && !detour {
                return Err(format!("nobody wants {setting} {}", change.to));
            }
            if setting.group().is_installation() && !self.allow_installation.contains(&setting) {
                return Err(format!("{setting} is an installation setting that was not allowed"));
            }
        }
        Ok(())
    }
}

/// Where and why a plan does not hold together.
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

impl From<Unsound> for Error {
    fn from(unsound: Unsound) -> Self {
        Self::plan(unsound.place, unsound.why)
    }
}

/// More have no number on the wire.
const MAX_UNITS: usize = 10;
