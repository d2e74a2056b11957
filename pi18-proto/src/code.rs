//! The trait and functions that all codes share. A code is a number with a meaning, such as 5 for
//! hybrid mode.
//!
//! A device may send a number without a known name, which is kept. A host sends [`Known`] codes only.

use core::{fmt, str::FromStr};

use crate::{
    CodeName, EncodeError, ParseError,
    field::{Field, Form, Writer, decimal},
    value::Value,
};

/// A type of code, declared by [`codes!`](crate::macros::codes).
pub(crate) trait Code: Copy {
    /// The numbers that have a name.
    const NAMES: &'static [CodeName];
    /// Whether manuals and displays refer to the code by its number, as they do for faults.
    const NUMBERED: bool;
    /// The list of numbers and names for error texts.
    const EXPECTED: &'static str;

    fn from_number(number: u8) -> Self;

    fn number(self) -> u8;
}

/// A code that has a name, and may therefore be sent to an inverter.
///
/// ```
/// use pi18_proto::{BatteryType, Known};
///
/// assert!(Known::new(BatteryType::USER).is_some());
/// assert!(Known::new(BatteryType(7)).is_none());
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Known<C>(pub(crate) C);

#[expect(private_bounds, reason = "codes are declared in this crate only")]
impl<C: Code> Known<C> {
    /// Creates the value, or returns `None` if the code has no name.
    #[must_use]
    pub fn new(code: C) -> Option<Self> {
        name(C::NAMES, code.number()).map(|_| Self(code))
    }

    /// Returns the code.
    #[must_use]
    pub fn code(self) -> C {
        self.0
    }
}

impl<C: Code> Field for Known<C> {
    const FORM: Form = Form::Code(C::NAMES);
    const EXPECTED: &'static str = C::EXPECTED;

    fn read(token: &[u8]) -> Option<Self> {
        Self::new(C::from_number(decimal(token)?.try_into().ok()?))
    }

    fn write(self, width: usize, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.number(self.0.number().into(), width)
    }

    fn value(&self) -> Option<Value<'_>> {
        Some(value(self.0))
    }
}

impl<C: fmt::Display> fmt::Display for Known<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<C: Code> FromStr for Known<C> {
    type Err = ParseError;

    /// Reads the displayed form, or the number of a code that has a name.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse(text).and_then(Self::new).ok_or_else(|| ParseError::new(C::EXPECTED, text))
    }
}

/// Looks up the name of a number.
pub(crate) const fn name(mut names: &'static [CodeName], code: u8) -> Option<&'static str> {
    while let [first, rest @ ..] = names {
        if first.code == code {
            return Some(first.name);
        }
        names = rest;
    }
    None
}

/// Reads the displayed form of a code, its name in any case, or its number.
pub(crate) fn parse<C: Code>(text: &str) -> Option<C> {
    let number = |text: &str| decimal(text.as_bytes()).and_then(|number| u8::try_from(number).ok());
    let by_name = C::NAMES.iter().find(|known| known.name.eq_ignore_ascii_case(text));
    let with_number = || {
        let (digits, shown) = text.split_once(' ')?;
        let code = number(digits)?;
        let name = name(C::NAMES, code).unwrap_or("unknown");
        (C::NUMBERED && name == shown).then_some(code)
    };
    by_name
        .map(|known| known.code)
        .or_else(|| number(text.strip_prefix("code ").unwrap_or(text)))
        .or_else(with_number)
        .map(C::from_number)
}

/// Returns the code as a value that can be displayed.
pub(crate) fn value<C: Code>(code: C) -> Value<'static> {
    Value::Code {
        number: code.number(),
        name: name(C::NAMES, code.number()),
        numbered: C::NUMBERED,
    }
}

/// Implements the traits of a code that a blanket implementation cannot cover.
macro_rules! code_impls {
    (
        // The type of the code.
        $name:ident
    ) => {
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                let numbered = <Self as $crate::code::Code>::NUMBERED;
                $crate::value::write_code(f, self.0, self.name(), numbered)
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{}({}: {})", stringify!($name), self.0, self)
            }
        }

        impl core::str::FromStr for $name {
            type Err = $crate::ParseError;

            /// Reads the displayed form, the name in upper or lower case, or the number.
            fn from_str(text: &str) -> Result<Self, $crate::ParseError> {
                $crate::code::parse(text).ok_or_else(|| {
                    $crate::ParseError::new(<Self as $crate::code::Code>::EXPECTED, text)
                })
            }
        }

        impl $crate::field::Zero for $name {
            const ZERO: Self = Self(0);
        }

        impl $crate::field::Field for $name {
            const FORM: $crate::Form = $crate::Form::Code(<Self as $crate::code::Code>::NAMES);
            const EXPECTED: &'static str = "a code from 0 to 255";

            #[inline]
            fn read(token: &[u8]) -> Option<Self> {
                $crate::field::decimal(token)?.try_into().ok().map(Self)
            }

            #[inline]
            fn write(
                self,
                width: usize,
                out: &mut $crate::field::Writer<'_>,
            ) -> Result<(), $crate::EncodeError> {
                out.number(self.0.into(), width)
            }

            #[inline]
            fn from_plain_number(number: u32) -> Option<Self> {
                number.try_into().ok().map(Self)
            }

            #[inline]
            fn plain_number(&self) -> Option<u32> {
                Some(self.0.into())
            }

            fn value(&self) -> Option<$crate::Value<'_>> {
                Some($crate::code::value(*self))
            }
        }
    };
}

pub(crate) use code_impls;

#[cfg(test)]
mod tests {
    use std::{format, string::ToString};

    use super::*;
    use crate::{BatteryType, FaultCode, WorkingMode};

    #[test]
    fn unnamed_code_stays_a_number() {
        let mode = <WorkingMode as Field>::read(b"07").unwrap();
        assert_eq!(mode.name(), None);
        assert_eq!(format!("{mode}"), "code 7");
        assert_eq!(format!("{mode:?}"), "WorkingMode(7: code 7)");
        assert_eq!(format!("{}", WorkingMode(5)), "hybrid");
    }

    #[test]
    fn known_from_unnamed_code_is_refused() {
        assert_eq!(<Known<BatteryType> as Field>::read(b"2"), BatteryType::USER.known());
        assert_eq!(<Known<BatteryType> as Field>::read(b"7"), None);
        assert_eq!(BatteryType(4).known(), None);
    }

    #[test]
    fn fault_value_displays_its_number() {
        let shown = |code| value(code).to_string();
        assert_eq!(shown(FaultCode(83)), "83 parallel: battery voltages detected differ");
        assert_eq!(shown(FaultCode(0)), "00 none");
        assert_eq!(shown(FaultCode(99)), "99 unknown");
        assert_eq!(value(WorkingMode(4)).to_string(), "fault");
    }
}
