//! The rows.

use super::{Entity, Kind, Message, Source};
use crate::{Snapshot, state::UnitView};

/// Everything that is published about a unit.
pub const UNIT: &[Entity<UnitView>] = &[Entity {
    key: "battery_voltage",
    name: "Battery voltage",
    source: Source::Field("GS", "battery_voltage"),
    unit: "V",
    decimals: 1,
    kind: Kind::Measurement,
    class: "voltage",
    message: Message::State,
    enabled: true,
    diagnostic: false,
}];

/// Everything that is published about a bank.
pub const BANK: &[Entity<Snapshot>] = &[];
