//! Faults that only other units report, because the unit with the fault did not answer.
//!
//! What a unit reports about itself overrides what others report about it, even if it does not report its
//! number in the bank.

use pi18_proto::{FaultCode, Presence, SerialNumber};

use crate::UnitSnapshot;

/// A fault of a unit without an answer to `FWS`, as another unit reports it in `PGSn`.
#[derive(Clone, Copy)]
pub(crate) struct ReportedFault<'a> {
    pub(crate) fault: FaultCode,
    /// Number of the unit that has the fault.
    pub(crate) number: usize,
    /// Serial number of the unit that has the fault, if it is known.
    pub(crate) serial: Option<SerialNumber>,
    /// The unit that reports the fault.
    pub(crate) by: &'a UnitSnapshot,
}

/// Returns the faults that only other units report.
pub(super) fn find<'a>(units: &[&'a UnitSnapshot]) -> Vec<ReportedFault<'a>> {
    let mut faults = Vec::new();
    for &by in units {
        for (number, answer) in by.statuses.iter().enumerate() {
            let Some(status) = answer.value() else { continue };
            let serial = by.ratings.get(number).and_then(|rating| rating.value()?.serial_number());
            let answers_itself = |unit: &&UnitSnapshot| {
                let is_same = match unit.instance() {
                    Some(_) => unit.has_number(number),
                    None => serial.is_some() && unit.serial_number() == serial,
                };
                is_same && unit.faults.value().is_some()
            };
            if status.presence == Presence::PRESENT
                && status.fault.is_fault()
                && !units.iter().any(answers_itself)
            {
                faults.push(ReportedFault { fault: status.fault, number, serial, by });
            }
        }
    }
    faults
}
