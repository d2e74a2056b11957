//! What can be set on a unit, as it is commissioned and as it leaves the factory.

use pi18_proto::{
    Amperes, BatteryType, ChargerPriority, Count, Decihertz, Decivolts, Flag, Flags, InputRange,
    LedBrightness, LedData, LedEffect, LedSettings, LedSpeed, LedWelcome, MachineType,
    ModbusSettings, OutputMode, OutputPriority, Percent, RegulationState, Rgb, SocLimits,
    SolarPriority, Switch, TimeOfDay,
};

use super::limits::Rated;

/// What `PIRI` shows of a unit's settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) output_voltage: Decivolts,
    pub(super) output_frequency: Decihertz,
    pub(super) input_range: InputRange,
    pub(super) bulk: Decivolts,
    pub(super) float: Decivolts,
    pub(super) cutoff: Decivolts,
    pub(super) recharge: Decivolts,
    pub(super) redischarge: Decivolts,
    pub(super) max_charge: Amperes,
    pub(super) max_ac_charge: Amperes,
    pub(super) battery_type: BatteryType,
    pub(super) output_priority: OutputPriority,
    pub(super) charger_priority: ChargerPriority,
    pub(super) solar_priority: SolarPriority,
    pub(super) machine_type: MachineType,
    pub(super) output_mode: OutputMode,
    pub(super) regulation: RegulationState,
}

/// One of them, for a switch that sets it by name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Setting {
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
    pub(super) fn commissioned(rated: Rated, alone: bool) -> Self {
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
    pub(super) fn factory(rated: Rated) -> Self {
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
    pub(super) fn set_battery_type(&mut self, battery_type: BatteryType, rated: Rated) {
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

    pub(super) fn put(&mut self, setting: Setting) {
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

/// What can be set and has a reply of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extras {
    pub(super) flags: Flags,
    pub(super) ac_charge: Window,
    pub(super) ac_load: Window,
    pub(super) modbus: ModbusSettings,
    pub(super) led: LedSettings,
    pub(super) soc: SocLimits,
}

impl Extras {
    /// All eleven flags; how many are shown is a matter of the reply.
    pub(super) fn commissioned() -> Self {
        Self {
            flags: Flags {
                buzzer: Count(1),
                overload_bypass: Switch::OFF,
                display_escape: Switch::ON,
                overload_restart: Switch::OFF,
                over_temperature_restart: Switch::OFF,
                backlight: Switch::ON,
                primary_source_alarm: Switch::ON,
                fault_record: Switch::OFF,
                feed_to_grid: Some(Switch::OFF),
                lithium_turn_on: Some(Switch::OFF),
                lithium_auto_turn_on: Some(Switch::OFF),
            },
            ac_charge: Window::default(),
            ac_load: Window::default(),
            modbus: ModbusSettings {
                device_id: Count(1),
                baud_rate: Count(3),
                stop_bits: Count(1),
                check_bits: Count(0),
            },
            led: LedSettings {
                on: Switch::ON,
                speed: LedSpeed::NORMAL,
                effect: LedEffect::CHASING,
                brightness: LedBrightness::HIGH,
                data_shown: LedData::SOLAR_POWER,
                background_color: Rgb { red: 0, green: 100, blue: 255 },
                data_color: Rgb { red: 255, green: 0, blue: 0 },
                energy_source_color: Rgb { red: 0, green: 255, blue: 0 },
                welcome_effect: LedWelcome::GRADIENT_1,
            },
            soc: SocLimits {
                cutoff: Percent(10),
                recharge: Percent(30),
                redischarge: Percent(80),
                second_output_cutoff: Percent(20),
            },
        }
    }

    /// Those that `PF` brings back: only the flags and the windows are known to have defaults.
    pub(super) fn restore(&mut self) {
        let flags = &mut self.flags;
        flags.buzzer = Count(1);
        flags.overload_bypass = Switch::ON;
        flags.display_escape = Switch::ON;
        flags.overload_restart = Switch::OFF;
        flags.over_temperature_restart = Switch::OFF;
        flags.backlight = Switch::ON;
        flags.primary_source_alarm = Switch::ON;
        flags.fault_record = Switch::OFF;
        self.ac_charge = Window::default();
        self.ac_load = Window::default();
    }

    /// `I` is the machine type, which is no flag.
    pub(super) fn set_flag(&mut self, flag: Flag, state: Switch) {
        let flags = &mut self.flags;
        match flag {
            Flag::Buzzer => flags.buzzer = Count(state.0.into()),
            Flag::OverloadBypass => flags.overload_bypass = state,
            Flag::DisplayEscape => flags.display_escape = state,
            Flag::OverloadRestart => flags.overload_restart = state,
            Flag::OverTemperatureRestart => flags.over_temperature_restart = state,
            Flag::Backlight => flags.backlight = state,
            Flag::PrimarySourceAlarm => flags.primary_source_alarm = state,
            Flag::FaultRecord => flags.fault_record = state,
            Flag::FeedToGrid => {}
            Flag::LithiumTurnOn => flags.lithium_turn_on = Some(state),
            Flag::LithiumAutoTurnOn => flags.lithium_auto_turn_on = Some(state),
        }
    }
}

/// A part of the day, over midnight if it ends before it starts; all day if it ends as it starts,
/// as it does on every unit seen (assumed).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    pub(super) start: TimeOfDay,
    pub(super) end: TimeOfDay,
}

impl Window {
    pub(super) fn contains(self, time: TimeOfDay) -> bool {
        let (start, end) = (self.start, self.end);
        start == end
            || if start < end { start <= time && time < end } else { start <= time || time < end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_can_span_midnight() {
        let at = |hour| TimeOfDay::new(hour, 30).unwrap();
        let contains = |start, end, hour| {
            let window = Window { start: at(start), end: at(end) };
            window.contains(at(hour))
        };
        assert_eq!([1, 5, 6].map(|hour| contains(1, 6, hour)), [true, true, false]);
        assert_eq!([22, 3, 12].map(|hour| contains(22, 6, hour)), [true, true, false]);
        assert!(contains(0, 0, 12));
    }
}
