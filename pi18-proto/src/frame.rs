//! A frame: start, length, data, checksum, carriage return.
//!
//! ```text
//! reply            = "^D" length data checksum CR
//! request          = "^" ( "P" | "S" ) length data [ checksum ] CR
//! acknowledgement  = "^" ( "1" | "0" ) checksum CR  |  "(NAK" checksum CR
//! length           = 3 digits: the number of bytes after them, data + checksum + CR
//! ```
//!
//! A frame with a valid checksum is accepted even if its stated length is wrong, because some devices
//! and hosts send wrong lengths. Only a request may omit the checksum, because some units expect that.
//!
//! Source: PI18 2017 and 2022, "Communication format"; wrong lengths, `(NAK` and requests without
//! a checksum observed in public logs of LV2424, LV5048 and Easun units.

use core::fmt;

use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take, take_until},
    combinator::value,
};

use crate::{
    DecodeError, Dialect, EncodeError, FrameKind, crc,
    error::Excerpt,
    field::{Writer, decimal},
};

/// A frame with a valid checksum, or a plausible request without a checksum.
///
/// ```
/// use pi18_proto::{Frame, FrameKind, Reply, WorkingMode};
///
/// let frame = Frame::parse(b"^D00505\xD9\x9F\r")?;
/// assert_eq!(frame.kind(), FrameKind::Data);
/// assert_eq!(frame.data(), b"05");
///
/// let mode = pi18_proto::Mode::decode(frame.reply_data()?)?;
/// assert_eq!(mode.working_mode, WorkingMode::HYBRID);
/// # Ok::<(), pi18_proto::DecodeError>(())
/// ```
///
/// [`FrameReader`](crate::FrameReader) finds the frames in a stream of bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Frame<'a> {
    kind: FrameKind,
    data: &'a [u8],
    declared: Option<u16>,
    has_checksum: bool,
}

