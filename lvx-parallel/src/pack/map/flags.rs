//! Registers whose bits have meanings. Bits without a known meaning are kept.

use std::fmt;

/// Declares types of bits.
macro_rules! flags {
    ($(
        // The documentation of the type.
        $(#[doc = $doc:literal])+
        // The type, and the word for no bit.
        $name:ident, $none:literal {
            $(
                // The documentation of the bit.
                #[doc = $bit_doc:literal]
                // The constant, the bit, and its name.
                $bit:ident = $value:literal, $text:literal;
            )+
        }
    )+) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
        pub struct $name(
            /// All bits, with those that have no known meaning.
            pub u16,
        );

        impl $name {
            $( #[doc = $bit_doc] pub const $bit: Self = Self($value); )+

            /// All known bits with their names.
            pub const KNOWN: &'static [(Self, &'static str)] = &[$( (Self::$bit, $text) ),+];

            /// Returns whether no bit is set.
            #[must_use]
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// Returns whether all bits of `other` are set.
            #[must_use]
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Returns the bits without those of `other`.
            #[must_use]
            pub const fn without(self, other: Self) -> Self {
                Self(self.0 & !other.0)
            }

            /// Returns the bits that have no known meaning.
            #[must_use]
            pub const fn unknown(self) -> Self {
                self.without(Self($( $value )|+))
            }

            /// Returns the names of the bits that are set and have a known meaning.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                Self::KNOWN.iter().filter(move |(bit, _)| self.contains(*bit)).map(|(_, name)| *name)
            }
        }

        /// Writes the names of the bits that are set, and the other bits as a number.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_bits(f, self.names(), self.unknown().0, $none)
            }
        }
    )+ };
}

flags! {
    /// The state of a pack, register 25.
    ///
    /// ```
    /// use lvx_parallel::pack::Status;
    ///
    /// assert!(Status(2).contains(Status::DISCHARGING));
    /// assert_eq!(Status(0).to_string(), "standby");
    /// assert_eq!(Status(0x0301).to_string(), "charging, bits 0x0300");
    /// ```
    ///
    /// Source: EG4-LL MODBUS V01.06. 0x0300 was observed on a pack of 12 V; its meaning is not known.
    Status, "standby" {
        /// The pack is charged.
        CHARGING = 0x0001, "charging";
        /// The pack is discharged.
        DISCHARGING = 0x0002, "discharging";
        /// A protection has switched the pack off.
        PROTECTING = 0x0004, "protecting";
        /// The pack limits the charge current.
        CHARGE_LIMIT = 0x0008, "charge limit";
        /// The heater is on.
        HEATER = 0x8000, "heater on";
    }

    /// The warnings of a pack, register 26.
    ///
    /// Full, healthy packs were observed with [`CELL_OVER_VOLTAGE`](Self::CELL_OVER_VOLTAGE).
    ///
    /// Source: EG4-LL MODBUS V01.06; captures.
    Warnings, "none" {
        /// The voltage of the pack is high.
        PACK_OVER_VOLTAGE = 0x0001, "pack over voltage";
        /// The voltage of a cell is high.
        CELL_OVER_VOLTAGE = 0x0002, "cell over voltage";
        /// The voltage of the pack is low.
        PACK_UNDER_VOLTAGE = 0x0004, "pack under voltage";
        /// The voltage of a cell is low.
        CELL_UNDER_VOLTAGE = 0x0008, "cell under voltage";
        /// The charge current is high.
        CHARGE_OVER_CURRENT = 0x0010, "charge over current";
        /// The discharge current is high.
        DISCHARGE_OVER_CURRENT = 0x0020, "discharge over current";
        /// The temperature around the pack is outside its range.
        AMBIENT_TEMPERATURE = 0x0040, "ambient temperature";
        /// The switches of the pack are hot.
        SWITCH_OVER_TEMPERATURE = 0x0080, "switch over temperature";
        /// The pack is too hot for charging.
        CHARGE_OVER_TEMPERATURE = 0x0100, "charge over temperature";
        /// The pack is too hot for discharging.
        DISCHARGE_OVER_TEMPERATURE = 0x0200, "discharge over temperature";
        /// The pack is too cold for charging.
        CHARGE_UNDER_TEMPERATURE = 0x0400, "charge under temperature";
        /// The pack is too cold for discharging.
        DISCHARGE_UNDER_TEMPERATURE = 0x0800, "discharge under temperature";
        /// The remaining charge is low.
        LOW_CAPACITY = 0x1000, "low capacity";
        /// The pack has stopped the float charge.
        FLOAT_STOPPED = 0x2000, "float stopped";
    }

    /// The protections of a pack that are active, register 27.
    ///
    /// Full, healthy packs were observed with [`LOW_CAPACITY`](Self::LOW_CAPACITY).
    ///
    /// Source: EG4-LL MODBUS V01.06; captures.
    Protections, "none" {
        /// The voltage of the pack is too high.
        PACK_OVER_VOLTAGE = 0x0001, "pack over voltage";
        /// The voltage of a cell is too high.
        CELL_OVER_VOLTAGE = 0x0002, "cell over voltage";
        /// The voltage of the pack is too low.
        PACK_UNDER_VOLTAGE = 0x0004, "pack under voltage";
        /// The voltage of a cell is too low.
        CELL_UNDER_VOLTAGE = 0x0008, "cell under voltage";
        /// The charge current is too high.
        CHARGE_OVER_CURRENT = 0x0010, "charge over current";
        /// The discharge current is too high.
        DISCHARGE_OVER_CURRENT = 0x0020, "discharge over current";
        /// The temperature around the pack is outside its range.
        AMBIENT_TEMPERATURE = 0x0040, "ambient temperature";
        /// The switches of the pack are too hot.
        SWITCH_OVER_TEMPERATURE = 0x0080, "switch over temperature";
        /// The pack is too hot for charging.
        CHARGE_OVER_TEMPERATURE = 0x0100, "charge over temperature";
        /// The pack is too hot for discharging.
        DISCHARGE_OVER_TEMPERATURE = 0x0200, "discharge over temperature";
        /// The pack is too cold for charging.
        CHARGE_UNDER_TEMPERATURE = 0x0400, "charge under temperature";
        /// The pack is too cold for discharging.
        DISCHARGE_UNDER_TEMPERATURE = 0x0800, "discharge under temperature";
        /// The remaining charge is low.
        LOW_CAPACITY = 0x1000, "low capacity";
        /// The output is short-circuited.
        SHORT_CIRCUIT = 0x2000, "discharge short circuit";
    }

    /// The errors of a pack, register 28.
    ///
    /// Source: EG4-LL MODBUS V01.06.
    Errors, "none" {
        /// A voltage cannot be measured.
        VOLTAGE = 0x0001, "voltage";
        /// A temperature cannot be measured.
        TEMPERATURE = 0x0002, "temperature";
        /// The current is wrong.
        CURRENT = 0x0004, "current flow";
        /// The cells have different voltages.
        UNBALANCED = 0x0010, "cells unbalanced";
    }
}

