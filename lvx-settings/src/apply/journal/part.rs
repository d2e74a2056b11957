//! Renumbers the steps and units of records, between a plan and a part of it.

use super::record::Record;
use crate::Stray;

/// The numbers that steps and units have in another plan.
pub(super) struct Renumbering<'a> {
    /// Returns the new number of a step, or `None` if it is not in the other plan.
    pub(super) step: &'a dyn Fn(usize) -> Option<usize>,
    /// Returns the new number of a unit, or `None` if it is not in the other plan.
    pub(super) unit: &'a dyn Fn(usize) -> Option<usize>,
    /// Converts a number of first steps to the number of first steps in the other plan.
    pub(super) done: &'a dyn Fn(usize) -> usize,
}

impl Record {
    /// Converts a record of a part of a plan to a record of the whole plan. Returns `None` if it names a step
    /// or a unit that the part does not have. `steps` and `units` are the indexes of the part's steps and
    /// units in the whole plan.
    #[must_use]
    pub fn of_whole(&self, steps: &[usize], units: &[usize]) -> Option<Self> {
        let step = |step: usize| steps.get(step).copied();
        let record = self.renumbered(&Renumbering {
            step: &step,
            unit: &|unit| units.get(unit).copied(),
            done: &|done| done.checked_sub(1).and_then(step).map_or(0, |last| last + 1),
        })?;
        Some(match record {
            Self::Undoing { why, done, unproved, of } if of.is_empty() => {
                Self::Undoing { why, done, unproved, of: steps.to_vec() }
            }
            record => record,
        })
    }

    /// Returns the record with the numbers of the other plan, or `None` if it is about steps or units that are
    /// not in that plan.
    pub(super) fn renumbered(&self, new: &Renumbering<'_>) -> Option<Self> {
        Some(match *self {
            Self::Writing { step, direction, attempt } => {
                Self::Writing { step: (new.step)(step)?, direction, attempt }
            }
            Self::Proved { step, direction } => Self::Proved { step: (new.step)(step)?, direction },
            Self::Left { step } => Self::Left { step: (new.step)(step)? },
            Self::Undoing { ref why, done, ref unproved, ref of } => {
                let renumbered = |steps: &[usize]| -> Vec<_> {
                    steps.iter().filter_map(|step| (new.step)(*step)).collect()
                };
                let new_of = renumbered(of);
                if !of.is_empty() && new_of.is_empty() {
                    return None;
                }
                Self::Undoing {
                    why: why.clone(),
                    done: (new.done)(done),
                    unproved: renumbered(unproved),
                    of: new_of,
                }
            }
            Self::Misdirected { ref stray } => Self::Misdirected {
                stray: Stray {
                    step: (new.step)(stray.step)?,
                    unit: (new.unit)(stray.unit)?,
                    ..stray.clone()
                },
            },
            Self::Correcting { step, unit, to, attempt } => {
                Self::Correcting { step: (new.step)(step)?, unit: (new.unit)(unit)?, to, attempt }
            }
            Self::Corrected { step, unit, to } => {
                Self::Corrected { step: (new.step)(step)?, unit: (new.unit)(unit)?, to }
            }
            ref other => other.clone(),
        })
    }
}
