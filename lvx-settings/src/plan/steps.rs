//! A plan: the units as they were, and the writes.

use std::fmt;

use pi18_proto::DateTime;
use pi18_transport::wrap;
use serde::{Deserialize, Serialize};

use super::{Permissions, own_voltages::BROUGHT};
use crate::{Battery, Difference, Group, Setting, Settings, Unit, model::clock::setting};

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
    /// The settings that the unit is to have.
    #[serde(rename = "wanted")]
    pub target: Settings,
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
    /// A plan without its steps.
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

    /// What of a unit's settings has to change.
    pub(super) fn changes(&self, unit: usize) -> Vec<Difference> {
        let Some(planned) = self.units.get(unit) else { return Vec::new() };
        planned.unit.settings().differences(&planned.target).collect()
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

/// Columns of a plan as text: what any terminal has.
const MAX_WIDTH: usize = 80;
