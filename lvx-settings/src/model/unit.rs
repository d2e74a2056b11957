//! The state of a unit, as far as it concerns its settings.

use pi18_proto::{
    AcChargeWindow, AcLoadWindow, AnyReply, Clock, Currents, Defaults, FaultCode,
    FaultsAndWarnings, FirmwareVersions, Flags, GeneralStatus, Identity, MachineModel,
    MaxAcChargeCurrents, MaxChargeCurrents, Mode, Model, OutputMode, ParallelInstance,
    ParallelRating, Presence, ProtocolId, Query, QueryReply, RatedInformation, SerialNumber,
    WorkingMode,
};
use pi18_transport::{Client, Link};
use serde::{Deserialize, Serialize};

use crate::{
    Error, HostClock, Setting, Settings,
    model::clock::{ClockOffset, offset},
};

/// The state of a unit: identity, ratings, settings, and operating state when it was read.
///
/// ```
/// use lvx_settings::{HostClock, Unit};
/// use pi18_transport::Client;
///
/// let mut client = Client::open("sim:0")?;
/// let unit = Unit::read(&mut client, &HostClock::system())?;
/// assert_eq!(unit.serial_number.as_str(), "96132206100410");
/// assert_eq!(unit.settings().bulk_voltage.unwrap().to_string(), "56.4 V");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Unit {
    /// Serial number.
    pub serial_number: SerialNumber,
    /// Product line; `None` if the unit is older and does not report it.
    pub model: Option<Model>,
    /// Firmware versions.
    pub firmware: FirmwareVersions,
    /// Ratings and most of the settings.
    pub rated: RatedInformation,
    /// Flags. Every unit has them, so `None` means that the unit was [read in part](Self::read_for).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flags: Option<Flags>,
    /// The part of the day in which utility may charge.
    #[serde(rename = "ac_charging_window")]
    pub ac_charge_window: Option<AcChargeWindow>,
    /// The part of the day in which utility may feed the loads.
    pub ac_load_window: Option<AcLoadWindow>,
    /// Offset of the unit's clock; `None` if the unit refuses to report it, or if it was not read.
    pub clock: Option<ClockOffset>,
    /// Factory defaults.
    pub defaults: Option<Defaults>,
    /// The maximum charge currents that can be selected.
    #[serde(rename = "charging_currents")]
    pub max_charge_currents: Option<Currents>,
    /// The maximum AC charge currents that can be selected.
    #[serde(rename = "ac_charging_currents")]
    pub max_ac_charge_currents: Option<Currents>,
    /// Working mode.
    pub mode: WorkingMode,
    /// Fault code; 0 means no fault.
    pub fault: FaultCode,
    /// Measured values.
    pub status: GeneralStatus,
    /// Report about the unit with the next parallel instance of the bank; `None` if this unit is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_in_bank: Option<ParallelRating>,
}

impl Unit {
    /// Returns a unit without fault and without the optional replies, for programs that do not read it from a
    /// link. The fields can then be set.
    #[must_use]
    pub fn new(
        serial_number: SerialNumber,
        firmware: FirmwareVersions,
        rated: RatedInformation,
        mode: WorkingMode,
        status: GeneralStatus,
    ) -> Self {
        Self {
            serial_number,
            model: None,
            firmware,
            rated,
            flags: None,
            ac_charge_window: None,
            ac_load_window: None,
            clock: None,
            defaults: None,
            max_charge_currents: None,
            max_ac_charge_currents: None,
            mode,
            fault: FaultCode::NONE,
            status,
            next_in_bank: None,
        }
    }

    /// Reads the whole state of a unit. Fields whose query an older unit refuses are `None`.
    ///
    /// # Errors
    /// If the unit has another protocol than PI18, does not reply, or refuses a query that every unit
    /// supports; if another unit replies at the end, because the replies may then be those of two units.
    pub fn read(unit: &mut Client<impl Link>, host: &HostClock) -> Result<Self, Error> {
        Self::read_where(unit, host, |_| true)
    }