impl<'a> Frame<'a> {
    /// Parses one whole frame, from its first byte to its carriage return.
    ///
    /// A request without a checksum is accepted if its length is right and its data is plain text. A
    /// query may have a wrong length as well, because units answer such queries (`^P005FWS`).
    ///
    /// # Errors
    /// If the bytes are not a frame, end early, or have a wrong checksum.
    ///
    /// ```
    /// use pi18_proto::Frame;
    ///
    /// let damaged = Frame::parse(b"^D00506\xD9\x9F\r").unwrap_err();
    /// assert_eq!(damaged.to_string(), "frame checksum: expected E9 FC, found D9 9F");
    /// ```
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (rest, kind) =
            start(bytes).map_err(|_| DecodeError::NotAFrame { found: Excerpt::of(bytes) })?;
        let (after, body) =
            to_end(rest).map_err(|_| DecodeError::Unfinished { length: bytes.len() })?;
        if after.len() > 1 {
            return Err(DecodeError::NotAFrame { found: Excerpt::of(after) });
        }
        match kind {
            FrameKind::Data | FrameKind::Query | FrameKind::Set => {
                Self::with_length(bytes, kind, body)
            }
            FrameKind::Accepted | FrameKind::Refused | FrameKind::NotUnderstood => {
                let (data, found) = split_checksum(body)?;
                if let Some(next) = body.get(2..).filter(|next| !next.is_empty()) {
                    return Err(DecodeError::End { found: Excerpt::of(next) });
                }
                let covered = covered(bytes);
                if !crc::matches(covered, found) {
                    return Err(DecodeError::Checksum { expected: crc::checksum(covered), found });
                }
                Ok(Self { kind, data, declared: None, has_checksum: true })
            }
        }
    }

    /// Parses the part of a frame after its start bytes: length, data, checksum.
    fn with_length(bytes: &'a [u8], kind: FrameKind, body: &'a [u8]) -> Result<Self, DecodeError> {
        let (declared, body) = split_length(body)?;
        let bare = Self { kind, data: body, declared: Some(declared), has_checksum: false };
        let Ok((data, found)) = split_checksum(body) else {
            return if bare.is_plausible() { Ok(bare) } else { split_checksum(body).map(|_| bare) };
        };
        let covered = covered(bytes);
        if crc::matches(covered, found) {
            let checked = Self { data, has_checksum: true, ..bare };
            if checked.wrong_length().is_some() {
                refuse_joined(bytes)?;
                refuse_padded(bytes, declared)?;
            }
            // One in 65536 requests without a checksum ends in two characters that happen to equal its
            // checksum. The stated length shows that they are data.
            let by_chance = checked.wrong_length().is_some() && bare.wrong_length().is_none();
            Ok(if by_chance && bare.is_plausible() { bare } else { checked })
        } else if bare.is_plausible() {
            Ok(bare)
        } else {
            Err(DecodeError::Checksum { expected: crc::checksum(covered), found })
        }
    }

    /// Returns whether a request without a checksum can be accepted.
    ///
    /// The data must be plain text. A set command must have the right length too; a query, which
    /// changes nothing, need not: hosts send `^P005ACCT`, a misprint in the sheets.
    fn is_plausible(&self) -> bool {
        let plain = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b',';
        let is_plain = !self.data.is_empty() && self.data.iter().all(plain);
        let length = self.declared.map(usize::from);
        let is_right = length == Some(self.data.len() + AFTER_DATA);
        match self.kind {
            FrameKind::Set => is_plain && is_right,
            FrameKind::Query => is_plain,
            _ => false,
        }
    }

    /// Returns the kind of the frame.
    #[must_use]
    pub const fn kind(&self) -> FrameKind {
        self.kind
    }

    /// Returns the bytes between length and checksum; empty for an acknowledgement.
    #[must_use]
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }

    /// Returns the data of a data reply.
    ///
    /// # Errors
    /// If the frame is an acknowledgement or a request.
    pub const fn reply_data(&self) -> Result<&'a [u8], DecodeError> {
        match self.kind {
            FrameKind::Data => Ok(self.data),
            found => Err(DecodeError::Kind { expected: "a data reply (^D)", found }),
        }
    }

    /// Writes a frame around `data` and returns its length.
    ///
    /// Simulated devices and proxies use it for messages without a type in this crate. The data of an
    /// acknowledgement is empty.
    ///
    /// # Errors
    /// If the buffer is too short, or the data is longer than 996 bytes, the most that the length can
    /// state.
    pub fn encode(
        kind: FrameKind,
        data: &[u8],
        dialect: Dialect,
        buffer: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let capacity = buffer.len();
        if data.len() > MAX_FRAME - HEAD - AFTER_DATA {
            return Err(EncodeError { capacity });
        }
        encode(kind, dialect == Dialect::Checksum, buffer, |out| out.bytes(data))
    }

    /// Returns whether the frame has a checksum. Every reply has one; a request may not.
    #[must_use]
    pub const fn has_checksum(&self) -> bool {
        self.has_checksum
    }

    /// Returns the stated and the actual length, if they differ.
    #[must_use]
    pub fn wrong_length(&self) -> Option<FrameWarning> {
        let declared = self.declared?;
        let counted = self.data.len() + AFTER_DATA;
        (usize::from(declared) != counted)
            .then_some(FrameWarning::WrongLength { declared, counted })
    }

    /// Iterates over the defects of the frame.
    pub fn warnings(&self) -> impl Iterator<Item = FrameWarning> + use<> {
        let no_checksum = (!self.has_checksum).then_some(FrameWarning::NoChecksum);
        self.wrong_length().into_iter().chain(no_checksum)
    }
}

/// A defect of a frame that was accepted nevertheless.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FrameWarning {
    /// The stated length differs from the actual length. The checksum of a reply is valid nevertheless.
    WrongLength {
        /// The stated length.
        declared: u16,
        /// The actual length.
        counted: usize,
    },
    /// A request has no checksum.
    NoChecksum,
}

impl fmt::Display for FrameWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongLength { declared, counted } => {
                write!(f, "the stated length is {declared:03}, the actual length {counted:03}")
            }
            Self::NoChecksum => f.write_str("the request has no checksum"),
        }
    }
}

fn start(input: &[u8]) -> IResult<&[u8], FrameKind> {
    alt((
        value(FrameKind::Data, tag("^D")),
        value(FrameKind::Query, tag("^P")),
        value(FrameKind::Set, tag("^S")),
        value(FrameKind::Accepted, tag("^1")),
        value(FrameKind::Refused, tag("^0")),
        value(FrameKind::NotUnderstood, tag("(NAK")),
    ))
    .parse(input)
}

