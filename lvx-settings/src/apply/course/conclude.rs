//! The last readings of all units, the decisions after them, and the report.

use crate::{
    Setting, Settings,
    apply::{
        journal::Record,
        machine::{Apply, Phase},
        preflight::is_equal,
        reason::{Cause, Reason},
        report::{ApplyReport, Ending, SettingReport, SettingState, StrayReport, UnitReport},
        state::Left,
        stray::{Stray, StrayCause},
        verify::{Shown, Verify},
    },
};

impl Apply {
    /// Returns the phase that reads all units a last time.
    pub(in crate::apply) fn verify(&self) -> Phase {
        let mut verify = Verify::new(&self.plan, &self.options);
        if self.interrupts.any() {
            verify.hurry();
        }
        Phase::Verify(Box::new(verify))
    }

    /// Returns the phase after the last readings.
    pub(in crate::apply) fn verify_done(&mut self, shown: &[Shown]) -> Phase {
        let steps = self.plan.steps.len();
        if self.interrupts.any() && self.outcome.may_fail() && steps > 0 {
            return self.fail(Reason::Interrupted, steps);
        }
        if let Some(again) = self.undo_again(shown) {
            return again;
        }
        let report = self.report_written(shown);
        let off = report.not_as_planned();
        if steps == 0 {
            self.outcome.why = off;
            let report = self.report_unwritten(shown);
            return self.end(report);
        }
        if self.outcome.may_fail() {
            if let Some(why) = off {
                return self.fail(why, steps);
            }
            if let Some(time) = self.options.confirm_within.filter(|_| self.resumed.is_none()) {
                let seconds = time.as_secs();
                return Phase::record(Record::Waiting { seconds }, Phase::Confirmation(time));
            }
        }
        let ended = Record::Ended { ending: report.ending };
        let end = self.end(report);
        Phase::record(ended, end)
    }

