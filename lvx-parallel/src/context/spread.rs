//! Differences of quantities.

use std::fmt::Display;

use pi18_proto::{Amperes, Decihertz, Decivolts, Percent, Watts};

/// A quantity that can be subtracted.
pub(crate) trait Steps: Copy + Display {
    /// Returns the number of steps: 546 for `Decivolts(546)`.
    fn steps(self) -> i64;

    /// Returns the quantity of a number of steps, or 0 if it does not fit.
    fn from_steps(steps: i64) -> Self;
}

macro_rules! steps {
    (
        // Quantities of pi18-proto, which are newtypes of an unsigned integer.
        $($ty:ident),+
    ) => { $(
        impl Steps for $ty {
            fn steps(self) -> i64 {
                self.0.into()
            }

            fn from_steps(steps: i64) -> Self {
                Self(steps.try_into().unwrap_or_default())
            }
        }
    )+ };
}

steps!(Decivolts, Decihertz, Amperes, Percent, Watts);

/// Returns the difference between the greatest and the least value.
pub(super) fn spread<Q: Steps>(values: impl Iterator<Item = Q> + Clone) -> Q {
    let steps = values.map(Steps::steps);
    let (max, min) = (steps.clone().max(), steps.min());
    Q::from_steps(max.unwrap_or(0) - min.unwrap_or(0))
}

/// Returns the absolute difference in steps.
pub(crate) fn difference<Q: Steps>(one: Q, other: Q) -> i64 {
    (one.steps() - other.steps()).abs()
}
