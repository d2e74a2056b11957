//! Set commands that may have reached another unit than the one that they were meant for.

use pi18_proto::{Count, SerialNumber};
use serde::{Deserialize, Serialize};

use crate::{Plan, Settings, Step, apply::journal::RunDirection};

/// A set command that may have reached another unit than the one of its step.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Stray {
    /// The step that it was sent for, counted from 0.
    pub step: usize,
    /// Whether the step was being done or undone.
    pub direction: RunDirection,
    /// The unit of the plan that it was meant for, counted from 0.
    pub unit: usize,
    /// The command as it was sent.
    pub command: String,
    /// Why it may have reached another unit.
    pub cause: Astray,
}

/// Why a set command may have reached another unit.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Astray {
    /// Another unit answered on the same link afterwards: the cables were changed.
    AnotherUnit {
        /// The unit that answered.
        found: SerialNumber,
    },
    /// The command names a unit by its number in the bank, and the numbers changed meanwhile.
    Renumbered {
        /// The number that the unit of the step has now.
        now: Count,
        /// The unit that has the number of the command now, if the bank says so.
        found: Option<SerialNumber>,
    },
    /// It was accepted, and the unit of the step never showed the new values.
    NeverShown,
}

impl Stray {
    /// Returns the serial number of the unit that may have carried out the command, if it is known.
    #[must_use]
    pub fn found(&self) -> Option<SerialNumber> {
        match self.cause {
            Astray::AnotherUnit { found } => Some(found),
            Astray::Renumbered { found, .. } => found,
            Astray::NeverShown => None,
        }
    }

    /// Returns the other units of a plan that may have carried out the command, counted from 0.
    pub(super) fn suspects(&self, plan: &Plan) -> Vec<usize> {
        let others = (0..plan.units.len()).filter(|unit| *unit != self.unit);
        let is_found = |unit: &usize| {
            plan.units.get(*unit).is_some_and(|planned| {
                self.found().is_none_or(|found| found == planned.unit.serial_number)
            })
        };
        match self.cause {
            Astray::NeverShown => Vec::new(),
            _ => others.filter(is_found).collect(),
        }
    }
}

/// What a unit of the plan gets back because it may have got a command meant for another unit.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Owed {
    /// The step whose command may have strayed, counted from 0.
    pub step: usize,
    /// The unit of the plan, counted from 0.
    pub unit: usize,
    /// The settings that the plan gives the unit before that step.
    pub to: Settings,
}

/// Returns what units get back because of `strays`, except those of `corrected` (step and unit), which
/// got it already.
pub(super) fn owed(plan: &Plan, strays: &[Stray], corrected: &[(usize, usize)]) -> Vec<Owed> {
    let mut found = Vec::new();
    for stray in strays {
        let step = stray.step;
        let Some(group) = plan.steps.get(step).and_then(Step::group) else { continue };
        let states = plan.settings_after(step);
        for unit in stray.suspects(plan) {
            let Some(state) = states.get(unit) else { continue };
            let owed = Owed { step, unit, to: state.only(|setting| setting.group() == group) };
            if !corrected.contains(&(step, unit)) && !found.contains(&owed) {
                found.push(owed);
            }
        }
    }
    found
}
