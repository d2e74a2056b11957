//! Rules about the battery: its voltage, its state of charge and the currents of the units.

pub(super) mod battery_capacity;
pub(super) mod battery_voltage;
pub(super) mod charge_current;
pub(super) mod charge_rate;
mod current_sharing;
pub(super) mod discharge_current;
pub(super) mod state_of_charge;
