//! What a device answers, one reply a file.

use crate::{
    AnyReply, DecodeError, EncodeError, Extra, FieldInfo, FrameKind, Query, Value, field::Writer,
    frame,
};

mod ac_windows;
mod charge_currents;
mod clock;
mod defaults;
mod energy;
mod faults_and_warnings;
mod firmware_versions;
mod flags;
mod general_status;
mod general_status_2;
mod identity;
mod led_settings;
mod machine_model;
mod modbus_settings;
mod mode;
mod parallel_rating;
mod parallel_status;
mod protocol_id;
mod rated_information;
mod soc_limits;
mod twin_output;

pub use ac_windows::{AcChargeWindow, AcLoadWindow};
pub use charge_currents::{Currents, MaxAcChargeCurrents, MaxChargeCurrents};
pub use clock::Clock;
pub use defaults::Defaults;
pub use energy::{DayEnergy, MonthEnergy, TotalEnergy, YearEnergy};
pub use faults_and_warnings::FaultsAndWarnings;
pub use firmware_versions::{FirmwareVersions, Version};
pub use flags::{Flag, Flags};
pub use general_status::GeneralStatus;
pub use general_status_2::GeneralStatus2;
pub use identity::Identity;
pub use led_settings::{LedSettings, Rgb};
pub use machine_model::{MachineModel, Model};
pub use modbus_settings::ModbusSettings;
pub use mode::Mode;
pub use parallel_rating::ParallelRating;
pub use parallel_status::ParallelStatus;
pub use protocol_id::ProtocolId;
pub use rated_information::RatedInformation;
pub use soc_limits::SocLimits;
pub use twin_output::TwinOutput;

/// The data of one kind of reply: read from bytes, written to bytes, shown field by field.
///
/// ```
/// use pi18_proto::{Decivolts, GeneralStatus, Reply};
///
/// let data = b"2336,499,2336,499,0443,0255,007,524,000,000,000,017,042,039,000,000,\
///              1326,0000,1907,0000,0,2,0,1,1,2,1,1";
/// let status = GeneralStatus::decode(data)?;
/// assert_eq!(status.battery_voltage, Decivolts(524));
/// assert_eq!(status.battery_voltage.to_string(), "52.4 V");
/// # Ok::<(), pi18_proto::DecodeError>(())
/// ```
#[expect(private_bounds, reason = "replies are declared in this crate only")]
pub trait Reply: Sealed + Sized + Copy {
    /// The mnemonic of the query that it answers.
    const MNEMONIC: &'static str;
    /// Data of such a reply, to try things with; made up where no capture is known.
    const SAMPLE: &'static str;
    /// Its fields, in the order of the wire.
    const FIELDS: &'static [FieldInfo];

    /// From a frame's data, and the fields that came after the known ones.
    ///
    /// # Errors
    /// Names the first field that is missing or cannot be read.
    fn parse(data: &[u8]) -> Result<(Self, Extra<'_>), DecodeError>;

    /// Writes its data into `buffer` and says how many bytes that took.
    ///
    /// # Errors
    /// If the buffer is too short.
    fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError>;

    /// Shows each field that is there, in the order of the wire.
    fn visit(&self, visitor: &mut dyn FnMut(&'static FieldInfo, Value<'_>));

    /// From a frame's data, surplus fields left aside.
    ///
    /// # Errors
    /// Names the first field that is missing or cannot be read.
    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        Self::parse(data).map(|(reply, _extra)| reply)
    }

    /// Writes it as a whole frame into `buffer` and says how many bytes that took.
    /// [`MAX_FRAME`](crate::MAX_FRAME) bytes are always enough.
    ///
    /// # Errors
    /// If the buffer is too short.
    fn encode_frame(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        frame::encode(FrameKind::Data, true, buffer, |out| out.fill(|room| self.encode(room)))
    }
}

/// A reply that answers one kind of query.
pub trait QueryReply: Reply {
    /// What the query takes beside its mnemonic: `()`, a date, a unit's number.
    type Argument;

    /// The query that this answers.
    fn query(argument: Self::Argument) -> Query;

    /// This reply out of any, if it is this one.
    fn from_reply(reply: AnyReply) -> Option<Self>;
}

pub(crate) trait Sealed {}

pub(crate) fn encode(
    buffer: &mut [u8],
    write: impl FnOnce(&mut Writer<'_>) -> Result<(), EncodeError>,
) -> Result<usize, EncodeError> {
    let mut out = Writer::new(buffer);
    write(&mut out)?;
    Ok(out.written().len())
}
