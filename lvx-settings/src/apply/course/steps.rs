//! The order of the steps, and of their undo after a failure.

use pi18_proto::SerialNumber;

use crate::{
    Group, Settings, Unit,
    apply::{
        change::{Change, Failure, Verdict},
        direction::{ResumeMode, RunDirection},
        events,
        journal::Record,
        machine::{Apply, Phase},
        objection::Objection,
        reason::{Cause, Reason},
        report::ApplyReport,
        state::Left,
        stray::{Stray, StrayCause},
    },
};

impl Apply {
    /// Returns the phase after the preflight. `found` are the units that it read, or its objections.
    pub(in crate::apply) fn preflight_done(&mut self, found: Result<Vec<Unit>, Reason>) -> Phase {
        match found {
            Err(why) => return self.refuse(why),
            Ok(units) => self.units = units,
        }
        let steps = self.plan.steps.len();
        let Some((progress, mode)) = &self.resumed else {
            return if steps == 0 { self.verify() } else { Phase::Backup };
        };
        let mode = *mode;
        let next = match mode {
            // Steps that are already done are recognized by the values of the units.
            ResumeMode::Finish => Phase::BeginStep(0),
            ResumeMode::Undo => {
                self.undo.steps = (0..progress.at_most.min(steps)).collect();
                self.outcome.why = Some(Reason::EarlierRunUndone);
                Phase::BeginUndo
            }
        };
        self.strays.queue_corrections(&self.plan);
        Phase::record(Record::Resumed { mode }, Phase::correct(next))
    }

    /// Begins a step, or the last readings if all steps are done.
    pub(in crate::apply) fn begin_step(&mut self, at: usize) -> Phase {
        if self.interrupts.any() {
            return self.fail(Reason::Interrupted, at);
        }
        let Some(step) = self.plan.steps.get(at) else {
            return Phase::record(Record::Applied, self.verify());
        };
        if self.is_lost(step.unit) {
            return self.step_not_taken(at, Cause::Lost, at);
        }
        // When an earlier run is finished, other settings may have changed since.
        let states = self.plan.settings_after(at);
        let ahead = self.ahead.get(step.unit).copied().unwrap_or_default();
        let expected = states.get(step.unit).map(|state| state.overlaid(&ahead));
        match self.step_change(at, expected.filter(|_| self.resumed.is_none())) {
            Some(change) => Phase::Step(Box::new(change)),
            None => self.step_not_taken(at, Cause::NoCommand, at),
        }
    }

    /// Begins the undo of the next step, or the last readings if all steps are undone.
    pub(in crate::apply) fn begin_undo(&mut self) -> Phase {
        let Some(at) = self.undo.steps.pop() else { return self.verify() };
        let Some(step) = self.plan.steps.get(at) else { return Phase::BeginUndo };
        if self.is_lost(step.unit) {
            return self.leave(at, Cause::Lost, true);
        }
        match self.undo_change(at) {
            Some(change) => Phase::Step(Box::new(change)),
            None => self.leave(at, Cause::NoCommand, false),
        }
    }

    /// Returns the phase after a step or its undo.
    pub(in crate::apply) fn step_ended(&mut self, change: &Change, verdict: Verdict) -> Phase {
        let (step, direction) = change.task().place();
        events::ended(change, &verdict);
        match verdict {
            Verdict::Proved => {
                let shown = change.shown_after_write();
                match shown.map_or(Ok(()), |shown| self.queue_voltages(step, direction, &shown)) {
                    Ok(()) => self.step_proved(step, direction),
                    Err(cause) => {
                        self.doubts.clear_step(step);
                        self.step_not_taken(step, cause, step + 1)
                    }
                }
            }
            Verdict::Failed(failure) => {
                let stray = self.note_failure(change, &failure);
                let next = self.step_failed(step, direction, failure);
                record_stray(stray, next)
            }
        }
    }

    /// Notes whether a failed write lost its unit, and whether its command may have reached another unit.
    /// Returns the stray command if it has to be recorded.
    pub(super) fn note_failure(&mut self, change: &Change, failure: &Failure) -> Option<Stray> {
        if failure.lost
            && let Some(lost) = self.lost.get_mut(change.unit())
        {
            *lost = true;
        }
        let cause = failure.stray_cause?;
        let (step, direction) = change.task().place();
        let stray =
            Stray { step, direction, unit: change.unit(), command: change.command(), cause };
        self.strays.add(stray.clone(), &self.plan);
        (cause != StrayCause::NeverShown).then_some(stray)
    }

