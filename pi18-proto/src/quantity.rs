//! Quantities: integers in the resolution of the protocol, displayed exactly in their unit.
//!
//! `Decivolts(546)` is 54.6 V. Only `in_unit` converts to a float.

use core::{fmt, str::FromStr};

use crate::{
    EncodeError, ParseError,
    field::{Field, Form, Writer, Zero, decimal},
    value::{Value, in_unit, parse_quantity, write_quantity},
};

mod arithmetic;

/// Declares the quantities.
macro_rules! quantities {
    ($(
        // The documentation of the type.
        $(#[doc = $doc:literal])+
        // The type.
        $name:ident
        // The integer that it wraps.
        ($repr:ty)
        // The unit that it is displayed in; empty for a count.
        : $unit:literal,
        // The number of digits after the decimal point.
        $decimals:literal,
        // The accepted numbers, for error texts.
        $expected:literal,
        // The accepted texts, for error texts.
        $text:literal;
    )+) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(
            #[doc = concat!("The number on the wire: ", $expected, ".")]
            pub $repr,
        );

        impl $name {
            /// The unit that the quantity is displayed in.
            pub const UNIT: &'static str = $unit;
            /// The number of digits after the decimal point.
            pub const DECIMALS: u8 = $decimals;

            /// Returns the quantity in its unit, for calculations whose result is not sent.
            #[must_use]
            pub fn in_unit(self) -> f64 {
                in_unit(self.0.into(), $decimals)
            }
        }

        impl Field for $name {
            const UNIT: &'static str = $unit;
            const DECIMALS: u8 = $decimals;
            const FORM: Form =
                Form::Number { min: <$repr as Number>::MIN, max: <$repr as Number>::MAX };
            const EXPECTED: &'static str = $expected;

            #[inline]
            fn read(token: &[u8]) -> Option<Self> {
                <$repr as Number>::read(token).map(Self)
            }

            #[inline]
            fn write(self, width: usize, out: &mut Writer<'_>) -> Result<(), EncodeError> {
                self.0.write(width, out)
            }

            #[inline]
            fn from_plain_number(number: u32) -> Option<Self> {
                number.try_into().ok().map(Self)
            }

            #[inline]
            fn plain_number(&self) -> Option<u32> {
                self.0.try_into().ok()
            }

            fn value(&self) -> Option<Value<'_>> {
                Some(Value::Quantity { steps: self.0.into(), decimals: $decimals, unit: $unit })
            }
        }

        impl Zero for $name {
            const ZERO: Self = Self(0);
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_quantity(f, self.0.into(), $decimals, $unit)
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            /// Reads the displayed form. The unit and the decimal places may be missing, zeros may follow
            /// the last decimal place.
            fn from_str(text: &str) -> Result<Self, ParseError> {
                parse_quantity(text, $decimals, $unit)
                    .and_then(|steps| steps.try_into().ok())
                    .map(Self)
                    .ok_or_else(|| ParseError::new($text, text))
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if !serializer.is_human_readable() {
                    return self.0.serialize(serializer);
                }
                Value::Quantity { steps: self.0.into(), decimals: $decimals, unit: $unit }
                    .serialize(serializer)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if !deserializer.is_human_readable() {
                    return <$repr>::deserialize(deserializer).map(Self);
                }
                let steps = steps::deserialize(deserializer, $decimals, $text)?;
                let invalid = |_| serde::de::Error::custom(concat!("expected ", $text));
                steps.try_into().map(Self).map_err(invalid)
            }
        }
    )+ };
}

