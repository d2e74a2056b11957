//! The settings of a unit: one table.
//!
//! The table lists every setting together with its documentation, its key and aliases, the reply that
//! reports it, its factory default, and the command that writes it. [`Setting`], [`Settings`] and
//! [`Group`] are generated from it.
//!
//! The order of the table is the order in which settings are shown and written to profiles. The
//! arguments of an entry are explained in `macros`.

use pi18_proto::{
    Amperes, AnyReply, BatteryType, ChargeVoltage, ChargerPriority, CutoffVoltage, DateTime,
    Decihertz, Decivolts, Defaults, Flag, InputRange, MachineType, OutputMode, OutputPriority,
    ParallelInstance, Query, RechargeVoltage, RedischargeVoltage, RegulationState, Risk,
    SelectableCurrent, SetCommand, SolarPriority, Switch,
};

use serde::Serialize;

use super::{
    clock::{self, ClockOffset},
    command::{output_frequency, output_voltage, switch_flag, switch_machine},
    macros::settings,
    value::{SettingValue, Shape, Typed, ValueError, Window},
};

settings! {
    group BatteryType {
        command "PBT", risk Battery guarded;
        |v| SetCommand::BatteryType { battery_type: v.battery_type?.known()? };
        /// Battery type
        ///
        /// Bulk, float and cut-off voltage can be set for `user` only; other types have their own.
        BatteryType battery_type: BatteryType, also [],
        read RatedInformation(r) => r.battery_type, default(d) => d.battery_type;
    }
    group ChargeVoltages {
        command "MCHGV", risk Battery guarded;
        |v| SetCommand::ChargeVoltages {
            bulk: ChargeVoltage::new(v.bulk_voltage?).ok()?,
            float: ChargeVoltage::new(v.float_voltage?).ok()?,
        };
        /// Bulk (C.V.) voltage
        ///
        /// The battery is charged at this voltage until the current has fallen.
        BulkVoltage bulk_voltage: Decivolts, also [],
        read RatedInformation(r) => r.bulk_voltage, default(d) => d.bulk_voltage;
        /// Float voltage
        ///
        /// A full battery is held at this voltage; not above bulk.
        FloatVoltage float_voltage: Decivolts, also [],
        read RatedInformation(r) => r.float_voltage, default(d) => d.float_voltage;
    }
    group CutoffVoltage {
        command "PSDV", risk Battery guarded;
        |v| SetCommand::CutoffVoltage { voltage: CutoffVoltage::new(v.cutoff_voltage?).ok()? };
        /// Cut-off voltage
        ///
        /// Without utility, the inverter stops at this voltage; not above re-charge.
        CutoffVoltage cutoff_voltage: Decivolts, also ["battery_cutoff_voltage"],
        read RatedInformation(r) => r.cutoff_voltage, default(d) => d.cutoff_voltage;
    }
    group RechargeVoltages {
        command "BUCD", risk Battery;
        |v| SetCommand::RechargeVoltages {
            recharge: RechargeVoltage::new(v.recharge_voltage?).ok()?,
            redischarge: RedischargeVoltage::new(v.redischarge_voltage?).ok()?,
        };
        /// Re-charge voltage (stop discharge)
        ///
        /// With utility, discharging stops at this voltage.
        RechargeVoltage recharge_voltage: Decivolts, also ["stop_discharge_voltage"],
        read RatedInformation(r) => r.recharge_voltage, default(d) => d.recharge_voltage;
        /// Re-discharge voltage (stop charge)
        ///
        /// At this voltage charging from utility stops and the battery feeds the loads again; above
        /// re-charge, not above float.
        RedischargeVoltage redischarge_voltage: Decivolts, also ["stop_charge_voltage"],
        read RatedInformation(r) => r.redischarge_voltage, default(d) => d.redischarge_voltage;
    }
    group MaxChargeCurrent {
        command "MCHGC", risk Battery;
        |v, unit instance| SetCommand::MaxChargeCurrent {
            unit: instance,
            current: SelectableCurrent::new(v.max_charge_current?).ok()?,
        };
        /// Maximum charge current
        ///
        /// Limit of one unit, from all sources.
        MaxChargeCurrent max_charge_current: Amperes, also ["max_charging_current"],
        read RatedInformation(r) => r.max_charge_current, default(d) => d.max_charge_current;
    }
    group MaxAcChargeCurrent {
        command "MUCHGC", risk Battery;
        |v, unit instance| SetCommand::MaxAcChargeCurrent {
            unit: instance,
            current: SelectableCurrent::new(v.max_ac_charge_current?).ok()?,
        };
        /// Maximum AC charge current
        ///
        /// Limit of one unit, from utility; not above the maximum charge current.
        MaxAcChargeCurrent max_ac_charge_current: Amperes, also ["max_ac_charging_current"],
        read RatedInformation(r) => r.max_ac_charge_current, default(d) => d.max_ac_charge_current;
    }
    group OutputPriority {
        command "POP", risk Daily;
        |v| SetCommand::OutputPriority { priority: v.output_priority?.known()? };
        /// Output source priority
        ///
        /// The source that feeds the loads first.
        OutputPriority output_priority: OutputPriority, also ["output_source_priority"],
        read RatedInformation(r) => r.output_priority, default(d) => d.output_priority;
    }
    group ChargerPriority {
        command "PCP", risk Daily;
        |v, unit instance| SetCommand::ChargerPriority {
            unit: instance,
            priority: v.charger_priority?.known()?,
        };
        /// Charger source priority
        ///
        /// The source that charges the battery.
        ChargerPriority charger_priority: ChargerPriority, also ["charger_source_priority"],
        read RatedInformation(r) => r.charger_priority, default(d) => d.charger_priority;
    }
    group SolarPriority {
        command "PSP", risk Daily;
        |v| SetCommand::SolarPriority { priority: v.solar_priority?.known()? };
        /// Solar power priority
        ///
        /// Whether solar power goes to the battery or to the loads first.
        SolarPriority solar_priority: SolarPriority, also ["solar_power_priority"],
        read RatedInformation(r) => r.solar_priority, default(d) => d.solar_priority;
    }
    group MachineType {
        command "PEI", risk Installation;
        |v| switch_machine(v.machine_type?)?;
        /// Machine type
        ///
        /// Whether the unit may feed the grid.
        MachineType machine_type: MachineType, also [],
        read RatedInformation(r) => r.machine_type, default(d) => d.machine_type;
    }
    group InputRange {
        command "PGR", risk Daily;
        |v| SetCommand::InputRange { range: v.input_range?.known()? };
        /// Input voltage range
        ///
        /// Wide for appliances, narrow for computers.
        InputRange input_range: InputRange, also ["input_voltage_range"],
        read RatedInformation(r) => r.input_range, default(d) => d.input_range;
    }
    group OutputVoltage {
        command "V", risk Installation;
        |v| SetCommand::OutputVoltage { voltage: output_voltage(v.output_voltage?)? };
        /// Output voltage
        OutputVoltage output_voltage: Decivolts, also [],
        read RatedInformation(r) => r.output_voltage, default(d) => d.output_voltage;
    }
    group OutputFrequency {
        command "F", risk Installation;
        |v| SetCommand::OutputFrequency { frequency: output_frequency(v.output_frequency?)? };
        /// Output frequency
        OutputFrequency output_frequency: Decihertz, also [],
        read RatedInformation(r) => r.output_frequency, default(d) => d.output_frequency;
    }
    group OutputMode {
        command "POPM", risk Installation;
        |v, unit instance| SetCommand::OutputMode {
            unit: instance,
            mode: v.output_mode?.known()?,
        };
        /// Output mode
        ///
        /// Alone, in parallel, or the phase that the unit feeds.
        OutputMode output_mode: OutputMode, also [],
        read RatedInformation(r) => r.output_mode, default(d) => d.output_mode;
    }
    group RegulationState {
        command "RS", risk Installation;
        |v| SetCommand::Regulation { state: v.regulation_state?.known()? };
        /// Regulation state
        ///
        /// The grid rules in force; the meaning of a name depends on the unit's rated voltage.
        RegulationState regulation_state: RegulationState, also [],
        read RatedInformation(r) => r.regulation;
    }
    group OverloadBypass {
        command "PE", risk Daily;
        |v| switch_flag(Flag::OverloadBypass, v.overload_bypass?)?;
        /// Overload bypass
        ///
        /// On overload, utility feeds the loads.
        OverloadBypass overload_bypass: Switch, also [],
        read Flags(f) => f.overload_bypass, default(d) => d.overload_bypass;
    }
    group DisplayEscape {
        command "PE", risk Daily;
        |v| switch_flag(Flag::DisplayEscape, v.display_escape?)?;
        /// Display returns to its first page after 1 min
        DisplayEscape display_escape: Switch, also [],
        read Flags(f) => f.display_escape, default(d) => d.display_escape;
    }
    group OverloadRestart {
        command "PE", risk Daily;
        |v| switch_flag(Flag::OverloadRestart, v.overload_restart?)?;
        /// Restart after overload
        OverloadRestart overload_restart: Switch, also [],
        read Flags(f) => f.overload_restart, default(d) => d.overload_restart;
    }
    group OverTemperatureRestart {
        command "PE", risk Daily;
        |v| switch_flag(Flag::OverTemperatureRestart, v.over_temperature_restart?)?;
        /// Restart after over-temperature
        OverTemperatureRestart over_temperature_restart: Switch, also [],
        read Flags(f) => f.over_temperature_restart, default(d) => d.over_temperature_restart;
    }
    group Backlight {
        command "PE", risk Daily;
        |v| switch_flag(Flag::Backlight, v.backlight?)?;
        /// Backlight
        Backlight backlight: Switch, also [],
        read Flags(f) => f.backlight, default(d) => d.backlight;
    }
    group PrimarySourceAlarm {
        command "PE", risk Daily;
        |v| switch_flag(Flag::PrimarySourceAlarm, v.primary_source_alarm?)?;
        /// Alarm when the primary source is interrupted
        PrimarySourceAlarm primary_source_alarm: Switch, also [],
        read Flags(f) => f.primary_source_alarm, default(d) => d.primary_source_alarm;
    }
    group FaultRecord {
        command "PE", risk Daily;
        |v| switch_flag(Flag::FaultRecord, v.fault_record?)?;
        /// Fault record
        FaultRecord fault_record: Switch, also [],
        read Flags(f) => f.fault_record, default(d) => d.fault_record;
    }
    group LithiumTurnOn {
        command "PE", risk Daily;
        |v| switch_flag(Flag::LithiumTurnOn, v.lithium_turn_on?)?;
        /// Immediate lithium battery turn-on (V II WP)
        LithiumTurnOn lithium_turn_on: Switch, also [],
        read Flags(f) => f.lithium_turn_on;
    }
    group LithiumAutoTurnOn {
        command "PE", risk Daily;
        |v| switch_flag(Flag::LithiumAutoTurnOn, v.lithium_auto_turn_on?)?;
        /// Automatic lithium battery turn-on (V II WP)
        LithiumAutoTurnOn lithium_auto_turn_on: Switch, also [],
        read Flags(f) => f.lithium_auto_turn_on;
    }
    group AcChargeWindow {
        command "ACCT", risk Daily;
        |v| {
            let Window { start, end } = v.ac_charge_window?;
            SetCommand::AcChargeWindow { start, end }
        };
        /// AC charge window
        ///
        /// The part of the day in which utility may charge; 00:00-00:00 is all day.
        AcChargeWindow ac_charge_window: Window, also ["ac_charging_window"],
        read AcChargeWindow(w) => Window { start: w.start, end: w.end };
    }
    group AcLoadWindow {
        command "ACLT", risk Daily;
        |v| {
            let Window { start, end } = v.ac_load_window?;
            SetCommand::AcLoadWindow { start, end }
        };
        /// AC load window
        ///
        /// The part of the day in which utility may feed the loads; 00:00-00:00 is all day.
        AcLoadWindow ac_load_window: Window, also [],
        read AcLoadWindow(w) => Window { start: w.start, end: w.end };
    }
    group Clock {
        command "DAT", risk Daily;
        |v, host now| SetCommand::Clock { time: clock::setting(v.clock?, now)? };
        /// Clock
        ///
        /// `host` is the time of the computer that writes it; differences of up to a minute are ignored.
        Clock clock: ClockOffset, also [],
        read Clock(c, host now) => now.map(|now| clock::offset(c.time, now));
    }
}

