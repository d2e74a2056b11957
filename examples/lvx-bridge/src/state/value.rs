//! One value, and whether it can be trusted.

use std::{fmt, time::Duration};

use lvx_parallel::Gap;
use serde::Serialize;

/// A value of a unit or a bank, and how far it can be trusted. A missing value is never shown as a number.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Read within its limit of age.
    Fresh {
        /// The value.
        datum: Datum,
        /// Time since it was read.
        age: Duration,
    },
    /// Read, but older than its limit of age.
    Stale {
        /// The last value.
        datum: Datum,
        /// Time since it was read.
        age: Duration,
    },
    /// Not read yet, or the unit does not have it.
    Absent,
    /// The last attempt to read it failed, and no earlier value is within its limit of age.
    Failed(Gap),
}

impl Value {
    /// Returns the value if it is fresh.
    #[must_use]
    pub fn fresh(&self) -> Option<&Datum> {
        match self {
            Self::Fresh { datum, .. } => Some(datum),
            _ => None,
        }
    }

    /// Returns the value and its age, fresh or stale.
    #[must_use]
    pub fn last(&self) -> Option<(&Datum, Duration)> {
        match self {
            Self::Fresh { datum, age } | Self::Stale { datum, age } => Some((datum, *age)),
            Self::Absent | Self::Failed(_) => None,
        }
    }

    /// Returns `fresh`, `stale`, `absent` or `failed`.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match self {
            Self::Fresh { .. } => "fresh",
            Self::Stale { .. } => "stale",
            Self::Absent => "absent",
            Self::Failed(_) => "failed",
        }
    }
}

/// An owned value of a field: what [`pi18_proto::Value`] borrows.
///
/// As JSON, a quantity is a number in its unit (`54.6`), a code its number, anything else text.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(into = "serde_json::Value")]
pub enum Datum {
    /// A quantity: `steps` × `10^-decimals` `unit`.
    Quantity {
        /// Number of steps.
        steps: i64,
        /// Digits after the decimal point.
        decimals: u8,
        /// Unit, such as `V`; empty for a count.
        unit: &'static str,
    },
    /// A number with a meaning, and its name if it is known.
    Code {
        /// Number on the wire.
        number: u8,
        /// Name of the number.
        name: Option<&'static str>,
    },
    /// A statement that is true or false.
    Flag(bool),
    /// Any other value.
    Text(String),
}

impl Datum {
    /// Returns a quantity as a floating-point number in its unit.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        match *self {
            Self::Quantity { steps, decimals, .. } => {
                // Steps of a reply have at most ten digits, which a double holds exactly.
                #[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "exact")]
                let steps = steps as f64;
                Some(steps / 10_f64.powi(decimals.into()))
            }
            _ => None,
        }
    }
}

impl From<pi18_proto::Value<'_>> for Datum {
    fn from(value: pi18_proto::Value<'_>) -> Self {
        match value {
            pi18_proto::Value::Quantity { steps, decimals, unit } => {
                Self::Quantity { steps, decimals, unit }
            }
            pi18_proto::Value::Code { number, name, .. } => Self::Code { number, name },
            other => Self::Text(other.to_string()),
        }
    }
}

impl From<Datum> for serde_json::Value {
    fn from(datum: Datum) -> Self {
        match &datum {
            Datum::Quantity { steps, decimals: 0, .. } => (*steps).into(),
            Datum::Quantity { .. } => datum.number().into(),
            Datum::Code { number, .. } => (*number).into(),
            Datum::Flag(flag) => (*flag).into(),
            Datum::Text(text) => text.clone().into(),
        }
    }
}

impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            &Self::Quantity { steps, decimals, unit } => {
                pi18_proto::Value::Quantity { steps, decimals, unit }.fmt(f)
            }
            Self::Code { name: Some(name), .. } => f.write_str(name),
            Self::Code { number, name: None } => write!(f, "code {number}"),
            Self::Flag(flag) => f.write_str(if *flag { "yes" } else { "no" }),
            Self::Text(text) => f.write_str(text),
        }
    }
}
