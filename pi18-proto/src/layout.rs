//! The fast path for replies that consist of numbers of their declared widths.
//!
//! Such replies differ only in their digits. So one pass over the bytes compares them with a template
//! of zeros and commas, and afterwards each number is converted without a check. The general reader
//! and writer in [`field`](crate::field) process all other replies, for example those with a text, a
//! sign, another width, or an omitted or unknown field. Both paths have the same results.
//!
//! Targets with less than 64 bits have no fast path, because read-only memory matters more there.

#![expect(clippy::inline_always, reason = "offsets are constants only in inlined functions")]

use core::{marker::PhantomData, mem};

use crate::{
    DecodeError, EncodeError, Extra, FieldInfo, Form, Reply,
    field::{Field, Fields, Writer},
};

/// A reply that is a sequence of fields, as [`reply!`](crate::macros::reply) declares it.
pub(crate) trait Record: Reply {
    /// Reads each field with `source`, in wire order.
    fn read<S: Source>(source: &mut S) -> Result<Self, S::Error>;

    /// Writes each field with `sink`, in wire order.
    fn write<S: Sink>(&self, sink: &mut S) -> Result<(), S::Error>;
}

/// Reads the fields of a record.
pub(crate) trait Source {
    type Error;

    /// Reads the next field. `WIDTH` is its declared width.
    fn field<T: Field, const WIDTH: usize>(&mut self, name: &'static str)
    -> Result<T, Self::Error>;
}

/// Writes the fields of a record.
pub(crate) trait Sink {
    type Error;

    /// Writes the next field. `WIDTH` is its declared width.
    fn field<T: Field, const WIDTH: usize>(&mut self, value: T) -> Result<(), Self::Error>;
}

/// Parses the data of a frame, see [`Reply::parse`].
pub(crate) fn parse<R: Record>(data: &[u8]) -> Result<(R, Extra<'_>), DecodeError> {
    match parse_numbers(data) {
        Some(reply) => Ok((reply, Extra::default())),
        None => parse_any(data),
    }
}

/// Writes the data of a frame, see [`Reply::encode`].
pub(crate) fn encode<R: Record>(reply: &R, buffer: &mut [u8]) -> Result<usize, EncodeError> {
    match encode_numbers(reply, buffer) {
        Some(len) => Ok(len),
        None => encode_any(reply, buffer),
    }
}

fn parse_any<R: Record>(data: &[u8]) -> Result<(R, Extra<'_>), DecodeError> {
    let mut fields = Fields::new(R::MNEMONIC, data, 0);
    let reply = R::read(&mut fields)?;
    Ok((reply, fields.extra()))
}

fn encode_any<R: Record>(reply: &R, buffer: &mut [u8]) -> Result<usize, EncodeError> {
    let mut out = Writer::new(buffer);
    reply.write(&mut out)?;
    Ok(out.written().len())
}

/// Parses data that fits the template, or returns `None`.
#[inline]
fn parse_numbers<R: Record>(data: &[u8]) -> Option<R> {
    let template = Template::<R>::BYTES?;
    if data.len() != template.len() {
        return None;
    }
    // Without branches, so that the compiler can check many bytes at a time.
    let fits = data.iter().zip(template).fold(true, |fits, (byte, zero)| {
        let highest = if *zero == b'0' { 9 } else { 0 };
        fits & (byte.wrapping_sub(*zero) <= highest)
    });
    if fits { R::read(&mut Digits(data)).ok() } else { None }
}

/// Writes a reply that fits the template, or returns `None`.
#[inline]
fn encode_numbers<R: Record>(reply: &R, buffer: &mut [u8]) -> Option<usize> {
    let template = Template::<R>::BYTES?;
    let place = buffer.get_mut(..template.len())?;
    place.copy_from_slice(template);
    reply.write(&mut Zeros(place)).ok()?;
    Some(template.len())
}

/// A field does not fit the template, or its type cannot hold the number.
struct Unfit;

/// Reads numbers from data that fits the template.
struct Digits<'a>(&'a [u8]);

/// Replaces the zeros of the template with numbers.
struct Zeros<'a>(&'a mut [u8]);

impl Source for Digits<'_> {
    type Error = Unfit;

    #[inline(always)]
    fn field<T: Field, const WIDTH: usize>(&mut self, _name: &'static str) -> Result<T, Unfit> {
        let (digits, after) = self.0.split_first_chunk::<WIDTH>().ok_or(Unfit)?;
        self.0 = after.get(1..).unwrap_or_default();
        let number = digits
            .iter()
            .fold(0, |number, &digit| number * 10 + u32::from(digit) - u32::from(b'0'));
        T::from_plain_number(number).ok_or(Unfit)
    }
}

impl Sink for Zeros<'_> {
    type Error = Unfit;

    #[inline(always)]
    fn field<T: Field, const WIDTH: usize>(&mut self, value: T) -> Result<(), Unfit> {
        let (zeros, after) =
            mem::take(&mut self.0).split_first_chunk_mut::<WIDTH>().ok_or(Unfit)?;
        self.0 = after.get_mut(1..).unwrap_or_default();
        let number = value.plain_number().ok_or(Unfit)?;
        *zeros = digits(number).ok_or(Unfit)?;
        Ok(())
    }
}

