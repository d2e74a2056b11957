//! The target of a run: a profile or a saved plan, from which the plan for open units is made.

use std::path::Path;

use lvx_settings::{
    HostClock, Obstacle, ObstacleKind, Obstacles, ParsedProfile, Permissions, Plan, PlannedUnit,
    Profile, Settings, validate_for,
};

use super::obstacle::describe_obstacle;
use crate::{
    args::StateDir,
    input::{battery_path, read_bytes, with_options},
    state::Store,
    terminal::{Failure, print_diagnostics},
    units::OpenUnit,
};

/// The settings that units should have, or the plan to carry out.
pub(crate) enum Target {
    Profile(Box<ParsedProfile>),
    Plan {
        plan: Box<Plan>,
        name: String,
        /// Whether this user saved the plan on this machine.
        is_own: bool,
    },
}

/// The reasons why there is no plan, for programs and for people.
#[derive(Debug)]
pub(crate) struct Blocked {
    pub(crate) obstacles: Vec<Obstacle>,
    pub(crate) failure: Failure,
}

impl From<Failure> for Blocked {
    fn from(failure: Failure) -> Self {
        Self { obstacles: Vec::new(), failure }
    }
}

impl From<Obstacles> for Blocked {
    /// Lists each obstacle with the option that permits it, if there is one.
    fn from(obstacles: Obstacles) -> Self {
        let messages = obstacles.iter().map(describe_obstacle).collect();
        Self {
            obstacles: obstacles.iter().cloned().collect(),
            failure: Failure::usage_list(messages),
        }
    }
}

impl Target {
    /// Returns the settings of a profile; `None` for a plan, which needs all settings of a unit.
    pub(crate) fn settings(&self) -> Option<&Settings> {
        match self {
            Self::Profile(profile) => Some(&profile.profile().settings),
            Self::Plan { .. } => None,
        }
    }

    /// Reads a profile or a saved plan.
    pub(crate) fn read(path: &Path, dir: &StateDir) -> Result<Self, Failure> {
        let (name, bytes) = read_bytes(path)?;
        if bytes.trim_ascii_start().starts_with(b"{") {
            let plan = Box::new(saved_plan(&name, &bytes)?);
            let is_own = Store::open_existing(dir).is_ok_and(|store| store.has_saved(&bytes));
            Ok(Self::Plan { plan, name, is_own })
        } else {
            let profile = Profile::parse_bytes(&name, &bytes).map_err(with_options)?;
            Ok(Self::Profile(Box::new(profile)))
        }
    }

    /// Returns the given addresses, or those of a plan that this user saved. The addresses in other plans
    /// are not trusted.
    pub(crate) fn addresses(&self, given: &[String]) -> Result<Vec<String>, Failure> {
        match self {
            _ if !given.is_empty() => Ok(given.to_vec()),
            Self::Plan { plan, is_own: true, .. } => {
                Ok(plan.units.iter().map(|planned| planned.address.clone()).collect())
            }
            Self::Plan { plan, name, .. } => Err(Failure::usage(format_args!(
                "{name}: this plan was not saved by you on this machine, or was changed since, so its \
                 addresses are not used: give the addresses after the plan, for the units that were at {}",
                plan.units.iter().map(PlannedUnit::place).collect::<Vec<_>>().join(", ")
            ))),
            Self::Profile(_) => Err(Failure::usage(
                "no unit is given: add the addresses of the units (to try it: sim:0 sim:1)",
            )),
        }
    }

    /// Checks a saved plan against the permissions of this run.
    pub(crate) fn permitted(self, permissions: &Permissions) -> Result<Self, Blocked> {
        match self {
            Self::Plan { mut plan, name, is_own } => {
                // The guard of a foreign plan can narrow the guard of the site, but not replace it.
                if !is_own && permissions.battery.is_none() {
                    plan.battery = None;
                }
                Ok(Self::Plan { plan: Box::new(plan.permitted(permissions)?), name, is_own })
            }
            profile @ Self::Profile(_) => Ok(profile),
        }
    }

    /// Returns the plan for open units, and the units in the order of the plan.
    pub(crate) fn planned(
        self,
        opened: Vec<OpenUnit>,
        permissions: &Permissions,
        host: &HostClock,
    ) -> Result<(Plan, Vec<OpenUnit>), Blocked> {
        match self {
            Self::Plan { plan, .. } => Ok(in_order_of(*plan, opened)?),
            Self::Profile(profile) => Ok((planned(&profile, &opened, permissions, host)?, opened)),
        }
    }
}

fn saved_plan(name: &str, bytes: &[u8]) -> Result<Plan, Failure> {
    if bytes.trim_ascii_start().starts_with(b"{\"format\":\"lvx-journal") {
        return Err(Failure::usage(format_args!(
            "{name}: expected a plan, found a journal; use lvx restore {name}"
        )));
    }
    serde_json::from_slice(bytes)
        .map_err(|error| Failure::usage(format_args!("{name}: expected a saved plan: {error}")))
}

/// Returns the plan with the current addresses of its units, and the units in the order of the plan.
pub(crate) fn in_order_of(
    mut plan: Plan,
    opened: Vec<OpenUnit>,
) -> Result<(Plan, Vec<OpenUnit>), Failure> {
    let mut opened: Vec<_> = opened.into_iter().map(Some).collect();
    let mut ordered = Vec::new();
    for planned in &mut plan.units {
        let serial = planned.unit.serial_number;
        let found = opened
            .iter_mut()
            .find(|open| open.as_ref().is_some_and(|open| open.unit.serial_number == serial));
        let Some(open) = found.and_then(Option::take) else {
            return Err(Failure::usage(format_args!(
                "no address is given for unit {serial} of the plan"
            )));
        };
        planned.address = open.address.to_string();
        ordered.push(open);
    }
    match opened.iter().flatten().next() {
        None => Ok((plan, ordered)),
        Some(extra) => Err(Failure::usage(format_args!(
            "{}: unit {} is not in the plan",
            extra.address.place(),
            extra.unit.serial_number
        ))),
    }
}

fn planned(
    profile: &ParsedProfile,
    opened: &[OpenUnit],
    permissions: &Permissions,
    host: &HostClock,
) -> Result<Plan, Blocked> {
    let mut printed = Vec::new();
    let mut errors = None;
    for open in opened {
        let found = validate_for(profile, &open.unit, permissions);
        if found.has_errors() {
            errors.get_or_insert(found);
        } else if !found.is_empty() && !printed.contains(&found) {
            // Print warnings that apply to several units only once.
            print_diagnostics(&found);
            printed.push(found);
        }
    }
    let units = opened.iter().map(|open| (open.address.to_string(), open.unit.clone()));
    let plan = Plan::for_profile(profile.profile(), units, permissions);
    // Errors with a position in the profile are preferred to obstacles without one.
    let plan = match (plan, errors) {
        (Ok(plan), None) => Ok(plan),
        (Err(obstacles), None) => Err(Blocked::from(obstacles)),
        (plan, Some(errors)) => {
            let obstacles: Vec<_> = plan.err().iter().flat_map(Obstacles::iter).cloned().collect();
            let mut failure = Failure::from(errors);
            if obstacles.iter().any(|obstacle| obstacle.kind == ObstacleKind::NoBatteryGuard) {
                failure = failure.with_message(format_args!(
                    "the battery guard of all profiles can be set in {}; to write without a guard: \
                     --no-battery-guard",
                    battery_path().0.display()
                ));
            }
            Err(Blocked { obstacles, failure })
        }
    };
    let mut plan = plan?;
    plan.made = host.time(std::time::Instant::now());
    Ok(plan)
}
