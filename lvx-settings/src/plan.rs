//! How to get from one set of settings to another: ordered writes, none of which leaves a unit in a
//! state that breaks a rule.

use std::fmt;

use pi18_proto::{BatteryType, Count, DateTime};
use pi18_transport::wrap;
use serde::{Deserialize, Serialize};

use crate::{
    Battery, Broken, Error, Group, Limits, Profile, Setting, Settings, Unit, broken,
    model::{clock::setting, settings::same},
};

mod bank;
mod bounds;
mod obstacles;
mod own_voltages;
mod part;
mod permissions;
mod search;

pub use bank::LeftOut;
pub(crate) use bounds::Bounds;
pub use obstacles::{Obstacle, ObstacleKind, Obstacles};
pub use permissions::Permissions;

use bank::BankCurrent;
use own_voltages::BROUGHT;

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
    /// Whether it may write charge voltages although no complete battery guard is known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_battery_guard: bool,
    /// Whether it may change settings on which the units of a bank must agree on some of them only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub part_of_bank: bool,
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

impl Plan {
    /// Finds the writes that bring units to what a profile wants. What is already so is not written.
    ///
    /// The profile's battery guard holds, narrowed from the site's, and its `applies_to`. Each unit
    /// stands with the address by which it was reached.
    ///
    /// ```
    /// use lvx_settings::{HostClock, Permissions, Plan, Profile, Unit};
    /// use pi18_transport::Client;
    ///
    /// let profile = Profile::parse("bank.yaml", "
    /// battery: {chemistry: lfp, cells: 16, max_cell_voltage: 3.40 V, min_cell_voltage: 2.80 V}
    /// bulk_voltage: 57.6 V
    /// ")?;
    /// let host = HostClock::system();
    /// let mut units = Vec::new();
    /// for address in ["sim:0", "sim:1"] {
    ///     units.push((address.to_owned(), Unit::read(&mut Client::open(address)?, &host)?));
    /// }
    /// let refused = Plan::for_profile(profile.profile(), units, &Permissions::default()).unwrap_err();
    /// assert!(refused.to_string().contains("bulk_voltage 57.6 V is 3.60 V a cell, above 3.40 V"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Everything that is in the way, at once: units that the profile is not for, a guard that cannot be
    /// right or is wider than the site's, charge voltages without a complete guard, values that a unit
    /// cannot be set to, rules that would be broken, installation settings that were not permitted,
    /// units of the bank that are left out.
    pub fn for_profile(
        profile: &Profile,
        units: impl IntoIterator<Item = (String, Unit)>,
        permissions: &Permissions,
    ) -> Result<Self, Obstacles> {
        let wanted = profile.settings;
        let units = units.into_iter().map(|(address, unit)| PlannedUnit { address, unit, wanted });
        let mut plan = Self::unplanned(units.collect(), permissions.clone(), None);
        let mut found = Vec::new();
        for planned in &plan.units {
            for (_, reason) in profile.applies_to.refusals(&planned.unit) {
                let advice = "name another unit, or correct applies_to";
                let kind = ObstacleKind::AppliesTo;
                found.push(Obstacle::new(kind, planned.place(), reason, advice));
            }
        }
        found.extend(plan.narrow(permissions.battery, profile.battery));
        found.extend(plan.obstacles());
        if found.is_empty() { plan.searched() } else { Err(Obstacles(found)) }
    }

    /// Finds the writes that make each unit satisfy what is wanted of it, for a program that decides that
    /// for each unit. What is already so is not written. The guard of `permissions` is the one that
    /// holds; [`for_profile`](Self::for_profile) takes that of a profile into account.
    ///
    /// # Errors
    /// Everything that is in the way, as for [`for_profile`](Self::for_profile).
    pub fn new(
        units: Vec<PlannedUnit>,
        permissions: Permissions,
        made: Option<DateTime>,
    ) -> Result<Self, Obstacles> {
        let plan = Self::unplanned(units, permissions, made);
        let found = plan.obstacles();
        if found.is_empty() { plan.searched() } else { Err(Obstacles(found)) }
    }

    /// Returns a plan that came from a file, if it may be carried out under these permissions: what it
    /// does beyond the usual has to be permitted anew, and its battery guard becomes at most as wide
    /// as the site's.
    ///
    /// # Errors
    /// Everything that is in the way, as for [`for_profile`](Self::for_profile); a plan that does not
    /// hold together.
    pub fn permitted(mut self, permissions: &Permissions) -> Result<Self, Obstacles> {
        self.allow_installation.clone_from(&permissions.allow_installation);
        self.no_battery_guard = permissions.no_battery_guard;
        self.part_of_bank = permissions.part_of_bank;
        let own = self.battery.take();
        let mut found = self.narrow(permissions.battery, own);
        found.extend(self.obstacles());
        if found.is_empty()
            && let Err(unsound) = self.check_shape().and_then(|()| self.check_states())
        {
            found.push(Obstacle::new(ObstacleKind::Plan, unsound.place, unsound.why, ""));
        }
        if found.is_empty() { Ok(self) } else { Err(Obstacles(found)) }
    }

