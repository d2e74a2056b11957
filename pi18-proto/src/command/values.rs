//! The values that may be sent to a unit: enumerations, and quantities within the ranges of the
//! sheets.
//!
//! A particular unit accepts fewer values, depending on its rated voltage, its lists of selectable
//! currents and its state.

use core::{fmt, str::FromStr};

use crate::{
    Amperes, Count, Decivolts, EncodeError, ParseError, Percent, RangeError,
    field::{Field, Form, Writer, decimal},
    value::{Value, parse_quantity, write_quantity},
};

/// Declares quantities within a range.
macro_rules! checked {
    ($(
        // The documentation of the type.
        $(#[doc = $doc:literal])+
        // The type, and the quantity that it wraps.
        $name:ident($quantity:ident),
        // The name of the value in error texts.
        $noun:literal =
        // The allowed ranges: the lowest and highest number, and the step if it is not 1.
        $($low:literal ..= $high:literal $(step $step:literal)?)|+,
        // The allowed ranges, for documentation and error texts.
        $expected:literal;
    )+) => { $(
        $(#[doc = $doc])+
        ///
        #[doc = concat!("Range: ", $expected, ".")]
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name($quantity);

        impl $name {
            /// Creates the value from a quantity in range.
            ///
            /// # Errors
            #[doc = concat!("If the quantity is not ", $expected, ".")]
            pub const fn new(value: $quantity) -> Result<Self, RangeError> {
                match value.0 {
                    $($low..=$high $(if value.0.is_multiple_of($step))? => Ok(Self(value)),)+
                    _ => Err(RangeError {
                        name: $noun,
                        expected: $expected,
                        found: widen(value.0),
                        decimals: $quantity::DECIMALS,
                        unit: $quantity::UNIT,
                    }),
                }
            }

            /// Returns the quantity.
            #[must_use]
            pub const fn get(self) -> $quantity {
                self.0
            }
        }

        impl Field for $name {
            const UNIT: &'static str = $quantity::UNIT;
            const DECIMALS: u8 = $quantity::DECIMALS;
            const FORM: Form = range(&[$(($low, $high)),+]);
            const EXPECTED: &'static str = $expected;

            fn read(token: &[u8]) -> Option<Self> {
                Self::new(Field::read(token)?).ok()
            }

            fn write(self, width: usize, out: &mut Writer<'_>) -> Result<(), EncodeError> {
                self.0.write(width, out)
            }

            fn value(&self) -> Option<Value<'_>> {
                self.0.value()
            }
        }

        impl TryFrom<$quantity> for $name {
            type Error = RangeError;

            fn try_from(value: $quantity) -> Result<Self, RangeError> {
                Self::new(value)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            /// Reads the displayed form of a quantity in range. The unit may be missing.
            fn from_str(text: &str) -> Result<Self, ParseError> {
                let quantity = text.parse::<$quantity>().ok();
                quantity
                    .and_then(|quantity| Self::new(quantity).ok())
                    .ok_or_else(|| ParseError::new($expected, text))
            }
        }
    )+ };
}

impl ParallelInstance {
    /// The master of a bank, and a unit that works alone.
    pub const MASTER: Self = Self(Count(0));
}

impl RedischargeVoltage {
    /// A full battery.
    pub const FULL: Self = Self(Decivolts(0));
}

/// Converts a number without loss, in constants too.
const fn widen(number: u16) -> u32 {
    let [low, high] = number.to_le_bytes();
    u32::from_le_bytes([low, high, 0, 0])
}

/// Returns the form of a number from the lowest to the highest of all ranges.
const fn range(ranges: &[(i64, i64)]) -> Form {
    match ranges {
        [(min, _), .., (_, max)] | [(min, max)] => Form::Number { min: *min, max: *max },
        [] => Form::Number { min: 0, max: 0 },
    }
}

checked! {
    /// The number of a unit within its bank. The master has 0, and so has a unit that works alone.
    ///
    /// Source: PI18 2017 and 2022, "PRIn", "PGSn", "MCHGC".
    ParallelInstance(Count), "parallel instance" = 0..=9, "a unit number from 0 to 9";
    /// A maximum charge current. A unit accepts only the currents in its list of selectable currents.
    ///
    /// Source: PI18 2017 and 2022, "MCHGC" and "MUCHGC": three digits.
    SelectableCurrent(Amperes), "charge current" = 0..=999, "0 to 999 A";
    /// A bulk (C.V.) or float voltage.
    ///
    /// 48 V units accept 48.0 to 58.4 V, 24 V units 24.0 to 29.2 V.
    ///
    /// Source: PI18 2017 and 2022, "MCHGV".
    ChargeVoltage(Decivolts), "charge voltage" = 240..=292 | 480..=584, "24.0 to 29.2 V or 48.0 to 58.4 V";
    /// A re-charge voltage.
    ///
    /// 48 V units accept 44 to 51 V in whole volts, 24 V units 22 to 25.5 V in steps of 0.5 V, 12 V
    /// units the listed values from 11 to 12.8 V.
    ///
    /// Source: PI18 2017 and 2022, "BUCD".
    RechargeVoltage(Decivolts), "re-charge voltage" =
        110..=110 | 113..=113 | 115..=115 | 118..=118 | 120..=120 | 123..=123 | 125..=125 | 128..=128
        | 220..=255 step 5 | 440..=510 step 10,
        "44 to 51 V in whole volts, 22 to 25.5 V in steps of 0.5, or one of 11, 11.3, 11.5, 11.8, 12, 12.3, 12.5, 12.8 V";
    /// A re-discharge voltage. The value 0 means a full battery.
    ///
    /// 48 V units accept 48 to 58 V in whole volts, 24 V units 24 to 29 V in steps of 0.5 V, 12 V
    /// units the listed values from 12 to 14.5 V. An LVX6048 refuses 0 and every value above its float
    /// voltage (observed).
    ///
    /// Source: PI18 2017 and 2022, "BUCD".
    RedischargeVoltage(Decivolts), "re-discharge voltage" =
        0..=0 | 120..=120 | 123..=123 | 125..=125 | 128..=128 | 130..=130 | 133..=133 | 135..=135
        | 138..=138 | 140..=140 | 143..=143 | 145..=145 | 240..=290 step 5 | 480..=580 step 10,
        "0, 48 to 58 V in whole volts, 24 to 29 V in steps of 0.5, or one of 12, 12.3, 12.5, 12.8, 13, 13.3, 13.5, 13.8, 14, 14.3, 14.5 V";
    /// A cut-off voltage.
    ///
    /// 48 V units accept 40.0 to 48.0 V, 24 V units 20.0 to 24.0 V.
    ///
    /// Source: PI18 2017 and 2022, "PSDV".
    CutoffVoltage(Decivolts), "cut-off voltage" = 200..=240 | 400..=480, "20.0 to 24.0 V or 40.0 to 48.0 V";
    /// A cut-off state of charge.
    ///
    /// Source: PI18 2022, "PSDS" (TWIN).
    CutoffSoc(Percent), "cut-off state of charge" = 5..=80, "5 to 80 %";
    /// A re-charge state of charge, or the cut-off state of charge of the second output.
    ///
    /// Source: PI18 2022, "PBCS" and "PSDS2" (TWIN).
    RechargeSoc(Percent), "re-charge state of charge" = 5..=95, "5 to 95 %";
    /// A re-discharge state of charge.
    ///
    /// Source: PI18 2022, "PBDS" (TWIN).
    RedischargeSoc(Percent), "re-discharge state of charge" = 10..=100, "10 to 100 %";
    /// A Modbus device id.
    ///
    /// Source: PI18 2022, "MODBUS" (V II WP).
    ModbusId(Count), "Modbus device id" = 1..=277, "1 to 277";
    /// The index of a Modbus baud rate. The sheet does not list the rates.
    ///
    /// Source: PI18 2022, "MODBUS" (V II WP).
    ModbusBaudRate(Count), "Modbus baud rate index" = 0..=3, "0 to 3";
    /// A number of Modbus stop bits.
    ///
    /// Source: PI18 2022, "MODBUS" (V II WP).
    ModbusStopBits(Count), "Modbus stop bits" = 0..=1, "0 or 1";
    /// A number of Modbus check bits. The sheet does not explain it.
    ///
    /// Source: PI18 2022, "MODBUS" (V II WP).
    ModbusCheckBits(Count), "Modbus check bits" = 0..=2, "0 to 2";
}

/// Declares enumerations of quantities.
macro_rules! closed {
    ($(
        // The documentation of the type.
        $(#[doc = $doc:literal])+
        // The type.
        $name:ident
        // The unit.
        : $unit:literal,
        // The number of digits after the decimal point.
        $decimals:literal,
        // The allowed numbers, for error texts.
        $expected:literal,
        // The allowed texts, for error texts.
        $shown:literal
        {
            // The variants, and the number of each on the wire.
            $($variant:ident = $number:literal;)+
        }
    )+) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum $name {
            $(
                #[doc = concat!("`", $number, "` on the wire.")]
                $variant,
            )+
        }

        impl $name {
            /// All values, in ascending order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Returns the number on the wire.
            #[must_use]
            pub const fn number(self) -> u16 {
                match self {
                    $(Self::$variant => $number,)+
                }
            }
        }

        impl Field for $name {
            const UNIT: &'static str = $unit;
            const DECIMALS: u8 = $decimals;
            const FORM: Form = Form::Text($expected);
            const EXPECTED: &'static str = $expected;

            fn read(token: &[u8]) -> Option<Self> {
                match decimal(token)? {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }

            fn write(self, width: usize, out: &mut Writer<'_>) -> Result<(), EncodeError> {
                out.number(self.number().into(), width)
            }

            fn value(&self) -> Option<Value<'_>> {
                let steps = self.number().into();
                Some(Value::Quantity { steps, decimals: $decimals, unit: $unit })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_quantity(f, self.number().into(), $decimals, $unit)
            }
        }

        impl FromStr for $name {
            type Err = ParseError;

            /// Reads the displayed form. The unit may be missing.
            fn from_str(text: &str) -> Result<Self, ParseError> {
                match parse_quantity(text, $decimals, $unit) {
                    $(Some($number) => Ok(Self::$variant),)+
                    _ => Err(ParseError::new($shown, text)),
                }
            }
        }
    )+ };
}

closed! {
    /// The output frequency.
    ///
    /// Source: PI18 2017 and 2022, "F".
    OutputFrequency: "Hz", 0, "50 or 60", "50 or 60 Hz" {
        Hz50 = 50;
        Hz60 = 60;
    }
    /// The output voltage. Low-voltage units accept 110 and 120 V, all others the higher values.
    ///
    /// Source: PI18 2017 and 2022, "V".
    OutputVoltage: "V", 1, "1100, 1200, 2020, 2080, 2200, 2300 or 2400",
        "110, 120, 202, 208, 220, 230 or 240 V"
    {
        V110 = 1100;
        V120 = 1200;
        V202 = 2020;
        V208 = 2080;
        V220 = 2200;
        V230 = 2300;
        V240 = 2400;
    }
}
