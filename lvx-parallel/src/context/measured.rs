//! Units with their measurements, and lasting differences between them.

use std::{fmt::Display, time::Duration};

use pi18_proto::{GeneralStatus, ParallelStatus};

use super::{
    spread::{Steps, spread},
    values::observed,
};
use crate::{Observed, Reading, UnitSnapshot};

/// A unit with its `GS`.
///
/// The unit's own `PGSn` holds most values of `GS`, read at another moment. The two readings together show
/// whether a difference lasts.
#[derive(Clone, Copy)]
pub(crate) struct Measured<'a> {
    pub(crate) unit: &'a UnitSnapshot,
    /// The answer to `GS`.
    pub(crate) status: GeneralStatus,
    /// Time at which `GS` was read.
    pub(crate) at: Duration,
    /// The unit's `PGSn` about itself, read a little earlier or later.
    pub(crate) again: Option<ParallelStatus>,
}

impl<'a> Measured<'a> {
    /// Returns the measurements of a unit, if it answered `GS`.
    pub(crate) fn of(unit: &'a UnitSnapshot) -> Option<Self> {
        let Reading { value, at } = unit.status.reading()?;
        Some(Self { unit, status: value, at, again: unit.own_status() })
    }

    /// Returns whether a condition is met in both readings, `GS` and the unit's own `PGSn`. If the unit has no
    /// second reading, only `GS` counts.
    pub(crate) fn lasts(
        &self,
        now: impl FnOnce(&GeneralStatus) -> bool,
        again: impl FnOnce(&ParallelStatus) -> bool,
    ) -> bool {
        now(&self.status) && self.again.as_ref().is_none_or(again)
    }

    /// Returns a value of this unit, as it is shown in a finding.
    pub(crate) fn value(&self, value: impl Display) -> Observed {
        observed(self.unit, value)
    }
}

/// Returns the greatest difference between any two units if it exceeds `max` in both readings, `GS` and
/// `PGSn`. This ignores values that were changing while the units were read. If a unit has no second
/// reading, only `GS` counts.
pub(crate) fn lasting_spread<Q: Steps>(
    units: &[&Measured<'_>],
    max: Q,
    value: fn(&GeneralStatus) -> Q,
    again: fn(&ParallelStatus) -> Q,
) -> Option<Q> {
    let found = spread(units.iter().map(|unit| value(&unit.status)));
    let later: Option<Vec<Q>> = units.iter().map(|unit| unit.again.as_ref().map(again)).collect();
    let lasts = later.is_none_or(|later| spread(later.into_iter()).steps() > max.steps());
    (found.steps() > max.steps() && lasts).then_some(found)
}

/// Returns the largest set of elements whose times are at most `max` apart; the earliest of several
/// such sets.
pub(crate) fn window<T: Copy>(all: &[T], at: impl Fn(&T) -> Duration, max: Duration) -> Vec<T> {
    let within = |start: &T| {
        let (from, until) = (at(start), at(start).saturating_add(max));
        all.iter().filter(|each| (from..=until).contains(&at(each))).copied().collect::<Vec<_>>()
    };
    let mut best = Vec::new();
    let mut starts: Vec<_> = all.iter().collect();
    starts.sort_by_key(|start| at(start));
    for start in starts {
        let found = within(start);
        if found.len() > best.len() {
            best = found;
        }
    }
    best
}
