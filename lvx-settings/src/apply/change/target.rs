//! The unit that a write is meant for.

use pi18_proto::{AnyReply, ParallelInstance, SerialNumber};

use crate::{Group, Unit};

/// The unit that a write is meant for.
#[derive(Debug)]
pub(super) struct Target {
    /// Index of the unit in the plan.
    pub(super) index: usize,
    /// The unit as it was last read.
    pub(super) unit: Unit,
    /// Number of the unit in its bank.
    pub(super) instance: ParallelInstance,
    /// Whether the command names the unit by this number.
    pub(super) by_number: bool,
    /// The unit as it was last read, until the run takes it.
    pub(super) update: Option<Unit>,
}

impl Target {
    /// Returns the target of a command of this group, or `None` if the unit has no number in its bank.
    pub(super) fn new(index: usize, unit: &Unit, group: Group) -> Option<Self> {
        Some(Self {
            index,
            unit: unit.clone(),
            instance: unit.instance()?,
            by_number: group.names_its_unit(),
            update: None,
        })
    }

    pub(super) fn serial_number(&self) -> SerialNumber {
        self.unit.serial_number
    }

    /// Replaces the unit after it was read again.
    pub(super) fn update(&mut self, unit: Unit, instance: ParallelInstance) {
        self.instance = instance;
        self.unit = unit.clone();
        self.update = Some(unit);
    }

    /// Returns the serial number in an identity reply, if it is that of another unit.
    pub(super) fn stranger(&self, reply: &AnyReply) -> Option<SerialNumber> {
        match reply {
            AnyReply::Identity(identity) => {
                Some(identity.serial_number).filter(|found| *found != self.serial_number())
            }
            _ => None,
        }
    }
}

/// Returns the number in the bank that a status reply states, if it is a valid one.
pub(super) fn stated_number(reply: &AnyReply) -> Option<ParallelInstance> {
    match reply {
        AnyReply::GeneralStatus(status) => ParallelInstance::new(status.parallel_instance).ok(),
        _ => None,
    }
}
