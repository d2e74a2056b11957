//! What a host may send: queries and set commands, closed and checked, each with what it does.

use core::{fmt, ops::Deref, str::FromStr};

use crate::{
    DecodeError, EncodeError, FieldInfo, Frame, FrameKind, Value, error::Excerpt, field::Writer,
    frame,
};

mod query;
mod set;
mod values;

pub use query::{AnyReply, Query, QueryInfo};
pub use set::{Risk, SetCommand, SetInfo};
pub use values::{
    ChargeVoltage, CutoffSoc, CutoffVoltage, ModbusBaudRate, ModbusCheckBits, ModbusId,
    ModbusStopBits, OutputFrequency, OutputVoltage, ParallelInstance, RechargeSoc, RechargeVoltage,
    RedischargeSoc, RedischargeVoltage, SelectableCurrent,
};

/// The two known editions of the vendor's protocol sheet.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Edition {
    /// 2017-09-26, `InfiniSolar` V.
    Pi18_2017,
    /// 2022-05, `InfiniSolar` V, V II, V III, V IV, V II 6K LV split-phase, TWIN. The LVX6048
    /// belongs here.
    Pi18_2022,
}

impl Edition {
    /// Both, the older first.
    pub const ALL: [Self; 2] = [Self::Pi18_2017, Self::Pi18_2022];
}

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pi18_2017 => "2017",
            Self::Pi18_2022 => "2022",
        })
    }
}

/// How a host closes its requests.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Dialect {
    /// With a checksum, as the sheets say.
    #[default]
    Checksum,
    /// Without one, the length as if it were there: what some units sold as LVX and SV want.
    NoChecksum,
}

/// Anything a host may send.
///
/// ```
/// use pi18_proto::{Dialect, Frame, Query, Request};
///
/// let request = Request::from(Query::GeneralStatus);
/// let frame = request.to_frame(Dialect::Checksum);
/// assert_eq!(*frame, *b"^P005GSX\x14\r");
/// assert_eq!(Request::decode(&Frame::parse(&frame)?)?, request);
/// # Ok::<(), pi18_proto::DecodeError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Request {
    /// It asks.
    Query(Query),
    /// It changes something.
    Set(SetCommand),
}

impl Request {
    /// Reads a request, as a device does.
    ///
    /// # Errors
    /// If the frame is no request, its command is unknown, or a value is missing, malformed or out of
    /// its type's range.
    pub fn decode(frame: &Frame<'_>) -> Result<Self, DecodeError> {
        match frame.kind() {
            FrameKind::Query => Query::decode(frame.data()).map(Self::Query),
            FrameKind::Set => SetCommand::decode(frame.data()).map(Self::Set),
            found => Err(DecodeError::Kind { wanted: "a request (^P or ^S)", found }),
        }
    }

    /// The whole frame, ready to be sent.
    #[must_use]
    pub fn to_frame(&self, dialect: Dialect) -> RequestFrame {
        match self {
            Self::Query(query) => query.to_frame(dialect),
            Self::Set(command) => command.to_frame(dialect),
        }
    }

    /// The command's mnemonic.
    #[must_use]
    pub fn mnemonic(&self) -> &'static str {
        match self {
            Self::Query(query) => query.info().mnemonic,
            Self::Set(command) => command.info().mnemonic,
        }
    }

    /// Shows each of its values, in the order of the wire.
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

/// The bytes of one request; it dereferences to them.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct RequestFrame {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl RequestFrame {
    /// Most bytes of a request.
    pub const CAPACITY: usize = 32;

    /// Every request fits, which a test shows for each; one that did not would be empty.
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

/// Writes what a request carries between length and checksum as text.
fn write_data(
    f: &mut fmt::Formatter<'_>,
    write: impl FnOnce(&mut Writer<'_>) -> Result<(), EncodeError>,
) -> fmt::Result {
    let mut buffer = [0; RequestFrame::CAPACITY];
    let mut out = Writer::new(&mut buffer);
    write(&mut out).map_err(|_| fmt::Error)?;
    f.pad(core::str::from_utf8(out.written()).map_err(|_| fmt::Error)?)
}

/// What queries and set commands share, from their tables.
macro_rules! request_impls {
    ($name:ident, $kind:expr, $wanted:literal) => {
        impl $name {
            /// Reads it from a request's data, such as `PGS1` or `POP1`.
            ///
            /// # Errors
            /// If no command starts like this, or a value is missing, malformed or out of range.
            pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
                let candidates =
                    Self::LIST.iter().filter(|info| data.starts_with(info.mnemonic.as_bytes()));
                let mut closest: Option<(usize, DecodeError)> = None;
                for info in candidates {
                    let length = info.mnemonic.len();
                    match Self::read(info.mnemonic, data) {
                        Ok(request) if request.is_written(data) => return Ok(request),
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
                    DecodeError::UnknownCommand { wanted: $wanted, found: Excerpt::of(data) };
                Err(closest.map_or(unknown, |(_, error)| error))
            }

            /// Whether these are its bytes, each value with all its digits.
            fn is_written(&self, data: &[u8]) -> bool {
                let mut buffer = [0; RequestFrame::CAPACITY];
                let mut out = Writer::new(&mut buffer);
                self.write(&mut out).is_ok() && out.written() == data
            }

            /// The whole frame, ready to be sent.
            #[must_use]
            pub fn to_frame(&self, dialect: Dialect) -> RequestFrame {
                RequestFrame::new($kind, dialect, |out| self.write(out))
            }
        }

        /// What it carries on the wire: mnemonic and values.
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
                        f.write_str(concat!("a ", $wanted, " as it stands on the wire"))
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
