//! The part of a run that is resumed.

use lvx_settings::{Ending, Past, Record, RunDirection};

/// The units of a run that are resumed without the others.
#[derive(Debug)]
pub(super) struct Part {
    /// Numbers of the steps in the whole run.
    steps: Vec<usize>,
    /// Numbers of the units in the whole run.
    units: Vec<usize>,
    /// Numbers of the other units.
    others: Vec<usize>,
}

impl Part {
    /// Returns the part with these units of a run with `count` units.
    pub(super) fn new(units: &[usize], steps: Vec<usize>, count: usize) -> Self {
        let others = (0..count).filter(|unit| !units.contains(unit)).collect();
        Self { steps, units: units.to_vec(), others }
    }

    /// Returns the number of a unit in the whole run.
    pub(super) fn whole_unit(&self, unit: usize) -> Option<usize> {
        self.units.get(unit).copied()
    }

    /// Converts a record of the part to one of the whole run; `None` if it only applies to the part.
    pub(super) fn of_whole(&self, record: &Record, whole: Option<&Past>) -> Option<Record> {
        match record {
            Record::Ended { ending } if !self.others_ended(whole, *ending) => None,
            record => record.of_whole(&self.steps, &self.units),
        }
    }

    /// Returns whether the other units have already ended in the same way.
    fn others_ended(&self, whole: Option<&Past>, ending: Ending) -> bool {
        let Some(whole) = whole else { return false };
        let (others, steps) = whole.part(&self.others);
        match ending {
            Ending::Undone => others.progress().at_most == 0,
            Ending::Applied => (0..steps.len()).all(|step| {
                let of_step = |record: &&Record| {
                    matches!(record, Record::Proved { step: proved, .. }
                        | Record::Writing { step: proved, .. } if *proved == step)
                };
                let last = others.records.iter().rev().find(of_step);
                last == Some(&Record::Proved { step, direction: RunDirection::Forward })
            }),
            _ => false,
        }
    }
}