impl Source for Fields<'_> {
    type Error = DecodeError;

    #[inline]
    fn field<T: Field, const WIDTH: usize>(
        &mut self,
        name: &'static str,
    ) -> Result<T, DecodeError> {
        self.read::<T, WIDTH>(name)
    }
}

impl Sink for Writer<'_> {
    type Error = EncodeError;

    #[inline]
    fn field<T: Field, const WIDTH: usize>(&mut self, value: T) -> Result<(), EncodeError> {
        self.field::<T, WIDTH>(value)
    }
}

/// Returns the decimal digits of a number, or `None` if it has more than `WIDTH`.
#[inline(always)]
fn digits<const WIDTH: usize>(number: u32) -> Option<[u8; WIDTH]> {
    #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "a small width")]
    let limit = const { 10_u32.saturating_pow(WIDTH as u32) };
    if number >= limit {
        return None;
    }
    // The first of eight digits is the lowest byte.
    let digits = match WIDTH {
        1 => u64::from(number) << 56,
        2..=4 => four_digits(number) << 32,
        _ => four_digits(number / 10_000) | four_digits(number % 10_000) << 32,
    };
    let text = digits | u64::from_le_bytes([b'0'; 8]);
    text.to_le_bytes().last_chunk().copied()
}

/// Returns the digits of a number below 10,000, one per byte, the first digit in the lowest byte.
#[inline(always)]
fn four_digits(number: u32) -> u64 {
    // Two numbers below 100, then four numbers below 10, side by side. A multiplication and a shift
    // are a division by 100 for numbers below 10,000, and by 10 for numbers below 100.
    let hundreds = (number * 5243) >> 19;
    let pairs = hundreds | (number - 100 * hundreds) << 16;
    let tens = ((pairs * 103) >> 10) & 0x000F_000F;
    u64::from(tens | (pairs - 10 * tens) << 8)
}

/// The template of a record: zeros, with a comma after each field except the last one.
struct Template<R>(PhantomData<R>);

impl<R: Record> Template<R> {
    /// The template, or `None` if the record or the target has no fast path.
    const BYTES: Option<&'static [u8]> = match length(R::FIELDS) {
        Some(len) if cfg!(target_pointer_width = "64") => Some(Self::ZEROS.split_at(len).0),
        _ => None,
    };
    const ZEROS: &'static [u8] = &zeros(R::FIELDS);
}

/// Returns the length of data with all fields, or `None` if one of them is not a number.
const fn length(mut fields: &[FieldInfo]) -> Option<usize> {
    let mut end = 0;
    while let [field, after @ ..] = fields {
        if matches!(field.form, Form::Text(_)) || width(field) > MAX_WIDTH {
            return None;
        }
        end += width(field) + 1;
        fields = after;
    }
    end.checked_sub(1)
}

/// Returns zeros with commas between the fields. The bytes after the last field are not used.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn zeros(mut fields: &[FieldInfo]) -> [u8; MAX_LENGTH] {
    let mut bytes = [b'0'; MAX_LENGTH];
    let mut end = 0;
    while let [field, after @ ..] = fields {
        end += width(field);
        bytes[end] = b',';
        end += 1;
        fields = after;
    }
    bytes
}

#[expect(clippy::as_conversions, reason = "`usize::from` is not const")]
const fn width(field: &FieldInfo) -> usize {
    field.width as usize
}

/// The maximum width of a number.
const MAX_WIDTH: usize = 8;

/// The maximum length of the data of a record; a longer one does not compile.
const MAX_LENGTH: usize = 128;

#[cfg(test)]
mod tests {
    use core::fmt::Debug;
    use std::{format, vec, vec::Vec};

    use proptest::{
        collection::vec as any_vec,
        prelude::*,
        sample::{Index, select},
        string::string_regex,
        test_runner::{Config, TestRunner},
    };

    use super::*;
    use crate::{
        AcChargeWindow, AcLoadWindow, Clock, DayEnergy, Defaults, FaultsAndWarnings,
        FirmwareVersions, Flags, GeneralStatus, GeneralStatus2, Identity, LedSettings,
        MachineModel, ModbusSettings, Mode, MonthEnergy, ParallelRating, ParallelStatus,
        ProtocolId, Query, RatedInformation, SocLimits, TotalEnergy, TwinOutput, YearEnergy,
    };

    /// Calls a generic function for each record, and returns the results.
    macro_rules! for_every_record {
        (
            // The function.
            $function:ident
        ) => {
            for_every_record!($function:
                AcChargeWindow AcLoadWindow Clock DayEnergy Defaults FaultsAndWarnings
                FirmwareVersions Flags GeneralStatus GeneralStatus2 Identity LedSettings
                MachineModel ModbusSettings Mode MonthEnergy ParallelRating ParallelStatus
                ProtocolId RatedInformation SocLimits TotalEnergy TwinOutput YearEnergy)
        };
        (
            // The function, and the records.
            $function:ident: $($record:ident)+
        ) => {
            [$($function::<$record>()),+]
        };
    }