/// Splits the input at the first carriage return.
fn to_end(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_until(&b"\r"[..]).parse(input)
}

/// Splits off the three digits of the length.
fn split_length(body: &[u8]) -> Result<(u16, &[u8]), DecodeError> {
    body.split_at_checked(3)
        .and_then(|(digits, rest)| Some((decimal(digits)?.try_into().ok()?, rest)))
        .ok_or_else(|| DecodeError::Length {
            expected: "three digits",
            found: Excerpt::of(body.get(..3).unwrap_or(body)),
        })
}

/// Splits off the checksum, before the data is split at commas: a checksum byte can be a comma.
fn split_checksum(body: &[u8]) -> Result<(&[u8], [u8; 2]), DecodeError> {
    let cut: IResult<&[u8], &[u8]> = take(body.len().saturating_sub(2)).parse(body);
    match cut {
        Ok((&[high, low], data)) => Ok((data, [high, low])),
        _ => Err(DecodeError::Length {
            expected: "a checksum of two bytes before the carriage return",
            found: Excerpt::of(body),
        }),
    }
}

/// Returns the bytes that the checksum covers: all bytes before it.
fn covered(frame: &[u8]) -> &[u8] {
    frame.get(..frame.len().saturating_sub(AFTER_DATA)).unwrap_or_default()
}

/// Refuses two frames of which the first lost its carriage return.
///
/// The CRC over bytes that end with their own CRC is zero. So the first frame, with or without
/// padding after it, does not change the checksum of the second, and the two look like one frame of a
/// wrong length. The stated length cannot show where the first frame ends, because it may be wrong as
/// well: a single frame whose stated length is one too small and whose checksum ends in `00` also has
/// a valid checksum at the stated length. Therefore the function searches for the start of a second
/// frame.
fn refuse_joined(bytes: &[u8]) -> Result<(), DecodeError> {
    for at in HEAD + AFTER_DATA - 1..bytes.len() {
        let Some((first, next)) = bytes.split_at_checked(at) else {
            break;
        };
        if next.len() >= SHORTEST
            && next.first().copied().is_some_and(is_start)
            && ends_with_checksum(first)
        {
            return Err(DecodeError::End { found: Excerpt::of(next) });
        }
    }
    Ok(())
}

/// Refuses a frame that lost its carriage return and is followed by zeros and a stray carriage return.
///
/// Zeros after a frame do not change the checksum either, see [`refuse_joined`]. A single zero is
/// accepted, because it can be the last byte of a valid checksum.
fn refuse_padded(bytes: &[u8], declared: u16) -> Result<(), DecodeError> {
    let end = (HEAD + usize::from(declared)).saturating_sub(1);
    match bytes.split_at_checked(end) {
        Some((first, next @ [0, padding @ .., b'\r']))
            if !padding.is_empty()
                && padding.iter().all(|&byte| byte == 0)
                && ends_with_checksum(first) =>
        {
            Err(DecodeError::End { found: Excerpt::of(next) })
        }
        _ => Ok(()),
    }
}

/// Returns whether `bytes` end with their own checksum, possibly followed by zeros.
///
/// USB adapters pad their reports with zeros, and the last byte of a checksum can be zero as well.
fn ends_with_checksum(mut bytes: &[u8]) -> bool {
    loop {
        let parts = bytes.split_last_chunk().filter(|(covered, _)| covered.len() >= HEAD);
        if parts.is_some_and(|(covered, &found)| crc::matches(covered, found)) {
            return true;
        }
        match bytes {
            [before @ .., 0] => bytes = before,
            _ => return false,
        }
    }
}

/// Returns whether a frame can start with this byte. Only `(NAK` starts with `(`.
pub(crate) const fn is_start(byte: u8) -> bool {
    matches!(byte, b'^' | b'(')
}

