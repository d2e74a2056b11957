//! The effects of a plan on the bank that its units belong to.

use std::fmt;

use pi18_proto::{OutputMode, ParallelRating, SerialNumber};

use super::{Obstacle, ObstacleKind, Plan};
use crate::{Battery, Setting, SettingValue, Settings, Unit, output_mode_conflict};

/// A unit of the same bank that is not in the plan.
///
/// ```
/// use lvx_settings::{HostClock, Permissions, Plan, Profile, Unit};
/// use pi18_transport::Client;
///
/// let profile = Profile::parse("bank.yaml", "backlight: off\n")?;
/// let unit = Unit::read(&mut Client::open("sim:0")?, &HostClock::system())?;
/// let units = [("sim:0".to_owned(), unit)];
/// let plan = Plan::for_profile(profile.profile(), units, &Permissions::default())?;
/// let left_out = plan.left_out();
/// assert_eq!(left_out[0].to_string(), "unit 96132206100411 (instance 1)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct LeftOut {
    /// Parallel instance of the unit.
    pub instance: u8,
    /// Report of a unit of the plan about this unit; `None` if no unit of the plan reports it.
    pub rating: Option<ParallelRating>,
}

impl LeftOut {
    /// Returns the serial number, if it is known.
    #[must_use]
    pub fn serial_number(&self) -> Option<SerialNumber> {
        self.rating.and_then(|rating| rating.serial_number())
    }

    /// Returns the known settings of the unit.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let Some(rating) = self.rating else { return Settings::default() };
        Settings {
            charger_priority: Some(rating.charger_priority),
            max_charge_current: Some(rating.max_charge_current),
            max_ac_charge_current: Some(rating.max_ac_charge_current),
            output_mode: Some(rating.output_mode),
            ..Settings::default()
        }
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.serial_number() {
            Some(serial) => write!(f, "unit {serial} (instance {})", self.instance),
            None => write!(f, "the unit with instance {}", self.instance),
        }
    }
}

impl Plan {
    /// Returns the units of the same bank that are not in the plan, as far as the units of the plan report
    /// them.
    #[must_use]
    pub fn left_out(&self) -> Vec<LeftOut> {
        let planned_instances: Vec<(u8, &Unit)> = self
            .units
            .iter()
            .map(|planned| &planned.unit)
            .filter(|unit| unit.is_in_bank())
            .filter_map(|unit| Some((unit.status.parallel_instance.0.try_into().ok()?, unit)))
            .filter(|(instance, _)| *instance <= MAX_INSTANCE)
            .collect();
        let Some(last) = planned_instances.iter().map(|(instance, _)| *instance).max() else {
            return Vec::new();
        };
        let report_about = |instance: u8| {
            let before = planned_instances.iter().find(|(before, _)| before + 1 == instance);
            before.and_then(|(_, unit)| unit.next_in_bank)
        };
        (0..=MAX_INSTANCE.min(last + 1))
            .filter(|instance| planned_instances.iter().all(|(planned, _)| planned != instance))
            .map(|instance| LeftOut { instance, rating: report_about(instance) })
            .filter(|unit| unit.instance < last || unit.rating.is_some())
            .filter(|unit| {
                let is_planned =
                    |serial| self.units.iter().any(|planned| planned.unit.serial_number == serial);
                !unit.serial_number().is_some_and(is_planned)
            })
            .collect()
    }

    /// Returns an obstacle for each unit of the bank that is not in the plan and would differ from it in
    /// settings that must be equal in a bank. A unit that already has the new values causes no
    /// obstacle.
    #[must_use]
    pub fn disagreements(&self) -> Vec<Obstacle> {
        let left_out = self.left_out();
        let mut found = Vec::new();
        for (at, planned) in self.units.iter().enumerate() {
            for other in &left_out {
                let has = other.settings();
                let different: Vec<_> = self
                    .changes(at)
                    .into_iter()
                    .filter(|change| Setting::AGREEING.contains(&change.setting))
                    .filter(|change| has.get(change.setting) != Some(change.to))
                    .map(|change| (change.setting, has.get(change.setting)))
                    .collect();
                if different.is_empty() {
                    continue;
                }
                let names = different.iter().map(|(setting, has)| match has {
                    Some(has) => format!("{setting} (it has {has})"),
                    None => setting.to_string(),
                });
                let why = format!(
                    "{other} of the same bank is not in the plan; all units of a bank must have the same {}",
                    names.collect::<Vec<_>>().join(", ")
                );
                let kind = ObstacleKind::PartOfBank;
                let obstacle =
                    Obstacle::new(kind, planned.place(), why, "include all units of the bank");
                found.push(obstacle.about(different.into_iter().map(|(setting, _)| setting)));
            }
        }
        found
    }

    /// Returns the obstacles that concern the bank.
    pub(super) fn bank_obstacles(&self) -> Vec<Obstacle> {
        let mut found = Vec::new();
        if !self.part_of_bank {
            found.extend(self.disagreements());
        }
        found.extend(self.output_modes());
        found.extend(self.bank_current());
        found
    }

