//! Parses and encodes PI18, the protocol of Voltronic and MPP Solar hybrid inverters such as the
//! LVX6048 and the InfiniSolar V series.
//!
//! A host sends a *request* to an inverter, over USB (HID) or RS-232: a *query* to read data, or a *set
//! command* to change a setting. A *mnemonic* such as `GS` identifies the command. The inverter answers
//! with a *reply*: data for a query, an acknowledgement for a set command. Every message is a *frame*:
//! start bytes, length, data, checksum and carriage return. A *unit* is one inverter, a *bank* several
//! inverters that work in parallel.
//!
//! This crate decodes and encodes requests and replies, so the same types serve a monitor, a simulated
//! inverter, a proxy and a log reader. It does no I/O, allocates nothing and reads no clock. The crate
//! `pi18-transport` opens serial ports and USB devices, and adds clients.
//!
//! | To … | use |
//! |---|---|
//! | build a query or a set command | [`Query`], [`SetCommand`] and their `to_frame` |
//! | find frames in a stream of bytes | [`FrameReader`] |
//! | check one frame and get its data | [`Frame::parse`] |
//! | decode one kind of reply | [`Reply::decode`] of its type, such as [`GeneralStatus`] |
//! | decode the reply to any query | [`Query::parse_reply`] |
//! | simulate an inverter | [`Request::decode`], `new` or `zeroed` of a reply, [`Reply::encode_frame`] |
//! | decode what a host and an inverter send to each other | [`Observer`] |
//! | list all commands and fields | [`Query::LIST`] and [`SetCommand::LIST`] |
//!
//! ```
//! use pi18_proto::{Dialect, Frame, GeneralStatus, Query, Reply};
//!
//! // The request to send. Some units expect requests without a checksum, see `Dialect`.
//! assert_eq!(*Query::GeneralStatus.to_frame(Dialect::Checksum), *b"^P005GSX\x14\r");
//!
//! // The reply received:
//! let received = b"^D1062232,499,2232,499,1406,1376,028,549,000,000,000,010,095,060,000,000,\
//!                  0082,0000,1604,0000,0,2,0,1,1,1,1,0D\x12\r";
//! let status = GeneralStatus::decode(Frame::parse(received)?.reply_data()?)?;
//! assert_eq!(status.battery_voltage.to_string(), "54.9 V");
//! assert_eq!(status.mppt1_status.to_string(), "charging");
//! # Ok::<(), pi18_proto::DecodeError>(())
//! ```
//!
//! # What is checked
//! A reply frame is accepted only if its checksum is valid. Its data is read tolerantly: a field may
//! have any width, a code without a known name is kept as a number, and unknown fields at the end are
//! returned unparsed. A field that cannot be read is an error that names the field and its offset;
//! nothing is guessed.
//!
//! Requests are checked strictly: a value that no model accepts can be neither built nor decoded. A
//! request without a checksum is accepted if it is plain text, because some hosts send such requests.
//!
//! # Values
//! A quantity is an integer in the resolution of the protocol: [`Decivolts`]`(546)` is displayed as
//! `54.6 V`. A code such as [`WorkingMode`] is a number with names for the known values; only
//! [`Known`] codes can be sent. The displayed form of a value is also parsed: `"54.6 V".parse()`.
//! [`FieldInfo`] describes each field: label, unit, width and range.
//!
//! # Later versions
//! Later versions of this crate may add queries, set commands, other variants of most enums, and fields
//! of replies. Types that can grow are `#[non_exhaustive]`: a `match` needs a `_` arm, and replies are
//! created with `new` or `zeroed`. A field that is added to a reply is optional, so shorter replies
//! and saved ones are still read.
//!
//! # Sources
//! The vendor's protocol sheet describes the protocol. "PI18 2017" and "PI18 2022" in this
//! documentation are its two known editions, see [`Edition`]. Names such as "V IV", "V II WP" and
//! "TWIN" are models of the InfiniSolar series, see [`Model`]. A *capture* is a recorded frame of a
//! real device. "Observed" facts come from real inverters, "assumed" ones have no source.
//!
//! # Features
//! - `crc-large`: a checksum table of 8 KiB instead of 512 bytes. With it, `GS` is decoded and encoded in
//!   two thirds of the instructions. `pi18-transport` enables it; firmware rarely needs it.
//! - `serde`: `Serialize` and `Deserialize` for replies, quantities, codes, queries and set commands.
//!   In JSON a quantity is a number in its unit (`54.6`), a code its number. `named_code` writes a code
//!   with its name.

#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(test)]
extern crate std;

mod code;
mod codes;
mod command;
mod crc;
mod dialect;
mod error;
mod fault;
mod field;
mod frame;
mod frame_kind;
mod layout;
mod macros;
#[cfg(feature = "serde")]
pub mod named_code;
mod observer;
mod quantity;
mod reader;
mod reply;
mod serial_number;
mod text;
mod time;
mod value;

pub use code::Known;
pub use codes::{
    BatteryDirection, BatteryType, ChargerPriority, ChargerStatus, DcAcDirection, InputRange,
    LedBrightness, LedData, LedEffect, LedSpeed, LedWelcome, LineDirection, LoadConnection,
    MachineType, OutputMode, OutputPriority, Presence, RegulationState, SettingsState,
    SolarPriority, Switch, Topology, Warning, WorkingMode,
};
pub use command::{
    AnyReply, ChargeVoltage, CutoffSoc, CutoffVoltage, ModbusBaudRate, ModbusCheckBits, ModbusId,
    ModbusStopBits, OutputFrequency, OutputVoltage, ParallelInstance, Query, QueryInfo, QueryReply,
    RawQuery, RawQueryError, RechargeSoc, RechargeVoltage, RedischargeSoc, RedischargeVoltage,
    Request, RequestFrame, Risk, SelectableCurrent, SetCommand, SetInfo,
};
pub use crc::checksum;
pub use dialect::{Dialect, Edition};
pub use error::{DecodeError, EncodeError, Excerpt, ParseError, RangeError};
pub use fault::FaultCode;
pub use field::{CodeName, Extra, FieldInfo, Form};
pub use frame::{ACCEPTED, Frame, FrameWarning, MAX_FRAME, NOT_UNDERSTOOD, REFUSED};
pub use frame_kind::FrameKind;
pub use observer::{Candidates, Event, Message, Observer, PairedReply, Side};
pub use quantity::{
    Amperes, Celsius, Count, Deciamperes, Decihertz, Decivolts, Percent, Seconds, SignedWatts,
    VoltAmperes, WattHours, Watts,
};
pub use reader::{FrameReader, Received};
pub use reply::{
    AcChargeWindow, AcLoadWindow, Clock, Currents, DayEnergy, Defaults, FaultsAndWarnings,
    FirmwareVersions, Flag, Flags, GeneralStatus, GeneralStatus2, Identity, LedSettings,
    MachineModel, MaxAcChargeCurrents, MaxChargeCurrents, ModbusSettings, Mode, Model, MonthEnergy,
    ParallelRating, ParallelStatus, ProtocolId, RatedInformation, Reply, Rgb, SocLimits,
    TotalEnergy, TwinOutput, Version, YearEnergy,
};
pub use serial_number::{NewSerialNumber, PaddedSerial, SerialNumber};
pub use text::Text;
pub use time::{ClockSetting, Date, DateTime, Month, TimeOfDay, Year};
pub use value::Value;

/// Compiles and runs the program in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
