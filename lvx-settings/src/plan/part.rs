//! The part of a plan that is about some of its units.

use super::{Plan, Step};

impl Plan {
    /// Returns the plan for some of its units, in this order, and for each step of that part its
    /// number in the whole plan. Numbers that no unit has are passed over.
    #[must_use]
    pub fn part(&self, units: &[usize]) -> (Self, Vec<usize>) {
        let known: Vec<_> =
            units.iter().copied().filter(|unit| self.units.get(*unit).is_some()).collect();
        let part = |(number, step): (usize, &Step)| {
            let unit = known.iter().position(|unit| *unit == step.unit)?;
            Some((number, Step { unit, ..*step }))
        };
        let (numbers, steps) = self.steps.iter().enumerate().filter_map(part).unzip();
        let units = known.iter().filter_map(|unit| self.units.get(*unit)).cloned().collect();
        (Self { units, steps, ..self.clone() }, numbers)
    }
}
