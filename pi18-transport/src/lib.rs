//! Links to PI18 inverters, and a client that asks one thing at a time.
//!
//! [`Client::open`] takes a device [`Address`] and asks over whatever [`Link`] leads there: USB
//! hidraw, a serial port, TCP, a replayed capture, or the virtual bank that needs no hardware.
//!
//! ```
//! use pi18_proto::{GeneralStatus, ParallelInstance, ParallelStatus};
//! use pi18_transport::Client;
//!
//! let mut unit = Client::open("sim:0")?;
//! let status: GeneralStatus = unit.read()?;
//! println!("battery: {}, {}", status.battery_voltage, status.battery_capacity);
//!
//! let other = ParallelInstance::new(pi18_proto::Count(1))?;
//! let status: ParallelStatus = unit.read_of(other)?;
//! println!("unit 1 is in mode {}", status.working_mode);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A unit is its serial number, not the number of its node: [`discover`] says who is there,
//! `sn:96132206100410` is that unit wherever it is plugged in, and a [`Follower`] goes with it.
//!
//! # Features
//! - `sim` (default): the virtual bank, `sim:` addresses, and the bank served on ptys, on TCP
//!   and as USB HID devices.

#[cfg(target_os = "linux")]
mod adapter;
mod address;
mod capture;
mod client;
mod dialogue;
#[cfg(target_os = "linux")]
mod discover;
mod error;
mod fences;
mod file;
#[cfg(target_os = "linux")]
mod follower;
#[cfg(target_os = "linux")]
mod hidraw;
#[cfg(target_os = "linux")]
mod hotplug;
mod link;
mod lock;
mod permission;
#[cfg(unix)]
mod poll;
mod replay;
#[cfg(target_os = "linux")]
mod roster;
mod serial;
#[cfg(feature = "sim")]
pub mod sim;
mod tcp;
mod text;

#[cfg(target_os = "linux")]
pub use adapter::{Adapter, adapters};
pub use address::Address;
pub use capture::{CaptureLine, Direction, HexError, Recorder, from_hex, to_hex};
pub use client::{Client, Config, Progress, Reading, SetOutcome};
#[cfg(target_os = "linux")]
pub use discover::{Device, Nameplate, discover, discover_serial, serial_ports};
pub use error::Error;
pub use file::{open_file, read_bounded, read_file};
#[cfg(target_os = "linux")]
pub use follower::Follower;
#[cfg(target_os = "linux")]
pub use hidraw::Hidraw;
pub use link::Link;
#[cfg(unix)]
pub use permission::udev_rule;
pub use replay::Replay;
#[cfg(target_os = "linux")]
pub use roster::{Entry, Roster, Whereabouts};
pub use serial::{BAUD, Serial};
pub use tcp::Tcp;
pub use text::{is_printable, printable, printable_lines, wrap};
