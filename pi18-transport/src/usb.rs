//! USB adapters of these inverters (Linux): lists them, finds the unit behind each, and notices changes.
//! Also finds the units behind serial ports.

#[cfg(feature = "hidraw")]
mod adapter;
#[cfg(feature = "hidraw")]
mod backoff;
mod device;
#[cfg(feature = "hidraw")]
mod discover;
#[cfg(feature = "hidraw")]
mod entry;
#[cfg(feature = "hidraw")]
mod events;
#[cfg(feature = "hidraw")]
mod hotplug;
#[cfg(feature = "hidraw")]
pub(crate) mod interface;
#[cfg(feature = "serial")]
mod ports;
#[cfg(feature = "hidraw")]
mod probe;
#[cfg(feature = "hidraw")]
mod roster;
#[cfg(feature = "hidraw")]
#[cfg(test)]
mod testing;

#[cfg(feature = "hidraw")]
pub use adapter::{Adapter, adapters};
pub use device::{Device, Nameplate};
#[cfg(feature = "hidraw")]
pub use discover::discover;
#[cfg(feature = "hidraw")]
pub use entry::Entry;
#[cfg(feature = "hidraw")]
pub use hotplug::HotplugWatch;
#[cfg(feature = "serial")]
pub use ports::{discover_serial, serial_ports};
#[cfg(feature = "hidraw")]
pub use roster::{Roster, Whereabouts};
