//! Opening and reading the units of a command.

mod adapters;
mod bank;
mod open;
mod shared;

pub(crate) use adapters::adapters;
pub(crate) use bank::{read_bank, saved_bank};
pub(crate) use open::{OpenUnit, host, open, open_for};
#[cfg(feature = "bridge")]
pub(crate) use shared::open_address;
pub(crate) use shared::{discover, open_link, read_held, reopen_address};
