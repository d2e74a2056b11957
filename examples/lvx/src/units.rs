//! Opening and reading the units of a command.

mod adapters;
mod bank;
mod open;
mod shared;

#[cfg(target_os = "linux")]
pub(crate) use adapters::BY_PATH;
pub(crate) use adapters::adapters;
pub(crate) use bank::{
    BankAddresses, bank_addresses, expected_unit, read_addresses, read_bank, saved_bank,
};
pub(crate) use open::{OpenUnit, host, open, open_for};
pub(crate) use shared::{discover, open_address, open_link, read_held, reopen_address};
