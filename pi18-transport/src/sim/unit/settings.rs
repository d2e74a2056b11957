//! What can be set on a unit, as it is commissioned and as it leaves the factory.

use pi18_proto::{
    Amperes, BatteryType, ChargerPriority, Decihertz, Decivolts, InputRange, MachineType,
    OutputMode, OutputPriority, RegulationState, SolarPriority,
};

use super::limits::Rated;

/// What `PIRI` shows of a unit's settings.
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
    pub(crate) max_charge: Amperes,
    pub(crate) max_ac_charge: Amperes,
    pub(crate) battery_type: BatteryType,
    pub(crate) output_priority: OutputPriority,
    pub(crate) charger_priority: ChargerPriority,
    pub(crate) solar_priority: SolarPriority,
    pub(crate) machine_type: MachineType,
    pub(crate) output_mode: OutputMode,
    pub(crate) regulation: RegulationState,
}

/// One of them, for a switch that sets it by name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Setting {
    Bulk(Decivolts),
    Float(Decivolts),
    Cutoff(Decivolts),
    Recharge(Decivolts),
    Redischarge(Decivolts),
    MaxCharge(Amperes),
    MaxAcCharge(Amperes),
    BatteryType(BatteryType),
    OutputPriority(OutputPriority),
    ChargerPriority(ChargerPriority),
    SolarPriority(SolarPriority),
    MachineType(MachineType),
    OutputMode(OutputMode),
}

impl Settings {
    /// Those of the commissioned bank.
    pub(crate) fn commissioned(rated: Rated, alone: bool) -> Self {
        Self {
            bulk: rated.scaled(564),
            float: rated.scaled(540),
            cutoff: rated.scaled(480),
            recharge: rated.scaled(480),
            redischarge: rated.scaled(540),
            battery_type: BatteryType::USER,
            output_priority: OutputPriority::SOLAR_BATTERY_UTILITY,
            charger_priority: ChargerPriority::SOLAR_FIRST,
            output_mode: if alone { OutputMode::SINGLE } else { OutputMode::PARALLEL },
            ..Self::factory(rated)
        }
    }

    /// Those that `PF` brings back.
    ///
    /// Source: a captured `DI`, its AC output changed to what an LVX6048 has.
    pub(crate) fn factory(rated: Rated) -> Self {
        Self {
            output_voltage: Decivolts(1200),
            output_frequency: Decihertz(600),
            input_range: InputRange::APPLIANCE,
            bulk: rated.scaled(564),
            float: rated.scaled(540),
            cutoff: rated.scaled(408),
            recharge: rated.scaled(460),
            redischarge: rated.scaled(540),
            max_charge: Amperes(60),
            max_ac_charge: Amperes(30),
            battery_type: BatteryType::AGM,
            output_priority: OutputPriority::SOLAR_UTILITY_BATTERY,
            charger_priority: ChargerPriority::SOLAR_AND_UTILITY,
            solar_priority: SolarPriority::BATTERY_LOAD_UTILITY,
            machine_type: MachineType::OFF_GRID,
            output_mode: OutputMode::SINGLE,
            regulation: RegulationState::THIRD,
        }
    }

    /// A type with voltages of its own brings them along.
    ///
    /// Assumed: AGM has the factory's, flooded 2 V more at bulk, as Voltronic manuals say.
    pub(crate) fn set_battery_type(&mut self, battery_type: BatteryType, rated: Rated) {
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

    pub(crate) fn put(&mut self, setting: Setting) {
        match setting {
            Setting::Bulk(voltage) => self.bulk = voltage,
            Setting::Float(voltage) => self.float = voltage,
            Setting::Cutoff(voltage) => self.cutoff = voltage,
            Setting::Recharge(voltage) => self.recharge = voltage,
            Setting::Redischarge(voltage) => self.redischarge = voltage,
            Setting::MaxCharge(current) => self.max_charge = current,
            Setting::MaxAcCharge(current) => self.max_ac_charge = current,
            Setting::BatteryType(battery_type) => self.battery_type = battery_type,
            Setting::OutputPriority(priority) => self.output_priority = priority,
            Setting::ChargerPriority(priority) => self.charger_priority = priority,
            Setting::SolarPriority(priority) => self.solar_priority = priority,
            Setting::MachineType(machine_type) => self.machine_type = machine_type,
            Setting::OutputMode(mode) => self.output_mode = mode,
        }
    }
}
