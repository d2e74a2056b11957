//! From a profile, a saved plan or the words of a command line to a plan for units that are open.

use std::path::Path;

use lvx_settings::{
    HostClock, Obstacle, ObstacleKind, Obstacles, ParsedProfile, Permissions, Plan, PlannedUnit,
    Profile, Settings, validate_for,
};

use super::obstacle::describe_obstacle;
use crate::{
    args::Place,
    input::{battery_path, read_bytes},
    state::Store,
    terminal::{Failure, print_diagnostics},
    units::Open,
};

/// What units are to become.
pub(crate) enum Wanted {
    Profile(Box<ParsedProfile>),
    Plan {
        plan: Box<Plan>,
        name: String,
        /// Whether this user saved it here.
        is_own: bool,
    },
}

/// Why there is no plan: obstacles for programs, and what a person is told.
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
    /// Shows each obstacle with the option that permits it, if there is one.
    fn from(obstacles: Obstacles) -> Self {
        let told = obstacles.iter().map(describe_obstacle).collect();
        Self { obstacles: obstacles.iter().cloned().collect(), failure: Failure::usage_list(told) }
    }
}

impl Wanted {
    /// What a profile states; a plan compares all that it has of a unit.
    pub(crate) fn settings(&self) -> Option<&Settings> {
        match self {
            Self::Profile(profile) => Some(&profile.profile().settings),
            Self::Plan { .. } => None,
        }
    }

    /// Reads a profile, or a plan that was saved.
    pub(crate) fn read(path: &Path, place: &Place) -> Result<Self, Failure> {
        let (name, bytes) = read_bytes(path)?;
        if bytes.trim_ascii_start().starts_with(b"{") {
            let plan = Box::new(saved_plan(&name, &bytes)?);
            let is_own = Store::look(place).is_ok_and(|store| store.has_saved(&bytes));
            Ok(Self::Plan { plan, name, is_own })
        } else {
            Ok(Self::Profile(Box::new(Profile::parse_bytes(&name, &bytes)?)))
        }
    }

    /// Where the units are: as given, or as a plan has it that this user saved. The addresses in a plan
    /// of somebody else could lead anywhere.
    pub(crate) fn addresses(&self, given: &[String]) -> Result<Vec<String>, Failure> {
        match self {
            _ if !given.is_empty() => Ok(given.to_vec()),
            Self::Plan { plan, is_own: true, .. } => {
                Ok(plan.units.iter().map(|planned| planned.address.clone()).collect())
            }
            Self::Plan { plan, name, .. } => Err(Failure::usage(format_args!(
                "{name}: you did not save this plan on this machine, or it was changed since, so \
                 the addresses in it are not used: name the units behind it, those that were at {}",
                plan.units.iter().map(PlannedUnit::place).collect::<Vec<_>>().join(", ")
            ))),
            Self::Profile(_) => {
                Err(Failure::usage("no unit is given: name them last (sim:0 sim:1 to try)"))
            }
        }
    }

    /// The same, if a saved plan may do here what it does beyond the usual.
    pub(crate) fn permitted(self, permissions: &Permissions) -> Result<Self, Blocked> {
        match self {
            Self::Plan { mut plan, name, is_own } => {
                // The guard in a foreign plan may narrow the site's guard. It does not count by itself.
                if !is_own && permissions.battery.is_none() {
                    plan.battery = None;
                }
                Ok(Self::Plan { plan: Box::new(plan.permitted(permissions)?), name, is_own })
            }
            profile @ Self::Profile(_) => Ok(profile),
        }
    }

    /// The plan for units that are open, and these in its order.
    pub(crate) fn planned(
        self,
        opened: Vec<Open>,
        permissions: &Permissions,
        host: &HostClock,
    ) -> Result<(Plan, Vec<Open>), Blocked> {
        match self {
            Self::Plan { plan, .. } => Ok(in_order_of(*plan, opened)?),
            Self::Profile(profile) => Ok((planned(&profile, &opened, permissions, host)?, opened)),
        }
    }
}

fn saved_plan(name: &str, bytes: &[u8]) -> Result<Plan, Failure> {
    if bytes.trim_ascii_start().starts_with(b"{\"format\":\"lvx-journal") {
        return Err(Failure::usage(format_args!("{name}: this is a journal: lvx restore {name}")));
    }
    serde_json::from_slice(bytes)
        .map_err(|error| Failure::usage(format_args!("{name}: expected a plan: {error}")))
}

/// A plan with the units where they are now, and these in its order.
pub(crate) fn in_order_of(mut plan: Plan, opened: Vec<Open>) -> Result<(Plan, Vec<Open>), Failure> {
    let mut opened: Vec<_> = opened.into_iter().map(Some).collect();
    let mut ordered = Vec::new();
    for planned in &mut plan.units {
        let serial = planned.unit.serial_number;
        let found = opened
            .iter_mut()
            .find(|open| open.as_ref().is_some_and(|open| open.unit.serial_number == serial));
        let Some(open) = found.and_then(Option::take) else {
            return Err(Failure::usage(format_args!(
                "unit {serial} of the plan is not among these; name its address"
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
    opened: &[Open],
    permissions: &Permissions,
    host: &HostClock,
) -> Result<Plan, Blocked> {
    let mut told = Vec::new();
    let mut errors = None;
    for open in opened {
        let found = validate_for(profile, &open.unit, permissions);
        if found.has_errors() {
            errors.get_or_insert(found);
        } else if !found.is_empty() && !told.contains(&found) {
            // Shows once what holds for all units.
            print_diagnostics(&found);
            told.push(found);
        }
    }
    let units = opened.iter().map(|open| (open.address.to_string(), open.unit.clone()));
    let plan = Plan::for_profile(profile.profile(), units, permissions);
    // What has a place in the profile is shown there.
    let plan = match (plan, errors) {
        (Ok(plan), None) => Ok(plan),
        (Err(obstacles), None) => Err(Blocked::from(obstacles)),
        (plan, Some(errors)) => {
            let obstacles: Vec<_> = plan.err().iter().flat_map(Obstacles::iter).cloned().collect();
            let mut failure = Failure::from(errors);
            if obstacles.iter().any(|told| told.kind == ObstacleKind::NoBatteryGuard) {
                failure = failure.with_message(format_args!(
                    "a battery guard can be stated once for all profiles ({}); to write without one: \
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
