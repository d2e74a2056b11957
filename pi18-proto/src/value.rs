//! A field's value without its type: what tables, charts and JSON are made from.

use core::fmt;

use crate::Amperes;

/// What one field holds.
///
/// Shown with its unit. With the `serde` feature a quantity serialises as a number in its unit
/// (`54.6`), a code as its number, anything else as text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// A measured or set quantity: exact, in steps.
    Quantity {
        /// The number on the wire.
        steps: i64,
        /// Digits after the decimal point.
        decimals: u8,
        /// The unit once the point is set; empty for a count.
        unit: &'static str,
    },
    /// A number that stands for something.
    Code {
        /// As on the wire.
        number: u8,
        /// What it stands for, if that is known.
        name: Option<&'static str>,
        /// Whether people know it by its number, as they do a fault: it is shown before the name.
        numbered: bool,
    },
    /// Digits or a time, as text.
    Text(Text),
    /// Several currents.
    List(&'a [Amperes]),
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            &Self::Quantity { steps, decimals, unit } => write_quantity(f, steps, decimals, unit),
            &Self::Code { number, name, numbered } => write_code(f, number, name, numbered),
            Self::Text(text) => f.write_str(text.as_str()),
            Self::List(amperes) => {
                for (i, amperes) in amperes.iter().enumerate() {
                    write!(f, "{}{}", if i > 0 { ", " } else { "" }, amperes.0)?;
                }
                f.write_str(" A")
            }
        }
    }
}

/// A code's name, behind its number if people know it by that.
pub(crate) fn write_code(
    f: &mut fmt::Formatter<'_>,
    number: u8,
    name: Option<&str>,
    numbered: bool,
) -> fmt::Result {
    match name {
        Some(name) if numbered => write!(f, "{number:02} {name}"),
        Some(name) => f.pad(name),
        None if numbered => write!(f, "{number:02} unknown"),
        None => write!(f, "code {number}"),
    }
}

/// The number with its point and its unit; a large number of a small unit in a larger one, exact.
pub(crate) fn write_quantity(
    f: &mut fmt::Formatter<'_>,
    steps: i64,
    decimals: u8,
    unit: &str,
) -> fmt::Result {
    let larger = LARGER.iter().find(|row| row.unit == unit && steps.unsigned_abs() >= row.from);
    let (decimals, unit) = larger
        .map_or((decimals, unit), |row| (decimals.saturating_add(row.decimals), row.shown_unit));
    let scale = 10_u64.checked_pow(decimals.into()).unwrap_or(u64::MAX);
    let sign = if steps < 0 { "-" } else { "" };
    let (whole, part) = (steps.unsigned_abs() / scale, steps.unsigned_abs() % scale);
    write!(f, "{sign}{whole}")?;
    if decimals > 0 {
        write!(f, ".{part:0width$}", width = usize::from(decimals))?;
    }
    if !unit.is_empty() {
        write!(f, " {unit}")?;
    }
    Ok(())
}

/// A unit that is shown as a larger one from a number on.
struct Larger {
    unit: &'static str,
    /// The smallest number of steps that is shown in the larger unit.
    from: u64,
    shown_unit: &'static str,
    /// By how many decimals the point moves.
    decimals: u8,
}

const LARGER: &[Larger] = &[Larger { unit: "Wh", from: 10_000, shown_unit: "kWh", decimals: 3 }];

/// A short text without allocation: at most [`Text::CAPACITY`] printable ASCII characters.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Text {
    bytes: [u8; Self::CAPACITY],
    len: u8,
}

impl Text {
    /// Most characters.
    pub const CAPACITY: usize = 23;

    /// Takes it over, if it is printable ASCII and short enough.
    #[must_use]
    pub fn new(source: &[u8]) -> Option<Self> {
        let printable = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
        if !source.iter().all(printable) {
            return None;
        }
        let mut bytes = [0; Self::CAPACITY];
        bytes.get_mut(..source.len())?.copy_from_slice(source);
        Some(Self { bytes, len: source.len().try_into().ok()? })
    }

    /// As a string slice.
    #[must_use]
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// As bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len.into()).unwrap_or_default()
    }

    /// What `arguments` print; cut off where the capacity ends.
    pub(crate) fn format(arguments: fmt::Arguments<'_>) -> Self {
        let mut text = Self { bytes: [0; Self::CAPACITY], len: 0 };
        // An error only says that the capacity is reached.
        let _ = fmt::Write::write_fmt(&mut text, arguments);
        text
    }
}

impl fmt::Write for Text {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        for byte in s.bytes() {
            *self.bytes.get_mut(usize::from(self.len)).ok_or(fmt::Error)? = byte;
            self.len += 1;
        }
        Ok(())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

/// Declares how a checked text stands in JSON: as a string that its `new` takes.
#[cfg(feature = "serde")]
macro_rules! text_serde {
    ($name:ident, $wanted:literal) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <$crate::Text as serde::Deserialize>::deserialize(deserializer)?;
                Self::new(text.as_str()).ok_or_else(|| {
                    let found = serde::de::Unexpected::Str(text.as_str());
                    serde::de::Error::invalid_value(found, &$wanted)
                })
            }
        }
    };
}

#[cfg(feature = "serde")]
pub(crate) use text_serde;

#[cfg(feature = "serde")]
mod serde_impls {
    use core::fmt;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    use super::{Text, Value};

    impl Serialize for Value<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self {
                &Self::Quantity { steps, decimals: 0, .. } => serializer.serialize_i64(steps),
                &Self::Quantity { steps, decimals, .. } => {
                    serializer.serialize_f64(crate::quantity::in_unit(steps, decimals))
                }
                Self::Code { number, .. } => serializer.serialize_u8(*number),
                Self::Text(text) => text.serialize(serializer),
                Self::List(amperes) => amperes.serialize(serializer),
            }
        }
    }

    impl Serialize for Text {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(self.as_str())
        }
    }

    impl<'de> Deserialize<'de> for Text {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Visitor;

            impl de::Visitor<'_> for Visitor {
                type Value = Text;

                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    write!(f, "at most {} printable ASCII characters", Text::CAPACITY)
                }

                fn visit_str<E: de::Error>(self, text: &str) -> Result<Text, E> {
                    let wrong = || E::invalid_value(de::Unexpected::Str(text), &self);
                    Text::new(text.as_bytes()).ok_or_else(wrong)
                }
            }

            deserializer.deserialize_str(Visitor)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use crate::{FaultCode, WorkingMode, codes};

    #[test]
    fn a_fault_is_shown_with_its_number() {
        let shown = |code| codes::value(code).to_string();
        assert_eq!(shown(FaultCode(83)), "83 parallel: battery voltages detected differ");
        assert_eq!(shown(FaultCode(0)), "00 none");
        assert_eq!(shown(FaultCode(99)), "99 unknown");
        assert_eq!(codes::value(WorkingMode(4)).to_string(), "fault");
    }
}
