//! The course of a run: from step to step, back again after a failure, and to the report.

use super::{
    Apply, ApplyReport, Astray, Change, Correction, INTERRUPTED, Left, Phase, ResumeMode, Stray,
    Verify,
    change::{Failure, Verdict},
    note,
    verify::Shown,
};
use crate::{
    Setting, Unit,
    apply::journal::{Record, RunDirection},
};

/// What a write is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Task {
    /// A step of the plan, done or undone.
    Step { step: usize, direction: RunDirection },
    /// A write beside the steps.
    Correction(Correction),
}

impl Apply {
    /// Preflight is done.
    pub(super) fn found(&mut self, found: Result<Vec<Unit>, String>) -> Phase {
        match found {
            Err(why) => return self.refused(why),
            Ok(units) => self.units = units,
        }
        let steps = self.plan.steps.len();
        match &self.resumed {
            None if steps == 0 => self.verify(),
            None => Phase::Backup,
            &Some((ref progress, mode)) => {
                let after = match mode {
                    // What is done already is seen to be.
                    ResumeMode::Finish => Phase::Do(0),
                    ResumeMode::Undo => {
                        self.undo = (0..progress.at_most.min(steps)).collect();
                        self.why = Some("an earlier run was to be undone".to_owned());
                        Phase::Undo
                    }
                };
                self.queue_corrections();
                note(Record::Resumed { mode }, Phase::Correct(Box::new(after)))
            }
        }
    }

    /// Begins a step, or goes on after the last one.
    pub(super) fn doing(&mut self, at: usize) -> Phase {
        if self.interrupts > 0 {
            return self.failed(INTERRUPTED.to_owned(), at);
        }
        let Some(step) = self.plan.steps.get(at) else {
            return note(Record::Applied, self.verify());
        };
        if let Some(Some(why)) = self.lost.get(step.unit) {
            let why = format!("{}: {why}", self.name(at));
            return self.failed(why, at);
        }
        // A run that was left takes the other settings as they are.
        let states = self.plan.settings_after(at);
        let ahead = self.ahead.get(step.unit).copied().unwrap_or_default();
        let expected = states.get(step.unit).map(|state| state.overlaid(&ahead));
        let expected = expected.filter(|_| self.resumed.is_none());
        match Change::step(self, at, RunDirection::Forward, expected) {
            Some(change) => Phase::Step(Box::new(change), None),
            None => self.failed(format!("{}: it cannot be sent", self.name(at)), at),
        }
    }

    /// Begins to undo the next step, or goes on after the first one.
    pub(super) fn undoing(&mut self) -> Phase {
        let Some(at) = self.undo.pop() else { return self.verify() };
        let Some(step) = self.plan.steps.get(at) else { return Phase::Undo };
        if let Some(why) = self.lost.get(step.unit).cloned().flatten() {
            return self.left(at, &why, true);
        }
        match Change::step(self, at, RunDirection::Backward, None) {
            Some(change) => Phase::Step(Box::new(change), None),
            None => self.left(at, "it cannot be sent", false),
        }
    }

    /// The present write has ended, one way or the other.
    pub(super) fn judged(&mut self, verdict: Verdict) -> Phase {
        let Phase::Step(change, after) = std::mem::replace(&mut self.phase, Phase::Over) else {
            return Phase::Over;
        };
        let misdirected = match &verdict {
            Verdict::Failed(failure) => self.note_failure(&change, failure),
            Verdict::Proved => None,
        };
        let next = match (change.task(), verdict) {
            (Task::Correction(correction), verdict) => {
                let after = after.map_or(Phase::Undo, |after| *after);
                self.correction_judged(correction, verdict, after)
            }
            (Task::Step { step, direction }, Verdict::Proved) => {
                let shown = change.shown_after_write();
                match shown.map_or(Ok(()), |shown| self.queue_voltages(step, direction, &shown)) {
                    Ok(()) => self.step_proved(step, direction),
                    Err(why) => {
                        self.unproved.retain(|unproved| *unproved != step);
                        self.failed(format!("{}: {why}", self.name(step)), step + 1)
                    }
                }
            }
            (Task::Step { step, direction }, Verdict::Failed(failure)) => {
                self.step_failed(step, direction, &failure)
            }
        };
        match misdirected {
            Some(record) => note(record, next),
            None => next,
        }
    }

