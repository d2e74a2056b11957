//! One frame: start, kind, length, data, checksum, carriage return.
//!
//! ```text
//! reply    = "^D" length data checksum CR
//! request  = "^" ( "P" | "S" ) length data [ checksum ] CR
//! verdict  = "^" ( "1" | "0" ) checksum CR  |  "(NAK" checksum CR
//! length   = 3 digits: the number of bytes after them, data + checksum + CR
//! ```
//!
//! The checksum vouches for a frame, its length does not: devices and hosts send wrong lengths. Only
//! a request may come without a checksum (a dialect that hosts use towards some units).
//!
//! Source: PI18 2017 and 2022, "Communication format"; wrong lengths, `(NAK` and requests without
//! a checksum observed in public logs of LV2424, LV5048 and Easun units.

use core::fmt;

use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take, take_until},
    combinator::{map, value},
};

use crate::{DecodeError, Dialect, EncodeError, crc, error::Excerpt, field::Writer};

/// Most bytes of a frame: `^D`, three digits, and the 999 bytes that these can announce.
///
/// The longest reply known takes 118.
pub const MAX_FRAME: usize = HEAD + 999;

/// What a frame is, told by its first bytes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FrameKind {
    /// `^P`: a host asks.
    Query,
    /// `^S`: a host sets.
    Set,
    /// `^D`: a device answers with data.
    Data,
    /// `^1`: a device accepted a set command.
    Accepted,
    /// `^0`: a device refused a set command, or does not know a query.
    Refused,
    /// `(NAK`: a device could not make out a frame at all.
    NotUnderstood,
}

impl fmt::Display for FrameKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Query => "a query (^P)",
            Self::Set => "a set command (^S)",
            Self::Data => "a data reply (^D)",
            Self::Accepted => "accepted (^1)",
            Self::Refused => "refused (^0)",
            Self::NotUnderstood => "not understood ((NAK)",
        })
    }
}

/// What a frame said of itself beside its data, and what it got wrong without being refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FrameWarning {
    /// The length it announces is not the length it has; the checksum is right.
    WrongLength {
        /// Announced.
        declared: u16,
        /// Counted.
        counted: usize,
    },
    /// A request without a checksum.
    NoChecksum,
}

impl fmt::Display for FrameWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongLength { declared, counted } => {
                write!(f, "the length says {declared:03}, {counted:03} bytes follow it")
            }
            Self::NoChecksum => f.write_str("the request carries no checksum"),
        }
    }
}

/// A frame that can be believed: its checksum holds, or it is a request without one that is plain
/// text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Frame<'a> {
    kind: FrameKind,
    data: &'a [u8],
    declared: Option<u16>,
    has_checksum: bool,
}

