//! The virtual bank: one to nine PI18 inverters that share a battery and supply a house.
//!
//! Programs and tests talk to it as to real units, over the same [`Link`](crate::Link)s and with the same
//! bytes. Its units charge, discharge, change mode with sun, grid and battery, count energy, keep
//! settings, and accept or refuse set commands as units were observed to do.
//!
//! It is a second implementation of the device, written from the protocol sheets and from observations.
//! It shares the wire format with the host's side, but no limit, list or rule, so that a mistake there
//! shows in the tests.
//!
//! # Ways to use it
//!
//! | To | use |
//! |---|---|
//! | try a program without hardware | the address `sim:0`: [`Client::open`](crate::Client::open), [`open`] |
//! | test with faults and in virtual time | [`Bank`], [`SharedBank`] and [`SimLink`] |
//! | serve other programs on a serial port or TCP | [`serve_pty`], [`serve_tcp`] |
//! | serve other programs as a USB HID device | [`serve_uhid`], [`serve_functionfs`] (Linux) |
//! | change how a unit, its line or the bank behaves | [`Switches`], whose page lists all of them |
//!
//! # Layers
//!
//! [`Bank`] has no I/O and no clock: the caller passes bytes and times. [`SharedBank`] adds a clock, real
//! or virtual, and [`SimLink`]s to the units; servers pass on what arrives from outside. With a seed, a
//! run in virtual time is the same each time.
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
//! // Two units in virtual time: nothing waits for real.
//! let bank = SharedBank::virtual_time(Bank::new(BankConfig::default())?);
//!
//! // Twelve hours after the start, which is at noon, there is no sun.
//! let mut link = bank.link(0);
//! link.pause(Duration::from_secs(12 * 3600));
//! let mut unit = Client::new(link);
//! assert_eq!(unit.read::<GeneralStatus>()?.pv1_power.0, 0);
//!
//! // A fault arises while the bank runs.
//! bank.with(|bank| bank.switch(0, "fault=83"))?;
//! assert_eq!(unit.read::<Mode>()?.working_mode, WorkingMode::FAULT);
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
