//! The messages of the socket, and their parsers, which have no I/O.

use pi18_proto::{MAX_FRAME, RequestFrame, SerialNumber};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{from_hex, to_hex};

/// Version of the protocol.
pub const VERSION: u32 = 1;

/// Path of the socket of a bridge that runs as a service.
pub const SOCKET: &str = "/run/lvx/bridge.sock";

/// Maximum length of a line in bytes, with its line feed.
pub const MAX_LINE: usize = 1 << 16;

/// Maximum length of a text in bytes: names, addresses and reasons.
const MAX_TEXT: usize = 512;

/// Maximum number of units in a list.
const MAX_UNITS: usize = 256;

/// Maximum number of bytes in one answer.
const MAX_BYTES: usize = 4 * MAX_FRAME;

/// A message of a program.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Request {
    /// Asks for the units of the bridge.
    List {
        /// Version of the protocol.
        version: u32,
    },
    /// Chooses a unit.
    Open {
        /// Version of the protocol.
        version: u32,
        /// Name or serial number of the unit.
        unit: String,
        /// Access that the program needs.
        access: Access,
    },
    /// Takes write access to the unit, until the connection is closed.
    Lease,
    /// Sends a frame to the unit.
    Frame {
        /// Number of the frame, chosen by the program, which increases.
        id: u64,
        /// Time to wait for the answer, in milliseconds.
        wait_ms: u32,
        /// Time to wait for a turn, in milliseconds. Without a turn, the frame is refused with
        /// [`Busy`](RefusalReason::Busy). `None` waits as long as the connection is open.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        turn_ms: Option<u32>,
        /// The whole frame.
        #[serde(with = "hex")]
        bytes: Vec<u8>,
    },
}

/// A message of the bridge.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Answer {
    /// The units of the bridge.
    Units {
        /// Version of the protocol.
        version: u32,
        /// The units.
        units: Vec<BridgeUnit>,
    },
    /// The unit was chosen, or write access was given.
    Opened {
        /// The unit.
        unit: BridgeUnit,
        /// Access that the program has.
        access: Access,
    },
    /// The last request was not carried out.
    Refused {
        /// Reason, for programs.
        reason: RefusalReason,
        /// Reason, for people.
        text: String,
    },
    /// The frame was sent to the unit.
    Sent {
        /// Number of the frame.
        id: u64,
    },
    /// Bytes arrived after the frame.
    Bytes {
        /// Number of the frame.
        id: u64,
        /// The bytes.
        #[serde(with = "hex")]
        bytes: Vec<u8>,
    },
    /// The frame was answered, or `wait_ms` has passed.
    End {
        /// Number of the frame.
        id: u64,
    },
    /// The link to the unit has failed. The frame was not sent, unless `Sent` came before.
    Failed {
        /// Number of the frame.
        id: u64,
        /// Whether the unit is gone, so that another unit may answer next.
        is_gone: bool,
        /// Reason, for people.
        text: String,
    },
}

/// What a program may send to a unit.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Queries only.
    #[default]
    Read,
    /// Queries and set commands.
    Write,
}

/// A unit of a bridge.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BridgeUnit {
    /// Name in the configuration of the bridge.
    pub name: String,
    /// Serial number.
    pub serial_number: SerialNumber,
    /// Address of the link on which the unit answers, or was last looked for.
    pub address: String,
    /// Number of the device node of that link, as `stat` reports it (`st_rdev`); `None` if the link has none or is
    /// closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<u64>,
    /// Whether the unit answers at present.
    pub is_up: bool,
}

impl BridgeUnit {
    /// Returns a unit that answers on a link without device node.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        serial_number: SerialNumber,
        address: impl Into<String>,
    ) -> Self {
        let (name, address) = (name.into(), address.into());
        Self { name, serial_number, address, device: None, is_up: true }
    }
}

/// Reasons for a refusal. A program that does not know a reason shows the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RefusalReason {
    /// The bridge speaks another version of the protocol.
    Version,
    /// The bridge has no such unit.
    UnknownUnit,
    /// The user of the program has no right to do this.
    Access,
    /// Another program, or the bridge itself, changes the settings of the unit at present.
    Busy,
    /// Too many connections or frames.
    Limit,
    /// The request or the frame is malformed.
    Malformed,
    /// A reason of a later version.
    #[serde(other)]
    Other,
}

/// A line is not a message.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected a message of the bridge protocol: {0}")]
pub struct WireError(String);

