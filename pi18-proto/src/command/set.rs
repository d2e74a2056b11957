//! The set commands, one table.

use core::fmt;

use crate::{
    BatteryType, ChargeVoltage, ChargerPriority, ClockSetting, CutoffSoc, CutoffVoltage,
    DecodeError, Edition, EncodeError, FieldInfo, Flag, InputRange, Known, LedBrightness, LedData,
    LedEffect, LedSpeed, LedWelcome, ModbusBaudRate, ModbusCheckBits, ModbusId, ModbusStopBits,
    NewSerialNumber, OutputFrequency, OutputMode, OutputPriority, OutputVoltage, ParallelInstance,
    RechargeSoc, RechargeVoltage, RedischargeSoc, RedischargeVoltage, RegulationState, Rgb,
    SelectableCurrent, SolarPriority, Switch, TimeOfDay, Value,
    error::Excerpt,
    field::{Field, Fields, Writer},
};

/// What a wrong use of a set command can do. The greater, the worse.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Risk {
    /// Changed from day to day: priorities, time windows, the clock, lights.
    Daily,
    /// A wrong value ages or harms a battery.
    Battery,
    /// A wrong value takes down a load, breaks a bank or breaks grid rules.
    Installation,
    /// Takes down a load or loses data at once.
    Destructive,
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Daily => "daily",
            Self::Battery => "battery",
            Self::Installation => "installation",
            Self::Destructive => "destructive",
        })
    }
}

/// What is known of a set command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SetInfo {
    /// How it starts on the wire.
    pub mnemonic: &'static str,
    /// What it sets.
    pub summary: &'static str,
    /// The edition it came with; later ones have it too.
    pub since: Edition,
    /// What a wrong use can do.
    pub risk: Risk,
    /// The values it takes.
    pub fields: &'static [FieldInfo],
    /// A command of this kind, its values made up.
    pub example: &'static str,
}

