//! PI18, the protocol of Voltronic and MPP Solar hybrid inverters: bytes in, typed values out, and
//! back.
//!
//! Both directions of every command: a host's requests and a device's replies can each be decoded
//! and encoded, so that a monitor, a virtual inverter, a proxy and a log reader are built from the
//! same crate. There is no I/O, no allocation and no clock here.
//!
//! - [`FrameReader`] cuts a byte stream into [`Frame`]s; a reply's checksum must hold.
//! - [`Reply`] types such as [`GeneralStatus`] are read from a frame's data, or [`Query::parse_reply`]
//!   reads whichever reply belongs to a query.
//! - [`Query`] and [`SetCommand`] are what a host may send; each value is one that some unit takes.
//! - [`Query::LIST`] and [`SetCommand::LIST`] say of each command what it does, and of each field its
//!   label, unit and decimals.
//!
//! ```
//! use pi18_proto::{Dialect, Frame, GeneralStatus, Query, Reply};
//!
//! // What to send:
//! assert_eq!(*Query::GeneralStatus.to_frame(Dialect::Checksum), *b"^P005GSX\x14\r");
//!
//! // What came back:
//! let received = b"^D1062232,499,2232,499,1406,1376,028,549,000,000,000,010,095,060,000,000,\
//!                  0082,0000,1604,0000,0,2,0,1,1,1,1,0D\x12\r";
//! let status = GeneralStatus::decode(Frame::parse(received)?.reply_data()?)?;
//! assert_eq!(status.battery_voltage.to_string(), "54.9 V");
//! assert_eq!(status.mppt1_status.to_string(), "charging");
//! # Ok::<(), pi18_proto::DecodeError>(())
//! ```
//!
//! Integrity is strict, content is tolerant: a field is read to its comma whatever its width, an
//! unknown code stays a number, surplus fields are kept as they came. A field that cannot be read is
//! an error that names it.
//!
//! # Features
//! - `serde`: replies, quantities, queries and set commands serialise; quantities as numbers in their
//!   unit where people read them.

#![no_std]

#[cfg(test)]
extern crate std;

mod codes;
mod command;
mod crc;
mod error;
mod fault;
mod field;
mod frame;
mod macros;
mod quantity;
mod reader;
mod reply;
mod serial_number;
mod time;
mod value;

pub use codes::{
    BatteryDirection, BatteryType, ChargerPriority, ChargerStatus, DcAcDirection, InputRange,
    Known, LedBrightness, LedData, LedEffect, LedSpeed, LedWelcome, LineDirection, LoadConnection,
    MachineType, OutputMode, OutputPriority, Presence, RegulationState, SettingsState,
    SolarPriority, Switch, Topology, Warning, WorkingMode,
};
pub use command::{
    AnyReply, ChargeVoltage, CutoffSoc, CutoffVoltage, Dialect, Edition, ModbusBaudRate,
    ModbusCheckBits, ModbusId, ModbusStopBits, OutputFrequency, OutputVoltage, ParallelInstance,
    Query, QueryInfo, RechargeSoc, RechargeVoltage, RedischargeSoc, RedischargeVoltage, Request,
    RequestFrame, Risk, SelectableCurrent, SetCommand, SetInfo,
};
pub use crc::checksum;
pub use error::{DecodeError, EncodeError, Excerpt, RangeError};
pub use fault::FaultCode;
pub use field::{CodeName, Extra, FieldInfo, Form};
pub use frame::{ACCEPTED, Frame, FrameKind, FrameWarning, MAX_FRAME, NOT_UNDERSTOOD, REFUSED};
pub use quantity::{
    Amperes, Celsius, Count, Deciamperes, Decihertz, Decivolts, Percent, Seconds, SignedWatts,
    VoltAmperes, WattHours, Watts,
};
pub use reader::{FrameReader, Received};
pub use reply::{
    AcChargeWindow, AcLoadWindow, Clock, Currents, DayEnergy, Defaults, FaultsAndWarnings,
    FirmwareVersions, Flag, Flags, GeneralStatus, GeneralStatus2, Identity, LedSettings,
    MachineModel, MaxAcChargeCurrents, MaxChargeCurrents, ModbusSettings, Mode, Model, MonthEnergy,
    ParallelRating, ParallelStatus, ProtocolId, QueryReply, RatedInformation, Reply, Rgb,
    SocLimits, TotalEnergy, TwinOutput, Version, YearEnergy,
};
pub use serial_number::{NewSerialNumber, PaddedSerial, SerialNumber};
pub use time::{ClockSetting, Date, DateTime, Month, TimeOfDay, Year};
pub use value::{Text, Value};