/// The cells that are being balanced, register 38: bit 0 is cell 1.
///
/// ```
/// use lvx_parallel::pack::Balancing;
///
/// assert_eq!(Balancing(0x8001).cells().collect::<Vec<_>>(), [1, 16]);
/// assert_eq!(Balancing(0).to_string(), "none");
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Balancing(
    /// One bit for each cell.
    pub u16,
);

impl Balancing {
    /// Returns the numbers of the cells, 1 to 16.
    pub fn cells(self) -> impl Iterator<Item = u8> {
        (1..=16).filter(move |cell| self.0 >> (cell - 1) & 1 == 1)
    }
}

impl fmt::Display for Balancing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells: Vec<_> = self.cells().map(|cell| cell.to_string()).collect();
        match cells.as_slice() {
            [] => f.write_str("none"),
            [cell] => write!(f, "cell {cell}"),
            cells => write!(f, "cells {}", cells.join(", ")),
        }
    }
}

/// Writes names, and the bits without a name as a number.
fn write_bits(
    f: &mut fmt::Formatter<'_>,
    names: impl Iterator<Item = &'static str>,
    unknown: u16,
    none: &str,
) -> fmt::Result {
    let mut texts: Vec<_> = names.map(str::to_owned).collect();
    if unknown != 0 {
        texts.push(format!("bits {unknown:#06X}"));
    }
    f.write_str(if texts.is_empty() { none.to_owned() } else { texts.join(", ") }.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_bits_are_kept_and_shown() {
        assert_eq!(Warnings(0xC002).to_string(), "cell over voltage, bits 0xC000");
        assert_eq!(Warnings(0xC002).unknown(), Warnings(0xC000));
        assert_eq!(Errors(0x0008).to_string(), "bits 0x0008");
        assert_eq!(Status(0xFFFF).unknown(), Status(0x7FF0));
        assert!(Protections(0x1000).without(Protections::LOW_CAPACITY).is_empty());
    }

    #[test]
    fn bits_with_names_are_single_and_distinct() {
        let all = |bits: Vec<u16>| {
            assert!(bits.iter().all(|bit| bit.is_power_of_two()));
            assert!(bits.is_sorted_by(|a, b| a < b));
        };
        all(Status::KNOWN.iter().map(|(bit, _)| bit.0).collect());
        all(Warnings::KNOWN.iter().map(|(bit, _)| bit.0).collect());
        all(Protections::KNOWN.iter().map(|(bit, _)| bit.0).collect());
        all(Errors::KNOWN.iter().map(|(bit, _)| bit.0).collect());
    }
}
