//! Which way a step goes, and how a run that did not end is continued.

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
/// The owner decides: finishing needs units without a fault that still have the old or the new
/// settings, undoing is always possible.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResumeMode {
    /// Do the steps that remain.
    Finish,
    /// Undo the steps that were done.
    Undo,
}
