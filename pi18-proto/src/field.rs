//! Reads, writes and describes one field of a message.
//!
//! Only this module splits data at commas. A field is read up to its comma. The width in a
//! declaration is the number of characters written; a device may send more or fewer.

use core::{fmt, mem, ops::Range};

use nom::{IResult, Parser, bytes::complete::take_till};

use crate::{DecodeError, EncodeError, error::Excerpt, value::Value};

/// The description of one field: enough to print it, to chart it, or to generate values for it.
///
/// ```
/// use pi18_proto::{GeneralStatus, Reply};
///
/// let field = GeneralStatus::FIELDS[7];
/// assert_eq!((field.name, field.label), ("battery_voltage", "Battery voltage"));
/// assert_eq!((field.unit, field.decimals, field.width), ("V", 1, 3));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FieldInfo {
    /// The name of the field in JSON and in error texts.
    pub name: &'static str,
    /// The label to display: the first line of the field's documentation.
    pub label: &'static str,
    /// The unit of the value after [`decimals`](Self::decimals) is applied; empty if it has none.
    pub unit: &'static str,
    /// The number of digits after the decimal point.
    pub decimals: u8,
    /// The number of characters written, including leading zeros. A device may send more or fewer.
    pub width: u8,
    /// Whether a message may omit the field.
    pub optional: bool,
    /// The format of the bytes.
    pub form: Form,
}

/// The format of a field's bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Form {
    /// A number within a range, in multiples of `10^-decimals` units.
    Number {
        /// The smallest number that a field of this type can hold.
        min: i64,
        /// The largest number that a field of this type can hold.
        max: i64,
    },
    /// A code, with the numbers that have a known name.
    Code(&'static [CodeName]),
    /// Any other format: a pattern of the characters, such as `yyyymmdd`, or the allowed texts, such as
    /// `50 or 60`.
    Text(&'static str),
}

/// One number of a code, and its name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CodeName {
    /// The number on the wire.
    pub code: u8,
    /// The name of the number.
    pub name: &'static str,
}

impl CodeName {
    pub(crate) const fn new(code: u8, name: &'static str) -> Self {
        Self { code, name }
    }
}

impl FieldInfo {
    pub(crate) const fn of<T: Field>(name: &'static str, label: &'static str, width: u8) -> Self {
        Self {
            name,
            label: label.trim_ascii(),
            unit: T::UNIT,
            decimals: T::DECIMALS,
            width,
            optional: T::OPTIONAL,
            form: T::FORM,
        }
    }
}

/// The type of a field's value.
pub(crate) trait Field: Copy {
    /// The symbol of the unit; empty if there is none.
    const UNIT: &'static str = "";
    /// The number of digits after the decimal point.
    const DECIMALS: u8 = 0;
    /// Whether the field may be omitted.
    const OPTIONAL: bool = false;
    /// The format of the bytes.
    const FORM: Form;
    /// A description of a well-formed field, for error texts.
    const EXPECTED: &'static str;

    /// Reads a value from the bytes of a field, without its comma.
    fn read(token: &[u8]) -> Option<Self>;

    /// Writes the value as at least `width` bytes.
    fn write(self, width: usize, out: &mut Writer<'_>) -> Result<(), EncodeError>;

    /// Returns the value that is written as this number, if it is written as nothing but digits.
    fn from_plain_number(_number: u32) -> Option<Self> {
        None
    }

    /// Returns the number that `write` writes, if it writes nothing but digits.
    fn plain_number(&self) -> Option<u32> {
        None
    }

    /// Returns the value without its type, or `None` if the field is omitted.
    fn value(&self) -> Option<Value<'_>>;

    /// Returns the value of an omitted field, if the field may be omitted.
    fn absent() -> Option<Self> {
        None
    }
}

impl<T: Field> Field for Option<T> {
    const UNIT: &'static str = T::UNIT;
    const DECIMALS: u8 = T::DECIMALS;
    const OPTIONAL: bool = true;
    const FORM: Form = T::FORM;
    const EXPECTED: &'static str = T::EXPECTED;

    fn read(token: &[u8]) -> Option<Self> {
        if token.is_empty() { Some(None) } else { T::read(token).map(Some) }
    }

    fn write(self, width: usize, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        self.map_or(Ok(()), |value| value.write(width, out))
    }

