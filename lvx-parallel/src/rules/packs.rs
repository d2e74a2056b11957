//! Rules about battery packs, and about packs and units.
//!
//! They report nothing about a bank without packs. Limits of a pack are those of its family, or those that the caller
//! gives ([`Checks::packs`](crate::Checks::packs)).

mod currents;
pub(super) mod pack_aggregate;
pub(super) mod pack_alarm;
pub(super) mod pack_cell_spread;
pub(super) mod pack_cell_sum;
pub(super) mod pack_cell_voltage;
pub(super) mod pack_charge_drift;
pub(super) mod pack_charge_limit;
pub(super) mod pack_current;
pub(super) mod pack_sharing;
pub(super) mod pack_silent;
pub(super) mod pack_state_of_charge;
pub(super) mod pack_temperature;
pub(super) mod pack_twice;
pub(super) mod pack_voltage_drop;
pub(super) mod pack_voltage_limits;