impl WireError {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// Parses a line of a program, with or without its line feed.
///
/// # Errors
/// If the line is not a request, or a part of it is too long.
pub fn parse_request(line: &[u8]) -> Result<Request, WireError> {
    let request: Request = parse(line)?;
    match &request {
        Request::Open { unit, .. } => check_text(unit)?,
        Request::Frame { bytes, .. } if bytes.len() > RequestFrame::CAPACITY => {
            return Err(too_long("frame", RequestFrame::CAPACITY, bytes.len()));
        }
        _ => {}
    }
    Ok(request)
}

/// Parses a line of the bridge, with or without its line feed.
///
/// # Errors
/// If the line is not an answer, or a part of it is too long.
pub fn parse_answer(line: &[u8]) -> Result<Answer, WireError> {
    let answer: Answer = parse(line)?;
    match &answer {
        Answer::Units { units, .. } if units.len() > MAX_UNITS => {
            return Err(too_long("list of units", MAX_UNITS, units.len()));
        }
        Answer::Units { units, .. } => units.iter().try_for_each(check_unit)?,
        Answer::Opened { unit, .. } => check_unit(unit)?,
        Answer::Refused { text, .. } | Answer::Failed { text, .. } => check_text(text)?,
        Answer::Bytes { bytes, .. } if bytes.len() > MAX_BYTES => {
            return Err(too_long("bytes", MAX_BYTES, bytes.len()));
        }
        _ => {}
    }
    Ok(answer)
}

/// Returns a message as a line with its line feed. Long texts are cut.
#[must_use]
pub fn write_line(message: &impl Serialize) -> Vec<u8> {
    // The messages have string keys and no maps, so they can always be written.
    let mut line = serde_json::to_vec(message).unwrap_or_default();
    line.push(b'\n');
    line
}

impl Answer {
    /// Returns a refusal. A long text is cut.
    #[must_use]
    pub fn refused(reason: RefusalReason, text: &str) -> Self {
        Self::Refused { reason, text: cut(text) }
    }

