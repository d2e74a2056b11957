//! Serial numbers. They identify units, because the path of a device and the number of a unit within
//! its bank can change at any time.

use core::{fmt, str::FromStr};

use crate::{
    EncodeError, ParseError, Text, Value,
    field::{Field, Form, Writer, Zero, decimal},
};

/// A serial number as a unit sends it: up to 20 characters, which are digits unless the unit is
/// defective.
///
/// On the wire, two digits give its length, and 20 characters follow, padded with `0`.
///
/// ```
/// use pi18_proto::{Identity, Reply, SerialNumber};
///
/// let identity = Identity::decode(b"1496132206100410000000")?;
/// assert_eq!(identity.serial_number.as_str(), "96132206100410");
///
/// let restored = SerialNumber::new("55355535553555").unwrap();
/// assert!(!restored.looks_genuine());
/// # Ok::<(), pi18_proto::DecodeError>(())
/// ```
///
/// Source: PI18 2017 and 2022, "ID".
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SerialNumber(Text);

impl SerialNumber {
    /// The maximum number of characters.
    pub const CAPACITY: usize = 20;

    /// Creates a serial number of up to 20 printable ASCII characters without a comma.
    ///
    /// ```
    /// # use pi18_proto::SerialNumber;
    /// assert!(SerialNumber::new("96132206100410").is_some());
    /// assert!(SerialNumber::new("961322061004109613220").is_none());
    /// ```
    #[must_use]
    pub const fn new(text: &str) -> Option<Self> {
        match Text::new(text.as_bytes()) {
            Some(fits) if text.len() <= Self::CAPACITY && !fits.has_comma() => Some(Self(fits)),
            _ => None,
        }
    }

    /// Returns the characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns whether the serial number can identify a unit: it has at least eight digits, and they
    /// are not a repeated group of one to four digits.
    ///
    /// Observed: after a restore of factory defaults the serial number was `55355535553555`. In the
    /// reply to a query without a unit number, it consisted of blanks and a dot.
    #[must_use]
    pub fn looks_genuine(&self) -> bool {
        let digits = self.0.as_bytes();
        let repeats =
            |group: usize| digits.iter().zip(digits.iter().skip(group)).all(|(a, b)| a == b);
        digits.len() >= 8 && digits.iter().all(u8::is_ascii_digit) && !(1..=4).any(repeats)
    }
}

impl Field for SerialNumber {
    const FORM: Form = Form::Text("LLnnnnnnnnnnnnnnnnnnnn");
    const EXPECTED: &'static str = "a length from 00 to 20 and that many characters";

    fn read(token: &[u8]) -> Option<Self> {
        let (length, padded) = token.split_at_checked(2)?;
        let length = usize::try_from(decimal(length)?).ok()?;
        // The padding has no meaning, but all characters must be printable and at most 20.
        let padded =
            Text::new(padded).filter(|padded| padded.as_bytes().len() <= Self::CAPACITY)?;
        Text::new(padded.as_bytes().get(..length)?).map(Self)
    }

    fn write(self, _width: usize, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        let digits = self.0.as_bytes();
        out.number(digits.len().try_into().unwrap_or_default(), 2)?;
        PaddedSerial::from(self).write(20, out)
    }

    fn value(&self) -> Option<Value<'_>> {
        Some(Value::Text(self.0))
    }
}

impl fmt::Display for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for SerialNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl FromStr for SerialNumber {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let expected = "a serial number of at most 20 characters without a comma";
        Self::new(text).ok_or_else(|| ParseError::new(expected, text))
    }
}

/// A serial number that may be sent to a unit: 1 to 20 digits.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct NewSerialNumber(SerialNumber);

impl NewSerialNumber {
    /// Creates the value from a serial number of 1 to 20 digits.
    #[must_use]
    pub fn new(serial: SerialNumber) -> Option<Self> {
        let digits = serial.0.as_bytes();
        (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit)).then_some(Self(serial))
    }

    /// Returns the serial number.
    #[must_use]
    pub const fn get(self) -> SerialNumber {
        self.0
    }
}

