//! The plan itself: the state of the units when it was made, and the writes in order.

use std::fmt;

use pi18_proto::DateTime;
use pi18_transport::wrap;
use serde::{Deserialize, Serialize};

use super::{Permissions, own_voltages::TYPE_VOLTAGES};
use crate::{Battery, Difference, Group, Setting, Settings, Unit, model::clock::setting};

/// Ordered writes for one or several units, and the state of the units when the plan was made.
///
/// Serialized as JSON, a plan is a file that can be reviewed and carried out later.
///
/// ```
/// use lvx_settings::{HostClock, Permissions, Plan, Profile, Unit};
/// use pi18_transport::Client;
///
/// let profile = Profile::parse("bank.yaml", "backlight: off\n")?;
/// let unit = Unit::read(&mut Client::open("sim:0")?, &HostClock::system())?;
/// let units = [("sim:0".to_owned(), unit)];
/// let plan = Plan::for_profile(profile.profile(), units, &Permissions::default())?;
/// assert_eq!(plan.steps[0].to_string(), "backlight on -> off");
///
/// let file = serde_json::to_string(&plan)?;
/// assert_eq!(serde_json::from_str::<Plan>(&file)?, plan);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Plan {
    format: Format,
    /// Time at which the plan was made, by the clock of this computer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made: Option<DateTime>,
    /// The battery guard that no step violates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub battery: Option<Battery>,
    /// The installation settings that the plan may change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allow_installation: Vec<Setting>,
    /// Whether the plan may write charge voltages without a complete battery guard.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_battery_guard: bool,
    /// Whether the plan may change settings that must be equal in a bank on some of its units only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub part_of_bank: bool,
    /// The units with their targets.
    pub units: Vec<PlannedUnit>,
    /// The writes in order.
    pub steps: Vec<Step>,
}

/// Marks a file as a plan.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "lvx-plan-1")]
    V1,
}

/// A unit of a plan: its state when the plan was made, and its target.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlannedUnit {
    /// Address at which the unit was read.
    pub address: String,
    /// State of the unit.
    pub unit: Unit,
    /// Settings that the unit has after the plan.
    #[serde(rename = "wanted")]
    pub target: Settings,
}

/// One write: the settings of one group of one unit.
///
/// `Display` writes the changes, with settings that are written along in parentheses:
/// `bulk_voltage 56.4 V -> 56.0 V, (float_voltage 54.0 V)`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Step {
    /// Index of the unit in the plan.
    pub unit: usize,
    /// The settings of the group before the write.
    pub from: Settings,
    /// The settings of the group after the write.
    pub to: Settings,
}

impl Plan {
    /// Returns a plan without steps.
    pub(super) fn unplanned(
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

    /// Returns the changes that lead a unit to its target.
    pub(super) fn changes(&self, unit: usize) -> Vec<Difference> {
        let Some(planned) = self.units.get(unit) else { return Vec::new() };
        planned.unit.settings().differences(&planned.target).collect()
    }

    /// Returns whether the plan has no steps, because every unit already has its target.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Returns the settings of each unit after the first `count` steps, in the order of the units.
    ///
    /// `settings_after(0)` are the settings when the plan was made; `settings_after(usize::MAX)` are those
    /// at the end.
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

    /// Returns whether a step writes voltages of a unit whose battery type changes in this plan. A battery
    /// type sets its own voltages, so an undo writes them even if the unit reports the old ones.
    #[must_use]
    pub fn writes_type_voltages(&self, step: &Step) -> bool {
        let is_type =
            |other: &Step| other.unit == step.unit && other.group() == Some(Group::BatteryType);
        matches!(step.group(), Some(Group::ChargeVoltages | Group::CutoffVoltage))
            && self.steps.iter().any(is_type)
    }

    /// Returns the settings of a unit that the plan changes, including the voltages that a change of its
    /// battery type sets.
    pub fn touched(&self, unit: usize) -> impl Iterator<Item = Setting> + '_ {
        let changed = move |setting: &Setting| {
            self.steps.iter().filter(|step| step.unit == unit).any(|step| {
                let is_type_voltage =
                    step.to.battery_type.is_some() && TYPE_VOLTAGES.contains(setting);
                is_type_voltage || step.to.get(*setting) != step.from.get(*setting)
            })
        };
        Setting::ALL.iter().copied().filter(changed)
    }