impl<'a> Frame<'a> {
    /// Takes one whole frame, from its first byte to its carriage return.
    ///
    /// A request without a checksum is taken if its length is right and it is plain text; a query also
    /// with a wrong length, as units do (`^P005FWS` is answered).
    ///
    /// # Errors
    /// If it is no frame, ends early, or its checksum does not hold.
    ///
    /// ```
    /// use pi18_proto::{Frame, FrameKind};
    ///
    /// let frame = Frame::parse(b"^D00505\xD9\x9F\r")?;
    /// assert_eq!((frame.kind(), frame.data()), (FrameKind::Data, &b"05"[..]));
    ///
    /// let damaged = Frame::parse(b"^D00506\xD9\x9F\r").unwrap_err();
    /// assert_eq!(damaged.to_string(), "frame checksum: expected E9 FC, found D9 9F");
    /// # Ok::<(), pi18_proto::DecodeError>(())
    /// ```
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let (rest, kind) =
            start(bytes).map_err(|_| DecodeError::NotAFrame { found: Excerpt::of(bytes) })?;
        let (surplus, body) =
            to_end(rest).map_err(|_| DecodeError::Unfinished { have: bytes.len() })?;
        if surplus.len() > 1 {
            return Err(DecodeError::NotAFrame { found: Excerpt::of(surplus) });
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
                if !crc::vouches(covered, found) {
                    return Err(DecodeError::Checksum { wanted: crc::checksum(covered), found });
                }
                Ok(Self { kind, data, declared: None, has_checksum: true })
            }
        }
    }

    fn with_length(bytes: &'a [u8], kind: FrameKind, body: &'a [u8]) -> Result<Self, DecodeError> {
        let (body, declared) = length(body).map_err(|_| DecodeError::Length {
            wanted: "three digits",
            found: Excerpt::of(body.get(..3).unwrap_or(body)),
        })?;
        let bare = Self { kind, data: body, declared: Some(declared), has_checksum: false };
        let Ok((data, found)) = split_checksum(body) else {
            return if bare.is_credible() { Ok(bare) } else { split_checksum(body).map(|_| bare) };
        };
        let covered = covered(bytes);
        if crc::vouches(covered, found) {
            let sealed = Self { data, has_checksum: true, ..bare };
            if sealed.wrong_length().is_some() {
                refuse_joined(bytes)?;
                refuse_padded(bytes, declared)?;
            }
            // One request in 65536 without a checksum ends in two characters that are one by chance;
            // its length tells.
            let by_chance = sealed.wrong_length().is_some() && bare.wrong_length().is_none();
            Ok(if by_chance && bare.is_credible() { bare } else { sealed })
        } else if bare.is_credible() {
            Ok(bare)
        } else {
            Err(DecodeError::Checksum { wanted: crc::checksum(covered), found })
        }
    }

    /// Whether a request without a checksum can be believed: nothing but its length and its looks
    /// vouch for it. A set command needs both. A query, which harms nothing, needs its looks only:
    /// hosts send `^P005ACCT` as the sheets misprint it.
    fn is_credible(&self) -> bool {
        let plain = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b',';
        let looks = !self.data.is_empty() && self.data.iter().all(plain);
        let length = self.declared.map(usize::from);
        let right = length == Some(self.data.len() + AFTER_DATA);
        match self.kind {
            FrameKind::Set => looks && right,
            FrameKind::Query => looks,
            _ => false,
        }
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> FrameKind {
        self.kind
    }

    /// What stands between length and checksum; empty for a verdict.
    #[must_use]
    pub const fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The data of a data reply.
    ///
    /// # Errors
    /// If it is of another kind: a verdict, a request.
    pub const fn reply_data(&self) -> Result<&'a [u8], DecodeError> {
        match self.kind {
            FrameKind::Data => Ok(self.data),
            found => Err(DecodeError::Kind { wanted: "a data reply (^D)", found }),
        }
    }

    /// Writes a frame around any data, for devices and proxies that pass on what has no type here,
    /// and says how long it is. The data of a verdict is empty.
    ///
    /// # Errors
    /// If the buffer is too short, or the data longer than the 996 bytes that a length can announce.
    pub fn encode(
        kind: FrameKind,
        data: &[u8],
        dialect: Dialect,
        buffer: &mut [u8],
    ) -> Result<usize, EncodeError> {
        let have = buffer.len();
        if data.len() > MAX_FRAME - HEAD - AFTER_DATA {
            return Err(EncodeError { have });
        }
        encode(kind, dialect == Dialect::Checksum, buffer, |out| out.bytes(data))
    }

    /// Whether it carried a checksum. Every reply does; a request may not.
    #[must_use]
    pub const fn has_checksum(&self) -> bool {
        self.has_checksum
    }

    /// The announced and the true number of bytes after the length, if they differ.
    #[must_use]
    pub fn wrong_length(&self) -> Option<FrameWarning> {
        let declared = self.declared?;
        let counted = self.data.len() + AFTER_DATA;
        (usize::from(declared) != counted)
            .then_some(FrameWarning::WrongLength { declared, counted })
    }

    /// What was forgiven.
    pub fn warnings(&self) -> impl Iterator<Item = FrameWarning> + use<> {
        let no_checksum = (!self.has_checksum).then_some(FrameWarning::NoChecksum);
        self.wrong_length().into_iter().chain(no_checksum)
    }
}

/// `^`, kind and length.
const HEAD: usize = 5;

/// Checksum and carriage return.
const AFTER_DATA: usize = 3;

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

/// Up to the first carriage return.
fn to_end(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_until(&b"\r"[..]).parse(input)
}

fn length(input: &[u8]) -> IResult<&[u8], u16> {
    let digit = || {
        map(nom::character::complete::satisfy(|c| c.is_ascii_digit()), |c| {
            c.to_digit(10).and_then(|digit| digit.try_into().ok()).unwrap_or(0u16)
        })
    };
    map((digit(), digit(), digit()), |(a, b, c)| a * 100 + b * 10 + c).parse(input)
}

