//! Frames of Modbus RTU: requests to read registers (function 03) and their replies.
//!
//! A request is `address 03 start start count count crc crc`, a reply `address 03 bytes data… crc crc`.
//! Numbers have their high byte first, the checksum its low byte. A write cannot be expressed.
//!
//! Source: Modbus over serial line V1.02, Modbus application protocol V1.1b3; EG4-LL MODBUS V01.06.

use std::fmt;

use crc::{CRC_16_MODBUS, Crc};

use super::{address::PackAddress, map::OtherMap};

/// A request to read registers of a pack.
///
/// ```
/// use lvx_parallel::pack::{PackAddress, Request};
///
/// let request = Request::new(PackAddress::LP4_V2, 80, 2).unwrap();
/// let registers = request.parse_reply(&[0x40, 3, 4, 0x27, 0xD8, 0x27, 0xD8, 0x3A, 0x12])?;
/// assert_eq!(registers.get(80), Some(10200));
/// assert_eq!(registers.get(82), None);
/// # Ok::<(), lvx_parallel::pack::FrameError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Request {
    address: PackAddress,
    start: u16,
    count: u8,
}

/// The registers of a reply.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Registers {
    start: u16,
    words: Vec<u16>,
}

/// The code of an exception, with which a pack refuses a request.
///
/// ```
/// use lvx_parallel::pack::Exception;
///
/// assert_eq!(Exception(2).to_string(), "exception 2 illegal data address");
/// assert_eq!(Exception(99).name(), None);
/// ```
///
/// Source: Modbus application protocol V1.1b3, section 7. Replies of LP4 v2 packs with an exception are not
/// known; the maker's document names one for writing only.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Exception(
    /// The code, 0 to 255.
    pub u8,
);

/// The error for bytes that are not the reply to a request: the place, what was expected and what was found.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The frame has another length than a reply.
    #[error("the frame: expected {expected} bytes, found {found}")]
    Length {
        /// Length of the reply, in bytes.
        expected: usize,
        /// Length of the frame, in bytes.
        found: usize,
    },
    /// The checksum does not match the bytes before it.
    #[error("bytes {at} and {}: expected the checksum {expected:04X}, found {found:04X}", at + 1)]
    Checksum {
        /// Place of the first checksum byte, from 0.
        at: usize,
        /// Checksum of the bytes before it.
        expected: u16,
        /// Checksum that the frame has.
        found: u16,
    },
    /// The frame comes from another pack, or is for another one.
    #[error("byte 0: expected address {expected}, found {found}")]
    Address {
        /// Address of the request.
        expected: PackAddress,
        /// Address of the frame.
        found: u8,
    },
    /// The frame has another function than 03.
    #[error("byte 1: expected function 3, found {found}")]
    Function {
        /// Function of the frame.
        found: u8,
    },
    /// The reply has another number of registers than the request asked for.
    #[error("byte 2: expected {expected} data bytes, found {found}{}", named(*map))]
    ByteCount {
        /// Number of data bytes that the request asks for.
        expected: usize,
        /// Number of data bytes that the reply states.
        found: usize,
        /// Another known map or protocol that has such a reply.
        map: Option<OtherMap>,
    },
    /// The frame is the request, which some adapters send back.
    #[error("the frame: expected a reply, found the request itself")]
    Echo,
    /// The pack refused the request.
    #[error("byte 1: expected a reply, found {0}")]
    Exception(Exception),
    /// The bytes are no request to read 1 to 125 registers of an address from 1 to 247.
    #[error("{at}: expected {expected}, found {found}")]
    Request {
        /// Place of the bytes, from 0, such as `byte 0`.
        at: &'static str,
        /// What a request has there.
        expected: &'static str,
        /// The number that was found.
        found: u16,
    },
}

impl FrameError {
    /// Returns whether the pack may answer the same request a moment later: it is busy.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Exception(Exception(5 | 6)))
    }
}

fn named(map: Option<OtherMap>) -> String {
    map.map_or(String::new(), |map| format!(", as {map} has it"))
}

impl Request {
    /// The length of a request in bytes.
    pub const LEN: usize = 8;

    /// The highest number of registers in one reply.
    ///
    /// Source: Modbus application protocol V1.1b3, section 6.3.
    pub const MAX_COUNT: u8 = 125;

