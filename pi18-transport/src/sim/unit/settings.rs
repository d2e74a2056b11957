//! The settings that `PIRI` shows, as commissioned and as set by the factory.

use pi18_proto::{
    Amperes, BatteryType, ChargerPriority, Decihertz, Decivolts, InputRange, MachineType,
    OutputMode, OutputPriority, RegulationState, SolarPriority,
};

use super::limits::RatedVoltage;

/// The settings of a unit that `PIRI` shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) output_voltage: Decivolts,
    pub(crate) output_frequency: Decihertz,
    pub(crate) input_range: InputRange,
    pub(crate) bulk: Decivolts,
    pub(crate) float: Decivolts,
    pub(crate) cutoff: Decivolts,
    pub(crate) recharge: Decivolts,
    pub(crate) redischarge: Decivolts,
    pub(crate) max_charge_current: Amperes,
    pub(crate) max_ac_charge_current: Amperes,
    pub(crate) battery_type: BatteryType,
    pub(crate) output_priority: OutputPriority,
    pub(crate) charger_priority: ChargerPriority,
    pub(crate) solar_priority: SolarPriority,
    pub(crate) machine_type: MachineType,
    pub(crate) output_mode: OutputMode,
    pub(crate) regulation: RegulationState,
}

/// One setting with its value, for the switch that sets it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Setting {
    Bulk(Decivolts),
    Float(Decivolts),
    Cutoff(Decivolts),
    Recharge(Decivolts),
    Redischarge(Decivolts),
    MaxChargeCurrent(Amperes),
    MaxAcChargeCurrent(Amperes),
    BatteryType(BatteryType),
    OutputPriority(OutputPriority),
    ChargerPriority(ChargerPriority),
    SolarPriority(SolarPriority),
    MachineType(MachineType),
    OutputMode(OutputMode),
}

impl Settings {
    /// Returns the settings of a unit in a commissioned bank; `is_single` means that the bank has one unit.
    pub(crate) fn commissioned(rated: RatedVoltage, is_single: bool) -> Self {
        Self {
            bulk: rated.scaled(564),
            float: rated.scaled(540),
            cutoff: rated.scaled(480),
            recharge: rated.scaled(480),
            redischarge: rated.scaled(540),
            battery_type: BatteryType::USER,
            output_priority: OutputPriority::SOLAR_BATTERY_UTILITY,
            charger_priority: ChargerPriority::SOLAR_FIRST,
            output_mode: if is_single { OutputMode::SINGLE } else { OutputMode::PARALLEL },
            ..Self::factory(rated)
        }
    }

    /// Returns the settings that `PF` restores.
    ///
    /// Source: a captured reply to `DI`; the AC output is that of an LVX6048.
    pub(crate) fn factory(rated: RatedVoltage) -> Self {
        Self {
            output_voltage: Decivolts(1200),
            output_frequency: Decihertz(600),
            input_range: InputRange::APPLIANCE,
            bulk: rated.scaled(564),
            float: rated.scaled(540),
            cutoff: rated.scaled(408),
            recharge: rated.scaled(460),
            redischarge: rated.scaled(540),
            max_charge_current: Amperes(60),
            max_ac_charge_current: Amperes(30),
            battery_type: BatteryType::AGM,
            output_priority: OutputPriority::SOLAR_UTILITY_BATTERY,
            charger_priority: ChargerPriority::SOLAR_AND_UTILITY,
            solar_priority: SolarPriority::BATTERY_LOAD_UTILITY,
            machine_type: MachineType::OFF_GRID,
            output_mode: OutputMode::SINGLE,
            regulation: RegulationState::THIRD,
        }
    }

    /// Sets the battery type, and the voltages that belong to it.
    ///
    /// Assumed from Voltronic manuals: AGM has the factory voltages, flooded 2 V more for bulk charging.
    pub(crate) fn set_battery_type(&mut self, battery_type: BatteryType, rated: RatedVoltage) {
        self.battery_type = battery_type;
        let bulk = match battery_type {
            BatteryType::AGM => rated.scaled(564),
            BatteryType::FLOODED => rated.scaled(584),
            _ => return,
        };
        self.bulk = bulk;
        self.float = rated.scaled(540);
        self.cutoff = rated.scaled(408);
    }

    /// Sets one setting.
    pub(crate) fn put(&mut self, setting: Setting) {
        match setting {
            Setting::Bulk(voltage) => self.bulk = voltage,
            Setting::Float(voltage) => self.float = voltage,
            Setting::Cutoff(voltage) => self.cutoff = voltage,
            Setting::Recharge(voltage) => self.recharge = voltage,
            Setting::Redischarge(voltage) => self.redischarge = voltage,
            Setting::MaxChargeCurrent(current) => self.max_charge_current = current,
            Setting::MaxAcChargeCurrent(current) => self.max_ac_charge_current = current,
            Setting::BatteryType(battery_type) => self.battery_type = battery_type,
            Setting::OutputPriority(priority) => self.output_priority = priority,
            Setting::ChargerPriority(priority) => self.charger_priority = priority,
            Setting::SolarPriority(priority) => self.solar_priority = priority,
            Setting::MachineType(machine_type) => self.machine_type = machine_type,
            Setting::OutputMode(mode) => self.output_mode = mode,
        }
    }
}
