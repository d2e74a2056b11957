//! The table of queries.

use crate::{
    Date, DecodeError, Edition, EncodeError, Extra, FieldInfo, MAX_FRAME, Month, ParallelInstance,
    Reply, Value, Year,
    error::Excerpt,
    field::{Field, Fields, Writer},
    reply,
};

/// The description of a query.
///
/// ```
/// use pi18_proto::Query;
///
/// for info in Query::LIST {
///     println!("{:<8} {}, {} fields", info.mnemonic, info.summary, info.fields.len());
/// }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct QueryInfo {
    /// The letters and digits at the start of the data, which identify the query.
    pub mnemonic: &'static str,
    /// A short description.
    pub summary: &'static str,
    /// The edition that introduced the query; later editions have it too.
    pub since: Edition,
    /// The value after the mnemonic, if any.
    pub arguments: &'static [FieldInfo],
    /// The fields of the reply.
    pub fields: &'static [FieldInfo],
    /// Sample data of the reply: from a real device if a capture is known, otherwise invented.
    pub sample: &'static str,
    /// A query of this kind with an invented argument.
    pub example: &'static str,
}

/// A reply that answers one kind of query.
///
/// A function that sends a query and returns its reply can be generic over this trait.
///
/// ```
/// use pi18_proto::{Date, DayEnergy, Query, QueryReply};
///
/// let query = DayEnergy::query(Date::new(2026, 4, 26)?);
/// assert_eq!(query.to_string(), "ED20260426");
/// # Ok::<(), pi18_proto::RangeError>(())
/// ```
pub trait QueryReply: Reply {
    /// The type of the value after the mnemonic: `()`, a date, or the number of a unit.
    type Argument;

    /// Returns the query that this reply answers.
    fn query(argument: Self::Argument) -> Query;

    /// Converts `reply` to this type, or returns `None` if it is another kind of reply.
    fn from_reply(reply: AnyReply) -> Option<Self>;
}