    /// Returns the plan for some of its units, in this order, and for each of its steps the number of
    /// that step in the whole plan. Numbers of units that the plan does not have are ignored.
    #[must_use]
    pub fn part(&self, units: &[usize]) -> (Self, Vec<usize>) {
        let known: Vec<_> =
            units.iter().copied().filter(|unit| self.units.get(*unit).is_some()).collect();
        let part = |(number, step): (usize, &Step)| {
            let unit = known.iter().position(|unit| *unit == step.unit)?;
            Some((number, Step { unit, ..*step }))
        };
        let (numbers, steps) = self.steps.iter().enumerate().filter_map(part).unzip();
        let units = known.iter().filter_map(|unit| self.units.get(*unit)).cloned().collect();
        (Self { units, steps, ..self.clone() }, numbers)
    }
}

impl PlannedUnit {
    /// Returns a unit that was read at this address, and the settings that it should get.
    #[must_use]
    pub fn new(address: impl Into<String>, unit: Unit, target: Settings) -> Self {
        Self { address: address.into(), unit, target }
    }

    /// Returns the name of the unit in errors: address and serial number.
    #[must_use]
    pub fn place(&self) -> String {
        format!("{} ({})", self.address, self.unit.serial_number)
    }
}

impl Step {
    /// Returns a write to the unit with this index in the plan.
    #[must_use]
    pub const fn new(unit: usize, from: Settings, to: Settings) -> Self {
        Self { unit, from, to }
    }

    /// Returns the group that the step writes; `None` unless the settings are those of one group.
    #[must_use]
    pub fn group(&self) -> Option<Group> {
        let group = self.to.iter().next()?.0.group();
        let whole = group.settings().all(|setting| self.to.get(setting).is_some());
        let nothing_else = self.to.iter().all(|(setting, _)| setting.group() == group);
        (whole && nothing_else).then_some(group)
    }

    /// Returns the step that undoes this one.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self { unit: self.unit, from: self.to, to: self.from }
    }
}

/// Writes one line for each step, wrapped at 80 columns.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in (1..).zip(&self.steps) {
            let serial = self.units.get(step.unit).map(|planned| planned.unit.serial_number);
            let serial = serial.map_or(String::new(), |serial| serial.to_string());
            let mnemonic = step.group().map_or("?", Group::mnemonic);
            // Shown for review: a computer whose clock has no battery may be wrong by years.
            let time = step.to.clock.zip(self.made).and_then(|(offset, now)| setting(offset, now));
            let time = time.map_or(String::new(), |time| format!(" ({})", time.0));
            let lead = format!("{number:>3}  {serial}  {mnemonic:<6}  ");
            // Lines break after a setting or before an arrow, never within a value.
            let kept = step.to_string().replace(' ', "\u{a0}");
            let kept = kept.replace(",\u{a0}", ", ").replace("\u{a0}->", " ->");
            let text = wrap(&lead, &format!("{kept}{time}"), MAX_WIDTH);
            f.write_str(&text.replace('\u{a0}', " "))?;
        }
        Ok(())
    }
}

/// Writes the changes, and in parentheses the settings that are written along without a change.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.to.iter().map(|(setting, to)| match self.from.get(setting) {
            Some(from) if from == to => format!("({setting} {to})"),
            Some(from) => format!("{setting} {from} -> {to}"),
            None => format!("{setting} {to}"),
        });
        f.write_str(&parts.collect::<Vec<_>>().join(", "))
    }
}

/// Width of a plan as text, in columns.
const MAX_WIDTH: usize = 80;
