//! What one unit says of itself.

use pi18_proto::{
    FaultsAndWarnings, FirmwareVersions, GeneralStatus, Identity, Mode, ParallelInstance,
    SerialNumber, WorkingMode,
};
use pi18_transport::{Client, Error, Link};
use serde::Serialize;

/// What one unit said of itself, taken within a few seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnitSnapshot {
    /// What the unit is called here: the address it was reached by.
    pub name: String,
    /// Its serial number.
    pub serial_number: SerialNumber,
    /// Its firmware.
    pub firmware: FirmwareVersions,
    /// What it is doing.
    pub mode: WorkingMode,
    /// Its fault and warnings.
    pub faults: FaultsAndWarnings,
    /// What it measures.
    pub status: GeneralStatus,
    /// How many units of its bank it knows of, itself included.
    pub bank_size: usize,
}

impl UnitSnapshot {
    /// Asks a unit all that [`check`](crate::check) wants to know.
    ///
    /// # Errors
    /// If the unit does not answer one of the questions.
    pub fn read(name: impl Into<String>, unit: &mut Client<impl Link>) -> Result<Self, Error> {
        let identity: Identity = unit.read()?;
        let firmware = unit.read()?;
        let bank_size = bank_size(unit)?;
        // What moves is asked last and close together.
        let faults = unit.read()?;
        let mode: Mode = unit.read()?;
        let status = unit.read()?;
        Ok(Self {
            name: name.into(),
            serial_number: identity.serial_number,
            firmware,
            mode: mode.working_mode,
            faults,
            status,
            bank_size,
        })
    }
}

/// How many instances in a row the unit knows; a unit that is alone may refuse the question.
fn bank_size(unit: &mut Client<impl Link>) -> Result<usize, Error> {
    use pi18_proto::{Count, ParallelRating, Presence};

    let mut known = 0;
    for instance in (0..=9).filter_map(|n| ParallelInstance::new(Count(n)).ok()) {
        match unit.read_of::<ParallelRating>(instance) {
            Ok(rating) if rating.presence == Presence::PRESENT => known += 1,
            Ok(_) => break,
            Err(error) if error.is_refused() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(known)
}