quantities! {
    /// Electric potential in tenths of a volt.
    ///
    /// ```
    /// use pi18_proto::Decivolts;
    ///
    /// let voltage = Decivolts(546);
    /// assert_eq!(voltage.to_string(), "54.6 V");
    /// assert_eq!(voltage.in_unit(), 54.6);
    /// assert_eq!("54.6 V".parse(), Ok(voltage));
    /// assert_eq!((voltage + Decivolts(4)).to_string(), "55.0 V");
    /// ```
    Decivolts(u16): "V", 1, "a number of tenths of a volt up to 65535",
        "a voltage from 0.0 to 6553.5 V in steps of 0.1 V";
    /// Electric current in tenths of an ampere.
    Deciamperes(u16): "A", 1, "a number of tenths of an ampere up to 65535",
        "a current from 0.0 to 6553.5 A in steps of 0.1 A";
    /// Frequency in tenths of a hertz.
    Decihertz(u16): "Hz", 1, "a number of tenths of a hertz up to 65535",
        "a frequency from 0.0 to 6553.5 Hz in steps of 0.1 Hz";
    /// Electric current in amperes.
    Amperes(u16): "A", 0, "a number of amperes up to 65535",
        "a current from 0 to 65535 A";
    /// Apparent power in volt-amperes.
    VoltAmperes(u32): "VA", 0, "a number of volt-amperes up to 4294967295",
        "a power from 0 to 4294967295 VA";
    /// Active power in watts.
    Watts(u32): "W", 0, "a number of watts up to 4294967295",
        "a power from 0 to 4294967295 W";
    /// Active power in watts, whose sign gives the direction.
    SignedWatts(i32): "W", 0, "a number of watts from -2147483648 to 2147483647",
        "a power from -2147483648 to 2147483647 W";
    /// Energy in watt-hours, displayed in kilowatt-hours from 10 kWh on.
    WattHours(u32): "Wh", 0, "a number of watt-hours up to 4294967295",
        "an energy from 0 to 4294967295 Wh";
    /// A percentage.
    Percent(u16): "%", 0, "a number of percent up to 65535",
        "a percentage from 0 to 65535 %";
    /// Temperature in degrees Celsius. A leading minus sign is accepted (assumed: no sheet shows one).
    Celsius(i16): "°C", 0, "a number of degrees Celsius from -32768 to 32767",
        "a temperature from -32768 to 32767 °C";
    /// Duration in seconds.
    Seconds(u16): "s", 0, "a number of seconds up to 65535",
        "a duration from 0 to 65535 s";
    /// A number without a unit.
    Count(u16): "", 0, "a number up to 65535",
        "a number from 0 to 65535";
}

/// An integer that a quantity wraps.
trait Number: Copy {
    const MIN: i64;
    const MAX: i64;

    fn read(token: &[u8]) -> Option<Self>;

    fn write(self, width: usize, out: &mut Writer<'_>) -> Result<(), EncodeError>;
}

impl Number for u16 {
    const MIN: i64 = 0;
    const MAX: i64 = 0xFFFF;

    #[inline]
    fn read(token: &[u8]) -> Option<Self> {
        decimal(token)?.try_into().ok()
    }

    #[inline]
    fn write(self, width: usize, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.number(self.into(), width)
    }
}

impl Number for u32 {
    const MIN: i64 = 0;
    const MAX: i64 = 0xFFFF_FFFF;

    #[inline]
    fn read(token: &[u8]) -> Option<Self> {
        decimal(token)
    }

    #[inline]
    fn write(self, width: usize, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.number(self, width)
    }
}

impl Number for i16 {
    const MIN: i64 = -0x8000;
    const MAX: i64 = 0x7FFF;

    #[inline]
    fn read(token: &[u8]) -> Option<Self> {
        <i32 as Number>::read(token)?.try_into().ok()
    }

    #[inline]
    fn write(self, width: usize, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        Number::write(i32::from(self), width, out)
    }
}

impl Number for i32 {
    const MIN: i64 = -0x8000_0000;
    const MAX: i64 = 0x7FFF_FFFF;

    #[inline]
    fn read(token: &[u8]) -> Option<Self> {
        let (sign, digits) = match token {
            [b'-', digits @ ..] => (-1, digits),
            _ => (1, token),
        };
        i64::from(decimal(digits)?).checked_mul(sign)?.try_into().ok()
    }

    #[inline]
    fn write(self, width: usize, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        if self < 0 {
            out.byte(b'-')?;
            return out.number(self.unsigned_abs(), width.saturating_sub(1));
        }
        out.number(self.unsigned_abs(), width)
    }
}

#[cfg(feature = "serde")]
mod steps {
    use core::fmt;

    use serde::{Deserializer, de};

    use crate::value::{in_unit, scale};

    /// Reads a number in the unit, with at most `decimals` digits after the decimal point.
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
        decimals: u8,
        expected: &'static str,
    ) -> Result<i64, D::Error> {
        deserializer.deserialize_any(Visitor { decimals, expected })
    }