macro_rules! sets {
    ($(
        #[doc = $summary:literal] $(#[doc = $more:literal])*
        $name:ident = $mnemonic:literal, $example:literal, $since:ident, $risk:ident
        { $( #[doc = $label:literal] $field:ident: $ty:ty[$width:literal], )* }
    )+) => {
        /// Everything a host can set. Each value is one that some unit takes; which of them a given
        /// unit takes, and together with which others, it says itself.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum SetCommand {
            $(
                #[doc = concat!($summary, ", `", $mnemonic, "`")]
                $(#[doc = $more])*
                #[doc(alias = $mnemonic)]
                $name { $( #[doc = $label] $field: $ty, )* },
            )+
        }

        #[expect(non_upper_case_globals, reason = "named like the variants they belong to")]
        mod info {
            use super::*;

            $( pub(super) const $name: SetInfo = SetInfo {
                mnemonic: $mnemonic,
                summary: $summary.trim_ascii(),
                since: Edition::$since,
                risk: Risk::$risk,
                fields: &[$( FieldInfo::of::<$ty>(stringify!($field), $label, $width) ),*],
                example: $example,
            }; )+
        }

        impl SetCommand {
            /// What is known of each set command, in the order of the sheets.
            pub const LIST: &'static [SetInfo] = &[$( info::$name ),+];

            /// What is known of this kind of set command.
            #[must_use]
            pub const fn info(&self) -> &'static SetInfo {
                match self { $( Self::$name { .. } => &info::$name, )+ }
            }

            pub(super) fn read(mnemonic: &str, data: &[u8]) -> Result<Self, DecodeError> {
                match mnemonic {
                    $( $mnemonic => {
                        #[allow(unused_mut, reason = "some commands take no value")]
                        let mut fields = Fields::new($mnemonic, data, $mnemonic.len());
                        let command = Self::$name { $( $field: fields.read::<$ty, $width>(stringify!($field))?, )* };
                        fields.finish().map(|()| command)
                    } )+
                    _ => Err(DecodeError::UnknownCommand { wanted: "set command", found: Excerpt::of(data) }),
                }
            }

            pub(super) fn write(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
                out.bytes(self.info().mnemonic.as_bytes())?;
                match self {
                    $( Self::$name { $( $field ),* } => { $( out.field::<$ty, $width>(*$field)?; )* } )+
                }
                Ok(())
            }

            /// Shows each of its values, in the order of the wire.
            pub fn visit(&self, visitor: &mut dyn FnMut(&'static FieldInfo, Value<'_>)) {
                match self {
                    $( Self::$name { $( $field ),* } => {
                        let values: &[Option<Value<'_>>] = &[$( <$ty as Field>::value($field) ),*];
                        for (info, value) in self.info().fields.iter().zip(values) {
                            if let Some(value) = value {
                                visitor(info, *value);
                            }
                        }
                    } )+
                }
            }
        }
    };
}

sets! {
    /// Supply to the loads
    ///
    /// Source: PI18 2017 and 2022.
    LoadSupply = "LON", "LON1", Pi18_2017, Destructive {
        /// Supply
        supply: Known<Switch>[1],
    }
    /// Switch a flag on
    ///
    /// Source: PI18 2017 and 2022.
    EnableFlag = "PE", "PEA", Pi18_2017, Daily {
        /// Flag
        flag: Flag[1],
    }
    /// Switch a flag off
    ///
    /// Source: PI18 2017 and 2022.
    DisableFlag = "PD", "PDA", Pi18_2017, Daily {
        /// Flag
        flag: Flag[1],
    }
    /// Everything back to factory defaults
    ///
    /// Source: PI18 2017 and 2022; seen to change the serial number too.
    RestoreDefaults = "PF", "PF", Pi18_2017, Destructive {}
    /// Maximum charge current of a unit
    ///
    /// Refused while the unit charges (observed on LVX6048s, in every mode).
    ///
    /// Source: PI18 2017 and 2022; the values come from `MCHGCR`.
    MaxChargeCurrent = "MCHGC", "MCHGC0,060", Pi18_2017, Battery {
        /// Unit
        unit: ParallelInstance[1],
        /// Maximum charge current
        current: SelectableCurrent[3],
    }
    /// Maximum AC charge current of a unit
    ///
    /// Source: PI18 2017 and 2022; the values come from `MUCHGCR`.
    MaxAcChargeCurrent = "MUCHGC", "MUCHGC0,030", Pi18_2017, Battery {
        /// Unit
        unit: ParallelInstance[1],
        /// Maximum AC charge current
        current: SelectableCurrent[3],
    }
    /// Output frequency
    ///
    /// Source: PI18 2017 and 2022.
    OutputFrequency = "F", "F50", Pi18_2017, Installation {
        /// Output frequency
        frequency: OutputFrequency[2],
    }
    /// Bulk (C.V.) and float voltage
    ///
    /// Source: PI18 2017 and 2022.
    ChargeVoltages = "MCHGV", "MCHGV564,540", Pi18_2017, Battery {
        /// Bulk (C.V.) voltage
        bulk: ChargeVoltage[3],
        /// Float voltage
        float: ChargeVoltage[3],
    }
    /// Output voltage
    ///
    /// Source: PI18 2017 and 2022.
    OutputVoltage = "V", "V2300", Pi18_2017, Installation {
        /// Output voltage
        voltage: OutputVoltage[4],
    }
    /// Output source priority
    ///
    /// One digit (observed). Seen applied although its reply failed the checksum.
    ///
    /// Source: PI18 2017 and 2022.
    OutputPriority = "POP", "POP1", Pi18_2017, Daily {
        /// Output source priority
        priority: Known<OutputPriority>[1],
    }
    /// Re-charge and re-discharge voltage
    ///
    /// Source: PI18 2017 and 2022.
    RechargeVoltages = "BUCD", "BUCD480,540", Pi18_2017, Battery {
        /// Re-charge voltage
        recharge: RechargeVoltage[3],
        /// Re-discharge voltage
        redischarge: RedischargeVoltage[3],
    }
    /// Charger source priority of a unit
    ///
    /// Source: PI18 2017 and 2022.
    ChargerPriority = "PCP", "PCP0,1", Pi18_2017, Daily {
        /// Unit
        unit: ParallelInstance[1],
        /// Charger source priority
        priority: Known<ChargerPriority>[1],
    }
    /// Solar power priority
    ///
    /// Source: PI18 2017 and 2022.
    SolarPriority = "PSP", "PSP0", Pi18_2017, Daily {
        /// Solar power priority
        priority: Known<SolarPriority>[1],
    }
    /// Input voltage range
    ///
    /// Source: PI18 2017 and 2022.
    InputRange = "PGR", "PGR0", Pi18_2017, Daily {
        /// Input voltage range
        range: Known<InputRange>[1],
    }
    /// Battery type
    ///
    /// Source: PI18 2017 and 2022.
    BatteryType = "PBT", "PBT2", Pi18_2017, Battery {
        /// Battery type
        battery_type: Known<BatteryType>[1],
    }
    /// Output mode of a unit
    ///
    /// Source: PI18 2017 and 2022.
    OutputMode = "POPM", "POPM0,1", Pi18_2017, Installation {
        /// Unit
        unit: ParallelInstance[1],
        /// Output mode
        mode: Known<OutputMode>[1],
    }
    /// Battery cut-off voltage
    ///
    /// Source: PI18 2017 and 2022.
    CutoffVoltage = "PSDV", "PSDV480", Pi18_2017, Battery {
        /// Battery cut-off voltage
        voltage: CutoffVoltage[3],
    }
    /// Serial number
    ///
    /// Source: PI18 2017 and 2022.
    SerialNumber = "ID", "ID1496132206100410000000", Pi18_2017, Destructive {
        /// Serial number
        serial_number: NewSerialNumber[22],
    }
    /// Clear all energy counters
    ///
    /// Source: PI18 2017 and 2022.
    ClearEnergy = "CLE", "CLE", Pi18_2017, Destructive {}
    /// The unit's clock
    ///
    /// Source: PI18 2017 and 2022.
    Clock = "DAT", "DAT260426130500", Pi18_2017, Daily {
        /// Clock
        time: ClockSetting[12],
    }
    /// When AC may charge the battery
    ///
    /// Source: PI18 2017 and 2022.
    AcChargeWindow = "ACCT", "ACCT0000,2359", Pi18_2017, Daily {
        /// From
        start: TimeOfDay[4],
        /// Until
        end: TimeOfDay[4],
    }
    /// When AC may supply the loads
    ///
    /// Source: PI18 2017 and 2022.
    AcLoadWindow = "ACLT", "ACLT0000,2359", Pi18_2017, Daily {
        /// From
        start: TimeOfDay[4],
        /// Until
        end: TimeOfDay[4],
    }
    /// Regulation state
    ///
    /// Source: PI18 2022.
    Regulation = "RS", "RS00", Pi18_2022, Installation {
        /// Regulation state
        state: Known<RegulationState>[2],
    }
    /// Modbus settings
    ///
    /// Source: PI18 2022 (V II WP).
    Modbus = "MODBUS", "MODBUS001,3,1,0", Pi18_2022, Installation {
        /// Device id
        device_id: ModbusId[3],
        /// Baud rate index
        baud_rate: ModbusBaudRate[1],
        /// Stop bits
        stop_bits: ModbusStopBits[1],
        /// Check bits
        check_bits: ModbusCheckBits[1],
    }
    /// LED on or off
    ///
    /// Source: PI18 2022 (V IV).
    Led = "LEDE", "LEDE1", Pi18_2022, Daily {
        /// LED
        on: Known<Switch>[1],
    }
    /// LED speed
    ///
    /// Source: PI18 2022 (V IV).
    LedSpeed = "LEDS", "LEDS1", Pi18_2022, Daily {
        /// LED speed
        speed: Known<LedSpeed>[1],
    }
    /// LED effect
    ///
    /// Source: PI18 2022 (V IV).
    LedEffect = "LEDM", "LEDM2", Pi18_2022, Daily {
        /// LED effect
        effect: Known<LedEffect>[1],
    }
    /// LED brightness
    ///
    /// Source: PI18 2022 (V IV).
    LedBrightness = "LEDB", "LEDB2", Pi18_2022, Daily {
        /// LED brightness
        brightness: Known<LedBrightness>[1],
    }
    /// LED data shown
    ///
    /// Source: PI18 2022 (V IV).
    LedData = "LEDD", "LEDD0", Pi18_2022, Daily {
        /// LED data shown
        data_shown: Known<LedData>[1],
    }
    /// LED background colour
    ///
    /// Source: PI18 2022 (V IV).
    LedBackgroundColor = "LEDC1", "LEDC1000100255", Pi18_2022, Daily {
        /// Colour
        color: Rgb[9],
    }
    /// LED data colour
    ///
    /// Source: PI18 2022 (V IV).
    LedDataColor = "LEDC2", "LEDC2255000000", Pi18_2022, Daily {
        /// Colour
        color: Rgb[9],
    }
    /// LED background colour for "energy source"
    ///
    /// Source: PI18 2022 (V IV).
    LedEnergySourceColor = "LEDC3", "LEDC3000255000", Pi18_2022, Daily {
        /// Colour
        color: Rgb[9],
    }
    /// LED welcome effect
    ///
    /// Source: PI18 2022 (V IV).
    LedWelcome = "LEDCWEL", "LEDCWEL1", Pi18_2022, Daily {
        /// LED welcome effect
        effect: Known<LedWelcome>[1],
    }
    /// Cut-off state of charge
    ///
    /// Source: PI18 2022 (TWIN).
    CutoffSoc = "PSDS", "PSDS010", Pi18_2022, Battery {
        /// Cut-off state of charge
        soc: CutoffSoc[3],
    }
    /// Second output cut-off state of charge
    ///
    /// Source: PI18 2022 (TWIN).
    SecondOutputCutoffSoc = "PSDS2", "PSDS2020", Pi18_2022, Battery {
        /// Second output cut-off state of charge
        soc: RechargeSoc[3],
    }
    /// Re-charge state of charge
    ///
    /// Source: PI18 2022 (TWIN).
    RechargeSoc = "PBCS", "PBCS030", Pi18_2022, Battery {
        /// Re-charge state of charge
        soc: RechargeSoc[3],
    }
    /// Re-discharge state of charge
    ///
    /// Source: PI18 2022 (TWIN).
    RedischargeSoc = "PBDS", "PBDS080", Pi18_2022, Battery {
        /// Re-discharge state of charge
        soc: RedischargeSoc[3],
    }
}

impl SetCommand {
    /// What a wrong use can do: that of its kind, but `PEI` and `PDI` change the machine type.
    #[must_use]
    pub fn risk(&self) -> Risk {
        match self {
            Self::EnableFlag { flag: Flag::FeedToGrid }
            | Self::DisableFlag { flag: Flag::FeedToGrid } => Risk::Installation,
            _ => self.info().risk,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_no_unit_takes_cannot_be_read() {
        for text in [
            "MCHGV600,540",
            "MCHGV564",
            "MCHGV564,540,1",
            "BUCD440,600",
            "POP2",
            "PCP0,3",
            "PBT4",
            "F55",
            "V2310",
            "DAT261301000000",
            "ACCT2400,0000",
            "PSDS004",
            "PEL",
            "POP01",
            "F050",
            "MCHGC0,60",
            "PSDS25",
            "BUCD445,480",
            "BUCD440,483",
            "POP",
            "PF1",
            "MODBUS000,3,1,0",
            "MODBUS278,3,1,0",
            "MODBUS001,4,1,0",
            "MODBUS001,3,2,0",
            "MODBUS001,3,1,3",
            "LEDS3",
            "LEDM4",
            "LEDB3",
            "LEDB5",
            "LEDD5",
            "LEDCWEL3",
        ] {
            assert!(text.parse::<SetCommand>().is_err(), "{text}");
        }
    }

    #[test]
    fn mnemonics_that_start_alike_are_told_apart() {
        let mnemonic = |text: &str| text.parse::<SetCommand>().unwrap().info().mnemonic;
        for (text, wanted) in [
            ("PDA", "PD"),
            ("POP1", "POP"),
            ("POPM1,0", "POPM"),
            ("PSDS010", "PSDS"),
            ("PSDS2020", "PSDS2"),
            ("PSDV480", "PSDV"),
            ("LEDC1000100255", "LEDC1"),
            ("LEDCWEL1", "LEDCWEL"),
            ("MCHGC0,010", "MCHGC"),
            ("MCHGV564,540", "MCHGV"),
            ("PF", "PF"),
        ] {
            assert_eq!(mnemonic(text), wanted);
        }
    }

    #[test]
    fn feeding_the_grid_is_no_daily_flag() {
        let risk = |text: &str| text.parse::<SetCommand>().unwrap().risk();
        assert_eq!(risk("PEA"), Risk::Daily);
        assert_eq!(risk("PEI"), Risk::Installation);
        assert!(risk("PF") > risk("PDI"));
    }
}
