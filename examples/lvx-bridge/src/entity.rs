//! The table of everything that is published about a unit, a battery pack or a bank.
//!
//! MQTT payloads, Home Assistant's entities, Prometheus metrics and the API follow from its rows. What a bank can be
//! asked to do has rows, too.

mod action;
mod bank;
mod compute;
mod pack;
#[cfg(test)]
mod pack_tests;
mod row;
#[cfg(test)]
mod tests;
mod unit;

use lvx_parallel::pack::Live;
use pi18_proto::{FieldInfo, Query};

pub use self::{
    action::{ACTIONS, Action, Task},
    bank::BANK,
    pack::PACK,
    unit::UNIT,
};
use crate::{
    Now, Snapshot,
    state::{Datum, PackView, UnitView, Value},
};

/// One thing that is published about a unit (`T = UnitView`), a battery pack (`T = PackView`) or a bank (`T = Snapshot`).
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
    /// A part of the measurements of a pack: key of the field in [`Live::FIELDS`], and how it is read. It is `None` if
    /// the pack does not have it, or its scale is not known.
    Live(&'static str, fn(&Live) -> Option<Datum>),
    /// Computed from other values.
    Computed(fn(&T, Now) -> Value),
}

/// Kinds of values.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A measurement, which goes up and down.
    Measurement,
    /// A number that is set or rated. It has no statistics.
    Number,
    /// A counter, which never falls within an era.
    Counter,
    /// A counter that starts at zero each day of the unit's clock.
    Daily,
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

impl<T> Entity<T> {
    /// Returns the description of the field that the value is read from; `None` if it is computed.
    #[must_use]
    pub fn field(&self) -> Option<&'static FieldInfo> {
        let Source::Field(mnemonic, name) = self.source else { return None };
        let query = Query::LIST.iter().find(|info| info.mnemonic == mnemonic)?;
        query.fields.iter().find(|field| field.name == name)
    }

    /// Returns the JSON of a value in payloads: a number in the unit of the entity, `true` or `false`, or a
    /// text. A name of a code is a text; a number without a name is `code 7`.
    #[must_use]
    pub fn json(&self, datum: &Datum) -> serde_json::Value {
        match (self.kind, datum) {
            (Kind::Flag, Datum::Code { number, .. }) => (*number != 0).into(),
            (Kind::Enum | Kind::Text, datum) => datum.to_string().into(),
            (_, datum) => datum.clone().into(),
        }
    }
}

impl Entity<UnitView> {
    /// Returns the value of a unit.
    #[must_use]
    pub fn value(&self, unit: &UnitView, now: Now) -> Value {
        match self.source {
            Source::Field(mnemonic, field) => unit.value(mnemonic, field, now.instant),
            Source::Live(..) => Value::Absent,
            Source::Computed(compute) => compute(unit, now),
        }
    }
}

impl Entity<PackView> {
    /// Returns the value of a pack.
    #[must_use]
    pub fn value(&self, pack: &PackView, now: Now) -> Value {
        match self.source {
            Source::Field(..) => Value::Absent,
            Source::Live(_, read) => pack.value(read, now.instant),
            Source::Computed(compute) => compute(pack, now),
        }
    }
}

impl Entity<Snapshot> {
    /// Returns the value of a bank.
    #[must_use]
    pub fn value(&self, bank: &Snapshot, now: Now) -> Value {
        match self.source {
            // A bank has no replies of its own.
            Source::Field(..) | Source::Live(..) => Value::Absent,
            Source::Computed(compute) => compute(bank, now),
        }
    }
}
