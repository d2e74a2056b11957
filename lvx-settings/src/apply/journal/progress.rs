//! The progress of an earlier run, derived from its records.

use super::record::Record;
use crate::{
    Plan,
    apply::{
        direction::RunDirection,
        stray::{PendingCorrection, Stray, pending_corrections},
    },
};

/// The progress of an earlier run: the steps that may be done, and the writes that are in doubt.
///
/// [`Past::progress`](crate::Past::progress) derives it from a journal, and
/// [`Apply::resume`](crate::Apply::resume) continues from it.
///
/// ```
/// use lvx_settings::{ApplyProgress, Record, RunDirection};
///
/// let direction = RunDirection::Forward;
/// let progress = ApplyProgress::of(&[
///     Record::Writing { step: 0, direction, attempt: 1 },
///     Record::Proved { step: 0, direction },
///     Record::Writing { step: 1, direction, attempt: 1 },
///     // The program was killed here.
/// ]);
/// assert_eq!(progress.at_most, 2);
/// assert!(progress.in_flight);
/// assert_eq!(progress.unproved, [1]);
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ApplyProgress {
    /// Number of steps, from the first one, that may be done.
    pub at_most: usize,
    /// Whether the last record announces a write. The unit may show this write later.
    pub in_flight: bool,
    /// Steps whose last write was announced but not verified. The unit may show this write later.
    pub unproved: Vec<usize>,
    /// Set commands that may have reached another unit than intended.
    pub strays: Vec<Stray>,
    /// Pairs of a step and a unit: the unit got its old values back after it may have received a command of
    /// the step.
    pub corrected: Vec<(usize, usize)>,
}

impl ApplyProgress {
    /// Returns the progress of a run with these records.
    #[must_use]
    pub fn of(records: &[Record]) -> Self {
        let mut progress = Self::default();
        for record in records {
            progress.in_flight =
                matches!(record, Record::Writing { .. } | Record::Correcting { .. });
            progress.note(record);
        }
        progress
    }

    /// Returns the settings that have to be written when the run is continued, because units may have received
    /// commands for other units.
    #[must_use]
    pub fn pending_corrections(&self, plan: &Plan) -> Vec<PendingCorrection> {
        pending_corrections(plan, &self.strays, &self.corrected)
    }

    fn note(&mut self, record: &Record) {
        match *record {
            Record::Writing { step, direction, .. } => {
                if direction == RunDirection::Forward {
                    self.at_most = self.at_most.max(step + 1);
                }
                if !self.unproved.contains(&step) {
                    self.unproved.push(step);
                }
            }
            Record::Proved { step, direction } => {
                self.unproved.retain(|unproved| *unproved != step);
                match direction {
                    RunDirection::Forward => self.at_most = self.at_most.max(step + 1),
                    // If a later step could not be undone, the number stays, so that this step is tried
                    // again.
                    RunDirection::Backward if self.at_most == step + 1 => self.at_most = step,
                    RunDirection::Backward => {}
                }
            }
            Record::Undoing { ref unproved, ref of, .. } => {
                self.unproved.retain(|step| !of.is_empty() && !of.contains(step));
                let new = unproved.iter().filter(|step| !self.unproved.contains(step));
                let new: Vec<_> = new.copied().collect();
                self.unproved.extend(new);
            }
            Record::Misdirected { ref stray } => {
                // Units that were corrected before may have received this command as well.
                self.corrected.retain(|(step, _)| *step != stray.step);
                self.strays.push(stray.clone());
            }
            Record::Corrected { step, unit, .. } => self.corrected.push((step, unit)),
            _ => {}
        }
    }
}
