//! Settings that one command writes together, and that command.

use pi18_proto::{
    AnyReply, ChargeVoltage, CutoffVoltage, DateTime, Decihertz, Decivolts, Flag, MachineType,
    OutputFrequency, OutputVoltage, ParallelInstance, Query, RechargeVoltage, RedischargeVoltage,
    Risk, SelectableCurrent, SetCommand, Switch,
};

use crate::{Setting, Settings, model::clock};

/// Settings that one command writes together.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Group {
    /// `PBT`
    BatteryType,
    /// `MCHGV`: bulk and float
    ChargeVoltages,
    /// `PSDV`
    CutoffVoltage,
    /// `BUCD`: re-charge and re-discharge
    RechargeVoltages,
    /// `MCHGC`
    MaxChargeCurrent,
    /// `MUCHGC`
    MaxAcChargeCurrent,
    /// `POP`
    OutputPriority,
    /// `PCP`
    ChargerPriority,
    /// `PSP`
    SolarPriority,
    /// `PEI`, `PDI`
    MachineType,
    /// `PGR`
    InputRange,
    /// `V`
    OutputVoltage,
    /// `F`
    OutputFrequency,
    /// `POPM`
    OutputMode,
    /// `RS`
    RegulationState,
    /// `PE`, `PD`
    Flag(Flag),
    /// `ACCT`
    AcChargeWindow,
    /// `ACLT`
    AcLoadWindow,
    /// `DAT`
    Clock,
}

impl Group {
    /// Its settings, one or two.
    pub fn settings(self) -> impl Iterator<Item = Setting> {
        Setting::ALL.iter().copied().filter(move |setting| setting.group() == self)
    }

    /// The query whose reply shows them.
    #[must_use]
    pub fn query(self) -> Query {
        self.settings().next().map_or(Query::RatedInformation, Setting::query)
    }

    /// What a wrong use of the command can do.
    #[must_use]
    pub fn risk(self) -> Risk {
        let mnemonic = self.mnemonic();
        // PEI and PDI are more than a flag.
        let special = SetCommand::EnableFlag { flag: Flag::FeedToGrid };
        let info = SetCommand::LIST.iter().find(|info| info.mnemonic == mnemonic);
        info.map_or(special.risk(), |info| info.risk)
    }

    /// Whether it is an installation setting: one that can take down a load, break a bank or break
    /// grid rules.
    #[must_use]
    pub fn is_installation(self) -> bool {
        self.risk() >= Risk::Installation
    }

    /// Whether it changes the voltages to which the battery is charged or discharged, so that it needs a
    /// complete battery guard. A battery type brings voltages of its own.
    #[must_use]
    pub const fn is_guarded(self) -> bool {
        matches!(self, Self::BatteryType | Self::ChargeVoltages | Self::CutoffVoltage)
    }

    /// Whether its command names the unit by its number in the bank.
    #[must_use]
    pub const fn names_its_unit(self) -> bool {
        matches!(
            self,
            Self::MaxChargeCurrent
                | Self::MaxAcChargeCurrent
                | Self::ChargerPriority
                | Self::OutputMode
        )
    }

    /// How its command starts on the wire; `PE` stands for `PD` too.
    #[must_use]
    pub const fn mnemonic(self) -> &'static str {
        match self {
            Self::BatteryType => "PBT",
            Self::ChargeVoltages => "MCHGV",
            Self::CutoffVoltage => "PSDV",
            Self::RechargeVoltages => "BUCD",
            Self::MaxChargeCurrent => "MCHGC",
            Self::MaxAcChargeCurrent => "MUCHGC",
            Self::OutputPriority => "POP",
            Self::ChargerPriority => "PCP",
            Self::SolarPriority => "PSP",
            Self::MachineType => "PEI",
            Self::InputRange => "PGR",
            Self::OutputVoltage => "V",
            Self::OutputFrequency => "F",
            Self::OutputMode => "POPM",
            Self::RegulationState => "RS",
            Self::Flag(_) => "PE",
            Self::AcChargeWindow => "ACCT",
            Self::AcLoadWindow => "ACLT",
            Self::Clock => "DAT",
        }
    }

    /// The command that writes these values on the unit of this instance; `host` is the time of this
    /// computer, which only the clock needs. `None` if a value is missing, or no unit takes it.
    #[must_use]
    pub fn command(
        self,
        values: &Settings,
        instance: ParallelInstance,
        host: Option<DateTime>,
    ) -> Option<SetCommand> {
        let v = values;
        Some(match self {
            Self::BatteryType => SetCommand::BatteryType { battery_type: v.battery_type?.known()? },
            Self::ChargeVoltages => SetCommand::ChargeVoltages {
                bulk: ChargeVoltage::new(v.bulk_voltage?).ok()?,
                float: ChargeVoltage::new(v.float_voltage?).ok()?,
            },
            Self::CutoffVoltage => {
                SetCommand::CutoffVoltage { voltage: CutoffVoltage::new(v.cutoff_voltage?).ok()? }
            }
            Self::RechargeVoltages => SetCommand::RechargeVoltages {
                recharge: RechargeVoltage::new(v.recharge_voltage?).ok()?,
                redischarge: RedischargeVoltage::new(v.redischarge_voltage?).ok()?,
            },
            Self::MaxChargeCurrent => SetCommand::MaxChargeCurrent {
                unit: instance,
                current: SelectableCurrent::new(v.max_charge_current?).ok()?,
            },
            Self::MaxAcChargeCurrent => SetCommand::MaxAcChargeCurrent {
                unit: instance,
                current: SelectableCurrent::new(v.max_ac_charge_current?).ok()?,
            },
            Self::OutputPriority => {
                SetCommand::OutputPriority { priority: v.output_priority?.known()? }
            }
            Self::ChargerPriority => SetCommand::ChargerPriority {
                unit: instance,
                priority: v.charger_priority?.known()?,
            },
            Self::SolarPriority => {
                SetCommand::SolarPriority { priority: v.solar_priority?.known()? }
            }
            Self::MachineType => switched(
                Flag::FeedToGrid,
                match v.machine_type? {
                    MachineType::GRID_TIE => Switch::ON,
                    MachineType::OFF_GRID => Switch::OFF,
                    _ => return None,
                },
            )?,
            Self::InputRange => SetCommand::InputRange { range: v.input_range?.known()? },
            Self::OutputVoltage => {
                SetCommand::OutputVoltage { voltage: output_voltage(v.output_voltage?)? }
            }
            Self::OutputFrequency => {
                SetCommand::OutputFrequency { frequency: output_frequency(v.output_frequency?)? }
            }
            Self::OutputMode => {
                SetCommand::OutputMode { unit: instance, mode: v.output_mode?.known()? }
            }
            Self::RegulationState => SetCommand::Regulation { state: v.regulation_state?.known()? },
            Self::Flag(flag) => {
                let setting = self.settings().next()?;
                match v.get(setting)? {
                    crate::SettingValue::Switch(switch) => switched(flag, switch)?,
                    _ => return None,
                }
            }
            Self::AcChargeWindow => {
                let window = v.ac_charge_window?;
                SetCommand::AcChargeWindow { start: window.start, end: window.end }
            }
            Self::AcLoadWindow => {
                let window = v.ac_load_window?;
                SetCommand::AcLoadWindow { start: window.start, end: window.end }
            }
            Self::Clock => SetCommand::Clock { time: clock::setting(v.clock?, host?)? },
        })
    }
}

