//! The direction of a step, and how an interrupted run is continued.

use serde::{Deserialize, Serialize};

/// Whether a step is done or undone.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunDirection {
    /// The step is done.
    Forward,
    /// The step is undone.
    Backward,
}

/// How to continue a run that did not end.
///
/// [`Finish`](Self::Finish) requires that no unit has a fault, and that every setting of the plan still has a
/// value that the plan gives it: the old one, the new one, or one in between. [`Undo`](Self::Undo) only
/// requires that the units are those of the plan, with the same firmware.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResumeMode {
    /// Do the steps that remain.
    Finish,
    /// Undo the steps that were done.
    Undo,
}
