//! Rules about the battery: its voltage, its state of charge and the currents of the units.

pub(super) mod battery_capacity;
pub(super) mod battery_voltage;
pub(super) mod battery_voltmeter;
pub(super) mod charge_current;
pub(super) mod charge_rate;
mod current_sharing;
pub(super) mod discharge_current;
mod limits;
pub(super) mod over_voltage;
pub(super) mod state_of_charge;
pub(super) mod under_voltage;

pub(super) use limits::has_implausible_voltage;