    #[inline]
    fn from_plain_number(number: u32) -> Option<Self> {
        T::from_plain_number(number).map(Some)
    }

    #[inline]
    fn plain_number(&self) -> Option<u32> {
        self.as_ref().and_then(T::plain_number)
    }

    fn value(&self) -> Option<Value<'_>> {
        self.as_ref().and_then(T::value)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// A value that is written as zeros, or omitted if it may be.
pub(crate) trait Zero {
    const ZERO: Self;
}

impl<T> Zero for Option<T> {
    const ZERO: Self = None;
}

/// Reads the fields of one message, in order.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    message: &'static str,
    data: &'a [u8],
    /// The data that is not read yet; `None` after the last field.
    rest: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    /// Creates a reader of `data` that starts at the offset `start`.
    pub(crate) fn new(message: &'static str, data: &'a [u8], start: usize) -> Self {
        Self { message, data, rest: data.get(start..).filter(|rest| !rest.is_empty()) }
    }

    /// Reads the next field. `WIDTH` is its usual length; any other length is read too.
    #[inline]
    pub(crate) fn read<T: Field, const WIDTH: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<T, DecodeError> {
        // The fast path: with a length known at compile time, a number is read without a loop.
        if !matches!(T::FORM, Form::Text(_))
            && let Some((token, [b',', after @ ..])) =
                self.rest.and_then(<[u8]>::split_first_chunk::<WIDTH>)
            && let Some(value) = T::read(token)
        {
            self.rest = Some(after);
            return Ok(value);
        }
        let (value, rest) = self.read_to_comma(field)?;
        self.rest = rest;
        Ok(value)
    }

    /// Reads the next field, of any length, and returns it with the data after its comma.
    ///
    /// `self` is passed by value so that `read` can keep it in registers.
    #[cold]
    fn read_to_comma<T: Field>(
        self,
        field: &'static str,
    ) -> Result<(T, Option<&'a [u8]>), DecodeError> {
        let malformed = |found| DecodeError::Field {
            message: self.message,
            field,
            at: self.data.len() - self.rest.map_or(0, <[u8]>::len),
            expected: T::EXPECTED,
            found: Excerpt::of(found),
        };
        let Some(rest) = self.rest else {
            return T::absent().map(|value| (value, None)).ok_or_else(|| malformed(&[]));
        };
        let (after, token) = to_comma(rest).map_err(|_| malformed(rest))?;
        let value = T::read(token).ok_or_else(|| malformed(token))?;
        Ok((value, after.split_first().map(|(_comma, rest)| rest)))
    }

    /// Returns whether the last field was read.
    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_none()
    }

    /// Returns the fields that were not read.
    pub(crate) fn extra(self) -> Extra<'a> {
        Extra { raw: self.rest }
    }

    /// Fails if there are fields that were not read.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        self.rest.map_or(Ok(()), |rest| {
            Err(DecodeError::Trailing {
                message: self.message,
                at: self.data.len() - rest.len(),
                found: Excerpt::of(rest),
            })
        })
    }
}

fn to_comma(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_till(|byte| byte == b',').parse(input)
}

/// The unknown fields at the end of a reply, unparsed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Extra<'a> {
    raw: Option<&'a [u8]>,
}

impl<'a> Extra<'a> {
    /// Returns the number of fields.
    #[must_use]
    pub fn count(&self) -> usize {
        self.fields().count()
    }

    /// Returns whether there are no such fields.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.raw.is_none()
    }

    /// Iterates over the fields.
    pub fn fields(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.raw.into_iter().flat_map(|raw| raw.split(|&byte| byte == b','))
    }
}

impl fmt::Display for Extra<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let raw = self.raw.unwrap_or_default().escape_ascii();
        match self.count() {
            0 => f.write_str("no unknown field"),
            1 => write!(f, "1 unknown field: \"{raw}\""),
            count => write!(f, "{count} unknown fields: \"{raw}\""),
        }
    }
}

