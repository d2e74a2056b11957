//! The purpose of a write: a step of the plan, or a correction in addition to the steps.

use super::direction::RunDirection;
use crate::Settings;

/// The purpose of a write.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Task {
    /// A step of the plan is done or undone.
    Step { step: usize, direction: RunDirection },
    /// A unit gets settings that no step of the plan writes.
    Correction(Correction),
}

/// A write in addition to the steps of the plan, which gives a unit the settings that it should have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Correction {
    /// Index of the step whose command or side effect is corrected.
    pub(super) step: usize,
    /// Index of the unit that is corrected, in the plan.
    pub(super) unit: usize,
    /// Settings that the unit gets.
    pub(super) to: Settings,
    pub(super) reason: CorrectionReason,
}

/// The reason why a unit is corrected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum CorrectionReason {
    /// The unit may have received a command for another unit.
    Stray,
    /// The new battery type of the unit replaced its voltages when the step was done or undone.
    Voltages(RunDirection),
}

impl Task {
    /// Returns the index of the step, and whether it is done or undone. Corrections count as undoing.
    pub(super) fn place(self) -> (usize, RunDirection) {
        match self {
            Self::Step { step, direction } => (step, direction),
            Self::Correction(correction) => (correction.step, RunDirection::Backward),
        }
    }
}
