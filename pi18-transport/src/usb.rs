//! USB adapters of these inverters (Linux): lists them, finds the unit behind each, and notices changes.

mod adapter;
mod backoff;
mod discover;
mod entry;
mod events;
mod hotplug;
pub(crate) mod interface;
mod probe;
mod roster;
#[cfg(test)]
mod testing;

pub use adapter::{Adapter, adapters};
pub use discover::{Device, Nameplate, discover, discover_serial, serial_ports};
pub use entry::Entry;
pub use roster::{Roster, Whereabouts};
