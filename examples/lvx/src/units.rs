//! The units that a command is about.

mod adapters;
mod bank;
mod open;

pub(crate) use adapters::adapters;
pub(crate) use bank::{read_bank, saved_bank};
pub(crate) use open::{Open, host, open, open_for};