    /// Returns the answer to a frame whose link has failed. A long text is cut.
    #[must_use]
    pub fn failed(id: u64, is_gone: bool, text: &str) -> Self {
        Self::Failed { id, is_gone, text: cut(text) }
    }
}

fn cut(text: &str) -> String {
    let mut end = text.len().min(MAX_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default().to_owned()
}

fn parse<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T, WireError> {
    if line.len() > MAX_LINE {
        return Err(too_long("line", MAX_LINE, line.len()));
    }
    serde_json::from_slice(line).map_err(|error| WireError(error.to_string()))
}

fn check_unit(unit: &BridgeUnit) -> Result<(), WireError> {
    check_text(&unit.name)?;
    check_text(&unit.address)
}

fn check_text(text: &str) -> Result<(), WireError> {
    if text.len() > MAX_TEXT { Err(too_long("text", MAX_TEXT, text.len())) } else { Ok(()) }
}

fn too_long(what: &str, max: usize, found: usize) -> WireError {
    WireError(format!("{what}: expected at most {max}, found {found}"))
}

/// Bytes as hexadecimal text.
mod hex {
    use super::{Deserialize, Deserializer, MAX_BYTES, Serializer, from_hex, to_hex};
    use serde::de::Error as _;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&to_hex(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        if text.len() > 2 * MAX_BYTES {
            return Err(D::Error::custom("the bytes are too long"));
        }
        from_hex(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn serial() -> SerialNumber {
        SerialNumber::new("96132206100410").unwrap()
    }

    fn unit() -> impl Strategy<Value = BridgeUnit> {
        ("[a-z0-9-]{1,32}", "\\PC{0,60}", any::<Option<u64>>(), any::<bool>()).prop_map(
            |(name, address, device, is_up)| BridgeUnit {
                name,
                serial_number: serial(),
                address,
                device,
                is_up,
            },
        )
    }

    fn access() -> impl Strategy<Value = Access> {
        prop_oneof![Just(Access::Read), Just(Access::Write)]
    }

    fn reason() -> impl Strategy<Value = RefusalReason> {
        use RefusalReason::{Access, Busy, Limit, Malformed, Other, UnknownUnit, Version};

        prop::sample::select(vec![Version, UnknownUnit, Access, Busy, Limit, Malformed, Other])
    }

    fn bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(any::<u8>(), 0..=max)
    }

    fn request() -> impl Strategy<Value = Request> {
        prop_oneof![
            any::<u32>().prop_map(|version| Request::List { version }),
            (any::<u32>(), "\\PC{0,60}", access())
                .prop_map(|(version, unit, access)| Request::Open { version, unit, access }),
            Just(Request::Lease),
            (any::<u64>(), any::<u32>(), any::<Option<u32>>(), bytes(RequestFrame::CAPACITY))
                .prop_map(|(id, wait_ms, turn_ms, bytes)| {
                    Request::Frame { id, wait_ms, turn_ms, bytes }
                }),
        ]
    }

    fn answer() -> impl Strategy<Value = Answer> {
        prop_oneof![
            (any::<u32>(), prop::collection::vec(unit(), 0..4))
                .prop_map(|(version, units)| Answer::Units { version, units }),
            (unit(), access()).prop_map(|(unit, access)| Answer::Opened { unit, access }),
            (reason(), "\\PC{0,60}").prop_map(|(reason, text)| Answer::Refused { reason, text }),
            any::<u64>().prop_map(|id| Answer::Sent { id }),
            (any::<u64>(), bytes(200)).prop_map(|(id, bytes)| Answer::Bytes { id, bytes }),
            any::<u64>().prop_map(|id| Answer::End { id }),
            (any::<u64>(), any::<bool>(), "\\PC{0,60}")
                .prop_map(|(id, is_gone, text)| Answer::Failed { id, is_gone, text }),
        ]
    }

    proptest! {
        #[test]
        fn request_is_written_and_parsed_back(request in request()) {
            let line = write_line(&request);
            prop_assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
            prop_assert_eq!(parse_request(&line), Ok(request));
        }

        #[test]
        fn answer_is_written_and_parsed_back(answer in answer()) {
            let line = write_line(&answer);
            prop_assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
            prop_assert_eq!(parse_answer(&line), Ok(answer));
        }

        #[test]
        fn truncated_message_is_an_error(request in request(), answer in answer(), at in 0_usize..1000) {
            let line = write_line(&request);
            prop_assert!(parse_request(&line[..at % (line.len() - 1)]).is_err());
            let line = write_line(&answer);
            prop_assert!(parse_answer(&line[..at % (line.len() - 1)]).is_err());
        }

        #[test]
        fn no_bytes_panic(bytes in bytes(300)) {
            let _ = (parse_request(&bytes), parse_answer(&bytes));
        }
    }

    #[test]
    fn messages_have_the_documented_form() {
        let line = |message: &Request| String::from_utf8(write_line(message)).unwrap();
        let unit = "left".to_owned();
        assert_eq!(
            line(&Request::Open { version: 1, unit, access: Access::Read }),
            "{\"type\":\"open\",\"version\":1,\"unit\":\"left\",\"access\":\"read\"}\n"
        );
        assert_eq!(
            line(&Request::Frame {
                id: 1,
                wait_ms: 2000,
                turn_ms: Some(8000),
                bytes: b"^P".to_vec()
            }),
            "{\"type\":\"frame\",\"id\":1,\"wait_ms\":2000,\"turn_ms\":8000,\"bytes\":\"5e50\"}\n"
        );
        let frame = Request::Frame { id: 1, wait_ms: 2000, turn_ms: None, bytes: b"^P".to_vec() };
        let old = "{\"type\":\"frame\",\"id\":1,\"wait_ms\":2000,\"bytes\":\"5e50\"}\n";
        assert_eq!((line(&frame).as_str(), parse_request(old.as_bytes())), (old, Ok(frame)));
        assert_eq!(line(&Request::Lease), "{\"type\":\"lease\"}\n");
    }

    #[test]
    fn long_parts_are_errors_and_unknown_reasons_are_kept() {
        let frame = Request::Frame { id: 1, wait_ms: 1, turn_ms: None, bytes: vec![0; 33] };
        let error = parse_request(&write_line(&frame)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "expected a message of the bridge protocol: frame: expected at most 32, found 33"
        );
        let open = Request::Open { version: 1, unit: "x".repeat(513), access: Access::Read };
        assert!(parse_request(&write_line(&open)).is_err());
        assert!(parse_request(&vec![b' '; MAX_LINE + 1]).is_err());
        let line = br#"{"type":"refused","reason":"holiday","text":"closed","since":1}"#;
        let expected = Answer::refused(RefusalReason::Other, "closed");
        assert_eq!(parse_answer(line), Ok(expected));
        let Answer::Failed { text, .. } = Answer::failed(1, true, &"ü".repeat(300)) else {
            unreachable!()
        };
        assert_eq!(text.len(), 512);
    }
}