fn switched(flag: Flag, switch: Switch) -> Option<SetCommand> {
    match switch {
        Switch::ON => Some(SetCommand::EnableFlag { flag }),
        Switch::OFF => Some(SetCommand::DisableFlag { flag }),
        _ => None,
    }
}

/// The output voltage that a unit can be set to, if this is one.
fn output_voltage(voltage: Decivolts) -> Option<OutputVoltage> {
    OutputVoltage::ALL.iter().copied().find(|known| known.number() == voltage.0)
}

fn output_frequency(frequency: Decihertz) -> Option<OutputFrequency> {
    OutputFrequency::ALL.iter().copied().find(|known| known.number() * 10 == frequency.0)
}

/// The settings that a reply shows.
pub(crate) fn shown(reply: &AnyReply, host: Option<DateTime>) -> Settings {
    let mut settings = Settings::default();
    settings.take(reply, host);
    settings
}

#[cfg(test)]
mod tests {
    use pi18_proto::{Clock, Count, RatedInformation, Reply};

    use super::*;

    #[test]
    fn every_setting_belongs_to_a_group_whose_command_the_protocol_has() {
        for &setting in Setting::ALL {
            let group = setting.group();
            assert!(group.settings().any(|other| other == setting), "{setting}");
            let known = SetCommand::LIST.iter().any(|info| info.mnemonic == group.mnemonic());
            assert!(known || group == Group::MachineType, "{setting}");
            for other in group.settings() {
                assert_eq!(other.query(), setting.query(), "{setting} and {other} are shown apart");
            }
        }
    }

    #[test]
    fn names_its_unit_says_whether_the_command_depends_on_the_number() {
        let rated = RatedInformation::decode(RatedInformation::SAMPLE.as_bytes()).unwrap();
        let clock = Clock::decode(Clock::SAMPLE.as_bytes()).unwrap();
        let settings = shown(&rated.into(), None);
        for group in Setting::ALL.iter().map(|setting| setting.group()) {
            let command = |number| {
                let instance = ParallelInstance::new(Count(number)).unwrap();
                group.command(&settings, instance, Some(clock.time))
            };
            assert_eq!(command(0) != command(1), group.names_its_unit(), "{group:?}");
        }
    }

    #[test]
    fn the_installation_settings_are_these() {
        let named: Vec<_> = Setting::ALL
            .iter()
            .filter(|setting| setting.group().is_installation())
            .map(|setting| setting.key())
            .collect();
        assert_eq!(
            named,
            [
                "machine_type",
                "output_voltage",
                "output_frequency",
                "output_mode",
                "regulation_state"
            ]
        );
    }

    #[test]
    fn no_tool_offers_what_destroys() {
        for mnemonic in ["PF", "CLE", "ID", "LON", "MODBUS"] {
            assert!(Setting::ALL.iter().all(|setting| setting.group().mnemonic() != mnemonic));
        }
    }

    #[test]
    fn writes_what_was_read() {
        let rated = RatedInformation::decode(RatedInformation::SAMPLE.as_bytes()).unwrap();
        let clock = Clock::decode(Clock::SAMPLE.as_bytes()).unwrap();
        let mut settings = shown(&rated.into(), None);
        settings.take(&clock.into(), Some(clock.time));
        let instance = ParallelInstance::new(Count(1)).unwrap();
        let commands: Vec<_> = Setting::ALL
            .iter()
            .filter_map(|setting| setting.group().command(&settings, instance, Some(clock.time)))
            .map(|command| command.to_string())
            .collect();
        insta::assert_snapshot!(commands.join("\n"));
    }
}