/// Declares the queries, one row each.
macro_rules! queries {
    ($(
        // A short description.
        #[doc = $summary:literal]
        // The variant of `Query` and of `AnyReply`, and the type of the reply.
        $name:ident
        // The value after the mnemonic: its name, label, type and number of characters.
        $(($argument:ident $label:literal: $ty:ty[$width:literal]))?
        // The letters and digits that identify the query.
        = $mnemonic:literal,
        // A query of this kind with an invented argument.
        example $example:literal,
        // The edition that introduced the query, a variant of `Edition`.
        since $since:ident;
    )+) => {
        /// A request for data, which changes nothing.
        ///
        /// ```
        /// use pi18_proto::{AnyReply, Dialect, Query};
        ///
        /// let query: Query = "MOD".parse()?;
        /// assert_eq!(query, Query::Mode);
        /// assert_eq!(*query.to_frame(Dialect::Checksum), *b"^P006MOD\xDD\xBE\r");
        ///
        /// let (reply, _extra) = query.parse_reply(b"05")?;
        /// let AnyReply::Mode(mode) = reply else { unreachable!() };
        /// assert_eq!(mode.working_mode.to_string(), "hybrid");
        /// # Ok::<(), pi18_proto::DecodeError>(())
        /// ```
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum Query {
            $(
                #[doc = concat!($summary, ", `", $mnemonic, "`")]
                #[doc(alias = $mnemonic)]
                $name $(($ty))?,
            )+
        }

        /// A reply to any query, for queries that are chosen at run time.
        ///
        /// With the `serde` feature it is written as a map whose key is the mnemonic of the query, and
        /// whose value is the reply: `{"MOD":{"working_mode":5}}`. This form is stable.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
        #[non_exhaustive]
        pub enum AnyReply {
            $(
                #[doc = concat!("The reply to `", $mnemonic, "`")]
                #[cfg_attr(feature = "serde", serde(rename = $mnemonic))]
                $name(reply::$name),
            )+
        }

        #[expect(non_upper_case_globals, reason = "named like the variants")]
        mod info {
            use super::*;

            $(
                pub(super) const $name: QueryInfo = QueryInfo {
                    mnemonic: $mnemonic,
                    summary: $summary.trim_ascii(),
                    since: Edition::$since,
                    arguments: &[$(FieldInfo::of::<$ty>(stringify!($argument), $label, $width))?],
                    fields: <reply::$name as Reply>::FIELDS,
                    sample: <reply::$name as Reply>::SAMPLE,
                    example: $example,
                };
            )+
        }

        impl Query {
            /// The descriptions of all queries, in the order of the sheets.
            pub const LIST: &'static [QueryInfo] = &[$(info::$name),+];

            /// For each row of [`LIST`](Self::LIST), a function that returns whether data may be its
            /// reply.
            const FITS: &'static [fn(&[u8]) -> bool] = &[$(fits::<reply::$name>),+];

            /// Returns the description of this kind of query.
            #[must_use]
            pub const fn info(&self) -> &'static QueryInfo {
                match self {
                    $(queries!(@pattern $name _argument $($ty)?) => &info::$name,)+
                }
            }

            pub(super) fn read(mnemonic: &str, data: &[u8]) -> Result<Self, DecodeError> {
                match mnemonic {
                    $(
                        $mnemonic => {
                            #[allow(unused_mut, reason = "only some queries have an argument")]
                            let mut fields = Fields::new($mnemonic, data, $mnemonic.len());
                            let query = Self::$name
                                $((fields.read::<$ty, $width>(stringify!($argument))?))?;
                            fields.finish().map(|()| query)
                        }
                    )+
                    _ => Err(DecodeError::UnknownCommand {
                        expected: "query",
                        found: Excerpt::of(data),
                    }),
                }
            }

            pub(super) fn write(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
                out.bytes(self.info().mnemonic.as_bytes())?;
                match self {
                    $(
                        queries!(@pattern $name argument $($ty)?) => {
                            $(out.field::<$ty, $width>(*argument)?;)?
                        }
                    )+
                }
                Ok(())
            }

            /// Calls `visitor` with the argument, if the query has one.
            pub fn visit(&self, visitor: &mut dyn FnMut(&'static FieldInfo, Value<'_>)) {
                let info = self.info().arguments.first();
                match self {
                    $(
                        queries!(@pattern $name argument $($ty)?) => {
                            $(
                                let value = <$ty as Field>::value(argument);
                                if let (Some(info), Some(value)) = (info, value) {
                                    visitor(info, value);
                                }
                            )?
                        }
                    )+
                }
            }

            /// Parses the reply to this query. Fields after the known ones are returned unparsed.
            ///
            /// # Errors
            /// If a field is missing or malformed; the error names the first one.
            pub fn parse_reply<'a>(
                &self,
                data: &'a [u8],
            ) -> Result<(AnyReply, Extra<'a>), DecodeError> {
                match self {
                    $(
                        queries!(@pattern $name _argument $($ty)?) => {
                            <reply::$name as Reply>::parse(data)
                                .map(|(reply, extra)| (AnyReply::$name(reply), extra))
                        }
                    )+
                }
            }
        }

        impl AnyReply {
            /// Calls `visitor` with each field that is present, in wire order.
            pub fn visit(&self, visitor: &mut dyn FnMut(&'static FieldInfo, Value<'_>)) {
                match self {
                    $(Self::$name(reply) => reply.visit(visitor),)+
                }
            }

            /// Writes the data into `buffer` and returns the number of bytes written.
            ///
            /// # Errors
            /// If the buffer is too short.
            pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
                match self {
                    $(Self::$name(reply) => reply.encode(buffer),)+
                }
            }

            /// Writes the whole frame into `buffer` and returns the number of bytes written.
            ///
            /// # Errors
            /// If the buffer is too short.
            pub fn encode_frame(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
                match self {
                    $(Self::$name(reply) => reply.encode_frame(buffer),)+
                }
            }
        }

        $(
            impl QueryReply for reply::$name {
                type Argument = queries!(@argument $($ty)?);

                fn query(argument: Self::Argument) -> Query {
                    queries!(@build $name argument $($ty)?)
                }

                fn from_reply(reply: AnyReply) -> Option<Self> {
                    match reply {
                        AnyReply::$name(reply) => Some(reply),
                        _ => None,
                    }
                }
            }

            impl From<reply::$name> for AnyReply {
                fn from(reply: reply::$name) -> Self {
                    Self::$name(reply)
                }
            }
        )+
    };

    // A pattern for the variant `$name` that binds its argument, if there is one, to `$argument`.
    (@pattern $name:ident $argument:ident) => {
        Self::$name
    };
    (@pattern $name:ident $argument:ident $ty:ty) => {
        Self::$name($argument)
    };

    // The type of the argument.
    (@argument) => {
        ()
    };
    (@argument $ty:ty) => {
        $ty
    };

    // The variant `$name` with its argument, if there is one.
    (@build $name:ident $argument:ident) => {{
        let () = $argument;
        Query::$name
    }};
    (@build $name:ident $argument:ident $ty:ty) => {
        Query::$name($argument)
    };
}

