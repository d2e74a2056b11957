//! The queries, one table.

use crate::{
    Date, DecodeError, Edition, EncodeError, Extra, FieldInfo, Month, ParallelInstance, QueryReply,
    Reply, Value, Year,
    field::{Field, Fields, Writer},
    reply,
};

/// What is known of a query.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct QueryInfo {
    /// How it starts on the wire.
    pub mnemonic: &'static str,
    /// What it asks for.
    pub summary: &'static str,
    /// The edition it came with; later ones have it too.
    pub since: Edition,
    /// What stands behind the mnemonic.
    pub arguments: &'static [FieldInfo],
    /// What the reply holds.
    pub fields: &'static [FieldInfo],
    /// Data of such a reply; made up where no capture is known.
    pub sample: &'static str,
    /// A query of this kind, its argument made up.
    pub example: &'static str,
}

macro_rules! queries {
    ($( #[doc = $summary:literal] $name:ident $( ($argument:ident $label:literal: $ty:ty[$width:literal]) )? = $mnemonic:literal, $example:literal, $since:ident; )+) => {
        /// Everything a host can ask.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Query {
            $(
                #[doc = concat!($summary, ", `", $mnemonic, "`")]
                #[doc(alias = $mnemonic)]
                $name $( ($ty) )?,
            )+
        }

        /// Any reply, for code that learns only at run time what was asked.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum AnyReply {
            $(
                #[doc = concat!("The answer to `", $mnemonic, "`")]
                $name(reply::$name),
            )+
        }

        #[expect(non_upper_case_globals, reason = "named like the variants they belong to")]
        mod info {
            use super::*;

            $( pub(super) const $name: QueryInfo = QueryInfo {
                mnemonic: $mnemonic,
                summary: $summary.trim_ascii(),
                since: Edition::$since,
                arguments: &[$( FieldInfo::of::<$ty>(stringify!($argument), $label, $width) )?],
                fields: <reply::$name as Reply>::FIELDS,
                sample: <reply::$name as Reply>::SAMPLE,
                example: $example,
            }; )+
        }

        impl Query {
            /// What is known of each query, in the order of the sheets.
            pub const LIST: &'static [QueryInfo] = &[$( info::$name ),+];

            /// In the order of [`LIST`](Self::LIST): whether data has the shape of such a reply.
            const FIT: &'static [fn(&[u8]) -> bool] = &[$( fits::<reply::$name> ),+];

            /// What is known of this kind of query.
            #[must_use]
            pub const fn info(&self) -> &'static QueryInfo {
                match self { $( queries!(@pattern $name _argument $( $ty )?) => &info::$name, )+ }
            }

            pub(super) fn read(mnemonic: &str, data: &[u8]) -> Result<Self, DecodeError> {
                match mnemonic {
                    $( $mnemonic => {
                        #[allow(unused_mut, reason = "only some queries take an argument")]
                        let mut fields = Fields::new($mnemonic, data, $mnemonic.len());
                        let query = Self::$name $( (fields.read::<$ty, $width>(stringify!($argument))?) )?;
                        fields.finish().map(|()| query)
                    } )+
                    _ => Err(DecodeError::UnknownCommand { wanted: "query", found: crate::error::Excerpt::of(data) }),
                }
            }

            pub(super) fn write(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
                out.bytes(self.info().mnemonic.as_bytes())?;
                match self {
                    $( queries!(@pattern $name argument $( $ty )?) => {
                        $( out.field::<$ty, $width>(*argument)?; )?
                    } )+
                }
                Ok(())
            }

            /// Shows its argument, if it has one.
            pub fn visit(&self, visitor: &mut dyn FnMut(&'static FieldInfo, Value<'_>)) {
                let info = self.info().arguments.first();
                match self {
                    $( queries!(@pattern $name argument $( $ty )?) => {
                        $( if let (Some(info), Some(value)) = (info, <$ty as Field>::value(argument)) {
                            visitor(info, value);
                        } )?
                    } )+
                }
            }

            /// Reads the reply to this query.
            ///
            /// # Errors
            /// Names the first field that is missing or cannot be read.
            pub fn parse_reply<'a>(&self, data: &'a [u8]) -> Result<(AnyReply, Extra<'a>), DecodeError> {
                match self {
                    $( queries!(@pattern $name _argument $( $ty )?) => {
                        <reply::$name as Reply>::parse(data)
                            .map(|(reply, extra)| (AnyReply::$name(reply), extra))
                    } )+
                }
            }
        }

        impl AnyReply {
            /// Shows each field that is there, in the order of the wire.
            pub fn visit(&self, visitor: &mut dyn FnMut(&'static FieldInfo, Value<'_>)) {
                match self { $( Self::$name(reply) => reply.visit(visitor), )+ }
            }

            /// Writes its data into `buffer` and says how many bytes that took.
            ///
            /// # Errors
            /// If the buffer is too short.
            pub fn encode(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
                match self { $( Self::$name(reply) => reply.encode(buffer), )+ }
            }

            /// Writes it as a whole frame into `buffer` and says how many bytes that took.
            ///
            /// # Errors
            /// If the buffer is too short.
            pub fn encode_frame(&self, buffer: &mut [u8]) -> Result<usize, EncodeError> {
                match self { $( Self::$name(reply) => reply.encode_frame(buffer), )+ }
            }
        }

        $( impl QueryReply for reply::$name {
            type Argument = queries!(@argument $( $ty )?);

            fn query(argument: Self::Argument) -> Query {
                queries!(@build $name argument $( $ty )?)
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
        } )+
    };
    (@pattern $name:ident $argument:ident) => { Self::$name };
    (@pattern $name:ident $argument:ident $ty:ty) => { Self::$name($argument) };
    (@argument) => { () };
    (@argument $ty:ty) => { $ty };
    (@build $name:ident $argument:ident) => {{ let () = $argument; Query::$name }};
    (@build $name:ident $argument:ident $ty:ty) => { Query::$name($argument) };
}

