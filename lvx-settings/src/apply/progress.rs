//! Where an earlier run of a plan was left, read from its records.

use super::{
    Stray,
    stray::{Owed, owed},
};
use crate::{
    Plan,
    apply::journal::{Record, RunDirection},
};

/// Where an earlier run of a plan was left.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ApplyProgress {
    /// No step after this many of the first steps is done.
    pub at_most: usize,
    /// Whether the last record announces a write: it may still be on its way to be shown.
    pub in_flight: bool,
    /// Steps of which a write was announced and not proved, and that are still to be undone. What
    /// the unit shows may be older than what it has.
    pub unproved: Vec<usize>,
    /// Set commands that may have reached another unit than intended.
    pub strays: Vec<Stray>,
    /// Units that were given back what they had, by the step whose command had strayed.
    pub corrected: Vec<(usize, usize)>,
}

impl ApplyProgress {
    /// Returns where a run that noted these records was left.
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

    /// Returns what units get back when the run goes on, because they may have got commands meant for
    /// others.
    #[must_use]
    pub fn owed(&self, plan: &Plan) -> Vec<Owed> {
        owed(plan, &self.strays, &self.corrected)
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
                    // Steps before one that was left are kept in sight.
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
                // What was written back before, the unit may have lost again.
                self.corrected.retain(|(step, _)| *step != stray.step);
                self.strays.push(stray.clone());
            }
            Record::Corrected { step, unit, .. } => self.corrected.push((step, unit)),
            _ => {}
        }
    }
}
