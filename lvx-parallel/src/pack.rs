//! Battery packs that answer Modbus RTU over RS-485, such as the EG4 LifePower4 v2.
//!
//! A *pack* is one battery with its own management system (BMS). Packs in parallel are the battery of a bank.
//! Each pack is read over its own port, and its identity is that port: packs have no reliable serial numbers.
//! This module only reads: it knows no other function of Modbus than 03.
//!
//! | file | content |
//! |---|---|
//! | `frame` | requests, replies, the checksum, exceptions |
//! | `map` | the meaning of the registers: [`Live`], [`Label`], and maps of other makers |
//! | `client` | requests over a [`Link`](pi18_transport::Link): [`PackClient`] |
//! | `limits` | what the maker of a family of packs allows |
//! | `quantity`, `address` | quantities with the steps of the registers, addresses on the bus |
//!
//! ```
//! use lvx_parallel::pack::{Family, Live, PackAddress, Request};
//!
//! let request = Request::live(PackAddress::LP4_V2);
//! assert_eq!(request.to_bytes(), [0x40, 0x03, 0x00, 0x00, 0x00, 0x27, 0x0A, 0xC1]);
//!
//! let error = request.parse_reply(&request.to_bytes()).unwrap_err();
//! assert_eq!(error.to_string(), "the frame: expected a reply, found the request itself");
//! # fn show(request: Request, bytes: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! // The bytes of a reply.
//! let live = Live::from_registers(&request.parse_reply(bytes)?, &Family::LP4_V2.scales)?;
//! println!("{}, {}, {}", live.voltage, live.current, live.state_of_charge);
//! # Ok(())
//! # }
//! ```
//!
//! Source of the protocol: EG4, "EG4-LL MODBUS V01.06"; a frame of an LP4 v2 that a user posted in the maker's
//! forum; further captures in `tests/pack/frames.jsonl`.

mod address;
mod client;
mod frame;
mod limits;
mod map;
mod quantity;

pub use address::{AddressError, PackAddress};
pub use client::{PackClient, PackConfig};
pub use frame::{Exception, FrameError, Registers, Request};
pub use map::{
    Balancing, Cells, Errors, Family, Label, Live, LiveField, MapError, OtherMap, Protections,
    Scale, Scales, Sensors, Status, Varying, Warnings,
};
pub use quantity::{
    CentiampereHours, Centiamperes, Centivolts, DeciampereHours, MilliampereSeconds,
};
