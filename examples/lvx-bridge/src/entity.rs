//! The table of everything that is published about a unit or a bank.
//!
//! MQTT payloads, Home Assistant's entities, Prometheus metrics and the API follow from its rows.

mod table;

use std::time::Instant;

pub use self::table::{BANK, UNIT};
use crate::{
    Snapshot,
    state::{UnitView, Value},
};

/// One thing that is published about a unit (`T = UnitView`) or a bank (`T = Snapshot`).
#[derive(Debug)]
pub struct Entity<T: 'static> {
    /// Key in payloads, identifiers and metrics, such as `battery_voltage`.
    pub key: &'static str,
    /// Short name for people, without the name of the device.
    pub name: &'static str,
    /// Where the value is from.
    pub source: Source<T>,
    /// Unit of measurement; empty if it has none.
    pub unit: &'static str,
    /// Digits after the decimal point.
    pub decimals: u8,
    /// What kind of value it is.
    pub kind: Kind,
    /// Home Assistant's device class; empty if it has none.
    pub class: &'static str,
    /// Message that carries it.
    pub message: Message,
    /// Whether Home Assistant shows it without being asked.
    pub enabled: bool,
    /// Whether it describes the device rather than its work.
    pub diagnostic: bool,
}

/// Where a value is from.
#[derive(Clone, Copy, Debug)]
pub enum Source<T> {
    /// A field of a reply: mnemonic of the query, name of the field.
    Field(&'static str, &'static str),
    /// Computed from other values.
    Computed(fn(&T, Instant) -> Value),
}

/// Kinds of values.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A measurement, which goes up and down.
    Measurement,
    /// A counter, which never falls within an era.
    Counter,
    /// One of several names, such as a mode.
    Enum,
    /// True or false.
    Flag,
    /// A text.
    Text,
}

/// The message that carries a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Message {
    /// Live values, each round, not retained.
    State,
    /// Identity, settings and counters, on change, retained.
    Static,
}

impl Entity<UnitView> {
    /// Returns the value of a unit.
    #[must_use]
    pub fn value(&self, unit: &UnitView, now: Instant) -> Value {
        match self.source {
            Source::Field(mnemonic, field) => unit.value(mnemonic, field, now),
            Source::Computed(compute) => compute(unit, now),
        }
    }
}

impl Entity<Snapshot> {
    /// Returns the value of a bank.
    #[must_use]
    pub fn value(&self, bank: &Snapshot, now: Instant) -> Value {
        match self.source {
            // A bank has no replies of its own.
            Source::Field(..) => Value::Absent,
            Source::Computed(compute) => compute(bank, now),
        }
    }
}
