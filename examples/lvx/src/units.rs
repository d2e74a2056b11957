//! Opening and reading the units of a command.

mod adapters;
mod bank;
mod open;
mod shared;

pub(crate) use adapters::adapters;
pub(crate) use bank::{read_bank, saved_bank};
pub(crate) use open::{OpenUnit, host, open, open_for};
#[cfg(target_os = "linux")]
pub(crate) use shared::held_node;
pub(crate) use shared::{open_link, reopen_address};
