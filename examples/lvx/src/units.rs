//! Opening and reading the units of a command.

mod adapters;
mod bank;
mod open;

pub(crate) use adapters::adapters;
pub(crate) use bank::{read_bank, saved_bank};
pub(crate) use open::{OpenUnit, host, open, open_for};