    /// Reads only the queries that these settings require, which saves about a second at 2400 baud.
    ///
    /// This is enough to show differences or to preview a plan. A plan made from such a state cannot be
    /// carried out: the settings that it lacks count as changed in the meantime.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_for(
        unit: &mut Client<impl Link>,
        host: &HostClock,
        settings: &Settings,
    ) -> Result<Self, Error> {
        Self::read_where(unit, host, |setting| settings.get(setting).is_some())
    }

    /// Reads the identity and status of a unit, and the settings for which `is_needed` returns true.
    fn read_where(
        unit: &mut Client<impl Link>,
        host: &HostClock,
        is_needed: impl Fn(Setting) -> bool,
    ) -> Result<Self, Error> {
        let needs = |query: Query| {
            Setting::ALL.iter().any(|&setting| setting.query() == query && is_needed(setting))
        };
        let protocol: ProtocolId = unit.read()?;
        if protocol != ProtocolId::PI18 {
            return Err(Error::protocol(unit.link().name(), protocol));
        }
        let identity: Identity = unit.read()?;
        let clock: Option<Clock> = optional_if(needs(Query::Clock), unit)?;
        let host = host.time(unit.now());
        let rated = unit.read()?;
        let mode: Mode = unit.read()?;
        let faults: FaultsAndWarnings = unit.read()?;
        let status: GeneralStatus = unit.read()?;
        let read = Self {
            serial_number: identity.serial_number,
            model: optional::<MachineModel>(unit)?.map(|model| model.model),
            firmware: unit.read()?,
            rated,
            flags: if needs(Query::Flags) { Some(unit.read()?) } else { None },
            ac_charge_window: optional_if(needs(Query::AcChargeWindow), unit)?,
            ac_load_window: optional_if(needs(Query::AcLoadWindow), unit)?,
            clock: clock.zip(host).map(|(clock, host)| offset(clock.time, host)),
            // The factory defaults include the voltages of the factory's battery type.
            defaults: optional_if(is_needed(Setting::BatteryType), unit)?,
            max_charge_currents: optional_if(is_needed(Setting::MaxChargeCurrent), unit)?
                .map(|list: MaxChargeCurrents| list.currents),
            max_ac_charge_currents: optional_if(is_needed(Setting::MaxAcChargeCurrent), unit)?
                .map(|list: MaxAcChargeCurrents| list.currents),
            mode: mode.working_mode,
            fault: faults.fault,
            next_in_bank: next_in_bank(unit, &rated, &status)?,
            status,
        };
        let last: Identity = unit.read()?;
        if last.serial_number != read.serial_number {
            return Err(Error::changed(unit.link().name(), read.serial_number, last.serial_number));
        }
        Ok(read)
    }

    /// Returns the settings of the unit.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let replies = [
            Some(AnyReply::from(self.rated)),
            self.flags.map(AnyReply::from),
            self.ac_charge_window.map(AnyReply::from),
            self.ac_load_window.map(AnyReply::from),
        ];
        let mut settings = Settings::default();
        for reply in replies.iter().flatten() {
            settings.take(reply, None);
        }
        settings.clock = self.clock;
        settings
    }

    /// Returns the parallel instance of the unit, 0 if it works alone; `None` if it reports one above 9.
    #[must_use]
    pub fn instance(&self) -> Option<ParallelInstance> {
        ParallelInstance::new(self.status.parallel_instance).ok()
    }

    /// Returns whether the unit is set to work in a bank.
    #[must_use]
    pub fn is_in_bank(&self) -> bool {
        self.rated.output_mode != OutputMode::SINGLE
    }

    /// Returns whether the unit was charging its battery.
    #[must_use]
    pub fn is_charging(&self) -> bool {
        self.status.charge_current.0 > 0
    }
}

/// Queries the rating of the unit with the next parallel instance. A unit that does not reply counts as
/// the last one of its bank; only a disconnected device is an error.
fn next_in_bank(
    unit: &mut Client<impl Link>,
    rated: &RatedInformation,
    status: &GeneralStatus,
) -> Result<Option<ParallelRating>, pi18_transport::Error> {
    let next = status.parallel_instance.0.checked_add(1).map(pi18_proto::Count);
    let Some(next) = next.and_then(|next| ParallelInstance::new(next).ok()) else {
        return Ok(None);
    };
    if rated.output_mode == OutputMode::SINGLE {
        return Ok(None);
    }
    match unit.read_of::<ParallelRating>(next) {
        Ok(rating) => Ok(Some(rating).filter(|rating| rating.presence == Presence::PRESENT)),
        Err(error) if error.is_disconnected() => Err(error),
        Err(_) => Ok(None),
    }
}

/// Reads a reply that a unit may refuse; `None` if it refuses or the reply is not needed.
fn optional_if<R: QueryReply<Argument = ()>>(
    is_needed: bool,
    unit: &mut Client<impl Link>,
) -> Result<Option<R>, pi18_transport::Error> {
    if is_needed { optional(unit) } else { Ok(None) }
}

/// Reads a reply that a unit may refuse; `None` if it does.
fn optional<R: QueryReply<Argument = ()>>(
    unit: &mut Client<impl Link>,
) -> Result<Option<R>, pi18_transport::Error> {
    match unit.read() {
        Ok(reply) => Ok(Some(reply)),
        Err(error) if error.is_refused() => Ok(None),
        Err(error) => Err(error),
    }
}
