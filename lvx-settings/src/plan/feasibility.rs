//! Finds the obstacles that no order of writes avoids.

use super::{
    Obstacle, ObstacleKind, Plan, PlannedUnit,
    bounds::is_known,
    own_voltages::{OwnVoltages, TYPE_VOLTAGES},
};
use crate::{Battery, Difference, Limits, Setting, Settings, broken_rules};

impl Plan {
    /// Returns the obstacles that no order of writes avoids.
    pub(super) fn obstacles(&self) -> Vec<Obstacle> {
        let mut found = self.guard_obstacles();
        let is_sound = found.iter().all(|obstacle| obstacle.kind != ObstacleKind::BatteryGuard);
        // A wrong guard cannot be used to check voltages.
        let battery = self.battery.filter(|_| is_sound);
        for at in 0..self.units.len() {
            found.extend(self.unit_obstacles(at, battery.as_ref()));
        }
        found.extend(self.bank_obstacles());
        found
    }

    /// Checks the guard, and that it is complete if a write requires a complete guard.
    fn guard_obstacles(&self) -> Vec<Obstacle> {
        let errors = self.battery.iter().flat_map(Battery::errors);
        let mut found: Vec<_> =
            errors.map(|error| Obstacle::guard("battery guard", error)).collect();
        if found.is_empty() {
            for planned in &self.units {
                let rated = planned.unit.rated.battery_rated_voltage;
                let error = self.battery.and_then(|battery| battery.mismatch(rated));
                found.extend(error.map(|error| Obstacle::guard(planned.place(), error)));
            }
        }
        let lacks = match self.battery {
            None => Some("no guard is set".to_owned()),
            Some(battery) => battery.incomplete().map(|error| error.text),
        };
        if let Some(lacks) = lacks.filter(|_| found.is_empty() && !self.no_battery_guard) {
            for (at, planned) in self.units.iter().enumerate() {
                let changes = self.changes(at).into_iter().map(|change| change.setting);
                let guarded: Vec<_> =
                    changes.filter(|setting| setting.group().is_guarded()).collect();
                if guarded.is_empty() {
                    continue;
                }
                let names: Vec<_> = guarded.iter().map(|setting| setting.key()).collect();
                let why =
                    format!("{} requires a complete battery guard: {lacks}", names.join(", "));
                let advice = "state chemistry, cells, max_cell_voltage and min_cell_voltage under \
                              battery: in the profile, or once for the site";
                let kind = ObstacleKind::NoBatteryGuard;
                found.push(Obstacle::new(kind, planned.place(), why, advice).about(guarded));
            }
        }
        found
    }

    /// Returns the obstacles on one unit, regardless of the others.
    fn unit_obstacles(&self, at: usize, battery: Option<&Battery>) -> Vec<Obstacle> {
        let Some(planned) = self.units.get(at) else { return Vec::new() };
        let serial = planned.unit.serial_number;
        let mut found = Vec::new();
        let mut unit = |why: String, advice: &str| {
            found.push(Obstacle::new(ObstacleKind::Unit, planned.place(), why, advice));
        };
        if !serial.looks_genuine() {
            unit(
                format!(
                    "serial number {serial} looks like a placeholder, so the unit cannot be identified"
                ),
                "set a unique serial number first",
            );
        }
        if planned.unit.instance().is_none() {
            let instance = planned.unit.status.parallel_instance;
            unit(
                format!(
                    "expected a parallel instance from 0 to 9, found {instance}; commands that name the unit \
                     by its instance cannot reach it"
                ),
                "",
            );
        }
        if self.units.iter().take(at).any(|other| other.unit.serial_number == serial) {
            unit(
                format!("serial number {serial} was found at two addresses"),
                "give each unit once; two units need different serial numbers",
            );
        }
        found.extend(self.unreachable(planned, battery));
        found
    }

    /// Returns the reasons why a unit cannot reach its target in any order of writes.
    fn unreachable(&self, planned: &PlannedUnit, battery: Option<&Battery>) -> Vec<Obstacle> {
        let start = planned.unit.settings();
        let target = start.overlaid(&planned.target);
        let changed: Vec<_> = start.differences(&planned.target).collect();
        let mut found = self.values(planned, &target, &changed);
        let obstacle =
            |kind, why: &str, advice: &str| Obstacle::new(kind, planned.place(), why, advice);
        if let Err(misfit) = OwnVoltages::of(&planned.unit).fit(&start, &target) {
            let obstacle = obstacle(ObstacleKind::Value, &misfit.why, misfit.advice);
            found.push(obstacle.about(misfit.settings));
        }
        let before = broken_rules(&start, battery);
        // A change of the battery type changes voltages, and settings of one group are written together.
        let writes = |setting: Setting| {
            changed.iter().any(|change| {
                change.setting.group() == setting.group()
                    || (change.setting == Setting::BatteryType && TYPE_VOLTAGES.contains(&setting))
            })
        };
        for rule in broken_rules(&target, battery) {
            // Stated and written values must keep the rules even if the unit broke them before.
            let is_stated =
                rule.settings.iter().any(|setting| planned.target.get(*setting).is_some());
            let is_written = rule.is_of_guard() && rule.settings.iter().any(|s| writes(*s));
            if is_stated || is_written || !is_known(&before, &rule) {
                let obstacle = obstacle(ObstacleKind::Rule, &rule.text, &rule.advice);
                found.push(obstacle.about(rule.settings));
            }
        }
        found
    }

    /// Returns the obstacles for values that a unit cannot be set to or that are not permitted.
    fn values(
        &self,
        planned: &PlannedUnit,
        target: &Settings,
        changed: &[Difference],
    ) -> Vec<Obstacle> {
        let mut found = Vec::new();
        let limits = Limits::of(&planned.unit);
        let mut add = |kind, settings: &[Setting], why: String, advice: &str| {
            let obstacle = Obstacle::new(kind, planned.place(), why, advice);
            found.push(obstacle.about(settings.iter().copied()));
        };
        for change in changed {
            let setting = change.setting;
            if change.from.is_none() {
                let why = format!("{setting}: this unit does not have the setting");
                add(ObstacleKind::Value, &[setting], why, "remove it");
                continue;
            }
            if setting.group().is_installation() && !self.allow_installation.contains(&setting) {
                let why = format!(
                    "{setting} is an installation setting: a wrong value can interrupt the loads or stop the \
                     bank"
                );
                let advice = "remove it, or allow it by name";
                add(ObstacleKind::Installation, &[setting], why, advice);
            }
            if let Err(error) = limits.check(setting, change.to) {
                add(ObstacleKind::Value, &[setting], format!("{setting}: {error}"), "");
            }
            for companion in setting.group().settings() {
                let stays = changed.iter().all(|change| change.setting != companion);
                if stays
                    && let Some(value) = target.get(companion)
                    && let Err(error) = limits.check(companion, value)
                {
                    let why = format!(
                        "{setting} is written together with {companion}, and {companion}: {error}"
                    );
                    add(ObstacleKind::Value, &[setting, companion], why, "");
                }
            }
        }
        found
    }
}
