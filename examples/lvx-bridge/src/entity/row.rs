//! How a row of the table is written: a source, a form, and what differs from the usual.
//!
//! A new row is live, and not shown by Home Assistant until it is asked for.

use lvx_parallel::pack::Live;

use super::{Entity, Kind, Message, Source};
use crate::{
    Now,
    state::{Datum, PackView, Value},
};

/// Begins a row with the value of a field of a reply.
pub(super) const fn field<T>(
    mnemonic: &'static str,
    field: &'static str,
    name: &'static str,
) -> Entity<T> {
    row(field, name, Source::Field(mnemonic, field))
}

/// Begins a row with a part of the measurements of a pack.
pub(super) const fn live(
    field: &'static str,
    name: &'static str,
    read: fn(&Live) -> Option<Datum>,
) -> Entity<PackView> {
    row(field, name, Source::Live(field, read))
}

/// Begins a row with a computed value.
pub(super) const fn computed<T>(
    key: &'static str,
    name: &'static str,
    compute: fn(&T, Now) -> Value,
) -> Entity<T> {
    row(key, name, Source::Computed(compute))
}

const fn row<T>(key: &'static str, name: &'static str, source: Source<T>) -> Entity<T> {
    Entity {
        key,
        name,
        source,
        unit: "",
        decimals: 0,
        kind: Kind::Text,
        class: "",
        message: Message::State,
        enabled: false,
        diagnostic: false,
    }
}

impl<T> Entity<T> {
    /// Names the row apart from its field.
    pub(super) const fn key(self, key: &'static str) -> Self {
        Self { key, ..self }
    }

    /// The value is measured.
    pub(super) const fn measured(self, unit: &'static str, decimals: u8) -> Self {
        self.quantity(Kind::Measurement, unit, decimals)
    }

    /// The value is a number that is set or rated.
    pub(super) const fn number(self, unit: &'static str, decimals: u8) -> Self {
        self.quantity(Kind::Number, unit, decimals)
    }

    /// The value is a counter.
    pub(super) const fn counted(self, unit: &'static str) -> Self {
        Self { message: Message::Static, ..self.quantity(Kind::Counter, unit, 0) }
    }

    /// The value is a counter of the present day.
    pub(super) const fn counted_daily(self, unit: &'static str) -> Self {
        Self { kind: Kind::Daily, ..self.counted(unit) }
    }

    /// The value is one of the names of a code, which Home Assistant lists.
    pub(super) const fn named(self) -> Self {
        Self { kind: Kind::Enum, class: "enum", ..self }
    }

    /// The value is true or false.
    pub(super) const fn flag(self) -> Self {
        Self { kind: Kind::Flag, ..self }
    }

    /// Gives the value another device class of Home Assistant than that of its unit.
    pub(super) const fn class(self, class: &'static str) -> Self {
        Self { class, ..self }
    }

    /// Home Assistant shows the value without being asked.
    pub(super) const fn enabled(self) -> Self {
        Self { enabled: true, ..self }
    }

    /// The value describes the device rather than its work.
    pub(super) const fn diagnostic(self) -> Self {
        Self { diagnostic: true, ..self }
    }

    /// The value is published each round.
    pub(super) const fn live(self) -> Self {
        Self { message: Message::State, ..self }
    }

    /// The value changes rarely: it is an identity, a rating or a setting.
    pub(super) const fn fixed(self) -> Self {
        Self { message: Message::Static, diagnostic: true, ..self }
    }

    const fn quantity(self, kind: Kind, unit: &'static str, decimals: u8) -> Self {
        Self { kind, unit, decimals, class: class_of(unit), ..self }
    }
}

/// Returns Home Assistant's device class for a unit of measurement; empty if there is none.
const fn class_of(unit: &str) -> &'static str {
    match unit.as_bytes() {
        b"V" | b"mV" => "voltage",
        b"A" => "current",
        b"W" => "power",
        b"VA" => "apparent_power",
        b"Wh" => "energy",
        b"Hz" => "frequency",
        b"\xC2\xB0C" => "temperature",
        b"s" | b"ms" => "duration",
        _ => "",
    }
}
