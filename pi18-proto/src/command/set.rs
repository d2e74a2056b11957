//! The table of set commands.

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

/// The harm that a wrong set command can do, in ascending order.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Risk {
    /// No lasting harm: priorities, time windows, the clock, lights.
    Daily,
    /// A wrong value ages or damages the battery.
    Battery,
    /// A wrong value interrupts the loads, stops the bank or violates grid regulations.
    Installation,
    /// The command interrupts the loads or erases data at once.
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

/// The description of a set command.
///
/// ```
/// use pi18_proto::{Risk, SetCommand};
///
/// let daily = SetCommand::LIST.iter().filter(|info| info.risk == Risk::Daily);
/// assert!(daily.clone().any(|info| info.mnemonic == "POP"));
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SetInfo {
    /// The letters and digits at the start of the data, which identify the command.
    pub mnemonic: &'static str,
    /// A short description.
    pub summary: &'static str,
    /// The edition that introduced the command; later editions have it too.
    pub since: Edition,
    /// The harm that a wrong command can do. [`SetCommand::risk`] also considers the value.
    pub risk: Risk,
    /// The values after the mnemonic.
    pub fields: &'static [FieldInfo],
    /// A command of this kind with invented values.
    pub example: &'static str,
}

/// Declares the set commands, one row each.
macro_rules! sets {
    ($(
        // A short description.
        #[doc = $summary:literal]
        // The rest of the documentation.
        $(#[doc = $more:literal])*
        // The variant of `SetCommand`.
        $name:ident
        // The letters and digits that identify the command.
        = $mnemonic:literal,
        // A command of this kind with invented values.
        example $example:literal,
        // The edition that introduced the command, a variant of `Edition`.
        since $since:ident,
        // The harm that a wrong command can do, a variant of `Risk`.
        risk $risk:ident
        {
            // The values after the mnemonic: label, name, type and number of characters of each.
            $(#[doc = $label:literal] $field:ident: $ty:ty[$width:literal],)*
        }
    )+) => {
        /// A command that changes a setting or the state of a unit.
        ///
        /// At least one model accepts each value. A particular unit may refuse it, because of its model
        /// or of its other settings.
        ///
        /// ```
        /// use pi18_proto::{Decivolts, CutoffVoltage, Dialect, SetCommand};
        ///
        /// let voltage = CutoffVoltage::new(Decivolts(480))?;
        /// let command = SetCommand::CutoffVoltage { voltage };
        /// assert_eq!(*command.to_frame(Dialect::Checksum), *b"^S010PSDV480Z\xD7\r");
        ///
        /// let error = CutoffVoltage::new(Decivolts(485)).unwrap_err();
        /// assert_eq!(
        ///     error.to_string(),
        ///     "cut-off voltage: expected 20.0 to 24.0 V or 40.0 to 48.0 V, found 48.5 V"
        /// );
        /// # Ok::<(), pi18_proto::RangeError>(())
        /// ```
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum SetCommand {
            $(
                #[doc = concat!($summary, ", `", $mnemonic, "`")]
                $(#[doc = $more])*
                #[doc(alias = $mnemonic)]
                $name {
                    $(
                        #[doc = $label]
                        $field: $ty,
                    )*
                },
            )+
        }

        #[expect(non_upper_case_globals, reason = "named like the variants")]
        mod info {
            use super::*;

            $(
                pub(super) const $name: SetInfo = SetInfo {
                    mnemonic: $mnemonic,
                    summary: $summary.trim_ascii(),
                    since: Edition::$since,
                    risk: Risk::$risk,
                    fields: &[$(FieldInfo::of::<$ty>(stringify!($field), $label, $width)),*],
                    example: $example,
                };
            )+
        }

        impl SetCommand {
            /// The descriptions of all set commands, in the order of the sheets.
            pub const LIST: &'static [SetInfo] = &[$(info::$name),+];

            /// Returns the description of this kind of set command.
            #[must_use]
            pub const fn info(&self) -> &'static SetInfo {
                match self {
                    $(Self::$name { .. } => &info::$name,)+
                }
            }

            pub(super) fn read(mnemonic: &str, data: &[u8]) -> Result<Self, DecodeError> {
                match mnemonic {
                    $(
                        $mnemonic => {
                            #[allow(unused_mut, reason = "some commands have no value")]
                            let mut fields = Fields::new($mnemonic, data, $mnemonic.len());
                            let command = Self::$name {
                                $($field: fields.read::<$ty, $width>(stringify!($field))?,)*
                            };
                            fields.finish().map(|()| command)
                        }
                    )+
                    _ => Err(DecodeError::UnknownCommand {
                        expected: "set command",
                        found: Excerpt::of(data),
                    }),
                }
            }

            pub(super) fn write(&self, out: &mut Writer<'_>) -> Result<(), EncodeError> {
                out.bytes(self.info().mnemonic.as_bytes())?;
                match self {
                    $(
                        Self::$name { $($field),* } => {
                            $(out.field::<$ty, $width>(*$field)?;)*
                        }
                    )+
                }
                Ok(())
            }

            /// Calls `visitor` with each value, in wire order.
            pub fn visit(&self, visitor: &mut dyn FnMut(&'static FieldInfo, Value<'_>)) {
                match self {
                    $(
                        Self::$name { $($field),* } => {
                            let values: &[Option<Value<'_>>] =
                                &[$(<$ty as Field>::value($field)),*];
                            for (info, value) in self.info().fields.iter().zip(values) {
                                if let Some(value) = value {
                                    visitor(info, *value);
                                }
                            }
                        }
                    )+
                }
            }
        }
    };
}

sets! {
    /// Supply of the loads
    ///
    /// Source: PI18 2017 and 2022.
    LoadSupply = "LON", example "LON1", since Pi18_2017, risk Destructive {
        /// Supply
        supply: Known<Switch>[1],
    }
    /// Switch a flag on
    ///
    /// Source: PI18 2017 and 2022.
    EnableFlag = "PE", example "PEA", since Pi18_2017, risk Daily {
        /// Flag
        flag: Flag[1],
    }
    /// Switch a flag off
    ///
    /// Source: PI18 2017 and 2022.
    DisableFlag = "PD", example "PDA", since Pi18_2017, risk Daily {
        /// Flag
        flag: Flag[1],
    }
    /// Restore factory defaults
    ///
    /// Source: PI18 2017 and 2022; observed to change the serial number too.
    RestoreDefaults = "PF", example "PF", since Pi18_2017, risk Destructive {}
    /// Maximum charge current of a unit
    ///
    /// Refused while the unit charges (observed on LVX6048s, in every mode).
    ///
    /// Source: PI18 2017 and 2022; `MCHGCR` returns the accepted values.
    MaxChargeCurrent = "MCHGC", example "MCHGC0,060", since Pi18_2017, risk Battery {
        /// Unit
        unit: ParallelInstance[1],
        /// Maximum charge current
        current: SelectableCurrent[3],
    }
    /// Maximum AC charge current of a unit
    ///
    /// Source: PI18 2017 and 2022; `MUCHGCR` returns the accepted values.
    MaxAcChargeCurrent = "MUCHGC", example "MUCHGC0,030", since Pi18_2017, risk Battery {
        /// Unit
        unit: ParallelInstance[1],
        /// Maximum AC charge current
        current: SelectableCurrent[3],
    }
    /// Output frequency
    ///
    /// Source: PI18 2017 and 2022.
    OutputFrequency = "F", example "F50", since Pi18_2017, risk Installation {
        /// Output frequency
        frequency: OutputFrequency[2],
    }
    /// Bulk (C.V.) and float voltage
    ///
    /// Source: PI18 2017 and 2022.
    ChargeVoltages = "MCHGV", example "MCHGV564,540", since Pi18_2017, risk Battery {
        /// Bulk (C.V.) voltage
        bulk: ChargeVoltage[3],
        /// Float voltage
        float: ChargeVoltage[3],
    }
    /// Output voltage
    ///
    /// Source: PI18 2017 and 2022.
    OutputVoltage = "V", example "V2300", since Pi18_2017, risk Installation {
        /// Output voltage
        voltage: OutputVoltage[4],
    }
    /// Output source priority
    ///
    /// The priority has one digit (observed). A unit applied the command, but its reply had a wrong
    /// checksum (observed).
    ///
    /// Source: PI18 2017 and 2022.
    OutputPriority = "POP", example "POP1", since Pi18_2017, risk Daily {
        /// Output source priority
        priority: Known<OutputPriority>[1],
    }
    /// Re-charge and re-discharge voltage
    ///
    /// Source: PI18 2017 and 2022.
    RechargeVoltages = "BUCD", example "BUCD480,540", since Pi18_2017, risk Battery {
        /// Re-charge voltage
        recharge: RechargeVoltage[3],
        /// Re-discharge voltage
        redischarge: RedischargeVoltage[3],
    }
    /// Charger source priority of a unit
    ///
    /// Source: PI18 2017 and 2022.
    ChargerPriority = "PCP", example "PCP0,1", since Pi18_2017, risk Daily {
        /// Unit
        unit: ParallelInstance[1],
        /// Charger source priority
        priority: Known<ChargerPriority>[1],
    }
    /// Solar power priority
    ///
    /// Source: PI18 2017 and 2022.
    SolarPriority = "PSP", example "PSP0", since Pi18_2017, risk Daily {
        /// Solar power priority
        priority: Known<SolarPriority>[1],
    }
    /// Input voltage range
    ///
    /// Source: PI18 2017 and 2022.
    InputRange = "PGR", example "PGR0", since Pi18_2017, risk Daily {
        /// Input voltage range
        range: Known<InputRange>[1],
    }
    /// Battery type
    ///
    /// Source: PI18 2017 and 2022.
    BatteryType = "PBT", example "PBT2", since Pi18_2017, risk Battery {
        /// Battery type
        battery_type: Known<BatteryType>[1],
    }
    /// Output mode of a unit
    ///
    /// Source: PI18 2017 and 2022.
    OutputMode = "POPM", example "POPM0,1", since Pi18_2017, risk Installation {
        /// Unit
        unit: ParallelInstance[1],
        /// Output mode
        mode: Known<OutputMode>[1],
    }
    /// Battery cut-off voltage
    ///
    /// Source: PI18 2017 and 2022.
    CutoffVoltage = "PSDV", example "PSDV480", since Pi18_2017, risk Battery {
        /// Battery cut-off voltage
        voltage: CutoffVoltage[3],
    }
    /// Serial number
    ///
    /// Source: PI18 2017 and 2022.
    SerialNumber = "ID", example "ID1496132206100410000000", since Pi18_2017, risk Destructive {
        /// Serial number
        serial_number: NewSerialNumber[22],
    }
    /// Clear all energy counters
    ///
    /// Source: PI18 2017 and 2022.
    ClearEnergy = "CLE", example "CLE", since Pi18_2017, risk Destructive {}
    /// Clock of the unit
    ///
    /// Source: PI18 2017 and 2022.
    Clock = "DAT", example "DAT260426130500", since Pi18_2017, risk Daily {
        /// Clock
        time: ClockSetting[12],
    }
    /// Time window in which AC may charge the battery
    ///
    /// Source: PI18 2017 and 2022.
    AcChargeWindow = "ACCT", example "ACCT0000,2359", since Pi18_2017, risk Daily {
        /// From
        start: TimeOfDay[4],
        /// Until
        end: TimeOfDay[4],
    }
    /// Time window in which AC may supply the loads
    ///
    /// Source: PI18 2017 and 2022.
    AcLoadWindow = "ACLT", example "ACLT0000,2359", since Pi18_2017, risk Daily {
        /// From
        start: TimeOfDay[4],
        /// Until
        end: TimeOfDay[4],
    }
    /// Regulation state
    ///
    /// Source: PI18 2022.
    Regulation = "RS", example "RS00", since Pi18_2022, risk Installation {
        /// Regulation state
        state: Known<RegulationState>[2],
    }
    /// Modbus settings
    ///
    /// Source: PI18 2022 (V II WP).
    Modbus = "MODBUS", example "MODBUS001,3,1,0", since Pi18_2022, risk Installation {
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
    Led = "LEDE", example "LEDE1", since Pi18_2022, risk Daily {
        /// LED
        on: Known<Switch>[1],
    }
    /// LED speed
    ///
    /// Source: PI18 2022 (V IV).
    LedSpeed = "LEDS", example "LEDS1", since Pi18_2022, risk Daily {
        /// LED speed
        speed: Known<LedSpeed>[1],
    }
    /// LED effect
    ///
    /// Source: PI18 2022 (V IV).
    LedEffect = "LEDM", example "LEDM2", since Pi18_2022, risk Daily {
        /// LED effect
        effect: Known<LedEffect>[1],
    }
    /// LED brightness
    ///
    /// Source: PI18 2022 (V IV).
    LedBrightness = "LEDB", example "LEDB2", since Pi18_2022, risk Daily {
        /// LED brightness
        brightness: Known<LedBrightness>[1],
    }
    /// LED data shown
    ///
    /// Source: PI18 2022 (V IV).
    LedData = "LEDD", example "LEDD0", since Pi18_2022, risk Daily {
        /// LED data shown
        data_shown: Known<LedData>[1],
    }
    /// LED background colour
    ///
    /// Source: PI18 2022 (V IV).
    LedBackgroundColor = "LEDC1", example "LEDC1000100255", since Pi18_2022, risk Daily {
        /// Colour
        color: Rgb[9],
    }
    /// LED data colour
    ///
    /// Source: PI18 2022 (V IV).
    LedDataColor = "LEDC2", example "LEDC2255000000", since Pi18_2022, risk Daily {
        /// Colour
        color: Rgb[9],
    }
    /// LED background colour for "energy source"
    ///
    /// Source: PI18 2022 (V IV).
    LedEnergySourceColor = "LEDC3", example "LEDC3000255000", since Pi18_2022, risk Daily {
        /// Colour
        color: Rgb[9],
    }
    /// LED welcome effect
    ///
    /// Source: PI18 2022 (V IV).
    LedWelcome = "LEDCWEL", example "LEDCWEL1", since Pi18_2022, risk Daily {
        /// LED welcome effect
        effect: Known<LedWelcome>[1],
    }
    /// Cut-off state of charge
    ///
    /// Source: PI18 2022 (TWIN).
    CutoffSoc = "PSDS", example "PSDS010", since Pi18_2022, risk Battery {
        /// Cut-off state of charge
        soc: CutoffSoc[3],
    }
    /// Second output cut-off state of charge
    ///
    /// Source: PI18 2022 (TWIN).
    SecondOutputCutoffSoc = "PSDS2", example "PSDS2020", since Pi18_2022, risk Battery {
        /// Second output cut-off state of charge
        soc: RechargeSoc[3],
    }
    /// Re-charge state of charge
    ///
    /// Source: PI18 2022 (TWIN).
    RechargeSoc = "PBCS", example "PBCS030", since Pi18_2022, risk Battery {
        /// Re-charge state of charge
        soc: RechargeSoc[3],
    }
    /// Re-discharge state of charge
    ///
    /// Source: PI18 2022 (TWIN).
    RedischargeSoc = "PBDS", example "PBDS080", since Pi18_2022, risk Battery {
        /// Re-discharge state of charge
        soc: RedischargeSoc[3],
    }
}

impl SetCommand {
    /// Returns the harm that a wrong command can do.
    ///
    /// This is [`SetInfo::risk`], except for `PEI` and `PDI`, which also change the machine type.
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
    fn value_that_no_unit_accepts_is_refused() {
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
    fn longer_mnemonic_with_the_same_start_is_distinguished() {
        let mnemonic = |text: &str| text.parse::<SetCommand>().unwrap().info().mnemonic;
        for (text, expected) in [
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
            assert_eq!(mnemonic(text), expected);
        }
    }

    #[test]
    fn feed_to_grid_flag_has_installation_risk() {
        let risk = |text: &str| text.parse::<SetCommand>().unwrap().risk();
        assert_eq!(risk("PEA"), Risk::Daily);
        assert_eq!(risk("PEI"), Risk::Installation);
        assert!(risk("PF") > risk("PDI"));
    }
}
