//! The requests that a unit finds in the bytes that reach it.

use pi18_proto::{DecodeError, Frame, FrameKind, Received, Request};

/// Received bytes, as a unit interprets them.
#[derive(Clone, Copy, Debug)]
pub(crate) enum UnitInput {
    /// A request that the unit knows.
    Request {
        request: Request,
        has_checksum: bool,
        /// Whether the stated length differs from the number of bytes.
        wrong_length: bool,
    },
    /// `PRI` without a unit number.
    RatingWithoutNumber,
    /// `PGS` without a unit number.
    StatusWithoutNumber,
    /// An undamaged frame with a request that the unit does not know.
    Unknown { is_set: bool, has_checksum: bool },
    /// Text that is not a PI18 frame, perhaps a request of PI30.
    NoHeader(Pi30),
    /// Anything else, which a unit ignores.
    Noise,
}

/// A request of the older protocol PI30.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Pi30 {
    /// `QPI`
    Protocol,
    /// `QID`
    SerialNumber,
    /// Any other text.
    Other,
}

impl UnitInput {
    /// Interprets received bytes. A wrong checksum makes them noise, except with `ignores_checksum`.
    pub(crate) fn from_received(received: Received<'_>, ignores_checksum: bool) -> Self {
        match received {
            Received::Frame { frame, .. } => Self::from_frame(&frame),
            Received::Discarded { bytes, error: DecodeError::NotAFrame { .. } }
                if bytes.first().is_some_and(u8::is_ascii_uppercase) =>
            {
                Self::NoHeader(match bytes.get(..3) {
                    Some(b"QPI") if bytes.len() == PI30_LENGTH => Pi30::Protocol,
                    Some(b"QID") if bytes.len() == PI30_LENGTH => Pi30::SerialNumber,
                    _ => Pi30::Other,
                })
            }
            Received::Discarded { bytes, error: DecodeError::Checksum { .. } }
                if ignores_checksum =>
            {
                let repaired = with_correct_checksum(bytes);
                Frame::parse(&repaired).map_or(Self::Noise, |frame| Self::from_frame(&frame))
            }
            Received::Discarded { .. } => Self::Noise,
        }
    }

    fn from_frame(frame: &Frame<'_>) -> Self {
        let is_set = match frame.kind() {
            FrameKind::Query => false,
            FrameKind::Set => true,
            _ => return Self::Noise,
        };
        let has_checksum = frame.has_checksum();
        let wrong_length = frame.wrong_length().is_some();
        match (Request::decode(frame), frame.data()) {
            (Ok(request), _) => Self::Request { request, has_checksum, wrong_length },
            (Err(_), b"PRI") if !is_set => Self::RatingWithoutNumber,
            (Err(_), b"PGS") if !is_set => Self::StatusWithoutNumber,
            (Err(_), _) => Self::Unknown { is_set, has_checksum },
        }
    }
}

/// Length of a PI30 request: three letters, the checksum, a carriage return.
const PI30_LENGTH: usize = 6;

/// Returns the frame in `bytes` with its checksum replaced by the correct one.
fn with_correct_checksum(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|&byte| byte == b'^').unwrap_or_default();
    let frame = bytes.get(start..).unwrap_or_default();
    let covered = frame.split_last_chunk::<3>().map_or(frame, |(covered, _)| covered);
    [covered, &pi18_proto::checksum(covered), b"\r"].concat()
}