    fn step_proved(&mut self, step: usize, direction: RunDirection) -> Phase {
        self.doubts.clear_step(step);
        self.doubts.settle_step(step);
        if let Some(done) = self.plan.steps.get(step)
            && let Some(ahead) = self.ahead.get_mut(done.unit)
        {
            *ahead = ahead.only(|setting| done.to.get(setting).is_none());
        }
        let next = match direction {
            RunDirection::Forward => Phase::BeginStep(step + 1),
            RunDirection::Backward => Phase::BeginUndo,
        };
        let proved = Phase::record(Record::Proved { step, direction }, next);
        // The step is recorded as verified only after the voltages of the unit were corrected.
        if self.strays.queue.is_empty() { proved } else { Phase::correct(proved) }
    }

    fn step_failed(&mut self, step: usize, direction: RunDirection, failure: Failure) -> Phase {
        if failure.may_be_done {
            self.doubts.add_step(step);
        }
        if direction == RunDirection::Forward {
            let done = step + usize::from(failure.may_be_done);
            return self.step_not_taken(step, failure.why, done);
        }
        let strayed = failure.stray_cause.is_some_and(|cause| cause != StrayCause::NeverShown);
        if strayed && !self.undo.repeated.contains(&step) {
            self.undo.repeated.push(step);
            self.undo.steps.push(step);
            self.strays.queue_corrections(&self.plan);
            return Phase::correct(Phase::BeginUndo);
        }
        if self.doubts.unproved.contains(&step)
            && let Some(planned) = self.plan.steps.get(step)
        {
            self.doubts.add_unit(step, planned.unit);
        }
        self.leave(step, failure.why, failure.lost)
    }

    /// Begins the undo of the first `done` steps, and of all steps that an earlier run may have done, because
    /// of a failure.
    pub(in crate::apply) fn fail(&mut self, why: Reason, done: usize) -> Phase {
        let earlier = self.resumed.as_ref().map_or(0, |(progress, _)| progress.at_most);
        let done = done.max(earlier).min(self.plan.steps.len());
        let (unproved, of) = (self.doubts.unproved.clone(), Vec::new());
        let record = Record::Undoing { why: why.to_string(), done, unproved, of };
        events::undoing(&why, done);
        self.outcome.why.get_or_insert(why);
        self.undo.steps = (0..done).collect();
        self.strays.queue_corrections(&self.plan);
        Phase::record(record, Phase::correct(Phase::BeginUndo))
    }

    /// Gives up undoing a step.
    pub(super) fn leave(&mut self, step: usize, cause: Cause, lost: bool) -> Phase {
        let why = match self.write_of(step) {
            Some((unit, group, to)) => Reason::NotUndone { unit, group, to, cause },
            None => no_unit(step),
        };
        self.undo.left.push(Left { step, why, lost });
        Phase::record(Record::Left { step }, Phase::BeginUndo)
    }

    /// Ends a run that has written nothing.
    pub(in crate::apply) fn refuse(&mut self, why: Reason) -> Phase {
        self.outcome.why = Some(why);
        let report = self.report_unwritten(&[]);
        self.end(report)
    }

    /// Ends the run.
    pub(super) fn end(&mut self, report: ApplyReport) -> Phase {
        events::run_ended(&report);
        self.outcome.report = Some(report);
        Phase::Done
    }

    /// Returns the phase after a record that could not be stored. No further step is begun, but an undo
    /// continues without a journal.
    pub(in crate::apply) fn record_failed(
        &mut self,
        record: &Record,
        error: String,
        next: Phase,
    ) -> Phase {
        let why = Reason::NotRecorded { error };
        match record {
            Record::Proved { step, direction: RunDirection::Forward } => self.fail(why, step + 1),
            Record::Applied => self.fail(why, self.plan.steps.len()),
            _ => {
                self.outcome.remark(why);
                next
            }
        }
    }

    /// Begins the undo of the first `done` steps because the unit of a step did not take its values.
    fn step_not_taken(&mut self, step: usize, cause: Cause, done: usize) -> Phase {
        let why = match self.write_of(step) {
            Some((unit, group, to)) => Reason::NotTaken { unit, group, to, cause },
            None => no_unit(step),
        };
        self.fail(why, done)
    }

    /// Returns the unit, the group and the new values of a step.
    fn write_of(&self, step: usize) -> Option<(SerialNumber, Option<Group>, Settings)> {
        let step = self.plan.steps.get(step)?;
        let planned = self.plan.units.get(step.unit)?;
        Some((planned.unit.serial_number, step.group(), step.to))
    }

    /// Returns whether a unit can no longer be reached.
    pub(super) fn is_lost(&self, unit: usize) -> bool {
        self.lost.get(unit).copied().unwrap_or_default()
    }
}

/// Returns the reason for a step of an inconsistent plan.
fn no_unit(step: usize) -> Reason {
    let text = format!("step {}: expected the index of a unit of the plan", step + 1);
    Reason::Objected(vec![Objection::of_plan(text)])
}

/// Stores a record of a stray command before the next phase.
pub(super) fn record_stray(stray: Option<Stray>, next: Phase) -> Phase {
    match stray {
        Some(stray) => Phase::record(Record::Misdirected { stray }, next),
        None => next,
    }
}
