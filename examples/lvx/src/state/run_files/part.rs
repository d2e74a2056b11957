//! A part of a run.

use lvx_settings::{Ending, Past, Record, RunDirection};

/// The units of a run that are carried on without the others.
#[derive(Debug)]
pub(super) struct Part {
    /// For each step of the part its number in the whole.
    steps: Vec<usize>,
    /// For each unit of the part its number in the whole.
    units: Vec<usize>,
    /// The units that are not in it.
    others: Vec<usize>,
}

impl Part {
    /// The part of a run with these units.
    pub(super) fn new(units: &[usize], steps: Vec<usize>, count: usize) -> Self {
        let others = (0..count).filter(|unit| !units.contains(unit)).collect();
        Self { steps, units: units.to_vec(), others }
    }

    /// The number in the whole run of a unit of the part.
    pub(super) fn whole_unit(&self, unit: usize) -> Option<usize> {
        self.units.get(unit).copied()
    }

    /// A record of the part as one of the whole run; `None` if it holds for the part only.
    pub(super) fn of_whole(&self, record: &Record, whole: Option<&Past>) -> Option<Record> {
        match record {
            Record::Ended { ending } if !self.others_ended(whole, *ending) => None,
            record => record.of_whole(&self.steps, &self.units),
        }
    }

    /// Whether the units that are not in the part came to the same end already.
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