/// Writes a frame around the data that `write` writes, and returns its length.
pub(crate) fn encode(
    kind: FrameKind,
    with_checksum: bool,
    buffer: &mut [u8],
    write: impl FnOnce(&mut Writer<'_>) -> Result<(), EncodeError>,
) -> Result<usize, EncodeError> {
    let mut out = Writer::new(buffer);
    let head: &[u8] = match kind {
        FrameKind::Query => b"^P000",
        FrameKind::Set => b"^S000",
        FrameKind::Data => b"^D000",
        FrameKind::Accepted => b"^1",
        FrameKind::Refused => b"^0",
        FrameKind::NotUnderstood => b"(NAK",
    };
    out.bytes(head)?;
    write(&mut out)?;
    if let Some(data) = out.written().len().checked_sub(HEAD)
        && matches!(kind, FrameKind::Query | FrameKind::Set | FrameKind::Data)
    {
        out.overwrite_number(2..5, data + AFTER_DATA);
    }
    if with_checksum {
        let checksum = crc::checksum(out.written());
        out.bytes(&checksum)?;
    }
    out.byte(b'\r')?;
    Ok(out.written().len())
}

/// The maximum number of bytes of a frame: `^D`, three digits, and the 999 bytes that they can count.
///
/// The longest known reply has 118 bytes.
pub const MAX_FRAME: usize = HEAD + 999;

/// The number of bytes before the data: `^`, kind and length.
const HEAD: usize = 5;

/// The number of bytes after the data: checksum and carriage return.
const AFTER_DATA: usize = 3;

/// The length of the shortest frame, an acknowledgement: `^1`, checksum and carriage return.
pub(crate) const SHORTEST: usize = 5;

/// The frame with which a device accepts a set command.
pub const ACCEPTED: &[u8] = b"^1\x0B\xC2\r";

/// The frame with which a device refuses a set command or a query that it does not support.
pub const REFUSED: &[u8] = b"^0\x1B\xE3\r";

/// The frame with which a device reports that it could not parse a request.
pub const NOT_UNDERSTOOD: &[u8] = b"(NAKss\r";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn error(bytes: &[u8]) -> std::string::String {
        std::format!("{}", Frame::parse(bytes).unwrap_err())
    }

    #[test]
    fn acknowledgements_parse_and_encode() {
        for (bytes, kind) in [
            (ACCEPTED, FrameKind::Accepted),
            (REFUSED, FrameKind::Refused),
            (NOT_UNDERSTOOD, FrameKind::NotUnderstood),
        ] {
            assert_eq!(Frame::parse(bytes).unwrap().kind(), kind);
            let mut buffer = [0; 8];
            let len = encode(kind, true, &mut buffer, |_| Ok(())).unwrap();
            assert_eq!(&buffer[..len], bytes);
        }
        assert_eq!(error(b"^1\x1B\xE3\r"), "frame checksum: expected 0B C2, found 1B E3");
    }

    #[test]
    fn wrong_length_with_valid_checksum_is_a_warning() {
        let frame = Frame::parse(b"^D0200,0,0,0,0,1,0,0,12\xc29\r").unwrap();
        let warnings: std::vec::Vec<_> = frame.warnings().collect();
        assert_eq!(warnings, [FrameWarning::WrongLength { declared: 20, counted: 21 }]);
        assert_eq!(
            std::format!("{}", warnings[0]),
            "the stated length is 020, the actual length 021"
        );
    }

    #[test]
    fn reply_without_end_is_not_joined_with_the_next_reply() {
        assert_eq!(
            error(b"^D00505\xD9\x9F^D00518;\x03\r"),
            "frame end: expected a carriage return after the checksum, \
             found \"^D00518;\\x03\\r\""
        );
    }

    #[test]
    fn acknowledgement_without_end_is_not_joined_with_the_next_reply() {
        assert_eq!(
            error(b"^1\x0B\xC2^D00518;\x03\r"),
            "frame end: expected a carriage return after the checksum, found \"^D00518;\\x03\""
        );
    }

    #[test]
    fn frame_with_valid_checksum_at_its_wrong_length_parses() {
        // The stated length is one too small, and the low byte of the checksum is 00.
        for (bytes, data, counted) in [
            (&b"^D0210,1,0,1,0,0,1,1,1,0\x4F\x00\r"[..], &b"0,1,0,1,0,0,1,1,1,0"[..], 22),
            (b"^P006PGS7\xF3\x00\r", b"PGS7", 7),
        ] {
            let frame = Frame::parse(bytes).unwrap();
            assert_eq!(frame.data(), data);
            let declared = u16::try_from(counted).unwrap() - 1;
            assert_eq!(frame.wrong_length(), Some(FrameWarning::WrongLength { declared, counted }));
        }
    }

    #[test]
    fn start_byte_too_near_the_end_is_not_a_second_frame() {
        // The data happens to end in its own checksum, followed by a start byte.
        let covered = b"^D02006306,06126,0506905^";
        let bytes = [&covered[..], &crc::checksum(covered), b"\r"].concat();
        assert_eq!(Frame::parse(&bytes).unwrap().data(), b"06306,06126,0506905^");
    }

    #[test]
    fn padded_frame_without_end_is_refused() {
        // If it were accepted, the two bytes of its checksum would be part of the last version.
        assert_eq!(
            error(b"^D02006306,06126,0506905\0\0\r"),
            "frame end: expected a carriage return after the checksum, found \"\\x00\\x00\\r\""
        );
    }

    #[test]
    fn joined_frames_with_padding_or_wrong_length_are_refused() {
        for first in [
            &b"^D00505\xD9\x9F\0\0\0\0"[..],
            b"^D0200,0,0,0,0,1,0,0,12\xc29",
            b"^D0210,1,0,1,0,0,1,1,1,0\x4F\x00\0\0",
        ] {
            for second in [&b"^D00518;\x03\r"[..], ACCEPTED, NOT_UNDERSTOOD] {
                let error = error(&[first, second].concat());
                assert!(error.starts_with("frame end: "), "{error}");
            }
        }
    }

    #[test]
    fn encoded_data_parses_back_and_is_limited_to_996_bytes() {
        let mut buffer = [0; MAX_FRAME];
        let len = Frame::encode(FrameKind::Data, b"1,x,", Dialect::Checksum, &mut buffer).unwrap();
        assert_eq!(Frame::parse(&buffer[..len]).unwrap().reply_data(), Ok(&b"1,x,"[..]));
        let data = [b'0'; 997];
        assert!(Frame::encode(FrameKind::Data, &data, Dialect::Checksum, &mut buffer).is_err());
        assert!(Frame::parse(REFUSED).unwrap().reply_data().is_err());
    }

    #[test]
    fn requests_without_checksum_parse() {
        for (bytes, data) in [
            (&b"^P005GS\r"[..], &b"GS"[..]),
            (b"^P005FWS\r", b"FWS"),
            (b"^P005ACCT\r", b"ACCT"),
            (b"^P009EY\r", b"EY"),
            (b"^S007POP1\r", b"POP1"),
        ] {
            let frame = Frame::parse(bytes).unwrap();
            assert_eq!((frame.data(), frame.has_checksum()), (data, false));
        }
    }

    #[test]
    fn request_whose_data_ends_in_its_own_checksum_parses_without_checksum() {
        let frame = Frame::parse(b"^P013ED20860114\r").unwrap();
        assert_eq!((frame.data(), frame.has_checksum()), (&b"ED20860114"[..], false));
    }

    #[test]
    fn damaged_request_is_not_taken_for_one_without_checksum() {
        assert_eq!(error(b"^P005GSX\x15\r"), "frame checksum: expected 58 14, found 58 15");
        assert!(error(b"^S007POPXY\r").starts_with("frame checksum"));
        assert!(error(b"^S007POP\r").starts_with("frame checksum"));
        assert!(error(b"^S007POP11\r").starts_with("frame checksum"));
    }

    #[test]
    fn reply_without_checksum_is_refused() {
        assert!(error(b"^D00518\r").starts_with("frame checksum"));
        assert_eq!(
            error(b"^D005\r"),
            "frame length: expected a checksum of two bytes before the carriage return, \
             found nothing"
        );
    }

    #[test]
    fn malformed_frame_is_refused_with_its_place() {
        assert_eq!(error(b""), "frame: expected ^D, ^P, ^S, ^0, ^1 or (NAK, found nothing");
        assert_eq!(
            error(b"(230.1"),
            "frame: expected ^D, ^P, ^S, ^0, ^1 or (NAK, found \"(230.1\""
        );
        assert_eq!(error(b"^D0x518;\x03\r"), "frame length: expected three digits, found \"0x5\"");
        assert_eq!(error(b"^D0\r"), "frame length: expected three digits, found \"0\"");
        assert_eq!(
            error(b"^D00518;"),
            "frame: expected a carriage return at its end, found the end after 8 bytes"
        );
    }
}
