//! The replies of a device, one per file.

use crate::{DecodeError, EncodeError, Extra, FieldInfo, FrameKind, Value, field::Writer, frame};

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

/// One kind of reply, which can be decoded, encoded and displayed field by field.
///
/// ```
/// use pi18_proto::{Decivolts, GeneralStatus, Reply};
///
/// let data = b"2336,499,2336,499,0443,0255,007,524,000,000,000,017,042,039,000,000,\
///              1326,0000,1907,0000,0,2,0,1,1,2,1,1";
/// let status = GeneralStatus::decode(data)?;
/// assert_eq!(status.battery_voltage, Decivolts(524));
/// assert_eq!(status.battery_voltage.to_string(), "52.4 V");
///
/// let mut volts = Vec::new();
/// status.visit(&mut |field, value| {
///     if field.unit == "V" {
///         volts.push(format!("{}: {value}", field.label));
///     }
/// });
/// assert_eq!(volts[..2], ["Grid voltage: 233.6 V", "AC output voltage: 233.6 V"]);
/// # Ok::<(), pi18_proto::DecodeError>(())
/// ```
///
/// A simulated device creates a reply with `new`, or, if it has many fields, with `zeroed`:
///
/// ```
/// use pi18_proto::{Decivolts, GeneralStatus, MAX_FRAME, Mode, Reply, WorkingMode};
///
/// let mode = Mode::new(WorkingMode::BATTERY);
/// let mut status = GeneralStatus::zeroed();
/// status.battery_voltage = Decivolts(546);
///
/// let mut buffer = [0; MAX_FRAME];
/// let len = mode.encode_frame(&mut buffer)?;
/// assert_eq!(buffer[..len], *b"^D00503\xB9\x59\r");
/// assert!(status.encode_frame(&mut buffer).is_ok());
/// # Ok::<(), pi18_proto::EncodeError>(())
/// ```
#[expect(private_bounds, reason = "replies are declared in this crate only")]
pub trait Reply: Sealed + Sized + Copy {
    /// The mnemonic of the query that the reply answers.
    const MNEMONIC: &'static str;
    /// Sample data of the reply: from a real device if a capture is known, otherwise invented.
    const SAMPLE: &'static str;
    /// The descriptions of the fields, in wire order.
    const FIELDS: &'static [FieldInfo];

    /// Parses the data of a frame. Fields after the known ones are returned unparsed.
    ///
    /// # Errors
    /// If a field is missing or malformed; the error names the first one.
    fn parse(data: &[u8]) -> Result<(Self, Extra<'_>), DecodeError>;

    /// Writes the data into `buffer` and returns the number of bytes written.
    ///
    /// # Errors
    /// If the buffer is too short.
    fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError>;

    /// Calls `visitor` with each field that is present, in wire order.
    fn visit(&self, visitor: &mut dyn FnMut(&'static FieldInfo, Value<'_>));

    /// Parses the data of a frame and ignores fields after the known ones.
    ///
    /// # Errors
    /// If a field is missing or malformed; the error names the first one.
    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        Self::parse(data).map(|(reply, _extra)| reply)
    }

    /// Writes the whole frame into `buffer` and returns the number of bytes written.
    /// [`MAX_FRAME`](crate::MAX_FRAME) bytes are always enough.
    ///
    /// # Errors
    /// If the buffer is too short.
    fn encode_frame(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
        frame::encode(FrameKind::Data, true, buffer, |out| out.fill(|room| self.encode(room)))
    }
}

/// Prevents implementations of [`Reply`] outside this crate.
pub(crate) trait Sealed {}

/// Writes the data of a reply with `write`, and returns the number of bytes written.
pub(crate) fn encode(
    buffer: &mut [u8],
    write: impl FnOnce(&mut Writer<'_>) -> Result<(), EncodeError>,
) -> Result<usize, EncodeError> {
    let mut out = Writer::new(buffer);
    write(&mut out)?;
    Ok(out.written().len())
}
