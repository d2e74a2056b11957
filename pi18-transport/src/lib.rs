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

mod address;
mod client;
mod error;
mod link;
mod os;
#[cfg(feature = "sim")]
pub mod sim;
mod text;
#[cfg(target_os = "linux")]
mod usb;

pub use address::Address;
pub use client::{Client, ClientConfig, QueryProgress, SetOutcome, TimedReply};
pub use error::Error;
pub use link::{BAUD, CaptureDirection, CaptureLine, CaptureRecorder, Link, Replay, Serial, Tcp};
#[cfg(target_os = "linux")]
pub use link::{Follower, Hidraw};
#[cfg(unix)]
pub use os::udev_rule;
pub use os::{open_file, read_bounded, read_file};
pub use text::{HexError, from_hex, is_printable, printable, printable_lines, to_hex, wrap};
#[cfg(target_os = "linux")]
pub use usb::{
    Adapter, Device, Entry, Nameplate, Roster, Whereabouts, adapters, discover, discover_serial,
    serial_ports,
};
