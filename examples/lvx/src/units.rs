//! Opening and reading the units of a command.

mod adapters;
mod bank;
mod open;
mod shared;

pub(crate) use adapters::adapters;
pub(crate) use bank::{bank_addresses, read_bank, read_units, saved_bank};
pub(crate) use open::{OpenUnit, host, open, open_for};
pub(crate) use shared::{discover, open_address, open_link, read_held, reopen_address};
