//! One value, and whether it can be trusted.

use std::{
    fmt,
    time::{Duration, Instant},
};

use pi18_transport::printable;

/// A value with its unit of measurement, or a text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Datum {
    /// A number, in the unit of its key.
    Number {
        /// The number.
        number: f64,
        /// Unit of measurement; empty for a count.
        unit: &'static str,
        /// Digits after the decimal point.
        decimals: u8,
    },
    /// A text without control characters.
    Text(String),
}

impl Datum {
    /// Creates a text of a device or another program. Escapes what could control a terminal.
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(printable(text).into_owned())
    }
}

impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number { number, unit, decimals } => {
                let decimals = usize::from(*decimals);
                write!(f, "{number:.decimals$}")?;
                if unit.is_empty() { Ok(()) } else { write!(f, " {unit}") }
            }
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// A value that was read once, or why there is none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Held {
    /// It was read.
    Read {
        /// The value.
        datum: Datum,
        /// Time at which it was read.
        at: Instant,
        /// Limit of age: an older value is stale.
        limit: Duration,
    },
    /// The last attempt to read it failed, and no earlier value is within its limit of age.
    Failed(String),
}

/// A value at a moment. A missing one is never shown as a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// Read within its limit of age.
    Fresh(&'a Datum),
    /// Older than its limit of age.
    Stale(&'a Datum),
    /// Not read yet, or the unit does not have it.
    Absent,
    /// It could not be read.
    Failed(&'a str),
}

impl Held {
    /// Returns the value at a moment.
    pub(super) fn value(&self, now: Instant) -> Value<'_> {
        match self {
            Self::Read { datum, at, limit } => {
                if now.saturating_duration_since(*at) <= *limit {
                    Value::Fresh(datum)
                } else {
                    Value::Stale(datum)
                }
            }
            Self::Failed(why) => Value::Failed(why),
        }
    }
}

/// The value as it is shown: `54.2 V`, `54.2 V old`, `–` or `failed`.
impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fresh(datum) => datum.fmt(f),
            Self::Stale(datum) => write!(f, "{datum} old"),
            Self::Absent => f.write_str("–"),
            Self::Failed(_) => f.write_str("failed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_fresh_then_stale_and_never_zero() {
        let at = Instant::now();
        let datum = Datum::Number { number: 54.25, unit: "V", decimals: 1 };
        let held = Held::Read { datum, at, limit: Duration::from_secs(10) };
        let text = |seconds| held.value(at + Duration::from_secs(seconds)).to_string();
        assert_eq!([text(10), text(11)], ["54.2 V", "54.2 V old"]);
        assert_eq!(Held::Failed("timeout".to_owned()).value(at).to_string(), "failed");
        assert_eq!(Value::Absent.to_string(), "–");
        assert_eq!(Datum::text("a\u{1b}[2J").to_string(), "a\\u001b[2J");
    }
}
