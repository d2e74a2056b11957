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

mod answers;
mod bank;
mod battery;
mod day;
mod energy;
mod flow;
#[cfg(target_os = "linux")]
mod hid;
mod limits;
mod line;
mod measure;
mod physics;
mod process;
#[cfg(unix)]
mod serve;
mod sets;
mod settings;
mod shared;
mod switch_list;
mod switches;
mod unit;
mod wires;

pub use bank::{Bank, BankConfig, SetCounts};
#[cfg(target_os = "linux")]
pub use hid::{FunctionFsDevice, HidIdentity, UhidDevice, hidraw_node};
pub use process::open;
#[cfg(unix)]
pub use serve::{Served, serve_pty, serve_tcp};
#[cfg(target_os = "linux")]
pub use serve::{serve_functionfs, serve_uhid};
pub use shared::{SharedBank, SimLink};
pub use switches::{SwitchError, SwitchInfo, Switches};

/// Most units of a bank: they are numbered 0 to 8 here, with one digit on the wire.
pub const MAX_UNITS: usize = 9;

/// The nearest whole number that the wire can show, 0 if it is less.
fn whole(value: f64) -> u32 {
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`as` goes to the nearest number there is"
    )]
    let whole = value.round() as u32;
    whole
}

/// The same for a field of at most five digits.
fn short(value: f64) -> u16 {
    whole(value).try_into().unwrap_or(u16::MAX)
}