    /// The length of the longest reply in bytes.
    pub const MAX_REPLY: usize = 5 + 2 * 125;

    /// Returns a request for `count` registers from `start` on; `None` if `count` is not 1 to
    /// [`MAX_COUNT`](Self::MAX_COUNT), or there are no such registers.
    #[must_use]
    pub fn new(address: PackAddress, start: u16, count: u8) -> Option<Self> {
        let has_valid_count = (1..=Self::MAX_COUNT).contains(&count);
        let last = u32::from(start) + u32::from(count);
        (has_valid_count && last <= 0x1_0000).then_some(Self { address, start, count })
    }

    /// Returns the request for the measurements, registers 0 to 38 ([`Live`](super::Live)).
    #[must_use]
    pub const fn live(address: PackAddress) -> Self {
        Self { address, start: 0, count: 39 }
    }

    /// Returns the request for counters and strings, registers 45 to 135.
    ///
    /// EG4-LL packs have protection settings there. LP4 v2 packs have zeros up to 104, and the label.
    #[must_use]
    pub const fn counters(address: PackAddress) -> Self {
        Self { address, start: 45, count: 91 }
    }

    /// Returns the request for the label, registers 105 to 127 ([`Label`](super::Label)).
    #[must_use]
    pub const fn label(address: PackAddress) -> Self {
        Self { address, start: 105, count: 23 }
    }

    /// Returns the address of the pack.
    #[must_use]
    pub const fn address(&self) -> PackAddress {
        self.address
    }

    /// Returns the first register.
    #[must_use]
    pub const fn start(&self) -> u16 {
        self.start
    }

    /// Returns the number of registers, 1 to [`MAX_COUNT`](Self::MAX_COUNT).
    #[must_use]
    pub const fn count(&self) -> u8 {
        self.count
    }

    /// Returns the length of the reply in bytes, unless the pack refuses the request.
    #[must_use]
    pub fn reply_len(&self) -> usize {
        5 + self.data_len()
    }

    /// Returns the bytes of the request.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Self::LEN] {
        let [start_high, start_low] = self.start.to_be_bytes();
        let covered = [self.address.get(), READ, start_high, start_low, 0, self.count];
        let [address, function, ..] = covered;
        let [crc_low, crc_high] = CRC.checksum(&covered).to_le_bytes();
        [address, function, start_high, start_low, 0, self.count, crc_low, crc_high]
    }

    /// Reads a request, for programs that listen to the requests of others.
    ///
    /// ```
    /// use lvx_parallel::pack::{PackAddress, Request};
    ///
    /// let request = Request::label(PackAddress::LP4_V2);
    /// assert_eq!(Request::parse(&request.to_bytes()), Ok(request));
    /// ```
    ///
    /// # Errors
    /// If the bytes are not exactly one request of function 03.
    pub fn parse(bytes: &[u8]) -> Result<Self, FrameError> {
        let &[address, function, start_high, start_low, count_high, count_low, _, _] = bytes else {
            return Err(FrameError::Length { expected: Self::LEN, found: bytes.len() });
        };
        check(bytes)?;
        let request = |at, expected, found| FrameError::Request { at, expected, found };
        let Some(address) = PackAddress::new(address) else {
            return Err(request("byte 0", "an address from 1 to 247", address.into()));
        };
        if function != READ {
            return Err(FrameError::Function { found: function });
        }
        let start = u16::from_be_bytes([start_high, start_low]);
        let found = u16::from_be_bytes([count_high, count_low]);
        let valid = u8::try_from(found).ok().and_then(|count| Self::new(address, start, count));
        valid.ok_or_else(|| {
            request("bytes 4 and 5", "1 to 125 registers, of which none is above 65535", found)
        })
    }

    /// Reads the reply to this request. `bytes` must be exactly one frame.
    ///
    /// # Errors
    /// If the frame is damaged, is not the reply to this request, or has an exception. A reply that another
    /// known map or protocol has is named.
    pub fn parse_reply(&self, bytes: &[u8]) -> Result<Registers, FrameError> {
        let length = FrameError::Length { expected: self.reply_len(), found: bytes.len() };
        let &[address, function, third, fourth, ..] = bytes else { return Err(length) };
        if bytes == self.to_bytes() {
            return Err(FrameError::Echo);
        }
        // Bytes without a right checksum say nothing. If they have another length, that is the first mistake.
        if let Err(damaged) = check(bytes) {
            let is_exception = function == EXCEPTION && bytes.len() == EXCEPTION_LEN;
            let has_length = bytes.len() == self.reply_len() || is_exception;
            return Err(if has_length { damaged } else { length });
        }
        if address != self.address.get() {
            return Err(FrameError::Address { expected: self.address, found: address });
        }
        match function {
            READ => {}
            EXCEPTION if bytes.len() == EXCEPTION_LEN => {
                return Err(FrameError::Exception(Exception(third)));
            }
            found => return Err(FrameError::Function { found }),
        }
        let (expected, found) = (self.data_len(), usize::from(third));
        if found != expected {
            let words = u16::from_be_bytes([third, fourth]);
            let is_voltronic = bytes.len() == VOLTRONIC_OVERHEAD + 2 * usize::from(words);
            let map = if found + 5 == bytes.len() {
                OtherMap::of_reply(&data(bytes))
            } else {
                is_voltronic.then_some(OtherMap::Voltronic)
            };
            return Err(FrameError::ByteCount { expected, found, map });
        }
        if bytes.len() != self.reply_len() {
            return Err(length);
        }
        Ok(Registers { start: self.start, words: data(bytes) })
    }

    /// Returns whether bytes end with their checksum.
    pub(super) fn is_whole(bytes: &[u8]) -> bool {
        check(bytes).is_ok()
    }

    /// Returns bytes with their checksum after them.
    #[cfg(test)]
    pub(super) fn with_checksum(bytes: &[u8]) -> Vec<u8> {
        [bytes, &CRC.checksum(bytes).to_le_bytes()].concat()
    }

    fn data_len(self) -> usize {
        2 * usize::from(self.count)
    }
}