/// Writes one message into a buffer.
#[derive(Default)]
pub(crate) struct Writer<'a> {
    buffer: &'a mut [u8],
    len: usize,
    /// The number of commas to write before the next field that is present. They are delayed so that
    /// omitted fields at the end of a message write none.
    commas: usize,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(buffer: &'a mut [u8]) -> Self {
        Self { buffer, len: 0, commas: 0 }
    }

    pub(crate) fn written(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn byte(&mut self, byte: u8) -> Result<(), EncodeError> {
        let capacity = self.buffer.len();
        *self.buffer.get_mut(self.len).ok_or(EncodeError { capacity })? = byte;
        self.len += 1;
        Ok(())
    }

    #[inline]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        let capacity = self.buffer.len();
        let end = self.len + bytes.len();
        self.buffer.get_mut(self.len..end).ok_or(EncodeError { capacity })?.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    /// Writes with `write`, which gets the rest of the buffer and returns the number of bytes written.
    pub(crate) fn fill(
        &mut self,
        write: impl FnOnce(&mut [u8]) -> Result<usize, EncodeError>,
    ) -> Result<(), EncodeError> {
        let capacity = self.buffer.len();
        let room = self.buffer.get_mut(self.len..).unwrap_or_default();
        self.len += write(room).map_err(|_| EncodeError { capacity })?;
        Ok(())
    }

    /// Writes a field, with the commas before it.
    #[inline]
    pub(crate) fn field<T: Field, const WIDTH: usize>(
        &mut self,
        value: T,
    ) -> Result<(), EncodeError> {
        // The fast path: with a length known at compile time, a number is written without a loop.
        if let Some(number) = value.plain_number()
            && self.commas == 1
            && let Some([comma, room @ ..]) = self.buffer.get_mut(self.len..)
            && let Some(place) = room.first_chunk_mut::<WIDTH>()
            && put(place, number) == 0
        {
            *comma = b',';
            self.len += 1 + WIDTH;
            return Ok(());
        }
        *self = mem::take(self).field_of_any_width(value, WIDTH)?;
        Ok(())
    }

    /// Writes a field of any length, with the commas before it.
    ///
    /// `self` is passed by value so that `field` can keep it in registers.
    #[cold]
    fn field_of_any_width<T: Field>(mut self, value: T, width: usize) -> Result<Self, EncodeError> {
        if !T::OPTIONAL || value.value().is_some() {
            while self.commas > 0 {
                self.byte(b',')?;
                self.commas -= 1;
            }
            value.write(width, &mut self)?;
        }
        self.commas += 1;
        Ok(self)
    }

    /// Writes a decimal number, padded with leading zeros to `width` digits. A longer number is written
    /// in full.
    #[inline]
    pub(crate) fn number(&mut self, number: u32, width: usize) -> Result<(), EncodeError> {
        let capacity = self.buffer.len();
        let width = width.max(digits(number));
        let end = self.len + width;
        let place = self.buffer.get_mut(self.len..end).ok_or(EncodeError { capacity })?;
        put(place, number);
        self.len = end;
        Ok(())
    }

    /// Replaces digits already written at `place`.
    pub(crate) fn overwrite_number(&mut self, place: Range<usize>, number: usize) {
        if let Some(place) = self.buffer.get_mut(place) {
            put(place, number.try_into().unwrap_or(u32::MAX));
        }
    }
}

/// Fills `place` with the last digits of a number, and returns the number without these digits.
#[inline]
fn put(place: &mut [u8], mut number: u32) -> u32 {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + low_digit(number);
        number /= 10;
    }
    number
}

#[expect(clippy::as_conversions, reason = "below ten")]
const fn low_digit(number: u32) -> u8 {
    (number % 10) as u8
}

const fn digits(number: u32) -> usize {
    match number.checked_ilog10() {
        #[expect(clippy::as_conversions, reason = "at most nine")]
        Some(log) => log as usize + 1,
        None => 1,
    }
}

/// Reads a number from a token of 1 to 19 decimal digits, or returns `None` if it exceeds `u32::MAX`.
#[inline]
pub(crate) fn decimal(token: &[u8]) -> Option<u32> {
    // 19 digits fit into 64 bits.
    if !(1..=19).contains(&token.len()) {
        return None;
    }
    let mut number = 0_u64;
    for byte in token {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    number.try_into().ok()
}

/// Splits a token into numbers of the given widths in digits, and reads them.
pub(crate) fn digit_groups<const N: usize>(token: &[u8], widths: [usize; N]) -> Option<[u32; N]> {
    let mut rest = token;
    let mut numbers = [0; N];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let (group, after) = rest.split_at_checked(width)?;
        *number = decimal(group)?;
        rest = after;
    }
    rest.is_empty().then_some(numbers)
}
