//! Builds the write for a step, its undo, or a correction.

use crate::{
    Settings, Step,
    apply::{
        change::{Change, Goal, Waits},
        direction::RunDirection,
        machine::Apply,
        task::{Correction, CorrectionReason, Task},
    },
};

impl Apply {
    /// Returns the write that does a step, or `None` if no command does. `expected` are the settings that the
    /// unit should have before the step; `None` to accept any.
    pub(super) fn step_change(&self, at: usize, expected: Option<Settings>) -> Option<Change> {
        let step = *self.plan.steps.get(at)?;
        let group = step.group()?;
        let later = self.plan.steps.iter().skip(at + 1);
        let later = later.filter(|later| later.unit == step.unit && later.group() == Some(group));
        // A write of an earlier run that shows late must not verify this one.
        let in_doubt = self.resumed.is_some() && self.doubts.unproved.contains(&at);
        let mut goal = Goal::of(&step)?;
        goal.from = step.from.overlaid(&self.ahead_in(step.unit, group));
        goal.expected = expected;
        goal.always_write = in_doubt;
        goal.outlast_earlier = in_doubt;
        goal.later_values = later.map(|later| later.to).collect();
        self.change(Task::Step { step: at, direction: RunDirection::Forward }, step.unit, goal)
    }

    /// Returns the write that undoes a step, or `None` if no command does.
    pub(super) fn undo_change(&self, at: usize) -> Option<Change> {
        let step = *self.plan.steps.get(at)?;
        let group = step.group()?;
        let earlier = self.plan.steps.iter().take(at);
        let earlier =
            earlier.filter(|earlier| earlier.unit == step.unit && earlier.group() == Some(group));
        let in_doubt = self.doubts.unproved.contains(&at);
        let mut goal = Goal::of(&step.reversed())?;
        goal.backward = true;
        goal.always_write = in_doubt || self.plan.writes_type_voltages(&step);
        goal.outlast_earlier = in_doubt;
        goal.later_values = earlier.map(|earlier| earlier.from).collect();
        self.change(Task::Step { step: at, direction: RunDirection::Backward }, step.unit, goal)
    }

    /// Returns the write for a correction, or `None` if no command sets its values. It is sent whatever the
    /// unit shows.
    pub(super) fn correction_change(&self, correction: Correction) -> Option<Change> {
        let Correction { unit, to, reason, .. } = correction;
        let mut goal = Goal::of(&Step { unit, from: to, to })?;
        goal.backward = true;
        goal.always_write = true;
        goal.outlast_earlier = reason == CorrectionReason::Stray;
        self.change(Task::Correction(correction), unit, goal)
    }

    fn change(&self, task: Task, unit: usize, goal: Goal) -> Option<Change> {
        let goal = goal.within(self.plan.units.get(unit)?, self.plan.battery);
        let waits = Waits::new(&self.options, self.idle_until, self.interrupts.count);
        Change::new(task, goal, (unit, self.units.get(unit)?), self.options, waits)
    }
}