    /// Generates data: most fields have their declared width, and some data is damaged.
    fn data<R: Record>() -> impl Strategy<Value = Vec<u8>> {
        let fields = R::FIELDS.iter().map(|field| {
            let usual = string_regex(&format!("[0-9]{{{}}}", field.width)).unwrap();
            let other = string_regex("-?[0-9]{0,11}").unwrap();
            prop_oneof![30 => usual, 1 => other].boxed()
        });
        let damage = prop_oneof![
            3 => Just(None),
            1 => (any::<Index>(), select(b"0123456789,-+/: \0".to_vec())).prop_map(Some),
            1 => any::<(Index, u8)>().prop_map(Some),
        ];
        let mut counts = vec![(7, Just(R::FIELDS.len()))];
        counts.extend((0..R::FIELDS.len()).map(|count| (1, Just(count))));
        let count = proptest::strategy::Union::new_weighted(counts);
        (fields.collect::<Vec<_>>(), count, damage).prop_map(|(fields, count, damage)| {
            let mut data = fields[..count].join(",").into_bytes();
            if let Some((at, byte)) = damage.filter(|_| !data.is_empty()) {
                let at = at.index(data.len());
                data[at] = byte;
            }
            data
        })
    }

    /// Tests that the fast path, where it applies, has the results of the general one.
    fn assert_equal_paths<R: Record + Debug + PartialEq>() {
        let config = Config { failure_persistence: None, ..Config::with_cases(256) };
        let data = prop_oneof![20 => data::<R>(), 1 => any_vec(any::<u8>(), 0..130)];
        let outcome = TestRunner::new(config).run(&(data, 0..140_usize), |(data, room)| {
            let parsed = parse_any::<R>(&data);
            if let Some(reply) = parse_numbers::<R>(&data) {
                prop_assert_eq!(&parsed, &Ok((reply, Extra::default())));
            }
            if let Ok((reply, _)) = parsed {
                let (mut written, mut expected) = ([0; 512], [0; 512]);
                for room in [room, 512] {
                    if let Some(len) = encode_numbers(&reply, &mut written[..room]) {
                        prop_assert_eq!(Ok(len), encode_any(&reply, &mut expected[..room]));
                        prop_assert_eq!(&written[..len], &expected[..len]);
                    }
                }
            }
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("{}: {error}", R::MNEMONIC));
    }

    #[test]
    fn fast_and_general_path_have_the_same_results() {
        for_every_record!(assert_equal_paths);
    }

    #[test]
    fn every_reply_except_lists_is_tested() {
        fn mnemonic<R: Record>() -> &'static str {
            R::MNEMONIC
        }
        let mut tested = for_every_record!(mnemonic);
        let others = |mnemonic: &&str| !["MCHGCR", "MUCHGCR"].contains(mnemonic);
        let mut all: Vec<_> = Query::LIST.iter().map(|info| info.mnemonic).filter(others).collect();
        tested.sort_unstable();
        all.sort_unstable();
        assert_eq!(tested[..], all);
    }

    /// The data of zeros in all fields takes the fast path, if the record has one.
    #[test]
    #[cfg(target_pointer_width = "64")]
    fn records_of_numbers_have_a_fast_path() {
        fn mnemonic<R: Record>() -> &'static str {
            let zeros: Vec<_> =
                R::FIELDS.iter().map(|field| "0".repeat(field.width.into())).collect();
            let Some(reply) = parse_numbers::<R>(zeros.join(",").as_bytes()) else {
                return "";
            };
            assert!(encode_numbers(&reply, &mut [0; MAX_LENGTH]).is_some());
            R::MNEMONIC
        }
        let fast: Vec<_> =
            for_every_record!(mnemonic).into_iter().filter(|name| !name.is_empty()).collect();
        assert_eq!(fast.join(" "), "ED DI FWS FLAG GS GS2 GMN MODBUS MOD EM PGS PI PIRI BSC ET EY");
    }

    #[test]
    fn digits_of_any_number_equal_its_text() {
        for number in 0..10_000 {
            assert_eq!(digits::<4>(number).unwrap(), *format!("{number:04}").as_bytes());
            let high = number * 10_000 + 9_999 - number;
            assert_eq!(digits::<8>(high).unwrap(), *format!("{high:08}").as_bytes());
        }
        assert_eq!(digits::<1>(9), Some(*b"9"));
        assert_eq!(digits::<3>(999), Some(*b"999"));
        assert_eq!(digits::<6>(12_345), Some(*b"012345"));
        assert_eq!((digits::<1>(10), digits::<3>(1000), digits::<4>(10_000)), (None, None, None));
        assert_eq!(digits::<8>(100_000_000), None);
    }
}
