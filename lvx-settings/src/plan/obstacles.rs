//! What is in the way of a plan.

use std::fmt;

use super::{Plan, PlannedUnit, bounds::knows, own_voltages::OwnVoltages};
use crate::{Battery, Limits, Setting, broken};

/// Why something cannot be planned.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{place}: {why}")]
#[non_exhaustive]
pub struct Obstacle {
    /// The unit.
    pub place: String,
    /// The settings that it is about, if it is about some.
    pub settings: Vec<Setting>,
    /// What is in the way, and what to do.
    pub why: String,
}

/// Everything that is in the way of a plan, a line each.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Obstacles(pub(super) Vec<Obstacle>);

impl Obstacles {
    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Obstacle> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Obstacles {
    type Item = &'a Obstacle;
    type IntoIter = std::slice::Iter<'a, Obstacle>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Obstacles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Obstacles {}

impl Plan {
    /// What is in the way of what is wanted, whatever the order.
    pub(super) fn obstacles(&self) -> Vec<Obstacle> {
        let mut found = Vec::new();
        for (at, planned) in self.units.iter().enumerate() {
            let serial = planned.unit.serial_number;
            let place = planned.place();
            let mut add = |settings: Vec<Setting>, why: String| {
                found.push(Obstacle { place: place.clone(), settings, why });
            };
            if !serial.looks_genuine() {
                add(
                    Vec::new(),
                    format!(
                        "serial number {serial} does not look like one: it cannot be told from another unit; \
                     set a proper one first"
                    ),
                );
            }
            if planned.unit.instance().is_none() {
                add(
                    Vec::new(),
                    format!(
                        "parallel instance {} is none of 0 to 9: this unit's own settings cannot be addressed",
                        planned.unit.status.parallel_instance
                    ),
                );
            }
            if self.units.iter().take(at).any(|other| other.unit.serial_number == serial) {
                add(Vec::new(), format!("unit {serial} is given twice"));
            }
            for (settings, why) in
                unreachable(planned, self.battery.as_ref(), &self.allow_installation)
            {
                add(settings, why);
            }
        }
        found
    }
}

/// Why a unit cannot get to what is wanted of it, whatever the order.
fn unreachable(
    planned: &PlannedUnit,
    battery: Option<&Battery>,
    allowed: &[Setting],
) -> Vec<(Vec<Setting>, String)> {
    let mut found = Vec::new();
    let start = planned.unit.settings();
    let target = start.overlaid(&planned.wanted);
    let limits = Limits::of(&planned.unit);
    let changed: Vec<_> = start.differences(&planned.wanted).collect();
    for change in &changed {
        let setting = change.setting;
        if change.from.is_none() {
            found.push((
                vec![setting],
                format!("{setting}: this unit does not have it; leave it out"),
            ));
            continue;
        }
        if setting.group().is_installation() && !allowed.contains(&setting) {
            found.push((
                vec![setting],
                format!(
                    "{setting} is an installation setting: a wrong one can take down a load or break a \
                     bank; leave it out, or allow it by name (--allow-installation {setting})"
                ),
            ));
        }
        if let Err(error) = limits.check(setting, change.to) {
            found.push((vec![setting], format!("{setting}: {error}")));
        }
        for companion in setting.group().settings() {
            let stays = changed.iter().all(|change| change.setting != companion);
            if stays
                && let Some(value) = target.get(companion)
                && let Err(error) = limits.check(companion, value)
            {
                found.push((
                    vec![setting, companion],
                    format!(
                        "{setting} is written together with {companion}, and {companion} {error}"
                    ),
                ));
            }
        }
    }
    let own = OwnVoltages::of(&planned.unit);
    if let Err((settings, why)) = own.fit(&start, &target) {
        found.push((settings, why));
    }
    let before = broken(&start, battery);
    for rule in broken(&target, battery) {
        let ours = changed.iter().any(|change| rule.settings.contains(&change.setting));
        if ours || !knows(&before, &rule) {
            found.push((rule.settings.clone(), rule.to_string()));
        }
    }
    found
}