impl Field for NewSerialNumber {
    const FORM: Form = SerialNumber::FORM;
    const EXPECTED: &'static str = "a length from 01 to 20, that many digits, padded to 20 with 0";

    fn read(token: &[u8]) -> Option<Self> {
        let has_digits = token.len() == 22 && token.iter().all(u8::is_ascii_digit);
        let serial = if has_digits { SerialNumber::read(token) } else { None };
        let is_padded = |serial: &SerialNumber| {
            token.iter().skip(2 + serial.0.as_bytes().len()).all(|&byte| byte == b'0')
        };
        serial.filter(is_padded).and_then(Self::new)
    }

    fn write(self, width: usize, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        self.0.write(width, out)
    }

    fn value(&self) -> Option<Value<'_>> {
        Some(Value::Text(self.0.0))
    }
}

/// A serial number padded to 20 characters. Its length is in another field.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct PaddedSerial(Text);

impl PaddedSerial {
    /// Creates the value from up to 20 printable ASCII characters without a comma.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        if text.contains(',') { None } else { Self::read(text.as_bytes()) }
    }

    /// Returns the characters with the padding.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the first `length` characters as a serial number, if there are that many.
    #[must_use]
    pub fn serial_number(&self, length: usize) -> Option<SerialNumber> {
        SerialNumber::new(self.0.as_str().get(..length)?)
    }
}

impl From<SerialNumber> for PaddedSerial {
    fn from(serial: SerialNumber) -> Self {
        Self(Text::format(format_args!("{serial:0<20}")))
    }
}

impl Zero for PaddedSerial {
    const ZERO: Self = Self(Text::ZEROS);
}

impl Field for PaddedSerial {
    const FORM: Form = Form::Text("nnnnnnnnnnnnnnnnnnnn");
    const EXPECTED: &'static str = "at most 20 printable characters";

    fn read(token: &[u8]) -> Option<Self> {
        Text::new(token).filter(|text| text.as_bytes().len() <= SerialNumber::CAPACITY).map(Self)
    }

    fn write(self, _width: usize, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.bytes(self.0.as_bytes())
    }

    fn value(&self) -> Option<Value<'_>> {
        Some(Value::Text(self.0))
    }
}

#[cfg(feature = "serde")]
crate::text::text_serde!(SerialNumber, "a serial number of at most 20 characters");

#[cfg(feature = "serde")]
crate::text::text_serde!(PaddedSerial, "at most 20 characters");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_number_on_wire_is_cut_to_its_length() {
        let serial = SerialNumber::read(b"1496161704100242000000").unwrap();
        assert_eq!(serial.as_str(), "96161704100242");
        assert_eq!(SerialNumber::read(b"14961617"), None);
        assert_eq!(SerialNumber::read(b"2196161704100242000000"), None);
    }

    #[test]
    fn serial_number_of_repeated_digits_is_not_genuine() {
        let genuine = |text| SerialNumber::new(text).unwrap().looks_genuine();
        assert!(genuine("96132206100410"));
        assert!(genuine("96161704100242"));
        for garbage in
            ["", "55355535553555", "00000000000000", "9613220", "02  .", "9613220610041x"]
        {
            assert!(!genuine(garbage), "{garbage}");
        }
    }

    #[test]
    fn new_serial_number_accepts_digits_only() {
        let new = |text| SerialNumber::new(text).and_then(NewSerialNumber::new);
        assert!(new("96132206100410").is_some());
        assert_eq!(new(""), None);
        assert_eq!(new("9613x"), None);
        assert!(NewSerialNumber::read(b"1496132206100410000000").is_some());
        assert_eq!(NewSerialNumber::read(b"1496132206100410000001"), None);
        assert_eq!(NewSerialNumber::read(b"0000000000000000000000"), None);
    }
}