    /// Notes what a failed write says about its unit and about others.
    fn note_failure(&mut self, change: &Change, failure: &Failure) -> Option<Record> {
        if failure.lost
            && let Some(lost) = self.lost.get_mut(change.unit())
        {
            *lost = Some("it cannot be reached any more".to_owned());
        }
        let cause = failure.astray?;
        let (step, direction) = change.task().place();
        let (unit, command) = (change.unit(), change.command());
        let stray = Stray { step, direction, unit, command, cause };
        // What was written back before, it may have lost again.
        let suspects = stray.suspects(&self.plan);
        self.corrected.retain(|(of, unit)| *of != step || !suspects.contains(unit));
        self.strays.push(stray.clone());
        (cause != Astray::NeverShown).then_some(Record::Misdirected { stray })
    }

    fn step_proved(&mut self, step: usize, direction: RunDirection) -> Phase {
        self.unproved.retain(|unproved| *unproved != step);
        self.doubts.retain(|(_, doubt)| *doubt != step);
        if let Some(done) = self.plan.steps.get(step)
            && let Some(ahead) = self.ahead.get_mut(done.unit)
        {
            *ahead = ahead.only(|setting| done.to.get(setting).is_none());
        }
        let next = match direction {
            RunDirection::Forward => Phase::Do(step + 1),
            RunDirection::Backward => Phase::Undo,
        };
        let proved = note(Record::Proved { step, direction }, next);
        // A step whose voltages are not yet those of the plan is not done.
        if self.corrections.is_empty() { proved } else { Phase::Correct(Box::new(proved)) }
    }

    fn step_failed(&mut self, step: usize, direction: RunDirection, failure: &Failure) -> Phase {
        let may_be_done = failure.may_be_done;
        if may_be_done && !self.unproved.contains(&step) {
            self.unproved.push(step);
        }
        if direction == RunDirection::Forward {
            let why = format!("{}: {}", self.name(step), failure.why);
            return self.failed(why, step + usize::from(may_be_done));
        }
        let strayed = failure.astray.is_some_and(|cause| cause != Astray::NeverShown);
        if strayed && !self.repeated.contains(&step) {
            self.repeated.push(step);
            self.undo.push(step);
            self.queue_corrections();
            return Phase::Correct(Box::new(Phase::Undo));
        }
        if let Some(planned) = self.plan.steps.get(step).filter(|_| self.unproved.contains(&step)) {
            self.doubts.push((planned.unit, step));
        }
        self.left(step, &failure.why, failure.lost)
    }

    /// Something went wrong: this many steps are undone, and what an earlier run had done.
    pub(super) fn failed(&mut self, why: String, done: usize) -> Phase {
        let earlier = self.resumed.as_ref().map_or(0, |(progress, _)| progress.at_most);
        let done = done.max(earlier).min(self.plan.steps.len());
        let (unproved, of) = (self.unproved.clone(), Vec::new());
        let record = Record::Undoing { why: why.clone(), done, unproved, of };
        self.why.get_or_insert(why);
        self.undo = (0..done).collect();
        self.queue_corrections();
        note(record, Phase::Correct(Box::new(Phase::Undo)))
    }

    /// A step stays done although it should have been undone.
    pub(super) fn left(&mut self, step: usize, why: &str, lost: bool) -> Phase {
        let why = format!("{}: could not be put back: {why}", self.name(step));
        self.left.push(Left { step, why, lost });
        note(Record::Left { step }, Phase::Undo)
    }

    /// How a step is named: the unit, and the settings with what they were to become.
    fn name(&self, step: usize) -> String {
        let Some(step) = self.plan.steps.get(step) else { return String::new() };
        let serial = self.plan.units.get(step.unit).map(|planned| planned.unit.serial_number);
        let serial = serial.map_or(String::new(), |serial| serial.to_string());
        let values = step.to.iter().map(|(setting, value)| format!("{setting} {value}"));
        format!("{serial}: {}", values.collect::<Vec<_>>().join(", "))
    }