    struct Visitor {
        decimals: u8,
        expected: &'static str,
    }

    impl de::Visitor<'_> for Visitor {
        type Value = i64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.expected)
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<i64, E> {
            let scale = 10_i64.pow(self.decimals.into());
            let invalid = || E::invalid_value(de::Unexpected::Signed(number), &self);
            number.checked_mul(scale).ok_or_else(invalid)
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<i64, E> {
            match i64::try_from(number) {
                Ok(number) => self.visit_i64(number),
                Err(_) => Err(E::invalid_value(de::Unexpected::Unsigned(number), &self)),
            }
        }

        #[expect(
            clippy::as_conversions,
            clippy::cast_possible_truncation,
            reason = "converted back and compared"
        )]
        #[expect(clippy::float_cmp, reason = "the number must be exact")]
        fn visit_f64<E: de::Error>(self, number: f64) -> Result<i64, E> {
            let half = if number < 0.0 { -0.5 } else { 0.5 };
            let steps = (number * scale(self.decimals) + half) as i64;
            if in_unit(steps, self.decimals) == number {
                Ok(steps)
            } else {
                Err(E::invalid_value(de::Unexpected::Float(number), &self))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{format, string::ToString};

    use super::*;

    #[test]
    fn quantity_displays_its_unit() {
        assert_eq!(format!("{}", Decivolts(546)), "54.6 V");
        assert_eq!(format!("{}", Decivolts(5)), "0.5 V");
        assert_eq!(format!("{}", Watts(0)), "0 W");
        assert_eq!(format!("{}", Celsius(-5)), "-5 °C");
        assert_eq!(format!("{}", SignedWatts(-1040)), "-1040 W");
        assert_eq!(format!("{}", Count(2)), "2");
    }

    #[test]
    fn energy_from_10_kwh_displays_in_kilowatt_hours() {
        assert_eq!(format!("{}", WattHours(3537)), "3537 Wh");
        assert_eq!(format!("{}", WattHours(9999)), "9999 Wh");
        assert_eq!(format!("{}", WattHours(10_000)), "10.000 kWh");
        assert_eq!(format!("{}", WattHours(5_580_051)), "5580.051 kWh");
        let value = Value::Quantity { steps: 15_183_497, decimals: 0, unit: "Wh" };
        assert_eq!(format!("{value}"), "15183.497 kWh");
        assert_eq!(format!("{}", Watts(10_000)), "10000 W");
    }

    #[test]
    fn number_with_other_bytes_than_digits_is_refused() {
        assert_eq!(Decivolts::read(b"0546"), Some(Decivolts(546)));
        assert_eq!(Celsius::read(b"-05"), Some(Celsius(-5)));
        for token in [&b""[..], b" 5", b"5 ", b"+5", b"5.4", b"0x5", b"65536", b"-5"] {
            assert_eq!(Decivolts::read(token), None, "{}", token.escape_ascii());
        }
        for token in [&b"-"[..], b"--5", b"32768"] {
            assert_eq!(Celsius::read(token), None, "{}", token.escape_ascii());
        }
    }

    #[test]
    fn number_wider_than_its_field_is_written_whole() {
        let mut buffer = [0; 8];
        let mut out = Writer::new(&mut buffer);
        Watts(123).write(2, &mut out).unwrap();
        Celsius(-5).write(3, &mut out).unwrap();
        assert_eq!(out.written(), b"123-05");
    }

    #[cfg(feature = "serde")]
    #[test]
    fn json_number_in_unit_round_trips() {
        for steps in 0..=u16::MAX {
            let text = serde_json::to_string(&Decivolts(steps)).unwrap();
            assert_eq!(serde_json::from_str::<Decivolts>(&text).unwrap(), Decivolts(steps));
        }
        assert_eq!(serde_json::to_string(&Decivolts(546)).unwrap(), "54.6");
        let error = serde_json::from_str::<Decivolts>("54.65").unwrap_err().to_string();
        let expected = "expected a voltage from 0.0 to 6553.5 V in steps of 0.1 V";
        assert!(error.contains(expected), "{error}");
        let error = serde_json::from_str::<Decivolts>("7000").unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(serde_json::from_str::<Decivolts>("-1").is_err());
        assert!(serde_json::from_str::<Watts>("1e300").is_err());
    }
}