    /// A plan without its steps.
    fn unplanned(
        units: Vec<PlannedUnit>,
        permissions: Permissions,
        made: Option<DateTime>,
    ) -> Self {
        let Permissions { battery, allow_installation, no_battery_guard, part_of_bank } =
            permissions;
        Self {
            format: Format::V1,
            made,
            battery,
            allow_installation,
            no_battery_guard,
            part_of_bank,
            units,
            steps: Vec::new(),
        }
    }

    /// Puts the guard in force: the site's, narrowed to what a profile or a plan states.
    fn narrow(&mut self, site: Option<Battery>, own: Option<Battery>) -> Vec<Obstacle> {
        let narrowed = match (site, own) {
            (Some(site), Some(own)) => site.narrowed(&own).map(Some),
            (site, own) => Ok(site.or(own)),
        };
        match narrowed {
            Ok(battery) => {
                self.battery = battery;
                Vec::new()
            }
            Err(errors) => {
                self.battery = site;
                errors.into_iter().map(|error| Obstacle::guard("battery guard", error)).collect()
            }
        }
    }

    /// The same with its steps.
    fn searched(mut self) -> Result<Self, Obstacles> {
        let Some(steps) = search::find(&self) else {
            let why = "no order of writes is known in which every step is sound";
            let advice = "change some of the settings first";
            let obstacle = Obstacle::new(ObstacleKind::Order, "plan", why, advice);
            return Err(Obstacles(vec![obstacle]));
        };
        self.steps = steps;
        Ok(self)
    }

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

    /// Returns whether a step writes voltages of a unit whose battery type changes in this plan. A type
    /// brings voltages along, so an undo writes them even if the unit shows the old ones.
    #[must_use]
    pub fn brings_voltages(&self, step: &Step) -> bool {
        let is_type =
            |other: &Step| other.unit == step.unit && other.group() == Some(Group::BatteryType);
        matches!(step.group(), Some(Group::ChargeVoltages | Group::CutoffVoltage))
            && self.steps.iter().any(is_type)
    }

    /// Returns the settings of a unit that the plan changes, and the voltages that may come along with
    /// a change of its battery type.
    pub fn touched(&self, unit: usize) -> impl Iterator<Item = Setting> + '_ {
        let changed = move |setting: &Setting| {
            self.steps.iter().filter(|step| step.unit == unit).any(|step| {
                let brought = step.to.battery_type.is_some() && BROUGHT.contains(setting);
                brought || step.to.get(*setting) != step.from.get(*setting)
            })
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
    fn check_states(&self) -> Result<(), Unsound> {
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
            if let Some(missing) = state.differences(&planned.wanted).next() {
                return Err(wrong(format!("it does not lead to what is wanted: {missing}")));
            }
            let unwanted = start.only(|setting| planned.wanted.get(setting).is_none());
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

/// Returns what is in the way of a profile on one unit, whatever the other units of its bank are and
/// with every installation setting permitted.
pub(crate) fn unit_obstacles(
    profile: &Profile,
    unit: &Unit,
    permissions: &Permissions,
) -> Vec<Obstacle> {
    let installation = Setting::ALL.iter().filter(|setting| setting.group().is_installation());
    let permissions =
        permissions.clone().with_part_of_bank().with_installation(installation.copied());
    let mut unit = Unit { next_in_bank: None, ..unit.clone() };
    if unit.instance().is_some() {
        unit.status.parallel_instance = Count(0);
    }
    match Plan::for_profile(profile, [(String::new(), unit)], &permissions) {
        Ok(_) => Vec::new(),
        Err(Obstacles(found)) => found,
    }
}

/// Where and why a plan does not hold together.
#[derive(Debug)]
pub(crate) struct Unsound {
    place: String,
    why: String,
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

impl From<Obstacle> for Error {
    fn from(obstacle: Obstacle) -> Self {
        let why = obstacle.explained();
        Self::plan(obstacle.place, why)
    }
}

/// A line for each write.
/// One line for each step, of at most 80 columns; a longer one goes on below.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in (1..).zip(&self.steps) {
            let serial = self.units.get(step.unit).map(|planned| planned.unit.serial_number);
            let serial = serial.map_or(String::new(), |serial| serial.to_string());
            let mnemonic = step.group().map_or("?", Group::mnemonic);
            // A computer without a clock of its own may be in another year.
            let time = step.to.clock.zip(self.made).and_then(|(offset, now)| setting(offset, now));
            let time = time.map_or(String::new(), |time| format!(" ({})", time.0));
            let lead = format!("{number:>3}  {serial}  {mnemonic:<6}  ");
            // A line ends behind a setting or before an arrow, not within a value.
            let kept = step.to_string().replace(' ', "\u{a0}");
            let kept = kept.replace(",\u{a0}", ", ").replace("\u{a0}->", " ->");
            let text = wrap(&lead, &format!("{kept}{time}"), MAX_WIDTH);
            f.write_str(&text.replace('\u{a0}', " "))?;
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
const MAX_UNITS: usize = 10;

/// Whether two states of a unit are the same as far as they go; a clock may be a little off.
pub(crate) fn alike(one: &Settings, other: &Settings) -> bool {
    Setting::ALL.iter().all(|&setting| match (one.get(setting), other.get(setting)) {
        (Some(one), Some(other)) => same(one, other),
        (one, other) => one == other,
    })
}

/// Columns of a plan as text: what any terminal has.
const MAX_WIDTH: usize = 80;