impl Setting {
    /// The twelve settings that must be equal on all units of a bank.
    ///
    /// Source: the comparison when two LVX6048 were commissioned in parallel ("12/12 match").
    pub const AGREEING: [Self; 12] = [
        Self::BatteryType,
        Self::BulkVoltage,
        Self::FloatVoltage,
        Self::CutoffVoltage,
        Self::RechargeVoltage,
        Self::RedischargeVoltage,
        Self::MaxChargeCurrent,
        Self::MaxAcChargeCurrent,
        Self::OutputPriority,
        Self::ChargerPriority,
        Self::SolarPriority,
        Self::MachineType,
    ];

    /// Returns the setting with this key or alias.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        let is_named = |setting: &&Self| setting.key() == key || setting.aliases().contains(&key);
        Self::ALL.iter().find(is_named).copied()
    }

    /// Reads a value as a person writes it: `56.4 V`, `56.4`, `user`, `on`, `23:00-06:00`.
    ///
    /// Reads any value that a unit can *have*, including `code 7` for a number without a name.
    /// [`Limits`](crate::Limits) decide whether a unit can be set to it.
    ///
    /// # Errors
    /// If the text has another unit or another form, or is an unknown word.
    pub fn parse(self, text: &str) -> Result<SettingValue, ValueError> {
        self.shape().parse(self.key(), text)
    }
}
