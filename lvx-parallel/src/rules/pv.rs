//! Rules about the PV inputs of the units.

pub(super) mod charger_status;
mod input;
pub(super) mod pv_string;
pub(super) mod pv_voltage;
