//! What a write is for: a step of the plan, or a correction beside the steps.

use super::direction::RunDirection;
use crate::Settings;

/// What a write is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Task {
    /// A step of the plan is done or undone.
    Step { step: usize, direction: RunDirection },
    /// A unit gets settings that no step of the plan writes.
    Correction(Correction),
}

/// A write beside the steps of the plan, which gives a unit the settings that it should have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Correction {
    /// Index of the step whose command or side effect is corrected.
    pub(super) step: usize,
    /// Index of the unit that is corrected.
    pub(super) unit: usize,
    /// Settings that the unit gets.
    pub(super) to: Settings,
    pub(super) reason: Reason,
}

/// Why a unit is corrected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reason {
    /// The unit may have received a command that was meant for another one.
    Stray,
    /// The unit's new battery type replaced its voltages, while the step was done or undone.
    Voltages(RunDirection),
}

impl Task {
    /// Returns the index of the step, and whether it is done or undone. A correction counts as
    /// undoing.
    pub(super) fn place(self) -> (usize, RunDirection) {
        match self {
            Self::Step { step, direction } => (step, direction),
            Self::Correction(correction) => (correction.step, RunDirection::Backward),
        }
    }
}
