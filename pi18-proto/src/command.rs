//! The requests of a host: queries and set commands. Their types hold only values that may be sent.

use core::{fmt, ops::Deref, str::FromStr};

use crate::{
    DecodeError, Dialect, EncodeError, FieldInfo, Frame, FrameKind, Value, error::Excerpt,
    field::Writer, frame,
};

mod query;
mod raw;
mod set;
mod values;

pub use query::{AnyReply, Query, QueryInfo, QueryReply};
pub use raw::{RawQuery, RawQueryError};
pub use set::{Risk, SetCommand, SetInfo};
pub use values::{
    ChargeVoltage, CutoffSoc, CutoffVoltage, ModbusBaudRate, ModbusCheckBits, ModbusId,
    ModbusStopBits, OutputFrequency, OutputVoltage, ParallelInstance, RechargeSoc, RechargeVoltage,
    RedischargeSoc, RedischargeVoltage, SelectableCurrent,
};

/// A request of a host: a query or a set command.
///
/// A simulated inverter or a proxy decodes the requests that it receives:
///
/// ```
/// use pi18_proto::{Dialect, Frame, Query, Request};
///
/// let frame = Frame::parse(b"^P005GSX\x14\r")?;
/// let request = Request::decode(&frame)?;
/// assert_eq!(request, Request::Query(Query::GeneralStatus));
///
/// assert_eq!(*request.to_frame(Dialect::Checksum), *b"^P005GSX\x14\r");
/// # Ok::<(), pi18_proto::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Request {
    /// A query.
    Query(Query),
    /// A set command.
    Set(SetCommand),
}

impl Request {
    /// Decodes the request in a frame, as a device does.
    ///
    /// # Errors
    /// If the frame is not a request, its command is unknown, or a value is missing, malformed or
    /// outside the range of its type.
    pub fn decode(frame: &Frame<'_>) -> Result<Self, DecodeError> {
        match frame.kind() {
            FrameKind::Query => Query::decode(frame.data()).map(Self::Query),
            FrameKind::Set => SetCommand::decode(frame.data()).map(Self::Set),
            found => Err(DecodeError::Kind { expected: "a request (^P or ^S)", found }),
        }
    }

    /// Returns the whole frame, ready to be sent.
    #[must_use]
    pub fn to_frame(&self, dialect: Dialect) -> RequestFrame {
        match self {
            Self::Query(query) => query.to_frame(dialect),
            Self::Set(command) => command.to_frame(dialect),
        }
    }

    /// Returns the mnemonic of the command.
    #[must_use]
    pub fn mnemonic(&self) -> &'static str {
        match self {
            Self::Query(query) => query.info().mnemonic,
            Self::Set(command) => command.info().mnemonic,
        }
    }

    /// Calls `visitor` with each value, in wire order.
    pub fn visit(&self, visitor: &mut dyn FnMut(&'static FieldInfo, Value<'_>)) {
        match self {
            Self::Query(query) => query.visit(visitor),
            Self::Set(command) => command.visit(visitor),
        }
    }
}

impl From<Query> for Request {
    fn from(query: Query) -> Self {
        Self::Query(query)
    }
}

impl From<SetCommand> for Request {
    fn from(command: SetCommand) -> Self {
        Self::Set(command)
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Query(query) => query.fmt(f),
            Self::Set(command) => command.fmt(f),
        }
    }
}

/// The bytes of one request frame. It dereferences to `[u8]`.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct RequestFrame {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl RequestFrame {
    /// The maximum number of bytes of a request.
    pub const CAPACITY: usize = 32;

    /// Encodes a request.
    ///
    /// Every request fits into the capacity, as tests prove for each command. A longer one would be an
    /// empty frame.
    fn new(
        kind: FrameKind,
        dialect: Dialect,
        write: impl FnOnce(&mut Writer<'_>) -> Result<(), EncodeError>,
    ) -> Self {
        let mut bytes = [0; Self::CAPACITY];
        let len = frame::encode(kind, dialect == Dialect::Checksum, &mut bytes, write);
        Self { bytes, len: len.unwrap_or(0) }
    }
}

impl Deref for RequestFrame {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl fmt::Debug for RequestFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.escape_ascii())
    }
}

/// Writes the data of a request as text.
fn write_data(
    f: &mut fmt::Formatter<'_>,
    write: impl FnOnce(&mut Writer<'_>) -> Result<(), EncodeError>,
) -> fmt::Result {
    let mut buffer = [0; RequestFrame::CAPACITY];
    let mut out = Writer::new(&mut buffer);
    write(&mut out).map_err(|_| fmt::Error)?;
    f.pad(core::str::from_utf8(out.written()).map_err(|_| fmt::Error)?)
}

/// Implements the functions and traits that queries and set commands share.
macro_rules! request_impls {
    (
        // The type.
        $name:ident,
        // The kind of its frames.
        $kind:expr,
        // The name of the type in error texts.
        $noun:literal
    ) => {
        impl $name {
            /// Decodes the data of a request, such as `PGS1` or `POP1`.
            ///
            /// # Errors
            /// If the mnemonic is unknown, or a value is missing, malformed or out of range.
            pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
                let candidates =
                    Self::LIST.iter().filter(|info| data.starts_with(info.mnemonic.as_bytes()));
                // The error of the longest mnemonic that matches.
                let mut closest: Option<(usize, DecodeError)> = None;
                for info in candidates {
                    let length = info.mnemonic.len();
                    match Self::read(info.mnemonic, data) {
                        Ok(request) if request.is_written_as(data) => return Ok(request),
                        Ok(_) => {
                            let message = info.mnemonic;
                            let error = DecodeError::Width { message, found: Excerpt::of(data) };
                            closest = closest.or(Some((length, error)));
                        }
                        Err(error) if closest.is_none_or(|(known, _)| known < length) => {
                            closest = Some((length, error));
                        }
                        Err(_) => {}
                    }
                }
                let unknown =
                    DecodeError::UnknownCommand { expected: $noun, found: Excerpt::of(data) };
                Err(closest.map_or(unknown, |(_, error)| error))
            }

            /// Returns whether `data` equals the encoded request, with all digits of each value.
            fn is_written_as(&self, data: &[u8]) -> bool {
                let mut buffer = [0; RequestFrame::CAPACITY];
                let mut out = Writer::new(&mut buffer);
                self.write(&mut out).is_ok() && out.written() == data
            }

            /// Returns the whole frame, ready to be sent.
            #[must_use]
            pub fn to_frame(&self, dialect: Dialect) -> RequestFrame {
                RequestFrame::new($kind, dialect, |out| self.write(out))
            }
        }

        /// Displays the data of the request: mnemonic and values.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_data(f, |out| self.write(out))
            }
        }

        impl FromStr for $name {
            type Err = DecodeError;

            fn from_str(text: &str) -> Result<Self, DecodeError> {
                Self::decode(text.as_bytes())
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;

                impl serde::de::Visitor<'_> for Visitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("a ", $noun, " in wire format"))
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        $name::decode(text.as_bytes()).map_err(E::custom)
                    }
                }

                deserializer.deserialize_str(Visitor)
            }
        }
    };
}

request_impls!(Query, FrameKind::Query, "query");
request_impls!(SetCommand, FrameKind::Set, "set command");
