//! The virtual bank: one to nine PI18 inverters that share a battery and a house.
//!
//! It is a second implementation of the device, made from the protocol's sheets and from what was
//! observed: it shares the wire format with the host's side, and no limit, list or rule. [`Bank`] has
//! no I/O and no clock; [`SharedBank`] gives it a clock, real or made up, and [`SimLink`]s; what is
//! different from the usual is said by [`Switches`]. Other programs reach it on ptys ([`serve_pty`]), on
//! TCP ([`serve_tcp`]), and on Linux as USB HID devices: through `/dev/uhid`, or on a USB device port as
//! the adapter is that the inverters have built in.
//!
//! ```
//! use std::time::Duration;
//!
//! use bytes::BytesMut;
//! use pi18_transport::{Link, sim};
//!
//! let bank = sim::Bank::new(sim::BankConfig::default())?;
//! let mut link = sim::SharedBank::virtual_time(bank).link(1);
//! let deadline = link.now() + Duration::from_secs(1);
//! let mut reply = BytesMut::new();
//! link.send(b"^P005PIq\x8b\r", deadline)?;
//! link.receive(&mut reply, deadline)?;
//! assert_eq!(reply, &b"^D00518;\x03\r"[..]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bank;
mod calendar;
mod chance;
#[cfg(target_os = "linux")]
mod hid;
mod physics;
mod process;
mod protocol;
mod report;
mod round;
#[cfg(unix)]
mod serve;
mod shared;
mod switches;
mod unit;
mod wires;
mod world;

pub use bank::{Bank, BankConfig};
#[cfg(target_os = "linux")]
pub use hid::{FunctionFsDevice, HidIdentity, UhidDevice, hidraw_node};
pub use process::open;
#[cfg(unix)]
pub use serve::{Served, serve_pty, serve_tcp};
#[cfg(target_os = "linux")]
pub use serve::{serve_functionfs, serve_uhid};
pub use shared::{SharedBank, SimLink};
pub use switches::{SwitchError, SwitchInfo, Switches};
pub use unit::SetCounts;

/// Largest number of units in a bank, which are numbered 0 to 8.
pub const MAX_UNITS: usize = 9;
