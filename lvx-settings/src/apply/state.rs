//! The state of a run beside its plan and its phase: failures, doubts, the steps left to undo, and commands
//! that may have reached another unit.

use std::collections::VecDeque;

use super::{
    reason::Reason,
    report::ApplyReport,
    stray::{PendingCorrection, Stray, pending_corrections},
    task::{Correction, CorrectionReason},
};
use crate::Plan;

/// The results of a run so far.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// First failure. The run is being undone because of it.
    pub(super) why: Option<Reason>,
    /// Further failures.
    remarks: Vec<Reason>,
    /// Number of set commands that were sent.
    pub(super) writes: u64,
    /// Whether the new settings were confirmed, after which nothing is undone.
    pub(super) confirmed: bool,
    pub(super) report: Option<ApplyReport>,
}

impl Outcome {
    /// Adds a further failure, once.
    pub(super) fn remark(&mut self, remark: Reason) {
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    pub(super) fn remarks(&self) -> &[Reason] {
        &self.remarks
    }

    /// Returns whether a failure would cause an undo: there was no failure so far, and no confirmation.
    pub(super) fn may_fail(&self) -> bool {
        self.why.is_none() && !self.confirmed
    }
}

/// Writes whose effect is not known.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    /// Steps whose write may have arrived although the unit does not show it.
    pub(super) unproved: Vec<usize>,
    /// Pairs of a step and a unit: a write of the step may still change the unit.
    unsettled: Vec<(usize, usize)>,
}

impl Doubts {
    pub(super) fn new(unproved: Vec<usize>) -> Self {
        Self { unproved, unsettled: Vec::new() }
    }

    /// Notes that a step may be done.
    pub(super) fn add_step(&mut self, step: usize) {
        if !self.unproved.contains(&step) {
            self.unproved.push(step);
        }
    }

    /// Notes that a step is neither done nor in doubt.
    pub(super) fn clear_step(&mut self, step: usize) {
        self.unproved.retain(|unproved| *unproved != step);
    }

    /// Notes that a write of a step may still change a unit.
    pub(super) fn add_unit(&mut self, step: usize, unit: usize) {
        if !self.unsettled.contains(&(step, unit)) {
            self.unsettled.push((step, unit));
        }
    }

    /// Notes that no write of a step can change a unit any longer.
    pub(super) fn settle_step(&mut self, step: usize) {
        self.unsettled.retain(|(unsettled, _)| *unsettled != step);
    }

    /// Notes that no write of a step can change this unit any longer.
    pub(super) fn settle_unit(&mut self, step: usize, unit: usize) {
        self.unsettled.retain(|unsettled| *unsettled != (step, unit));
    }

    /// Returns whether a reading of a unit may be out of date.
    pub(super) fn concern_unit(&self, unit: usize) -> bool {
        self.unsettled.iter().any(|(_, unsettled)| *unsettled == unit)
    }

    /// Returns whether a reading of any unit may be out of date.
    pub(super) fn concern_any_unit(&self) -> bool {
        !self.unsettled.is_empty()
    }
}

/// The undo of a run.
#[derive(Debug, Default)]
pub(super) struct Undo {
    /// Steps that remain to be undone; the last one is next.
    pub(super) steps: Vec<usize>,
    /// Steps that could not be undone.
    pub(super) left: Vec<Left>,
    /// Steps whose undo was repeated because its command may have reached another unit.
    pub(super) repeated: Vec<usize>,
    /// Whether the undo of units that were lost was tried a second time.
    pub(super) tried_again: bool,
}

/// A step that could not be undone.
#[derive(Debug)]
pub(super) struct Left {
    pub(super) step: usize,
    pub(super) why: Reason,
    /// Whether the unit could not be reached.
    pub(super) lost: bool,
}

/// Set commands that may have reached another unit, of this run and of earlier ones.
#[derive(Debug, Default)]
pub(super) struct Strays {
    pub(super) commands: Vec<Stray>,
    /// Pairs of a step and a unit: the unit got its old values back after it may have received a command of
    /// the step.
    corrected: Vec<(usize, usize)>,
    /// Corrections that remain to be sent.
    pub(super) queue: VecDeque<Correction>,
}

impl Strays {
    pub(super) fn new(commands: Vec<Stray>, corrected: Vec<(usize, usize)>) -> Self {
        Self { commands, corrected, queue: VecDeque::new() }
    }

    /// Adds a stray command. Units that were corrected before may have received it as well, so they are
    /// corrected again.
    pub(super) fn add(&mut self, stray: Stray, plan: &Plan) {
        let suspects = stray.suspects(plan);
        self.corrected.retain(|(step, unit)| *step != stray.step || !suspects.contains(unit));
        self.commands.push(stray);
    }

    /// Notes that a unit was corrected after a command of a step had strayed.
    pub(super) fn mark_corrected(&mut self, step: usize, unit: usize) {
        self.corrected.push((step, unit));
    }

    /// Queues a correction for each unit that may have received a stray command.
    pub(super) fn queue_corrections(&mut self, plan: &Plan) {
        for pending in pending_corrections(plan, &self.commands, &self.corrected) {
            let PendingCorrection { step, unit, to } = pending;
            let correction = Correction { step, unit, to, reason: CorrectionReason::Stray };
            if !self.queue.contains(&correction) {
                self.queue.push_back(correction);
            }
        }
    }

    /// Returns whether the unit that may have received a stray command is known and was corrected.
    pub(super) fn is_corrected(&self, stray: &Stray, plan: &Plan) -> bool {
        let Some(found) = stray.found() else { return false };
        let is_found = |unit: usize| {
            plan.units.get(unit).is_some_and(|known| known.unit.serial_number == found)
        };
        stray
            .suspects(plan)
            .into_iter()
            .any(|unit| is_found(unit) && self.corrected.contains(&(stray.step, unit)))
    }
}

/// Interrupts of a run.
#[derive(Debug, Default)]
pub(super) struct Interrupts {
    /// Number of interrupts.
    pub(super) count: u32,
    /// Number of interrupts that were handled.
    handled: u32,
}

impl Interrupts {
    /// Returns whether there is an interrupt that was not handled yet, and marks it as handled.
    pub(super) fn take(&mut self) -> bool {
        let is_new = self.count > self.handled;
        self.handled = self.count;
        is_new
    }

    pub(super) fn any(&self) -> bool {
        self.count > 0
    }
}
