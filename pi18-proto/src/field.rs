//! One field of a row: how it is read, written and described.
//!
//! This is the only code that cuts data at its commas. A field is read to its comma; the width in a
//! declaration is what is written, not what is demanded.

use core::{fmt, mem, ops::Range};

use nom::{IResult, Parser, bytes::complete::take_till};

use crate::{DecodeError, EncodeError, error::Excerpt, value::Value};

/// What a declaration says of one field: enough to print it, chart it or make one up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FieldInfo {
    /// The field's name in its struct, and in JSON.
    pub name: &'static str,
    /// What a person reads: the first line of its documentation.
    pub label: &'static str,
    /// The unit of the value after [`decimals`](Self::decimals) is applied; empty for a code.
    pub unit: &'static str,
    /// How many of the digits stand after the decimal point.
    pub decimals: u8,
    /// Characters written, leading zeros kept. A device may send more or fewer.
    pub width: u8,
    /// Whether a message may leave it out.
    pub optional: bool,
    /// What the bytes hold.
    pub form: Form,
}

/// What the bytes of a field hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Form {
    /// A whole number of steps, between these two.
    Number {
        /// The least a field of this type can hold.
        min: i64,
        /// The most.
        max: i64,
    },
    /// A number that stands for something, with the names known today.
    Code(&'static [CodeName]),
    /// Something else, written as this shows: `yyyymmdd`.
    Text(&'static str),
}

/// A value of a code and what it means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CodeName {
    /// As on the wire.
    pub code: u8,
    /// In words.
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

/// A value that stands in one field.
pub(crate) trait Field: Copy {
    /// Its unit, as a person writes it.
    const UNIT: &'static str = "";
    /// Digits after the decimal point.
    const DECIMALS: u8 = 0;
    /// Whether it can be left out.
    const OPTIONAL: bool = false;
    /// What its bytes hold.
    const FORM: Form;
    /// What an error says should be there.
    const WANTED: &'static str;

    /// From the bytes up to the comma.
    fn read(token: &[u8]) -> Option<Self>;
    /// To bytes, at least `width` of them.
    fn write(self, width: usize, out: &mut Writer<'_>) -> Result<(), EncodeError>;
    /// The same as a plain number, if it is one.
    fn plain_number(&self) -> Option<u32> {
        None
    }
    /// What a person or a program is shown; `None` if it is left out.
    fn value(&self) -> Option<Value<'_>>;
    /// What stands for a field that is not there.
    fn absent() -> Option<Self> {
        None
    }
}

impl<T: Field> Field for Option<T> {
    const UNIT: &'static str = T::UNIT;
    const DECIMALS: u8 = T::DECIMALS;
    const OPTIONAL: bool = true;
    const FORM: Form = T::FORM;
    const WANTED: &'static str = T::WANTED;

    fn read(token: &[u8]) -> Option<Self> {
        if token.is_empty() { Some(None) } else { T::read(token).map(Some) }
    }

    fn write(self, width: usize, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        self.map_or(Ok(()), |value| value.write(width, out))
    }

    fn value(&self) -> Option<Value<'_>> {
        self.as_ref().and_then(T::value)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// Reads the fields of one message, in order.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    message: &'static str,
    data: &'a [u8],
    /// What is left; `None` once the last field was taken.
    rest: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    /// The fields in `data` from offset `start` on.
    pub(crate) fn new(message: &'static str, data: &'a [u8], start: usize) -> Self {
        Self { message, data, rest: data.get(start..).filter(|rest| !rest.is_empty()) }
    }

    /// The next field, which is `WIDTH` bytes long unless a device has its own idea.
    #[inline]
    pub(crate) fn read<T: Field, const WIDTH: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<T, DecodeError> {
        // With its length known beforehand, a number is read without a loop.
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

    /// The next field whatever its length, and what follows its comma.
    ///
    /// Takes `self` by value, which leaves the fast way above in registers.
    #[cold]
    fn read_to_comma<T: Field>(
        self,
        field: &'static str,
    ) -> Result<(T, Option<&'a [u8]>), DecodeError> {
        let malformed = |found| DecodeError::Field {
            message: self.message,
            field,
            at: self.data.len() - self.rest.map_or(0, <[u8]>::len),
            wanted: T::WANTED,
            found: Excerpt::of(found),
        };
        let Some(rest) = self.rest else {
            return T::absent().map(|value| (value, None)).ok_or_else(|| malformed(&[]));
        };
        let (after, token) = to_comma(rest).map_err(|_| malformed(rest))?;
        let value = T::read(token).ok_or_else(|| malformed(token))?;
        Ok((value, after.split_first().map(|(_comma, rest)| rest)))
    }

    /// Whether the last field was read.
    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_none()
    }

    /// What comes after the fields that were read.
    pub(crate) fn extra(self) -> Extra<'a> {
        Extra { raw: self.rest }
    }

    /// Nothing may come after the fields that were read.
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

/// Fields that came after the known ones, as they were sent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Extra<'a> {
    raw: Option<&'a [u8]>,
}

impl<'a> Extra<'a> {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.fields().count()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.raw.is_none()
    }

    /// Each of them.
    pub fn fields(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.raw.into_iter().flat_map(|raw| raw.split(|&byte| byte == b','))
    }
}

