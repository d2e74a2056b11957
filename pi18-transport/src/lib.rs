//! Reads and controls solar inverters with the PI18 protocol, over USB, RS-232 or TCP.
//!
//! PI18 is the protocol of Voltronic and MPP Solar hybrid inverters such as the LVX6048. The host sends a
//! request, the unit answers: typed values for a *query*, yes or no for a *set command*. The types of all
//! requests and replies are in the crate `pi18_proto`; this crate sends and receives them.
//!
//! ```
//! use pi18_proto::{Count, GeneralStatus, ParallelInstance, ParallelStatus};
//! use pi18_transport::Client;
//!
//! // A unit of the virtual bank. For a real one: "/dev/hidraw0", "serial:/dev/ttyUSB0", …
//! let mut unit = Client::open("sim:0")?;
//! let status: GeneralStatus = unit.read()?;
//! println!("battery: {}, {}", status.battery_voltage, status.battery_capacity);
//!
//! // Some queries have an argument, here the number of a unit in the parallel bank.
//! let other = ParallelInstance::new(Count(1))?;
//! let status: ParallelStatus = unit.read_of(other)?;
//! println!("unit 1 is in mode {}", status.working_mode);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # From an address to a reply
//!
//! An [`Address`] is the text that a user types. It opens a [`Link`], a byte stream to one device. A
//! [`Client`] asks over the link, and makes sure that each reply belongs to its request.
//!
//! | Address | Link | |
//! |---|---|---|
//! | `/dev/hidraw0` | `Hidraw` | the USB port of an inverter (Linux) |
//! | `sn:96132206100410` | `Follower` | the unit with this serial number, on any USB port (Linux) |
//! | `serial:/dev/ttyUSB0` | [`Serial`] | the RS-232 port of an inverter |
//! | `tcp:HOST:PORT` | [`Tcp`] | RS-232 behind a serial bridge |
//! | `sim:0` | `sim::SimLink` | a unit of the virtual bank |
//! | `replay:FILE` | [`Replay`] | a recorded capture |
//!
//! Other transports implement [`Link`]. [`CaptureRecorder`] is a link that records another one.
//!
//! # Which unit is it?
//!
//! The node of a USB adapter, such as `/dev/hidraw0`, may belong to another unit after a replug or a
//! reboot, and UPSs have the same adapter. Only the serial number stays with a unit. On Linux, `discover`
//! asks all adapters for it, a `Roster` keeps the result up to date while cables are moved, and a
//! `Follower` finds its unit again.
//!
//! # Errors
//!
//! An [`Error`] names the address, what was expected and what was found. Its predicates, such as
//! [`is_timeout`](Error::is_timeout) and [`is_disconnected`](Error::is_disconnected), tell the causes
//! apart. A set command that was sent never fails: its [`SetOutcome`] is what the unit answered.
//!
//! # Features
//!
//! - `sim` (default): the virtual bank, `sim:` addresses, and servers that offer the bank to
//!   other programs on a pseudo-terminal, over TCP, or as a USB HID device.

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

#[cfg(all(doctest, feature = "sim"))]
#[doc = include_str!("../README.md")]
struct Readme;
