//! What a unit says of itself, as far as its settings go.

use pi18_proto::{
    AcChargeWindow, AcLoadWindow, Answer, AnyReply, Clock, Currents, Defaults, FaultCode,
    FaultsAndWarnings, FirmwareVersions, Flags, GeneralStatus, Identity, MachineModel,
    MaxAcChargeCurrents, MaxChargeCurrents, Mode, Model, ParallelInstance, ProtocolId,
    RatedInformation, SerialNumber, WorkingMode,
};
use pi18_transport::{Client, Link};
use serde::{Deserialize, Serialize};

use crate::{
    Error, HostClock, Settings,
    clock::{ClockOffset, offset},
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
    /// Its flags.
    pub flags: Flags,
    /// When AC may charge.
    pub ac_charging_window: Option<AcChargeWindow>,
    /// When AC may supply the loads.
    pub ac_load_window: Option<AcLoadWindow>,
    /// Its clock.
    pub clock: Option<ClockOffset>,
    /// Its factory defaults.
    pub defaults: Option<Defaults>,
    /// The maximum charging currents that it offers.
    pub charging_currents: Option<Currents>,
    /// The maximum AC charging currents that it offers.
    pub ac_charging_currents: Option<Currents>,
    /// What it was doing.
    pub mode: WorkingMode,
    /// Its fault.
    pub fault: FaultCode,
    /// What it measured.
    pub status: GeneralStatus,
}

impl Unit {
    /// Asks a unit all of it. What an older unit refuses to say is left out.
    ///
    /// # Errors
    /// If it does not speak PI18, does not answer, refuses what every unit says, or if another unit
    /// answers in the end: the replies may then be those of two units.
    pub fn read(unit: &mut Client<impl Link>, host: &HostClock) -> Result<Self, Error> {
        let protocol: ProtocolId = unit.read()?;
        if protocol != ProtocolId::PI18 {
            return Err(Error::protocol(unit.link().name(), protocol));
        }
        let identity: Identity = unit.read()?;
        let clock: Option<Clock> = optional(unit)?;
        let host = host.time(unit.now());
        let rated = unit.read()?;
        let mode: Mode = unit.read()?;
        let faults: FaultsAndWarnings = unit.read()?;
        let read = Self {
            serial_number: identity.serial_number,
            model: optional::<MachineModel>(unit)?.map(|model| model.model),
            firmware: unit.read()?,
            rated,
            flags: unit.read()?,
            ac_charging_window: optional(unit)?,
            ac_load_window: optional(unit)?,
            clock: clock.zip(host).map(|(clock, host)| offset(clock.time, host)),
            defaults: optional(unit)?,
            charging_currents: optional::<MaxChargeCurrents>(unit)?.map(|list| list.currents),
            ac_charging_currents: optional::<MaxAcChargeCurrents>(unit)?.map(|list| list.currents),
            mode: mode.working_mode,
            fault: faults.fault,
            status: unit.read()?,
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
            Some(AnyReply::from(self.flags)),
            self.ac_charging_window.map(AnyReply::from),
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

    /// Whether it charges right now.
    #[must_use]
    pub fn is_charging(&self) -> bool {
        self.status.charge_current.0 > 0
    }
}

/// A reply that a unit may refuse.
fn optional<R: Answer<Argument = ()>>(
    unit: &mut Client<impl Link>,
) -> Result<Option<R>, pi18_transport::Error> {
    match unit.read() {
        Ok(reply) => Ok(Some(reply)),
        Err(error) if error.is_refused() => Ok(None),
        Err(error) => Err(error),
    }
}
