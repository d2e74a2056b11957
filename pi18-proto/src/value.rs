//! The value of a field without its Rust type, for tables, charts and JSON.

use core::fmt;

use crate::Text;

/// The value of one field.
///
/// It is displayed with its unit. With the `serde` feature, a quantity serialises as a number in its
/// unit (`54.6`), a code as its number, and anything else as text.
///
/// ```
/// use pi18_proto::{Mode, Reply};
///
/// let mode = Mode::decode(b"05")?;
/// mode.visit(&mut |field, value| {
///     assert_eq!(format!("{}: {value}", field.label), "Working mode: hybrid");
/// });
/// # Ok::<(), pi18_proto::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// A measured or set quantity, exact.
    Quantity {
        /// The number on the wire, in multiples of `10^-decimals` units.
        steps: i64,
        /// The number of digits after the decimal point.
        decimals: u8,
        /// The unit of the number with its decimal point; empty for a count.
        unit: &'static str,
    },
    /// A number with a meaning.
    Code {
        /// The number on the wire.
        number: u8,
        /// The name of the number, if one is known.
        name: Option<&'static str>,
        /// Whether the number is displayed before the name, as for faults.
        numbered: bool,
    },
    /// Any other value as text, such as a serial number or a date.
    Text(Text),
    /// Several quantities of the same unit.
    List {
        /// The numbers on the wire.
        steps: &'a [u16],
        /// The number of digits after the decimal point.
        decimals: u8,
        /// The unit of the numbers with their decimal points.
        unit: &'static str,
    },
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            &Self::Quantity { steps, decimals, unit } => write_quantity(f, steps, decimals, unit),
            &Self::Code { number, name, numbered } => write_code(f, number, name, numbered),
            Self::Text(text) => f.write_str(text.as_str()),
            &Self::List { steps, decimals, unit } => {
                for (i, &steps) in steps.iter().enumerate() {
                    f.write_str(if i > 0 { ", " } else { "" })?;
                    write_quantity(f, steps.into(), decimals, "")?;
                }
                write!(f, " {unit}")
            }
        }
    }
}

/// Writes the name of a code, after its number if `numbered`.
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

/// Writes a quantity with its decimal point and unit. A large quantity is written in the larger unit
/// of [`LARGER`], without rounding.
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

/// Reads the text that [`write_quantity`] writes; the unit may be missing.
pub(crate) fn parse_quantity(text: &str, decimals: u8, unit: &str) -> Option<i64> {
    let (sign, text) = text.strip_prefix('-').map_or((1, text), |text| (-1, text));
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, shown_unit) = text.split_at_checked(end)?;
    let shown_unit = shown_unit.strip_prefix(' ').unwrap_or(shown_unit);
    let decimals = if shown_unit == unit || shown_unit.is_empty() {
        decimals
    } else {
        let is_larger = |row: &&Larger| row.unit == unit && row.shown_unit == shown_unit;
        decimals.checked_add(LARGER.iter().find(is_larger)?.decimals)?
    };
    let (whole, part) = match number.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (number, ""),
    };
    if whole.is_empty() {
        return None;
    }
    let part = part.trim_end_matches('0');
    let zeros = usize::from(decimals).checked_sub(part.len())?;
    let mut steps = 0_i64;
    for digit in whole.bytes().chain(part.bytes()).chain(core::iter::repeat_n(b'0', zeros)) {
        let digit = char::from(digit).to_digit(10)?;
        steps = steps.checked_mul(10)?.checked_add(digit.into())?;
    }
    steps.checked_mul(sign)
}

/// Converts a number on the wire to a number in the unit.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "33 bits at most fit into an f64"
)]
pub(crate) fn in_unit(steps: i64, decimals: u8) -> f64 {
    steps as f64 / scale(decimals)
}

/// Returns `10^decimals`, the number on the wire for one unit.
pub(crate) fn scale(decimals: u8) -> f64 {
    f64::from(10_u32.checked_pow(decimals.into()).unwrap_or(u32::MAX))
}

/// A rule to display large quantities in a larger unit.
struct Larger {
    /// The unit that is replaced.
    unit: &'static str,
    /// The smallest number on the wire that is displayed in the larger unit.
    from: u64,
    /// The larger unit.
    shown_unit: &'static str,
    /// The number of additional digits after the decimal point.
    decimals: u8,
}

const LARGER: &[Larger] = &[Larger { unit: "Wh", from: 10_000, shown_unit: "kWh", decimals: 3 }];

#[cfg(feature = "serde")]
mod serde_impls {
    use serde::{Serialize, Serializer};

    use super::{Value, in_unit};

    impl Serialize for Value<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self {
                &Self::Quantity { steps, decimals: 0, .. } => serializer.serialize_i64(steps),
                &Self::Quantity { steps, decimals, .. } => {
                    serializer.serialize_f64(in_unit(steps, decimals))
                }
                Self::Code { number, .. } => serializer.serialize_u8(*number),
                Self::Text(text) => text.serialize(serializer),
                &Self::List { steps, decimals, unit } => {
                    let quantities = steps.iter().map(|&steps| Value::Quantity {
                        steps: steps.into(),
                        decimals,
                        unit,
                    });
                    serializer.collect_seq(quantities)
                }
            }
        }
    }
}