/// Cuts the last two bytes off before anything looks for commas: they can be anything but a CR.
fn split_checksum(body: &[u8]) -> Result<(&[u8], [u8; 2]), DecodeError> {
    let cut: IResult<&[u8], &[u8]> = take(body.len().saturating_sub(2)).parse(body);
    match cut {
        Ok((&[high, low], data)) => Ok((data, [high, low])),
        _ => Err(DecodeError::Length {
            wanted: "a checksum of two bytes before the carriage return",
            found: Excerpt::of(body),
        }),
    }
}

/// What a checksum covers: all before itself.
fn covered(frame: &[u8]) -> &[u8] {
    frame.get(..frame.len().saturating_sub(AFTER_DATA)).unwrap_or_default()
}

/// Refuses two frames of which the first lost its carriage return.
///
/// The checksum of bytes with their checksum is zero, so the first frame, with or without padding
/// behind it, leaves the checksum of the second one unchanged: the two look like one frame of a
/// wrong length. The stated length does not tell where the first one ends, since it can be wrong as
/// well: a right frame whose stated length is one short and whose checksum ends in `00` has a right
/// checksum at the stated length too. So a second frame is looked for by how it begins.
fn refuse_joined(bytes: &[u8]) -> Result<(), DecodeError> {
    for at in HEAD + AFTER_DATA - 1..bytes.len() {
        let Some((first, next)) = bytes.split_at_checked(at) else {
            break;
        };
        if next.len() >= SHORTEST && next.first().copied().is_some_and(is_start) && is_sealed(first)
        {
            return Err(DecodeError::End { found: Excerpt::of(next) });
        }
    }
    Ok(())
}

/// Refuses a frame that lost its carriage return and was padded up to a stray one: zeros leave the
/// checksum unchanged too. A single zero can be the last byte of a right checksum.
fn refuse_padded(bytes: &[u8], declared: u16) -> Result<(), DecodeError> {
    let end = (HEAD + usize::from(declared)).saturating_sub(1);
    match bytes.split_at_checked(end) {
        Some((first, next @ [0, padding @ .., b'\r']))
            if !padding.is_empty() && padding.iter().all(|&byte| byte == 0) && is_sealed(first) =>
        {
            Err(DecodeError::End { found: Excerpt::of(next) })
        }
        _ => Ok(()),
    }
}

/// Whether `bytes` end with their own checksum, zeros behind it left aside: reports of a USB adapter
/// are padded, and the last byte of a checksum can be zero too.
fn is_sealed(mut bytes: &[u8]) -> bool {
    loop {
        let sealed = bytes.split_last_chunk().filter(|(covered, _)| covered.len() >= HEAD);
        if sealed.is_some_and(|(covered, &found)| crc::vouches(covered, found)) {
            return true;
        }
        match bytes {
            [before @ .., 0] => bytes = before,
            _ => return false,
        }
    }
}

/// Whether a frame can begin with this byte; `(` opens the one frame without a `^`.
pub(crate) const fn is_start(byte: u8) -> bool {
    matches!(byte, b'^' | b'(')
}

/// Length of the shortest frame, a verdict: `^1`, checksum and carriage return.
pub(crate) const SHORTEST: usize = 5;

/// Writes a whole frame around the data that `write` puts down, and says how long it is.
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

/// The bytes by which a device accepts a set command.
pub const ACCEPTED: &[u8] = b"^1\x0B\xC2\r";

/// The bytes by which a device refuses a set command or an unknown query.
pub const REFUSED: &[u8] = b"^0\x1B\xE3\r";

