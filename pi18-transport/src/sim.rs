//! The virtual bank: one to nine simulated inverters ("units") with the PI18 protocol, which share a battery
//! and supply a house.
//!
//! Programs and tests use it like real inverters: over the same [`Link`](crate::Link)s and with the same
//! bytes. Its units charge and discharge the battery, change their mode with sun, grid and battery voltage,
//! count energy, keep their settings, and accept or refuse set commands as real units were observed to do.
//!
//! It is a second implementation of the device, written from the manufacturer's protocol sheets and from
//! observations of real units. It shares the encoding of frames, requests and replies with the client (the
//! crate `pi18_proto`), but has its own limits, lists and rules, so that tests reveal mistakes in those of
//! the client.
//!
//! # Ways to use it
//!
//! | To | use |
//! |---|---|
//! | try a program without hardware | [`Client::open`](crate::Client::open) with the address `sim:0` (unit 0), or [`open`] |
//! | test with faults, without waiting | a [`Bank`] in [`SharedBank::virtual_time`], and its [`SimLink`]s |
//! | test a program on the tokio runtime | a [`Bank`] in `SharedBank::tokio_time`, and its `SimStream`s (feature `tokio`) |
//! | serve a unit to other programs on a pseudo-terminal or TCP | [`serve_pty`], [`serve_tcp`] (Unix) |
//! | read the battery packs | [`SharedBank::pack_link`], an address such as `sim:pack0`, [`serve_pack_pty`], [`serve_pack_tcp`] |
//! | serve a unit to other programs as a USB HID device | [`serve_uhid`], [`serve_functionfs`] (Linux) |
//! | imitate another USB HID device, such as a UPS | [`UhidDevice`], [`FunctionFsDevice`] (Linux) |
//! | change how a unit, its line or the bank behaves | a switch such as `fault=83`, see [`Switches::LIST`] |
//!
//! # Clock and randomness
//!
//! [`Bank`] has no I/O and no clock: the caller passes bytes and times. [`SharedBank`] adds a clock and links
//! to the units. The clock is the system's or a virtual one, which jumps ahead when a link waits, so that
//! tests do not sleep. The `serve_…` functions connect such a link to the outside.
//!
//! Random events, such as lost bytes, depend on the switch `seed` only: in virtual time, a program that uses
//! one link after another gets the same result in every run.
//!
//! ```
//! use std::time::Duration;
//!
//! use pi18_proto::{GeneralStatus, Mode, WorkingMode};
//! use pi18_transport::{
//!     Client, Link,
//!     sim::{Bank, BankConfig, SharedBank},
//! };
//!
//! // Two units, by default, on a virtual clock that starts at half past noon.
//! let bank = SharedBank::virtual_time(Bank::new(BankConfig::default())?);
//!
//! // Twelve hours pass at once. At night, the solar panels supply no power.
//! let mut link = bank.link(0);
//! link.pause(Duration::from_secs(12 * 3600));
//! let mut unit = Client::new(link);
//! assert_eq!(unit.read::<GeneralStatus>()?.pv1_power.0, 0);
//!
//! // The switch `fault` makes fault 83 occur in unit 0 while the bank runs.
//! bank.with(|bank| bank.switch(0, "fault=83"))?;
//! assert_eq!(unit.read::<Mode>()?.working_mode, WorkingMode::FAULT);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// The modules, from the simulated devices to the outside:
//
// - `unit`, `world`: the state of one unit, and of the whole bank; `switches` changes how they behave
// - `packs`: the battery as packs that answer Modbus
// - `physics`: sun, house, battery and power flows over time
// - `protocol`: the answers of a unit; `wires`: the bytes between hosts and units, with faults of the line
// - `bank`: all of these behind one type; `shared`: adds a clock and links; `process`: the bank of `sim:`
// - `serve`: units for other programs; `hid`: virtual USB HID devices
// - `calendar`, `chance`, `round`, `report`: helpers

mod bank;
mod calendar;
mod chance;
#[cfg(target_os = "linux")]
mod hid;
mod packs;
mod physics;
mod process;
mod protocol;
mod report;
mod round;
mod serve;
mod shared;
#[cfg(feature = "tokio")]
mod stream;
mod switches;
mod unit;
mod wires;
mod world;

pub use bank::{Bank, BankConfig};
#[cfg(target_os = "linux")]
pub use hid::{FunctionFsDevice, HidIdentity, UhidDevice, hidraw_node};
pub use packs::{MAX_PACKS, PackSwitchInfo};
pub use process::{open, open_pack};
pub use serve::{Served, serve_pack_pty, serve_pack_tcp, serve_pty, serve_tcp};
#[cfg(target_os = "linux")]
pub use serve::{serve_functionfs, serve_uhid};
pub use shared::{PackLink, SharedBank, SimLink};
#[cfg(feature = "tokio")]
pub use stream::SimStream;
pub use switches::{SwitchError, SwitchInfo, Switches};
pub use unit::SetCounts;

/// Largest number of units in a bank. Units are numbered from 0.
pub const MAX_UNITS: usize = 9;