impl fmt::Display for Extra<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let raw = self.raw.unwrap_or_default().escape_ascii();
        match self.count() {
            0 => f.write_str("no field more than is known"),
            1 => write!(f, "a field more than is known: \"{raw}\""),
            count => write!(f, "{count} fields more than are known: \"{raw}\""),
        }
    }
}

/// Writes one message into a buffer.
#[derive(Default)]
pub(crate) struct Writer<'a> {
    buffer: &'a mut [u8],
    len: usize,
    /// Commas owed before the next field that is there: left-out fields at the end write none.
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
        let have = self.buffer.len();
        *self.buffer.get_mut(self.len).ok_or(EncodeError { have })? = byte;
        self.len += 1;
        Ok(())
    }

    #[inline]
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        let have = self.buffer.len();
        let end = self.len + bytes.len();
        self.buffer.get_mut(self.len..end).ok_or(EncodeError { have })?.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    /// Whatever `write` puts into the room that is left, and says the length of.
    pub(crate) fn fill(
        &mut self,
        write: impl FnOnce(&mut [u8]) -> Result<usize, EncodeError>,
    ) -> Result<(), EncodeError> {
        let have = self.buffer.len();
        let room = self.buffer.get_mut(self.len..).unwrap_or_default();
        self.len += write(room).map_err(|_| EncodeError { have })?;
        Ok(())
    }

    /// A field, with the commas before it.
    #[inline]
    pub(crate) fn field<T: Field, const WIDTH: usize>(
        &mut self,
        value: T,
    ) -> Result<(), EncodeError> {
        // With its length known beforehand, a number is written without a loop.
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

    /// Takes `self` by value, which leaves the fast way above in registers.
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

    /// A number in decimal, with leading zeros to `width` and more digits if it needs them.
    #[inline]
    pub(crate) fn number(&mut self, number: u32, width: usize) -> Result<(), EncodeError> {
        let have = self.buffer.len();
        let width = width.max(digits(number));
        let end = self.len + width;
        let place = self.buffer.get_mut(self.len..end).ok_or(EncodeError { have })?;
        put(place, number);
        self.len = end;
        Ok(())
    }

    /// Puts a number over digits already written.
    pub(crate) fn overwrite_number(&mut self, place: Range<usize>, number: usize) {
        if let Some(place) = self.buffer.get_mut(place) {
            put(place, number.try_into().unwrap_or(u32::MAX));
        }
    }
}

/// Puts the last digits of a number into their place, and says what is left of it.
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

fn to_comma(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_till(|byte| byte == b',').parse(input)
}

/// A whole token of decimal digits.
#[inline]
pub(crate) fn decimal(token: &[u8]) -> Option<u32> {
    // So many digits fit into 64 bits.
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

/// A token cut into numbers of these many digits each, all of them digits.
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
