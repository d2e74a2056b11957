//! The records of a run.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    Settings,
    apply::{
        direction::{ResumeMode, RunDirection},
        report::Ending,
        stray::Stray,
    },
};

/// A record of a run: what happened, or is about to happen.
///
/// Steps and units are indexes in the plan, counted from 0.
///
/// A successful step leaves two records, here as they are written to a journal:
///
/// ```
/// use lvx_settings::{Record, RunDirection};
///
/// let direction = RunDirection::Forward;
/// let records = [
///     Record::Writing { step: 0, direction, attempt: 1 },
///     Record::Proved { step: 0, direction },
/// ];
/// let lines: Vec<_> =
///     records.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
/// assert_eq!(lines, [
///     r#"{"record":"writing","step":0,"direction":"forward","attempt":1}"#,
///     r#"{"record":"proved","step":0,"direction":"forward"}"#,
/// ]);
/// # Ok::<(), serde_json::Error>(())
/// ```
///
/// A failure is recorded as [`Undoing`](Self::Undoing), followed by the same two records for each
/// step that is undone, with [`RunDirection::Backward`]. [`Ended`](Self::Ended) is the last record of
/// a run that was not killed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Record {
    /// The set command of a step is about to be sent.
    Writing {
        /// Index of the step.
        step: usize,
        /// Whether the step is done or undone.
        direction: RunDirection,
        /// Number of the attempt, counted from 1.
        attempt: u32,
    },
    /// A step, or its undo, was verified by reading back.
    Proved {
        /// Index of the step.
        step: usize,
        /// Whether the step was done or undone.
        direction: RunDirection,
    },
    /// A step could not be undone.
    Left {
        /// Index of the step.
        step: usize,
    },
    /// The run failed, and the steps that may be done are about to be undone.
    Undoing {
        /// The failure.
        why: String,
        /// Number of steps, from the first one, that may be done.
        done: usize,
        /// Steps whose write may have arrived although the unit does not show it.
        #[serde(default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
        unproved: Vec<usize>,
        /// Steps of the units that are undone, if these are not all units of the plan; empty if they are.
        /// For other steps, the earlier records still hold.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        of: Vec<usize>,
    },
    /// A set command may have reached another unit than the one of its step.
    Misdirected {
        /// The command, and the unit that may have received it.
        stray: Stray,
    },
    /// The set command of a correction is about to be sent, because the unit may have received a command for
    /// another unit, or because its new battery type replaced its voltages.
    Correcting {
        /// Index of the step whose command or side effect is corrected.
        step: usize,
        /// Index of the unit.
        unit: usize,
        /// Settings that are written.
        to: Settings,
        /// Number of the attempt, counted from 1.
        attempt: u32,
    },
    /// A correction was verified by reading back.
    Corrected {
        /// Index of the step whose command or side effect was corrected.
        step: usize,
        /// Index of the unit.
        unit: usize,
        /// Settings that were written.
        to: Settings,
    },
    /// An earlier run is continued.
    Resumed {
        /// Whether the earlier run is finished or undone.
        #[serde(rename = "way")]
        mode: ResumeMode,
    },
    /// All steps are done and verified.
    Applied,
    /// The run waits for a confirmation, and undoes everything if there is none in time.
    Waiting {
        /// Time to wait, in seconds, from the time of this record.
        seconds: u64,
    },
    /// The new settings were confirmed.
    Confirmed,
    /// The run ended.
    Ended {
        /// How the run ended.
        ending: Ending,
    },
    /// The owner declared that the run needs no further attention.
    Forgotten,
}

impl Record {
    /// Returns the highest step and the highest unit that the record names.
    pub(super) fn places(&self) -> (usize, usize) {
        match self {
            Self::Writing { step, .. } | Self::Proved { step, .. } | Self::Left { step } => {
                (*step, 0)
            }
            Self::Undoing { done, unproved, of, .. } => {
                let unproved = unproved.iter().chain(of).copied().max().unwrap_or_default();
                (unproved.max(done.saturating_sub(1)), 0)
            }
            Self::Misdirected { stray } => (stray.step, stray.unit),
            Self::Correcting { step, unit, .. } | Self::Corrected { step, unit, .. } => {
                (*step, *unit)
            }
            _ => (0, 0),
        }
    }
}

/// Reads a list of numbers. Journals of earlier versions have a single number instead.
fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<usize>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Numbers {
        One(usize),
        Many(Vec<usize>),
    }

    Ok(match Numbers::deserialize(deserializer)? {
        Numbers::One(number) => vec![number],
        Numbers::Many(numbers) => numbers,
    })
}
