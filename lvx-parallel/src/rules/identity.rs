//! Rules about the units of the bank: which they are, of which model, with which firmware.

pub(super) mod bank_size;
pub(super) mod instance;
pub(super) mod main_firmware;
pub(super) mod ratings;
pub(super) mod same_unit;
pub(super) mod serial_number;
pub(super) mod slave_firmware;