    /// Nothing was written, and nothing will be.
    pub(super) fn refused(&mut self, why: String) -> Phase {
        self.why = Some(why);
        self.report = Some(ApplyReport::unwritten(self, &[]));
        Phase::Over
    }

    /// Something was recorded, or could not be. Without a journal nothing more is written, but what
    /// was written is undone.
    pub(super) fn noted(
        &mut self,
        record: &Record,
        stored: Result<(), String>,
        after: Phase,
    ) -> Phase {
        let Err(why) = stored else { return after };
        let why = format!("the journal cannot be written: {why}");
        match record {
            Record::Proved { step, direction: RunDirection::Forward } => self.failed(why, step + 1),
            Record::Applied => self.failed(why, self.plan.steps.len()),
            _ => {
                self.remark(why);
                after
            }
        }
    }

    pub(super) fn remark(&mut self, remark: String) {
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    pub(super) fn verify(&self) -> Phase {
        let mut verify = Verify::new(&self.plan, &self.options);
        if self.interrupts > 0 {
            verify.hurry();
        }
        Phase::Verify(Box::new(verify))
    }

    /// All units were read a last time.
    pub(super) fn verified(&mut self) -> Phase {
        let shown = match &mut self.phase {
            Phase::Verify(verify) => verify.take(),
            _ => Vec::new(),
        };
        if self.interrupts > 0
            && self.why.is_none()
            && !self.confirmed
            && !self.plan.steps.is_empty()
        {
            return self.failed(INTERRUPTED.to_owned(), self.plan.steps.len());
        }
        if let Some(again) = self.second_undo(&shown) {
            return again;
        }
        let report = ApplyReport::new(self, &shown);
        let off = report.not_as_planned();
        if self.plan.steps.is_empty() {
            self.why = off;
            self.report = Some(ApplyReport::unwritten(self, &shown));
            return Phase::Over;
        }
        match (self.why.is_none() && !self.confirmed, off) {
            (true, Some(why)) => return self.failed(why, self.plan.steps.len()),
            (true, None) if self.resumed.is_none() => {
                if let Some(time) = self.options.confirm_within {
                    let seconds = time.as_secs();
                    return note(Record::Waiting { seconds }, Phase::Confirmation(time));
                }
            }
            _ => {}
        }
        let record = Record::Ended { ending: report.ending };
        self.report = Some(report);
        note(record, Phase::Over)
    }

    /// Whether nothing of the run is left to undo or to keep in a setting of a unit.
    pub(super) fn is_over_for(&self, unit: usize, setting: Setting) -> bool {
        let concerns = |step: usize| {
            let step = self.plan.steps.get(step);
            step.is_some_and(|step| step.unit == unit && step.to.get(setting).is_some())
        };
        (self.why.is_some() || self.confirmed)
            && !self.left.iter().any(|left| concerns(left.step))
            && !self.unproved.iter().any(|step| concerns(*step))
    }

    /// Units that were lost and answer again are undone once more.
    fn second_undo(&mut self, shown: &[Shown]) -> Option<Phase> {
        if self.why.is_none() || self.confirmed || self.tried_again {
            return None;
        }
        let answers = |unit: usize| shown.get(unit).is_some_and(Result::is_ok);
        let is_back = |apply: &Self, step: usize| {
            apply.plan.steps.get(step).is_some_and(|step| answers(step.unit))
        };
        let (back, left) = std::mem::take(&mut self.left)
            .into_iter()
            .partition(|left: &Left| left.lost && is_back(self, left.step));
        self.left = left;
        let returned =
            self.lost.iter().enumerate().any(|(unit, lost)| lost.is_some() && answers(unit));
        for (_, lost) in self.lost.iter_mut().enumerate().filter(|(unit, _)| answers(*unit)) {
            *lost = None;
        }
        self.undo = back.iter().map(|left: &Left| left.step).collect();
        self.undo.sort_unstable();
        self.queue_corrections();
        if !returned || (self.undo.is_empty() && self.corrections.is_empty()) {
            self.corrections.clear();
            return None;
        }
        self.tried_again = true;
        Some(Phase::Correct(Box::new(Phase::Undo)))
    }
}