queries! {
    /// Protocol id
    ProtocolId = "PI", example "PI", since Pi18_2017;
    /// Machine model
    MachineModel = "GMN", example "GMN", since Pi18_2022;
    /// Serial number
    Identity = "ID", example "ID", since Pi18_2017;
    /// Firmware versions
    FirmwareVersions = "VFW", example "VFW", since Pi18_2017;
    /// Clock of the unit
    Clock = "T", example "T", since Pi18_2017;
    /// Total energy generated
    TotalEnergy = "ET", example "ET", since Pi18_2017;
    /// Energy generated in a year
    YearEnergy(year "Year": Year[4]) = "EY", example "EY2026", since Pi18_2017;
    /// Energy generated in a month
    MonthEnergy(month "Month": Month[6]) = "EM", example "EM202604", since Pi18_2017;
    /// Energy generated on a day
    DayEnergy(day "Day": Date[8]) = "ED", example "ED20260426", since Pi18_2017;
    /// Ratings and settings
    RatedInformation = "PIRI", example "PIRI", since Pi18_2017;
    /// General status: present measurements
    GeneralStatus = "GS", example "GS", since Pi18_2017;
    /// General status of L2 and L3 of a three-phase unit
    GeneralStatus2 = "GS2", example "GS2", since Pi18_2022;
    /// Working mode
    Mode = "MOD", example "MOD", since Pi18_2017;
    /// Active fault and warnings
    FaultsAndWarnings = "FWS", example "FWS", since Pi18_2017;
    /// Enable flags
    Flags = "FLAG", example "FLAG", since Pi18_2017;
    /// Factory defaults of the settings
    Defaults = "DI", example "DI", since Pi18_2017;
    /// Selectable maximum charge currents
    MaxChargeCurrents = "MCHGCR", example "MCHGCR", since Pi18_2017;
    /// Selectable maximum AC charge currents
    MaxAcChargeCurrents = "MUCHGCR", example "MUCHGCR", since Pi18_2017;
    /// Rated information of a unit of the bank
    ParallelRating(instance "Unit": ParallelInstance[1]) = "PRI", example "PRI1", since Pi18_2017;
    /// Status of a unit of the bank
    ParallelStatus(instance "Unit": ParallelInstance[1]) = "PGS", example "PGS1", since Pi18_2017;
    /// Time window in which AC may charge the battery
    AcChargeWindow = "ACCT", example "ACCT", since Pi18_2017;
    /// Time window in which AC may supply the loads
    AcLoadWindow = "ACLT", example "ACLT", since Pi18_2017;
    /// Modbus settings (V II WP)
    ModbusSettings = "MODBUS", example "MODBUS", since Pi18_2022;
    /// LED settings (V IV)
    LedSettings = "LED", example "LED", since Pi18_2022;
    /// Second output (TWIN)
    TwinOutput = "TWIN", example "TWIN", since Pi18_2022;
    /// Limits of the state of charge (TWIN)
    SocLimits = "BSC", example "BSC", since Pi18_2022;
}

impl Query {
    /// Iterates over the queries whose reply `data` may be: those whose reply, decoded from `data` and
    /// encoded again, has the same bytes.
    ///
    /// A reply does not name its query, so there may be several.
    pub fn candidates(data: &[u8]) -> impl Iterator<Item = &'static QueryInfo> + use<'_> {
        let fitting = Self::LIST.iter().zip(Self::FITS).filter(|(_, fits)| fits(data));
        fitting.map(|(info, _)| info)
    }

    /// Returns whether `data` equals the bytes that this crate would write as a reply to this query.
    ///
    /// A unit may write its reply with other widths. The reply to another query rarely matches, unless
    /// both have the same format, as for `ACCT` and `ACLT`.
    #[must_use]
    pub fn has_reply(self, data: &[u8]) -> bool {
        self.parse_reply(data).is_ok_and(|(reply, _extra)| reply.is_written_as(data))
    }
}

impl AnyReply {
    /// Returns whether `data` equals the bytes that [`encode`](Self::encode) writes.
    #[must_use]
    pub fn is_written_as(&self, data: &[u8]) -> bool {
        let mut buffer = [0; MAX_FRAME];
        let written = self.encode(&mut buffer).ok().and_then(|len| buffer.get(..len));
        written == Some(data)
    }
}

/// Returns whether `data` equals the encoded form of the reply read from it.
fn fits<R: Reply>(data: &[u8]) -> bool {
    let Ok((reply, _extra)) = R::parse(data) else {
        return false;
    };
    let mut buffer = [0; MAX_FRAME];
    let written = reply.encode(&mut buffer).ok().and_then(|len| buffer.get(..len));
    written == Some(data)
}
