//! How to get from one set of settings to another: ordered writes, none of which leaves a unit in a
//! state that breaks a rule.

use std::fmt;

use pi18_proto::{BatteryType, DateTime};
use serde::{Deserialize, Serialize};

use crate::{Battery, Error, Group, Limits, Setting, Settings, Unit, settings::same};

mod bounds;
mod obstacles;
mod own_voltages;
mod search;

pub(crate) use bounds::Bounds;
pub use obstacles::{Obstacle, Obstacles};

/// Ordered writes for one or several units, with the values that they were made from.
///
/// As JSON it is a file that can be looked at, kept, and carried out later.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    format: Format,
    /// When it was made, by this computer's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<DateTime>,
    /// The battery that no step may harm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub battery: Option<Battery>,
    /// The installation settings that it may change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_installation: Vec<Setting>,
    /// The units, as they were.
    pub units: Vec<PlannedUnit>,
    /// The writes, in order.
    pub steps: Vec<Step>,
}

/// Tells a plan from other files.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "lvx-plan-1")]
    V1,
}

/// A unit as it was when a plan was made, and as it is to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedUnit {
    /// How it was reached.
    pub address: String,
    /// What it said of itself.
    pub unit: Unit,
    /// What is wanted of it.
    pub wanted: Settings,
}

/// One write: the settings of one group of one unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Which unit, counted from 0.
    pub unit: usize,
    /// The group's settings before.
    pub from: Settings,
    /// The group's settings after.
    pub to: Settings,
}

/// What a plan may do.
#[derive(Clone, Debug, Default)]
pub struct Permissions {
    /// The battery that no step may harm.
    pub battery: Option<Battery>,
    /// The installation settings that may be changed: each must be named.
    pub allow_installation: Vec<Setting>,
}

impl Plan {
    /// Finds the writes that make each unit satisfy what is wanted of it. What is already so is not
    /// written.
    ///
    /// # Errors
    /// Everything that is in the way: values that a unit cannot be set to, rules that would be broken,
    /// installation settings that were not allowed.
    pub fn new(
        units: Vec<PlannedUnit>,
        permissions: Permissions,
        made: Option<DateTime>,
    ) -> Result<Self, Obstacles> {
        let Permissions { battery, allow_installation } = permissions;
        let mut plan = Self {
            format: Format::V1,
            made,
            battery,
            allow_installation,
            units,
            steps: Vec::new(),
        };
        let obstacles = plan.obstacles();
        if !obstacles.is_empty() {
            return Err(Obstacles(obstacles));
        }
        plan.steps = search::find(&plan).ok_or_else(|| {
            Obstacles(vec![Obstacle {
                place: "plan".to_owned(),
                settings: Vec::new(),
                why:
                    "no order of writes is known in which every step is sound; change some of the \
                      settings first"
                        .to_owned(),
            }])
        })?;
        Ok(plan)
    }

    /// Whether everything is as it is wanted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The units' settings after the first `count` steps.
    #[must_use]
    pub fn settings_after(&self, count: usize) -> Vec<Settings> {
        let mut settings: Vec<_> =
            self.units.iter().map(|planned| planned.unit.settings()).collect();
        for step in self.steps.iter().take(count) {
            if let Some(settings) = settings.get_mut(step.unit) {
                *settings = settings.overlaid(&step.to);
            }
        }
        settings
    }

    /// The settings of a unit that the plan changes.
    pub fn touched(&self, unit: usize) -> impl Iterator<Item = Setting> + '_ {
        let changed = move |setting: &Setting| {
            let changes =
                |step: &Step| step.unit == unit && step.to.get(*setting) != step.from.get(*setting);
            self.steps.iter().any(changes)
        };
        Setting::ALL.iter().copied().filter(changed)
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
        told
    }

    /// Holds a plan that came from a file against the rules that one made here obeys, and against what
    /// the units' limits are.
    ///
    /// # Errors
    /// If it does not hold together, says which step.
    pub fn check(&self) -> Result<(), Error> {
        self.check_shape()?;
        if let Some(obstacle) = self.obstacles().first() {
            return Err(Error::plan(&obstacle.place, &obstacle.why));
        }
        let mut states = self.settings_after(0);
        for (number, step) in (1..).zip(&self.steps) {
            let (Some(planned), Some(state)) =
                (self.units.get(step.unit), states.get_mut(step.unit))
            else {
                continue;
            };
            let bounds = Bounds::of(planned, self.battery);
            let allowed = bounds.allows(state, &step.to);
            allowed.map_err(|why| Error::plan(format!("plan, step {number}"), why))?;
            *state = state.overlaid(&step.to);
        }
        for (planned, state) in self.units.iter().zip(&states) {
            if let Some(missing) = state.differences(&planned.wanted).next() {
                return Err(Error::plan(
                    "plan",
                    format!("it does not lead to what is wanted: {missing}"),
                ));
            }
        }
        Ok(())
    }

    /// Whether the steps hang together, whatever the limits: each writes the settings of one command of
    /// one unit, from what the steps before it leave, once, and only what is wanted and allowed.
    pub(crate) fn check_shape(&self) -> Result<(), Error> {
        if self.units.len() > MOST_UNITS {
            return Err(Error::plan("plan", format!("wanted at most {MOST_UNITS} units")));
        }
        let mut states = self.settings_after(0);
        let mut written: Vec<(usize, Group)> = Vec::new();
        for (number, step) in (1..).zip(&self.steps) {
            let wrong = |why: &dyn fmt::Display| Error::plan(format!("plan, step {number}"), why);
            let group = step.group().ok_or_else(|| wrong(&"wanted the settings of one command"))?;
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
            let wanted = planned.wanted.get(setting).is_some_and(|wanted| same(wanted, change.to));
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

/// A line for each write.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in (1..).zip(&self.steps) {
            let serial = self.units.get(step.unit).map(|planned| planned.unit.serial_number);
            let serial = serial.map_or(String::new(), |serial| serial.to_string());
            let mnemonic = step.group().map_or("?", Group::mnemonic);
            writeln!(f, "{number:>3}  {serial}  {mnemonic:<6}  {step}")?;
        }
        Ok(())
    }
}

/// What changes, and in brackets what is written along with it.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = self.to.iter().map(|(setting, to)| match self.from.get(setting) {
            Some(from) if from == to => format!("({setting} {to})"),
            Some(from) => format!("{setting} {from} -> {to}"),
            None => format!("{setting} {to}"),
        });
        f.write_str(&told.collect::<Vec<_>>().join(", "))
    }
}

impl PlannedUnit {
    /// How errors name it.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{} ({})", self.address, self.unit.serial_number)
    }
}

impl Step {
    /// The group that it writes, if its settings are just those of one.
    #[must_use]
    pub fn group(&self) -> Option<Group> {
        let group = self.to.iter().next()?.0.group();
        let whole = group.settings().all(|setting| self.to.get(setting).is_some());
        let nothing_else = self.to.iter().all(|(setting, _)| setting.group() == group);
        (whole && nothing_else).then_some(group)
    }

    /// The same the other way round.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self { unit: self.unit, from: self.to, to: self.from }
    }
}

/// More have no number on the wire.
const MOST_UNITS: usize = 10;

/// Whether two states of a unit are the same as far as they go; a clock may be a little off.
pub(crate) fn alike(one: &Settings, other: &Settings) -> bool {
    Setting::ALL.iter().all(|&setting| match (one.get(setting), other.get(setting)) {
        (Some(one), Some(other)) => same(one, other),
        (one, other) => one == other,
    })
}