impl Registers {
    /// Returns registers from `start` on, for tests and for replies that another program has read.
    ///
    /// ```
    /// use lvx_parallel::pack::Registers;
    ///
    /// let registers = Registers::new(105, vec![0x4C46, 0x502D]);
    /// assert_eq!(registers.get(106), Some(0x502D));
    /// ```
    #[must_use]
    pub const fn new(start: u16, words: Vec<u16>) -> Self {
        Self { start, words }
    }

    /// Returns the number of the first register.
    #[must_use]
    pub const fn start(&self) -> u16 {
        self.start
    }

    /// Returns the content of all registers in order.
    #[must_use]
    pub fn words(&self) -> &[u16] {
        &self.words
    }

    /// Returns the content of a register; `None` if the reply does not have it.
    #[must_use]
    pub fn get(&self, register: u16) -> Option<u16> {
        self.range(register, 1)?.first().copied()
    }

    /// Returns the content of `count` registers from `first` on; `None` if the reply does not have all.
    #[must_use]
    pub fn range(&self, first: u16, count: u16) -> Option<&[u16]> {
        let from = usize::from(first.checked_sub(self.start)?);
        self.words.get(from..from + usize::from(count))
    }
}

impl Exception {
    /// Returns the name of the exception, if Modbus has one.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            1 => "illegal function",
            2 => "illegal data address",
            3 => "illegal data value",
            4 => "device failure",
            5 => "acknowledge",
            6 => "device busy",
            8 => "memory parity error",
            10 => "gateway path unavailable",
            11 => "gateway target does not respond",
            _ => return None,
        })
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exception {}", self.0)?;
        self.name().map_or(Ok(()), |name| write!(f, " {name}"))
    }
}

/// Writes the address, the registers and the function.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = u32::from(self.start) + u32::from(self.count) - 1;
        write!(f, "registers {} to {last} of address {}", self.start, self.address)
    }
}

/// Returns the data of a reply as registers: all bytes but the first three and the checksum.
fn data(bytes: &[u8]) -> Vec<u16> {
    let data = bytes.get(3..bytes.len().saturating_sub(2)).unwrap_or_default();
    data.as_chunks().0.iter().map(|word| u16::from_be_bytes(*word)).collect()
}