    /// Returns the phase that undoes the steps of units that were lost and answer again; `None` if there are
    /// no such units, or if this was tried before.
    fn undo_again(&mut self, shown: &[Shown]) -> Option<Phase> {
        if self.outcome.may_fail() || self.outcome.confirmed || self.undo.tried_again {
            return None;
        }
        let answers = |unit: usize| shown.get(unit).is_some_and(Result::is_ok);
        let is_back = |left: &Left| {
            let step = self.plan.steps.get(left.step);
            left.lost && step.is_some_and(|step| answers(step.unit))
        };
        let (back, left): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.undo.left).into_iter().partition(is_back);
        self.undo.left = left;
        let mut returned = false;
        for (_, lost) in self.lost.iter_mut().enumerate().filter(|(unit, _)| answers(*unit)) {
            returned |= std::mem::take(lost);
        }
        self.undo.steps = back.iter().map(|left| left.step).collect();
        self.undo.steps.sort_unstable();
        self.strays.queue_corrections(&self.plan);
        if !returned || (self.undo.steps.is_empty() && self.strays.queue.is_empty()) {
            self.strays.queue.clear();
            return None;
        }
        self.undo.tried_again = true;
        Some(Phase::correct(Phase::BeginUndo))
    }

    /// Returns the report of a run that may have written something.
    fn report_written(&self, shown: &[Shown]) -> ApplyReport {
        let units = self.unit_reports(shown);
        let strays: Vec<_> =
            self.strays.commands.iter().filter_map(|stray| self.stray_report(stray)).collect();
        let at_large =
            |stray: &StrayReport| stray.cause != StrayCause::NeverShown && !stray.put_right;
        let all = |state| {
            let is_so = |unit: &UnitReport| [state, SettingState::Unchanged].contains(&unit.state);
            !strays.iter().any(at_large) && units.iter().all(is_so)
        };
        let ending = match self.outcome.why {
            None if all(SettingState::New) => Ending::Applied,
            Some(_) if all(SettingState::Old) => Ending::Undone,
            _ => Ending::Mixed,
        };
        let left = self.undo.left.iter().map(|left| left.why.clone());
        ApplyReport {
            ending,
            why: self.outcome.why.clone(),
            remarks: self.outcome.remarks().iter().cloned().chain(left).collect(),
            writes: self.outcome.writes,
            units_agree: agree(shown).filter(|_| !self.doubts.concern_any_unit()),
            units,
            strays,
        }
    }

    /// Returns the report of a run that has written nothing, because there was nothing to do or
    /// because it was refused.
    pub(super) fn report_unwritten(&self, shown: &[Shown]) -> ApplyReport {
        let why = self.outcome.why.clone();
        ApplyReport {
            ending: if why.is_some() { Ending::Refused } else { Ending::NothingToDo },
            why,
            remarks: Vec::new(),
            writes: 0,
            units_agree: agree(shown),
            units: self.unit_reports(shown),
            strays: Vec::new(),
        }
    }

    fn stray_report(&self, stray: &Stray) -> Option<StrayReport> {
        let planned = self.plan.units.get(stray.unit)?;
        Some(StrayReport {
            address: planned.address.clone(),
            serial_number: planned.unit.serial_number,
            command: stray.command.clone(),
            cause: stray.cause,
            put_right: self.strays.is_corrected(stray, &self.plan),
        })
    }

    fn unit_reports(&self, shown: &[Shown]) -> Vec<UnitReport> {
        let (old, new) =
            (self.plan.settings_after(0), self.plan.settings_after(self.plan.steps.len()));
        let units = old.iter().zip(&new).zip(shown).enumerate();
        units
            .filter_map(|(unit, ((old, new), shown))| self.unit_report(unit, [old, new], shown))
            .collect()
    }

    fn unit_report(
        &self,
        at: usize,
        [old, new]: [&Settings; 2],
        shown: &Shown,
    ) -> Option<UnitReport> {
        let planned = self.plan.units.get(at)?;
        let doubtful = Err(Cause::Pending);
        let shown = if shown.is_ok() && self.doubts.concern_unit(at) { &doubtful } else { shown };
        let now = shown.as_ref().map_or(Settings::default(), |now| *now);
        let touched: Vec<_> = self.plan.touched(at).collect();
        let is_foreign = |setting: &Setting| {
            let is = |all: &Settings| is_equal(*setting, all, &now);
            shown.is_ok() && self.is_finished_with(at, *setting) && !is(old) && !is(new)
        };
        let (foreign, own): (Vec<_>, Vec<_>) = touched.iter().copied().partition(is_foreign);
        let of_run = |all: &Settings| all.only(|setting| own.contains(&setting));
        let failed = self.outcome.why.is_some();
        let state = match shown {
            Err(_) => SettingState::Unknown,
            Ok(_) if touched.is_empty() => SettingState::Unchanged,
            Ok(now) if failed && now.satisfy(&of_run(old)) => SettingState::Old,
            Ok(now) if now.satisfy(&of_run(new)) => SettingState::New,
            Ok(now) if now.satisfy(&of_run(old)) => SettingState::Old,
            Ok(_) => SettingState::Between,
        };
        let report = |setting| SettingReport {
            setting,
            old: old.get(setting),
            new: new.get(setting),
            now: now.get(setting),
        };
        // The clock moves by itself.
        let others = old.differences(&now).map(|change| change.setting);
        let others =
            others.filter(|setting| !touched.contains(setting) && *setting != Setting::Clock);
        Some(UnitReport {
            address: planned.address.clone(),
            serial_number: planned.unit.serial_number,
            state,
            unread: shown.as_ref().err().cloned(),
            settings: touched.iter().copied().map(report).collect(),
            changed_by_others: foreign.into_iter().chain(others).map(report).collect(),
        })
    }

    /// Returns whether nothing is left to undo in a setting of a unit, and no write of it is in doubt.
    fn is_finished_with(&self, unit: usize, setting: Setting) -> bool {
        let concerns = |step: usize| {
            let step = self.plan.steps.get(step);
            step.is_some_and(|step| step.unit == unit && step.to.get(setting).is_some())
        };
        !self.outcome.may_fail()
            && !self.undo.left.iter().any(|left| concerns(left.step))
            && !self.doubts.unproved.iter().any(|step| concerns(*step))
    }
}

/// Returns whether the settings that must be equal are equal on all units; `None` if this is not known.
fn agree(shown: &[Shown]) -> Option<bool> {
    let known = shown.iter().map(|shown| shown.as_ref().ok()).collect::<Option<Vec<_>>>()?;
    let (first, others) = known.split_first().filter(|(_, others)| !others.is_empty())?;
    let expected = first.only(|setting| Setting::AGREEING.contains(&setting));
    (!expected.is_empty()).then(|| others.iter().all(|other| other.satisfy(&expected)))
}
