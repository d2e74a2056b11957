//! The state of a bank: each value with its age, energy, totals, findings and alerts.
//!
//! The [`Core`] takes the events of the pollers and makes immutable [`Snapshot`]s. It has no I/O and no clock.

mod bank_meter;
mod core;
mod durable;
mod energy;
mod energy_meter;
mod judge;
mod link;
mod notices;
mod pack;
mod snapshot;
mod sum;
mod totals;
mod tracked;
mod tracked_pack;
mod unit;
mod value;

pub use self::{
    core::Core,
    energy::Energy,
    link::{LinkCounts, LinkState, LinkView},
    pack::PackView,
    snapshot::Snapshot,
    totals::Totals,
    unit::{Held, UnitView},
    value::{Datum, Value},
};