queries! {
    /// Protocol id
    ProtocolId = "PI", "PI", Pi18_2017;
    /// Machine model
    MachineModel = "GMN", "GMN", Pi18_2022;
    /// Serial number
    Identity = "ID", "ID", Pi18_2017;
    /// Firmware versions
    FirmwareVersions = "VFW", "VFW", Pi18_2017;
    /// The unit's clock
    Clock = "T", "T", Pi18_2017;
    /// Energy generated in all
    TotalEnergy = "ET", "ET", Pi18_2017;
    /// Energy generated in a year
    YearEnergy(year "Year": Year[4]) = "EY", "EY2026", Pi18_2017;
    /// Energy generated in a month
    MonthEnergy(month "Month": Month[6]) = "EM", "EM202604", Pi18_2017;
    /// Energy generated in a day
    DayEnergy(day "Day": Date[8]) = "ED", "ED20260426", Pi18_2017;
    /// Ratings and settings
    RatedInformation = "PIRI", "PIRI", Pi18_2017;
    /// General status: what the unit measures right now
    GeneralStatus = "GS", "GS", Pi18_2017;
    /// General status of L2 and L3 of a three-phase unit
    GeneralStatus2 = "GS2", "GS2", Pi18_2022;
    /// Working mode
    Mode = "MOD", "MOD", Pi18_2017;
    /// Active fault and warnings
    FaultsAndWarnings = "FWS", "FWS", Pi18_2017;
    /// Enable flags
    Flags = "FLAG", "FLAG", Pi18_2017;
    /// Factory defaults of the settings
    Defaults = "DI", "DI", Pi18_2017;
    /// Selectable maximum charge currents
    MaxChargeCurrents = "MCHGCR", "MCHGCR", Pi18_2017;
    /// Selectable maximum AC charge currents
    MaxAcChargeCurrents = "MUCHGCR", "MUCHGCR", Pi18_2017;
    /// Rated information of a unit of the bank
    ParallelRating(instance "Unit": ParallelInstance[1]) = "PRI", "PRI1", Pi18_2017;
    /// Status of a unit of the bank
    ParallelStatus(instance "Unit": ParallelInstance[1]) = "PGS", "PGS1", Pi18_2017;
    /// When AC may charge the battery
    AcChargeWindow = "ACCT", "ACCT", Pi18_2017;
    /// When AC may supply the loads
    AcLoadWindow = "ACLT", "ACLT", Pi18_2017;
    /// Modbus settings (V II WP)
    ModbusSettings = "MODBUS", "MODBUS", Pi18_2022;
    /// LED settings (V IV)
    LedSettings = "LED", "LED", Pi18_2022;
    /// Second output (TWIN)
    TwinOutput = "TWIN", "TWIN", Pi18_2022;
    /// Limits in state of charge (TWIN)
    SocLimits = "BSC", "BSC", Pi18_2022;
}

impl Query {
    /// The queries whose reply has the shape of `data`: the same bytes come out when it is read and
    /// written again. A reply does not say what it answers, so there can be several.
    pub fn candidates(data: &[u8]) -> impl Iterator<Item = &'static QueryInfo> + use<'_> {
        let fitting = Self::LIST.iter().zip(Self::FIT).filter(|(_, fits)| fits(data));
        fitting.map(|(info, _)| info)
    }

    /// Whether `data` is, to the byte, what this crate would write as a reply to this query. A unit's
    /// own reply may be written otherwise; that of another query hardly ever fits.
    #[must_use]
    pub fn has_reply(self, data: &[u8]) -> bool {
        self.parse_reply(data).is_ok_and(|(reply, _extra)| reply.is_written_as(data))
    }
}

impl AnyReply {
    /// Returns whether `data` is, to the byte, what [`encode`](Self::encode) writes.
    #[must_use]
    pub fn is_written_as(&self, data: &[u8]) -> bool {
        let mut buffer = [0; crate::MAX_FRAME];
        let written = self.encode(&mut buffer).ok().and_then(|len| buffer.get(..len));
        written == Some(data)
    }
}

/// Returns whether `data` is, to the byte, what is written for the reply that it reads as.
fn fits<R: Reply>(data: &[u8]) -> bool {
    let Ok((reply, _extra)) = R::parse(data) else {
        return false;
    };
    let mut buffer = [0; crate::MAX_FRAME];
    let written = reply.encode(&mut buffer).ok().and_then(|len| buffer.get(..len));
    written == Some(data)
}
