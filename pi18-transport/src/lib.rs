//! Reads and controls solar inverters with the PI18 protocol, over USB, RS-232 or TCP.
//!
//! PI18 is the protocol of Voltronic and MPP Solar hybrid inverters such as the LVX6048. The computer (the
//! *host*) sends a request, and the inverter (the *unit*) answers: with values to a *query*, with accepted
//! or refused to a *set command*, which changes a setting. Units that are connected in parallel are a
//! *bank*. The types of all requests and replies are in the crate `pi18_proto`; this crate sends and
//! receives them.
//!
//! ```
//! use pi18_proto::{Count, GeneralStatus, ParallelInstance, ParallelStatus};
//! use pi18_transport::Client;
//!
//! // A unit of the virtual bank, which is simulated. For a real one: "/dev/hidraw0", …
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
//! An [`Address`] is the text with which a user selects a unit. It opens a [`Link`], a byte stream to one
//! device. A [`Client`] sends requests over the link, and makes sure that each reply belongs to its request.
//! Its decisions are made by the [`dialogue`] engine, which programs with another executor can drive
//! themselves.
//!
//! | Address | Link | Connection |
//! |---|---|---|
//! | `/dev/hidraw0` | `Hidraw` | the USB port of a unit (Linux) |
//! | `sn:96132206100410` | `Follower` | the unit with this serial number, on any USB port (Linux) |
//! | `serial:/dev/ttyUSB0` | [`Serial`] | the RS-232 port of a unit |
//! | `tcp:HOST:PORT` | [`Tcp`] | the RS-232 port of a unit, through a network bridge |
//! | `sim:0` | `sim::SimLink` | a unit of the virtual bank |
//! | `bridge:NAME` | `bridge::Bridge` | a unit that a bridge on this computer holds (Linux) |
//! | `replay:FILE` | [`Replay`] | a *capture*: a file with recorded traffic |
//! | `pack:/dev/serial/by-path/…` | [`Serial`] or [`Tcp`] | a battery pack, which speaks Modbus ([`Address::pack_link`]) |
//!
//! For another connection, implement [`Link`]. [`CaptureRecorder`] is a link that passes everything to
//! another link and records it in a capture.
//!
//! # Finding units on USB
//!
//! A unit has a USB adapter inside, for which Linux creates a device node such as `/dev/hidraw0`. After a
//! replug or a reboot, the same node may lead to another unit, or to a UPS, because UPSs have the same
//! adapter. Only the serial number identifies a unit. `discover` reads the serial numbers behind all
//! adapters once, a `Roster` keeps them up to date while cables are moved, and a `Follower` finds its unit
//! again after a replug.
//!
//! # Errors
//!
//! The message of an [`Error`] names the address, what was expected and what was found; its
//! [`hint`](Error::hint), what a person can do. Show `{error:#}`, which has both. A program decides by the
//! [`kind`](Error::kind), or by predicates such as [`is_timeout`](Error::is_timeout). [`Client::set`]
//! returns an error only if the set command was not sent. Otherwise it returns a [`SetOutcome`], which also
//! covers a missing reply.
//!
//! # Async
//!
//! `AsyncClient` (feature `tokio`) does what [`Client`] does in a program on the tokio runtime: it opens the
//! same addresses except captures, and any of its futures can be dropped. For another runtime, drive the
//! [`dialogue`] engine directly.
//!
//! # Features
//!
//! Each kind of link is a feature. The first five are on by default. Features only add: an address is
//! parsed in the same way with each, and an address without its link is an error that names the feature.
//!
//! | Feature | Adds | Systems |
//! |---|---|---|
//! | `hidraw` | USB: `Hidraw`, `Follower`, `Roster`, `discover`, addresses such as `/dev/hidraw0` and `sn:…` | Linux |
//! | `serial` | serial ports: [`Serial`]; on Linux also `discover_serial` | Unix |
//! | `tcp` | serial bridges in the network: [`Tcp`] | Unix |
//! | `capture` | [`CaptureRecorder`] and [`Replay`]; turns on `serde` | Unix |
//! | `sim` | the virtual bank, addresses that start with `sim:`, and servers through which other programs reach the bank: on a pseudo-terminal, over TCP, or (Linux) as a USB HID device | Unix |
//! | `bridge` | `bridge`: units that another program on this computer holds, addresses that start with `bridge:` | Linux |
//! | `serde` | `Serialize` and `Deserialize` of an [`Address`] | Unix |
//! | `tracing` | events of exchanges and reconnects | Unix |
//! | `tokio` | `AsyncClient` and `AsyncLink`, and units of the virtual bank as streams | Unix |
//!
//! With `tracing`, each exchange is an event with the fields `place`, `request`, `outcome`, `elapsed` (on the
//! link's clock), `tries` and `found` (damaged bytes): a query at level `debug`, a set command at `info`, a
//! failure or a damaged reply at `warn`. A link that is opened again is an event at `info`.
//!
//! A program for a serial bridge needs few dependencies:
//!
//! ```sh
//! cargo add pi18-transport --no-default-features --features tcp
//! ```
//!
//! # Systems
//!
//! Linux has everything, and the tests run there. On other Unix systems such as macOS and FreeBSD, all
//! features except `hidraw` and `bridge` should work; they are not tested there. Other systems are refused with a
//! compile error.

#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(not(unix))]
compile_error!("pi18-transport supports Linux and other Unix systems only");

mod address;
#[cfg(feature = "tokio")]
mod async_client;
#[cfg(all(feature = "bridge", target_os = "linux"))]
pub mod bridge;
mod client;
mod config;
pub mod dialogue;
mod error;
mod link;
mod os;
#[cfg(feature = "sim")]
pub mod sim;
mod stop;
mod text;
mod trace;
#[cfg(all(target_os = "linux", any(feature = "hidraw", feature = "serial")))]
mod usb;

pub use address::Address;
#[cfg(feature = "tokio")]
pub use async_client::{AsyncClient, AsyncLink};
pub use bytes;
pub use client::{Client, QueryProgress};
pub use config::ClientConfig;
pub use dialogue::{SetOutcome, Timed, TimedReply};
pub use error::{Error, ErrorKind};
#[cfg(feature = "serial")]
pub use link::Serial;
#[cfg(feature = "tcp")]
pub use link::Tcp;
pub use link::{BAUD, Link};
#[cfg(feature = "capture")]
pub use link::{CaptureDirection, CaptureLine, CaptureRecorder, Replay};
#[cfg(all(feature = "hidraw", target_os = "linux"))]
pub use link::{Follower, Hidraw};
pub use os::{open_file, read_bounded, read_file, udev_rule};
pub use stop::StopHandle;
pub use text::{HexError, from_hex, is_printable, printable, printable_lines, to_hex, wrap};
#[cfg(all(feature = "hidraw", target_os = "linux"))]
pub use usb::{Adapter, Entry, HotplugWatch, Roster, Whereabouts, adapters, discover};
#[cfg(all(target_os = "linux", any(feature = "hidraw", feature = "serial")))]
pub use usb::{Device, Nameplate};
#[cfg(all(feature = "serial", target_os = "linux"))]
pub use usb::{discover_serial, serial_ports};

#[cfg(all(doctest, feature = "sim", feature = "tokio"))]
#[doc = include_str!("../README.md")]
struct Readme;
