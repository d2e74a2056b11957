//! Writes in addition to the steps of a plan: to a unit that may have received a command for another unit, and
//! to a unit whose new battery type replaced its voltages.

use pi18_proto::BatteryType;

use super::steps::record_stray;
use crate::{
    Group, Settings,
    apply::{
        change::{Change, Verdict},
        direction::RunDirection,
        events,
        journal::Record,
        machine::{Apply, Phase},
        reason::{Cause, Reason},
        task::{Correction, CorrectionReason, Task},
    },
    broken_rules,
};

impl Apply {
    /// Begins the next correction, or returns `next` if there is none.
    pub(in crate::apply) fn begin_correction(&mut self, next: Phase) -> Phase {
        let Some(correction) = self.strays.queue.pop_front() else { return next };
        if self.is_lost(correction.unit) {
            return self.correction_failed(correction, Cause::Lost, true, next);
        }
        match self.correction_change(correction) {
            Some(change) => Phase::Correction(Box::new(change), Box::new(next)),
            None => self.correction_failed(correction, Cause::NoCommand, false, next),
        }
    }

    /// Returns the phase after a correction.
    pub(in crate::apply) fn correction_ended(
        &mut self,
        change: &Change,
        verdict: Verdict,
        next: Phase,
    ) -> Phase {
        let Task::Correction(correction) = change.task() else { return next };
        let Correction { step, unit, to, reason } = correction;
        events::ended(change, &verdict);
        match verdict {
            Verdict::Proved => {
                if reason == CorrectionReason::Stray {
                    self.strays.mark_corrected(step, unit);
                    self.doubts.settle_unit(step, unit);
                }
                Phase::record(Record::Corrected { step, unit, to }, Phase::correct(next))
            }
            Verdict::Failed(failure) => {
                let stray = self.note_failure(change, &failure);
                if failure.may_be_done {
                    self.doubts.add_unit(step, unit);
                }
                let next = self.correction_failed(correction, failure.why, failure.lost, next);
                record_stray(stray, next)
            }
        }
    }

    /// Returns the phase after a correction that failed.
    fn correction_failed(
        &mut self,
        correction: Correction,
        cause: Cause,
        lost: bool,
        next: Phase,
    ) -> Phase {
        let Correction { step, unit, to, reason } = correction;
        let Some(planned) = self.plan.units.get(unit) else { return next };
        let serial = planned.unit.serial_number;
        match reason {
            CorrectionReason::Stray => {
                self.outcome.remark(Reason::NotWrittenBack { unit: serial, to, cause });
                Phase::correct(next)
            }
            CorrectionReason::Voltages(direction) => {
                self.strays.queue.clear();
                match direction {
                    RunDirection::Forward => {
                        self.fail(Reason::VoltagesReplaced { unit: serial, to, cause }, step + 1)
                    }
                    RunDirection::Backward => {
                        let cause = Cause::VoltagesReplaced { to, cause: Box::new(cause) };
                        self.leave(step, cause, lost)
                    }
                }
            }
        }
    }

    /// Queues a correction of the voltages of a unit whose battery type has just become user, if the
    /// new type replaced the voltages that the plan expects. An error says why none may be written.
    pub(super) fn queue_voltages(
        &mut self,
        at: usize,
        direction: RunDirection,
        shown: &Settings,
    ) -> Result<(), Cause> {
        let Some(step) = self.plan.steps.get(at).copied() else { return Ok(()) };
        let (current, count) = match direction {
            RunDirection::Forward => (step.to, at + 1),
            RunDirection::Backward => (step.from, at),
        };
        if current.battery_type != Some(BatteryType::USER) {
            return Ok(());
        }
        let states = self.plan.settings_after(count);
        let Some(state) = states.get(step.unit) else { return Ok(()) };
        let (mut ahead, mut corrections) = (Settings::default(), Vec::new());
        for group in [Group::ChargeVoltages, Group::CutoffVoltage] {
            let planned = of_group(group, state);
            if shown.satisfy(&planned) {
                continue;
            }
            let to = match direction {
                RunDirection::Forward => self.sound_voltages(at, group, state, shown)?,
                RunDirection::Backward => planned,
            };
            if to != planned {
                ahead = ahead.overlaid(&to);
            }
            if !shown.satisfy(&to) {
                let reason = CorrectionReason::Voltages(direction);
                corrections.push(Correction { step: at, unit: step.unit, to, reason });
            }
        }
        self.strays.queue.extend(corrections);
        if let Some(known) = self.ahead.get_mut(step.unit) {
            *known = known.overlaid(&ahead);
        }
        Ok(())
    }

    /// Returns the voltages of a group that a unit may have until a later step writes them: the first of the
    /// voltages of the later step, those of the plan, and those that the unit shows, that breaks no rule. An
    /// error names a broken rule.
    ///
    /// Rules that the plan's voltages break already do not count, because these voltages came from another
    /// battery type. The limits of the battery guard always count.
    fn sound_voltages(
        &self,
        at: usize,
        group: Group,
        state: &Settings,
        shown: &Settings,
    ) -> Result<Settings, Cause> {
        let unit = self.plan.steps.get(at).map(|step| step.unit);
        let mut later = self.plan.steps.iter().skip(at + 1);
        let later = later.find(|step| Some(step.unit) == unit && step.group() == Some(group));
        let planned = of_group(group, state);
        let mut choices = vec![planned];
        if let Some(later) = later {
            choices = vec![later.to, planned, of_group(group, shown)];
        }
        let known = broken_rules(state, None);
        let unsound = |to: &Settings| {
            let rules = broken_rules(&shown.overlaid(to), self.plan.battery.as_ref());
            rules.into_iter().find(|rule| {
                let is_known = known.iter().any(|known| known.rule == rule.rule);
                rule.settings.iter().any(|setting| setting.group() == group)
                    && (rule.is_of_guard() || !is_known)
            })
        };
        let mut broken = None;
        for to in choices {
            match unsound(&to) {
                Some(rule) => broken = Some(rule),
                None => return Ok(to),
            }
        }
        // There is at least one choice, so a rule is known.
        Err(broken.map_or(Cause::NoCommand, Cause::NoVoltages))
    }

    /// Returns the settings of a group that a unit already has before the step that writes them.
    pub(super) fn ahead_in(&self, unit: usize, group: Group) -> Settings {
        self.ahead.get(unit).map_or(Settings::default(), |ahead| of_group(group, ahead))
    }
}

fn of_group(group: Group, all: &Settings) -> Settings {
    all.only(|setting| setting.group() == group)
}