/// Checks the checksum at the end of a frame.
fn check(bytes: &[u8]) -> Result<(), FrameError> {
    let Some((covered, found)) = bytes.split_last_chunk() else {
        return Err(FrameError::Length { expected: Request::LEN, found: bytes.len() });
    };
    let (expected, found) = (CRC.checksum(covered), u16::from_le_bytes(*found));
    if expected == found {
        return Ok(());
    }
    Err(FrameError::Checksum { at: covered.len(), expected, found })
}

static CRC: Crc<u16> = Crc::<u16>::new(&CRC_16_MODBUS);

/// The function that reads holding registers.
const READ: u8 = 3;

/// The function of a refused request.
const EXCEPTION: u8 = READ | 0x80;

/// The length of a frame with an exception.
const EXCEPTION_LEN: usize = 5;

/// The bytes of a reply of Voltronic's BMS protocol without its words.
const VOLTRONIC_OVERHEAD: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_their_frozen_bytes() {
        let pack = PackAddress::LP4_V2;
        assert_eq!(Request::live(pack).to_bytes(), *b"\x40\x03\x00\x00\x00\x27\x0A\xC1");
        assert_eq!(Request::counters(pack).to_bytes(), *b"\x40\x03\x00\x2D\x00\x5B\x9B\x29");
        assert_eq!(Request::label(pack).to_bytes(), *b"\x40\x03\x00\x69\x00\x17\xDA\xC9");
    }

    #[test]
    fn request_for_no_register_or_too_many_cannot_be_made() {
        let pack = PackAddress::LP4_V2;
        assert_eq!(Request::new(pack, 0, 0), None);
        assert_eq!(Request::new(pack, 0, 126), None);
        assert_eq!(Request::new(pack, 0xFFFF, 2), None);
        let last = Request::new(pack, 0xFFFF, 1).unwrap();
        assert_eq!(last.to_string(), "registers 65535 to 65535 of address 64");
        assert_eq!(Request::parse(&last.to_bytes()), Ok(last));
    }

    fn framed(bytes: &[u8]) -> Vec<u8> {
        Request::with_checksum(bytes)
    }

    #[track_caller]
    fn refused(bytes: &[u8]) -> String {
        let request = Request::new(PackAddress::LP4_V2, 0, 2).unwrap();
        request.parse_reply(bytes).unwrap_err().to_string()
    }

    #[test]
    fn errors_name_place_expectation_and_finding() {
        insta::assert_snapshot!(
            [
                refused(b""),
                refused(b"\x40\x03\x04\x00\x01\x00\x02\x00"),
                refused(b"\x40\x03\x04\x00\x01\x00\x02\x00\x00"),
                refused(&framed(b"\x41\x03\x04\x00\x01\x00\x02")),
                refused(&framed(b"\x40\x10\x04\x00\x01\x00\x02")),
                refused(&framed(b"\x40\x03\x06\x00\x01\x00\x02\x00\x03")),
                refused(&framed(b"\x40\x03\x04\x00\x01\x00\x02\x00\x03")),
                refused(&framed(b"\x40\x03\x02\x00\x42")),
                refused(&framed(b"\x40\x03\x00\x01\x00\x08")),
                refused(&framed(b"\x40\x83\x02")),
                refused(&framed(b"\x40\x83\x63")),
                refused(&framed(b"\x40\x83\x02\x00")),
                refused(&framed(b"\x40\x03\x00\x00\x00\x02")),
            ]
            .join("\n")
        );
    }

    #[test]
    fn requests_that_no_pack_has_are_refused() {
        let refused = |bytes: &[u8]| Request::parse(bytes).unwrap_err().to_string();
        insta::assert_snapshot!(
            [
                refused(b"\x40\x03"),
                refused(b"\x40\x03\x00\x00\x00\x27\x0A\xC2"),
                refused(&framed(b"\x00\x03\x00\x00\x00\x27")),
                refused(&framed(b"\x40\x10\x00\x00\x00\x27")),
                refused(&framed(b"\x40\x06\x00\x00\x00\x27")),
                refused(&framed(b"\x40\x03\x00\x00\x00\x7E")),
                refused(&framed(b"\x40\x03\x00\x00\x01\x01")),
                refused(&framed(b"\x40\x03\xFF\xFF\x00\x02")),
            ]
            .join("\n")
        );
    }
}
