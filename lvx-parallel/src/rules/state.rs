//! Rules about the state of the units: faults, warnings and working modes.

pub(crate) mod fault;
pub(super) mod idle;
pub(crate) mod mode;
pub(super) mod mode_conflict;
pub(crate) mod warning;
