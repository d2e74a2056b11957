//! Set commands that may have reached another unit than the one that they were meant for.

use pi18_proto::{Count, SerialNumber};
use serde::{Deserialize, Serialize};

use super::direction::RunDirection;
use crate::{Plan, Settings, Step};

/// A set command that may have reached another unit than the one of its step.
///
/// This happens if cables are swapped while a link stays open, or if the units of a bank change their
/// numbers. If the other unit belongs to the plan, it gets back the settings that it should have, see
/// [`PendingCorrection`]. A unit outside the plan is only named in the report, because its old settings are
/// not known.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Stray {
    /// Index of the step that the command was sent for.
    pub step: usize,
    /// Whether the step was being done or undone.
    pub direction: RunDirection,
    /// Index of the unit in the plan that the command was meant for.
    pub unit: usize,
    /// The command as it was sent.
    pub command: String,
    /// Why the command may have reached another unit.
    pub cause: StrayCause,
}

/// Why a set command may have reached another unit.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
#[non_exhaustive]
pub enum StrayCause {
    /// Another unit answered on the same link afterwards: the cables were changed.
    AnotherUnit {
        /// Serial number of the unit that answered.
        found: SerialNumber,
    },
    /// The command names a unit by its number in the bank, and the numbers changed meanwhile.
    Renumbered {
        /// Number that the unit of the step has now.
        now: Count,
        /// Serial number of the unit that now has the number in the command, if the bank reports it.
        found: Option<SerialNumber>,
    },
    /// The command was accepted, but the unit of the step never showed the new values.
    NeverShown,
}

impl Stray {
    /// Returns the serial number of the unit that may have carried out the command, if it is known.
    #[must_use]
    pub fn found(&self) -> Option<SerialNumber> {
        match self.cause {
            StrayCause::AnotherUnit { found } => Some(found),
            StrayCause::Renumbered { found, .. } => found,
            StrayCause::NeverShown => None,
        }
    }

    /// Returns the indexes of the other units of a plan that may have carried out the command.
    pub(super) fn suspects(&self, plan: &Plan) -> Vec<usize> {
        let others = (0..plan.units.len()).filter(|unit| *unit != self.unit);
        let is_found = |unit: &usize| {
            plan.units.get(*unit).is_some_and(|planned| {
                self.found().is_none_or(|found| found == planned.unit.serial_number)
            })
        };
        match self.cause {
            StrayCause::NeverShown => Vec::new(),
            _ => others.filter(is_found).collect(),
        }
    }
}

/// Settings that have to be written to a unit because it may have received a command for another unit.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct PendingCorrection {
    /// Index of the step whose command may have reached the unit.
    pub step: usize,
    /// Index of the unit in the plan.
    pub unit: usize,
    /// Settings that the plan gives the unit before that step.
    pub to: Settings,
}

/// Returns the corrections after stray commands. `corrected` are pairs of a step and a unit that were corrected
/// already.
pub(super) fn pending_corrections(
    plan: &Plan,
    strays: &[Stray],
    corrected: &[(usize, usize)],
) -> Vec<PendingCorrection> {
    let mut found = Vec::new();
    for stray in strays {
        let step = stray.step;
        let Some(group) = plan.steps.get(step).and_then(Step::group) else { continue };
        let states = plan.settings_after(step);
        for unit in stray.suspects(plan) {
            let Some(state) = states.get(unit) else { continue };
            let pending = PendingCorrection {
                step,
                unit,
                to: state.only(|setting| setting.group() == group),
            };
            if !corrected.contains(&(step, unit)) && !found.contains(&pending) {
                found.push(pending);
            }
        }
    }
    found
}
