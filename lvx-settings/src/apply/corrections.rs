//! Writes beside the steps of a plan: to a unit that may have got a command meant for another one, and
//! to a unit whose new battery type brought other voltages along.

use pi18_proto::BatteryType;

use super::{
    Apply, Change, Phase, Stray,
    change::Verdict,
    course::Task,
    note,
    stray::{Owed, owed},
};
use crate::{
    Group, Settings,
    apply::journal::{Record, RunDirection},
    broken,
};

/// A write that gives a unit what it should have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Correction {
    /// The step whose command or effect is corrected.
    pub(super) step: usize,
    pub(super) unit: usize,
    pub(super) to: Settings,
    pub(super) reason: Reason,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reason {
    /// The unit may have got a command that was meant for another one.
    Stray,
    /// Its new battery type brought other voltages along, while the step was done or undone.
    Voltages(RunDirection),
}

impl Apply {
    /// Begins the next correction, or goes on.
    pub(super) fn correcting(&mut self, after: Phase) -> Phase {
        let Some(correction) = self.corrections.pop_front() else { return after };
        let unreachable = self.lost.get(correction.unit).cloned().flatten();
        match unreachable {
            Some(why) => self.uncorrected(correction, &why, true, after),
            None => match Change::correction(self, correction) {
                Some(change) => Phase::Step(Box::new(change), Some(Box::new(after))),
                None => self.uncorrected(correction, "it cannot be sent", false, after),
            },
        }
    }

    /// A correction has ended.
    pub(super) fn correction_judged(
        &mut self,
        correction: Correction,
        verdict: Verdict,
        after: Phase,
    ) -> Phase {
        let Correction { step, unit, to, reason } = correction;
        match verdict {
            Verdict::Proved => {
                if reason == Reason::Stray {
                    self.corrected.push((step, unit));
                    self.doubts.retain(|doubt| *doubt != (unit, step));
                }
                note(Record::Corrected { step, unit, to }, Phase::Correct(Box::new(after)))
            }
            Verdict::Failed(failure) => {
                if failure.may_be_done && !self.doubts.contains(&(unit, step)) {
                    self.doubts.push((unit, step));
                }
                self.uncorrected(correction, &failure.why, failure.lost, after)
            }
        }
    }

    /// A correction could not be made.
    fn uncorrected(
        &mut self,
        correction: Correction,
        why: &str,
        lost: bool,
        after: Phase,
    ) -> Phase {
        let Correction { step, unit, to, reason } = correction;
        let serial = self.plan.units.get(unit).map(|planned| planned.unit.serial_number);
        let serial = serial.map_or(String::new(), |serial| serial.to_string());
        let values: Vec<_> =
            to.iter().map(|(setting, value)| format!("{setting} {value}")).collect();
        let values = values.join(", ");
        match reason {
            Reason::Stray => {
                self.remark(format!("{serial}: {values} could not be put back: {why}"));
                Phase::Correct(Box::new(after))
            }
            Reason::Voltages(direction) => {
                self.corrections.clear();
                let why = format!(
                    "battery_type user brought other voltages along, and {values} could not be set: {why}"
                );
                match direction {
                    RunDirection::Forward => self.failed(format!("{serial}: {why}"), step + 1),
                    RunDirection::Backward => self.left(step, &why, lost),
                }
            }
        }
    }

    /// Queues what units get back that may have got a command meant for another one.
    pub(super) fn queue_corrections(&mut self) {
        for Owed { step, unit, to } in owed(&self.plan, &self.strays, &self.corrected) {
            let correction = Correction { step, unit, to, reason: Reason::Stray };
            if !self.corrections.contains(&correction) {
                self.corrections.push_back(correction);
            }
        }
    }

    /// Whether a unit that may have got a stray command was given back what it had.
    pub(super) fn is_corrected(&self, stray: &Stray) -> bool {
        let Some(found) = stray.found() else { return false };
        let suspects = stray.suspects(&self.plan);
        suspects.iter().any(|unit| {
            let is_found =
                self.plan.units.get(*unit).is_some_and(|known| known.unit.serial_number == found);
            is_found && self.corrected.contains(&(stray.step, *unit))
        })
    }

    /// Queues the voltages of a unit whose battery type has just become user, if it brought others
    /// along than the plan says. An error says why none of them may be written.
    pub(super) fn queue_voltages(
        &mut self,
        at: usize,
        direction: RunDirection,
        shown: &Settings,
    ) -> Result<(), String> {
        let Some(step) = self.plan.steps.get(at).copied() else { return Ok(()) };
        let (became, count) = match direction {
            RunDirection::Forward => (step.to, at + 1),
            RunDirection::Backward => (step.from, at),
        };
        let states = self.plan.settings_after(count);
        let Some(state) = states.get(step.unit) else { return Ok(()) };
        if became.battery_type != Some(BatteryType::USER) {
            return Ok(());
        }
        let (mut ahead, mut wanted) = (Settings::default(), Vec::new());
        for group in [Group::ChargeVoltages, Group::CutoffVoltage] {
            let planned = state.only(|setting| setting.group() == group);
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
                let reason = Reason::Voltages(direction);
                wanted.push(Correction { step: at, unit: step.unit, to, reason });
            }
        }
        self.corrections.extend(wanted);
        if let Some(known) = self.ahead.get_mut(step.unit) {
            *known = known.overlaid(&ahead);
        }
        Ok(())
    }

    /// Returns the voltages of a group that a unit may have until a later step writes them: those of
    /// that step, those of the plan, or those that the unit shows.
    ///
    /// The old voltages were those of another battery type: that they are outside the guard is no
    /// reason to write them.
    fn sound_voltages(
        &self,
        at: usize,
        group: Group,
        state: &Settings,
        shown: &Settings,
    ) -> Result<Settings, String> {
        let of_group = |all: &Settings| all.only(|setting| setting.group() == group);
        let unit = self.plan.steps.get(at).map(|step| step.unit);
        let mut later = self.plan.steps.iter().skip(at + 1);
        let later = later.find(|step| Some(step.unit) == unit && step.group() == Some(group));
        let planned = of_group(state);
        let mut choices = vec![planned];
        if let Some(later) = later {
            choices = vec![later.to, planned, of_group(shown)];
        }
        let known = broken(state, None);
        let unsound = |to: &Settings| {
            let rules = broken(&shown.overlaid(to), self.plan.battery.as_ref());
            rules.into_iter().find(|rule| {
                let is_known = known.iter().any(|known| known.rule == rule.rule);
                rule.settings.iter().any(|setting| setting.group() == group)
                    && (rule.is_of_guard() || !is_known)
            })
        };
        let mut why = String::new();
        for to in choices {
            match unsound(&to) {
                Some(rule) => why = rule.to_string(),
                None => return Ok(to),
            }
        }
        Err(format!("battery_type user brought other voltages along, and {why}"))
    }

    /// Returns the settings of a group that a unit has before the step of the plan that writes them.
    pub(super) fn ahead_in(&self, unit: usize, group: Group) -> Settings {
        let ahead = self.ahead.get(unit).copied().unwrap_or_default();
        ahead.only(|setting| setting.group() == group)
    }
}

impl Task {
    /// The step, and whether it is done or undone; a correction counts as undoing.
    pub(super) fn place(self) -> (usize, RunDirection) {
        match self {
            Self::Step { step, direction } => (step, direction),
            Self::Correction(Correction { step, .. }) => (step, RunDirection::Backward),
        }
    }
}
