//! `DI`: the factory defaults of the settings.

use crate::{
    Amperes, BatteryType, ChargerPriority, Count, Decihertz, Decivolts, InputRange, MachineType,
    OutputMode, OutputPriority, SolarPriority, Switch, macros::reply,
};

reply! {
    /// The factory defaults of the settings, the reply to `DI`.
    ///
    /// The order of the fields differs from [`RatedInformation`](crate::RatedInformation): the float
    /// voltage precedes the bulk voltage, the charge current the AC charge current, and the solar
    /// priority the machine type.
    ///
    /// Source: PI18 2017 and 2022, "DI"; captures of two units.
    Defaults = "DI", sample "2300,500,0,408,540,564,460,540,060,30,0,0,1,0,0,0,1,0,0,1,1,0,1,1" {
        /// AC output voltage
        output_voltage: Decivolts[4],
        /// AC output frequency
        output_frequency: Decihertz[3],
        /// Input voltage range
        input_range: InputRange[1],
        /// Battery cut-off voltage
        cutoff_voltage: Decivolts[3],
        /// Battery float voltage
        float_voltage: Decivolts[3],
        /// Battery bulk (C.V.) voltage
        bulk_voltage: Decivolts[3],
        /// Battery re-charge voltage
        recharge_voltage: Decivolts[3],
        /// Battery re-discharge voltage
        redischarge_voltage: Decivolts[3],
        /// Maximum charge current
        max_charge_current: Amperes[3],
        /// Maximum AC charge current
        max_ac_charge_current: Amperes[2],
        /// Battery type
        battery_type: BatteryType[1],
        /// Output source priority
        output_priority: OutputPriority[1],
        /// Charger source priority
        charger_priority: ChargerPriority[1],
        /// Solar power priority
        solar_priority: SolarPriority[1],
        /// Machine type
        machine_type: MachineType[1],
        /// Output mode
        output_mode: OutputMode[1],
        /// Buzzer (silence or open)
        ///
        /// The meaning of 1 is not known, see [`Flags::buzzer`](crate::Flags::buzzer).
        buzzer ("buzzer_silenced"): Count[1],
        /// Overload restart
        overload_restart: Switch[1],
        /// Over-temperature restart
        over_temperature_restart: Switch[1],
        /// Backlight
        backlight: Switch[1],
        /// Alarm when the primary source is interrupted
        primary_source_alarm: Switch[1],
        /// Fault record
        fault_record: Switch[1],
        /// Overload bypass
        overload_bypass: Switch[1],
        /// Display returns to its first page after 1 min
        display_escape: Switch[1],
    }
}