    /// Checks the output modes of the bank, if the plan changes one.
    fn output_modes(&self) -> Option<Obstacle> {
        let changes = |at: &usize| {
            self.changes(*at).iter().any(|change| change.setting == Setting::OutputMode)
        };
        let place = self.units.get((0..self.units.len()).find(changes)?)?.place();
        let mut modes: Vec<OutputMode> = self
            .units
            .iter()
            .map(|planned| planned.target.output_mode.unwrap_or(planned.unit.rated.output_mode))
            .collect();
        let left_out = self.left_out();
        if !self.part_of_bank {
            modes.extend(left_out.iter().filter_map(|unit| Some(unit.rating?.output_mode)));
        }
        if self.units.len() + left_out.len() < 2 {
            return None;
        }
        let conflict = output_mode_conflict(&modes, left_out.is_empty())?;
        let words: Vec<_> = modes
            .iter()
            .map(|mode| {
                SettingValue::Code(crate::Code { number: mode.0, name: mode.name() }).to_string()
            })
            .collect();
        let why = format!(
            "output_mode: {conflict} ({}); units that share an output stop with fault 86",
            words.join(", ")
        );
        let advice = "set all units to parallel, or assign a unit to each phase";
        let obstacle = Obstacle::new(ObstacleKind::OutputModes, place, why, advice);
        Some(obstacle.about([Setting::OutputMode]))
    }

    /// Checks the sum of the charge currents, if the plan changes one.
    fn bank_current(&self) -> Option<Obstacle> {
        let current = BankCurrent::of(self)?;
        let states: Vec<_> = self
            .units
            .iter()
            .map(|planned| planned.unit.settings().overlaid(&planned.target))
            .collect();
        let changes: Vec<_> = (0..self.units.len())
            .flat_map(|at| self.changes(at))
            .filter(|change| change.setting == Setting::MaxChargeCurrent)
            .collect();
        let raises = changes.iter().any(|change| match (change.from, change.to) {
            (Some(SettingValue::Current(from)), SettingValue::Current(to)) => to > from,
            _ => true,
        });
        if changes.is_empty() {
            return None;
        }
        let obstacle = current.above(&states);
        obstacle.or_else(|| if raises { self.unknown_current(current) } else { None })
    }

    /// Checks the sum of the old charge currents against a guard, if the plan changes one.
    pub(super) fn old_bank_current(&self, battery: &Battery) -> Option<Obstacle> {
        let current = BankCurrent::within(self, battery)?;
        let changes = |unit| self.touched(unit).any(|setting| setting == Setting::MaxChargeCurrent);
        if !(0..self.units.len()).any(changes) {
            return None;
        }
        let obstacle = current.above(&self.settings_after(0));
        obstacle.or_else(|| self.unknown_current(current))
    }

    /// Returns an obstacle if the sum of the charge currents is not known.
    fn unknown_current(&self, current: BankCurrent) -> Option<Obstacle> {
        let left_out = self.left_out();
        let unknown: Vec<_> = left_out.iter().filter(|unit| unit.rating.is_none()).collect();
        let instances = self.units.iter().map(|planned| planned.unit.status.parallel_instance.0);
        // Units that are not in the plan were not queried for the next instance.
        let behind = left_out.last().map(|unit| unit.instance).filter(|last| {
            *last < MAX_INSTANCE && instances.clone().all(|own| own < (*last).into())
        });
        let mut names: Vec<_> = unknown.iter().map(ToString::to_string).collect();
        names.extend(behind.map(|last| format!("a possible unit after instance {last}")));
        if names.is_empty() {
            return None;
        }
        let why = format!(
            "max_bank_charge_current {} A of the battery guard is for all units together, and the \
             max_charge_current of {} is not known",
            current.max,
            names.join(", ")
        );
        let advice = "include all units of the bank";
        let obstacle = Obstacle::new(ObstacleKind::Rule, "bank", why, advice);
        Some(obstacle.about([Setting::MaxChargeCurrent]))
    }
}

/// The limit for the charge current of all units of a bank together.
#[derive(Clone, Copy, Debug)]
pub(super) struct BankCurrent {
    /// Maximum sum in amperes.
    max: u16,
    /// Sum of the known charge currents of units that are not in the plan, in amperes.
    others: u32,
}

impl BankCurrent {
    /// Returns the limit of the plan's guard, if it states one.
    pub(super) fn of(plan: &Plan) -> Option<Self> {
        Self::within(plan, plan.battery.as_ref()?)
    }

    /// Returns the limit of another guard, if it states one.
    fn within(plan: &Plan, battery: &Battery) -> Option<Self> {
        let max = battery.max_bank_charge_current?.0;
        let others = plan.left_out();
        let others = others.iter().filter_map(|unit| Some(unit.rating?.max_charge_current.0));
        Some(Self { max, others: others.map(u32::from).sum() })
    }

    /// Returns the sum of all charge currents in amperes.
    fn sum(self, states: &[Settings]) -> u32 {
        let own = states.iter().filter_map(|state| Some(state.max_charge_current?.0));
        own.map(u32::from).sum::<u32>().saturating_add(self.others)
    }

    /// Returns the reason why these currents exceed the limit; `None` if they do not.
    pub(super) fn excess(self, states: &[Settings]) -> Option<String> {
        let sum = self.sum(states);
        (sum > self.max.into()).then(|| {
            format!(
                "max_charge_current of all units together is {sum} A, above max_bank_charge_current \
                 {} A of the battery guard",
                self.max
            )
        })
    }

    /// Returns an obstacle if these currents exceed the limit.
    fn above(self, states: &[Settings]) -> Option<Obstacle> {
        let why = self.excess(states)?;
        let obstacle = Obstacle::new(ObstacleKind::Rule, "bank", why, "lower max_charge_current");
        Some(obstacle.about([Setting::MaxChargeCurrent]))
    }

    /// Checks that the sum is within the limit after a write, or that the write does not raise it.
    pub(super) fn allows(self, before: &[Settings], after: &[Settings]) -> Result<(), String> {
        match self.excess(after) {
            Some(why) if self.sum(after) > self.sum(before) => Err(why),
            _ => Ok(()),
        }
    }
}

/// The highest parallel instance that a command can name.
const MAX_INSTANCE: u8 = 9;
