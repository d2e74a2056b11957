//! USB adapters of these inverters: which are plugged in, and which unit is behind each (Linux).

pub(crate) mod adapter;
pub(crate) mod discover;
mod hotplug;
pub(crate) mod roster;

pub use adapter::{Adapter, adapters};
pub use discover::{Device, Nameplate, discover, discover_serial, serial_ports};
pub use roster::{Entry, Roster, Whereabouts};