/// The bytes by which a device says that it could not make out a frame.
pub const NOT_UNDERSTOOD: &[u8] = b"(NAKss\r";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(bytes: &[u8]) -> std::string::String {
        std::format!("{}", Frame::parse(bytes).unwrap_err())
    }

    #[test]
    fn takes_the_verdicts() {
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
        assert_eq!(refused(b"^1\x1B\xE3\r"), "frame checksum: expected 0B C2, found 1B E3");
    }

    #[test]
    fn takes_a_wrong_length_with_a_warning_when_the_checksum_holds() {
        let frame = Frame::parse(b"^D0200,0,0,0,0,1,0,0,12\xc29\r").unwrap();
        let warnings: std::vec::Vec<_> = frame.warnings().collect();
        assert_eq!(warnings, [FrameWarning::WrongLength { declared: 20, counted: 21 }]);
    }

    #[test]
    fn never_takes_two_frames_for_one_when_the_first_lost_its_end() {
        assert_eq!(
            refused(b"^D00505\xD9\x9F^D00518;\x03\r"),
            "frame end: expected a carriage return after the checksum, \
             found \"^D00518;\\x03\\r\""
        );
    }

    #[test]
    fn a_verdict_that_lost_its_end_is_refused_for_its_end() {
        assert_eq!(
            refused(b"^1\x0B\xC2^D00518;\x03\r"),
            "frame end: expected a carriage return after the checksum, found \"^D00518;\\x03\""
        );
    }

    #[test]
    fn a_right_frame_whose_stated_length_is_also_right_by_chance_is_taken() {
        // The stated length is one short, and the low byte of the checksum is 00.
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
    fn what_begins_like_a_frame_and_is_too_short_is_none() {
        // Data that ends in its own checksum by chance, and a character that begins a frame.
        let covered = b"^D02006306,06126,0506905^";
        let bytes = [&covered[..], &crc::checksum(covered), b"\r"].concat();
        assert_eq!(Frame::parse(&bytes).unwrap().data(), b"06306,06126,0506905^");
    }

    #[test]
    fn a_frame_that_lost_its_end_and_was_padded_is_refused() {
        // The two bytes of its checksum would be data, here of the last version.
        assert_eq!(
            refused(b"^D02006306,06126,0506905\0\0\r"),
            "frame end: expected a carriage return after the checksum, found \"\\x00\\x00\\r\""
        );
    }

    #[test]
    fn joined_frames_are_refused_if_the_first_is_padded_or_states_a_wrong_length() {
        for first in [
            &b"^D00505\xD9\x9F\0\0\0\0"[..],
            b"^D0200,0,0,0,0,1,0,0,12\xc29",
            b"^D0210,1,0,1,0,0,1,1,1,0\x4F\x00\0\0",
        ] {
            for second in [&b"^D00518;\x03\r"[..], ACCEPTED, NOT_UNDERSTOOD] {
                let refused = refused(&[first, second].concat());
                assert!(refused.starts_with("frame end: "), "{refused}");
            }
        }
    }

    #[test]
    fn writes_any_data_and_reads_it_back() {
        let mut buffer = [0; MAX_FRAME];
        let len = Frame::encode(FrameKind::Data, b"1,x,", Dialect::Checksum, &mut buffer).unwrap();
        assert_eq!(Frame::parse(&buffer[..len]).unwrap().reply_data(), Ok(&b"1,x,"[..]));
        let data = [b'0'; 997];
        assert!(Frame::encode(FrameKind::Data, &data, Dialect::Checksum, &mut buffer).is_err());
        assert!(Frame::parse(REFUSED).unwrap().reply_data().is_err());
    }

    #[test]
    fn takes_requests_without_a_checksum() {
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
    fn takes_a_request_whose_data_end_in_their_own_checksum() {
        let frame = Frame::parse(b"^P013ED20860114\r").unwrap();
        assert_eq!((frame.data(), frame.has_checksum()), (&b"ED20860114"[..], false));
    }

    #[test]
    fn never_takes_a_damaged_request_for_one_without_a_checksum() {
        assert_eq!(refused(b"^P005GSX\x15\r"), "frame checksum: expected 58 14, found 58 15");
        assert!(refused(b"^S007POPXY\r").starts_with("frame checksum"));
        assert!(refused(b"^S007POP\r").starts_with("frame checksum"));
        assert!(refused(b"^S007POP11\r").starts_with("frame checksum"));
    }

    #[test]
    fn never_takes_a_reply_without_a_checksum() {
        assert!(refused(b"^D00518\r").starts_with("frame checksum"));
        assert_eq!(
            refused(b"^D005\r"),
            "frame length: expected a checksum of two bytes before the carriage return, found nothing"
        );
    }

    #[test]
    fn says_what_is_no_frame() {
        assert_eq!(refused(b""), "frame: expected ^D, ^P, ^S, ^0, ^1 or (NAK, found nothing");
        assert_eq!(
            refused(b"(230.1"),
            "frame: expected ^D, ^P, ^S, ^0, ^1 or (NAK, found \"(230.1\""
        );
        assert_eq!(
            refused(b"^D0x518;\x03\r"),
            "frame length: expected three digits, found \"0x5\""
        );
        assert_eq!(
            refused(b"^D00518;"),
            "frame: expected a carriage return at its end, found the end after 8 bytes"
        );
    }
}
