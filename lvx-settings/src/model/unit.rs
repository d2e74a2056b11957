//! What a unit says of itself, as far as its settings go.

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

/// What a unit said of itself: who it is, what it is made for, how it is set, what it is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// Its serial number.
    pub serial_number: SerialNumber,
    /// Its product line; older units do not say.
    pub model: Option<Model>,
    /// Its firmware.
    pub firmware: FirmwareVersions,
    /// Its ratings and most of its settings.
    pub rated: RatedInformation,
    /// Its flags; every unit has them, so `None` means that it was [read in part](Self::read_for).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flags: Option<Flags>,
    /// When AC may charge.
    #[serde(rename = "ac_charging_window")]
    pub ac_charge_window: Option<AcChargeWindow>,
    /// When AC may supply the loads.
    pub ac_load_window: Option<AcLoadWindow>,
    /// Its clock.
    pub clock: Option<ClockOffset>,
    /// Its factory defaults.
    pub defaults: Option<Defaults>,
    /// The maximum charge currents that it offers.
    #[serde(rename = "charging_currents")]
    pub max_charge_currents: Option<Currents>,
    /// The maximum AC charge currents that it offers.
    #[serde(rename = "ac_charging_currents")]
    pub max_ac_charge_currents: Option<Currents>,
    /// What it was doing.
    pub mode: WorkingMode,
    /// Its fault.
    pub fault: FaultCode,
    /// What it measured.
    pub status: GeneralStatus,
    /// What it says of the unit behind it in its bank, the one with the next parallel instance; `None`
    /// if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_in_bank: Option<ParallelRating>,
}

impl Unit {
    /// Asks a unit all of it. What an older unit refuses to say is left out.
    ///
    /// # Errors
    /// If it does not speak PI18, does not answer, refuses what every unit says, or if another unit
    /// answers in the end: the replies may then be those of two units.
    pub fn read(unit: &mut Client<impl Link>, host: &HostClock) -> Result<Self, Error> {
        Self::read_where(unit, host, |_| true)
    }

    /// Asks a unit only what it takes to look at these settings: at 2400 baud that is a second less.
    ///
    /// Good for a difference or a first look at a plan. A plan that was made from such a reading is not
    /// carried out: other settings of the unit are not in it, and count as changed since.
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

    fn read_where(
        unit: &mut Client<impl Link>,
        host: &HostClock,
        is_wanted: impl Fn(Setting) -> bool,
    ) -> Result<Self, Error> {
        let wants = |query: Query| {
            Setting::ALL.iter().any(|&setting| setting.query() == query && is_wanted(setting))
        };
        let protocol: ProtocolId = unit.read()?;
        if protocol != ProtocolId::PI18 {
            return Err(Error::protocol(unit.link().name(), protocol));
        }
        let identity: Identity = unit.read()?;
        let clock: Option<Clock> = optional_if(wants(Query::Clock), unit)?;
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
            flags: if wants(Query::Flags) { Some(unit.read()?) } else { None },
            ac_charge_window: optional_if(wants(Query::AcChargeWindow), unit)?,
            ac_load_window: optional_if(wants(Query::AcLoadWindow), unit)?,
            clock: clock.zip(host).map(|(clock, host)| offset(clock.time, host)),
            // The voltages that a battery type brings.
            defaults: optional_if(is_wanted(Setting::BatteryType), unit)?,
            max_charge_currents: optional_if(is_wanted(Setting::MaxChargeCurrent), unit)?
                .map(|list: MaxChargeCurrents| list.currents),
            max_ac_charge_currents: optional_if(is_wanted(Setting::MaxAcChargeCurrent), unit)?
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

    /// How it is set.
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

    /// Its number in its bank, 0 if it is alone.
    #[must_use]
    pub fn instance(&self) -> Option<ParallelInstance> {
        ParallelInstance::new(self.status.parallel_instance).ok()
    }

    /// Whether it works alongside others, or could.
    #[must_use]
    pub fn is_in_bank(&self) -> bool {
        self.rated.output_mode != OutputMode::SINGLE
    }

    /// Whether it charges right now.
    #[must_use]
    pub fn is_charging(&self) -> bool {
        self.status.charge_current.0 > 0
    }
}

/// Asks for the unit with the next parallel instance. A unit that does not answer that question counts
/// as the last one of its bank; only a device that is gone is an error.
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

/// A reply that a unit may refuse, if it is wanted.
fn optional_if<R: QueryReply<Argument = ()>>(
    is_wanted: bool,
    unit: &mut Client<impl Link>,
) -> Result<Option<R>, pi18_transport::Error> {
    if is_wanted { optional(unit) } else { Ok(None) }
}

/// A reply that a unit may refuse.
fn optional<R: QueryReply<Argument = ()>>(
    unit: &mut Client<impl Link>,
) -> Result<Option<R>, pi18_transport::Error> {
    match unit.read() {
        Ok(reply) => Ok(Some(reply)),
        Err(error) if error.is_refused() => Ok(None),
        Err(error) => Err(error),
    }
}
