//! What can be read and set on a unit: one table.
//!
//! A row gives a setting's name in Rust, its key in profiles, its type, the keys it may also have,
//! the reply it is read from and the command that writes it. The first line of its documentation is
//! its label; what follows is what a commented profile says of it.

use pi18_proto::{
    Amperes, AnyReply, BatteryType, ChargerPriority, DateTime, Decihertz, Decivolts, Defaults,
    Flag, InputRange, MachineType, OutputMode, OutputPriority, Query, RegulationState,
    SolarPriority, Switch,
};

use crate::{
    Group, SettingValue, ValueError, Window,
    model::{
        clock::{ClockOffset, offset},
        value::{Shape, Typed},
    },
};

macro_rules! settings {
    ($(
        #[doc = $label:literal] $(#[doc = $more:literal])*
        $name:ident $key:ident: $ty:ty, also [$($alias:literal),*],
            from $reply:ident($from:ident $(, $host:ident)?) $read:expr,
            by $group:expr $(, default $defaults:ident $default:expr)?;
    )+) => {
        /// Something that can be read and set on a unit.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Setting {
            $( #[doc = $label] $(#[doc = $more])* $name, )+
        }

        impl Setting {
            /// Each of them, in the order in which they are shown.
            pub const ALL: &'static [Self] = &[$( Self::$name ),+];

            /// What it is called in a profile.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self { $( Self::$name => stringify!($key), )+ }
            }

            /// What else it may be called in a profile.
            #[must_use]
            pub const fn aliases(self) -> &'static [&'static str] {
                match self { $( Self::$name => &[$($alias),*], )+ }
            }

            /// What a person reads.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $( Self::$name => $label.trim_ascii(), )+ }
            }

            /// More about it, a line each.
            pub fn notes(self) -> impl Iterator<Item = &'static str> {
                let lines: &[&'static str] = match self { $( Self::$name => &[$($more),*], )+ };
                lines.iter().map(|line| line.trim_ascii()).filter(|line| !line.is_empty())
            }

            /// The settings that are written together with this one.
            #[must_use]
            pub const fn group(self) -> Group {
                match self { $( Self::$name => $group, )+ }
            }

            /// The query whose reply shows it.
            #[must_use]
            pub const fn query(self) -> Query {
                match self { $( Self::$name => Query::$reply, )+ }
            }

            /// What its values look like.
            #[must_use]
            pub fn shape(self) -> Shape {
                match self { $( Self::$name => <$ty as Typed>::SHAPE, )+ }
            }
        }

        /// Settings with their values: all that a unit has, or those that somebody wants.
        ///
        /// What a unit does not have, or a profile does not state, is `None`.
        #[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
        pub struct Settings {
            $( #[doc = $label] $(#[doc = $more])* pub $key: Option<$ty>, )+
        }

        impl Settings {
            /// The value of a setting, if there is one.
            #[must_use]
            pub fn get(&self, setting: Setting) -> Option<SettingValue> {
                match setting { $( Setting::$name => self.$key.map(Typed::value), )+ }
            }

            /// Puts a value, or takes it away.
            ///
            /// # Errors
            /// If the value is not of the setting's kind.
            pub fn set(&mut self, setting: Setting, value: Option<SettingValue>) -> Result<(), ValueError> {
                match setting { $( Setting::$name => {
                    self.$key = value
                        .map(|value| <$ty as Typed>::from_value(value)
                            .ok_or_else(|| ValueError::kind(setting, value)))
                        .transpose()?;
                } )+ }
                Ok(())
            }

            /// Takes over what a reply shows; `host` is the time of this computer when it came, without
            /// which a clock says nothing.
            pub fn take(&mut self, reply: &AnyReply, host: Option<DateTime>) {
                $( if let AnyReply::$reply($from) = reply {
                    $( let $host = host; )?
                    self.$key = $read.into();
                } )+
                let _ = host;
            }

            /// The settings that a unit leaves the factory with.
            #[must_use]
            pub fn factory(defaults: &Defaults) -> Self {
                let mut settings = Self::default();
                $( $( let $defaults = defaults; settings.$key = Some($default); )? )+
                settings
            }
        }
    };
}

settings! {
    /// Battery type
    ///
    /// Bulk, float and cut-off voltage can be set for `user` only; the others bring their own.
    BatteryType battery_type: BatteryType, also [],
        from RatedInformation(r) r.battery_type, by Group::BatteryType, default d d.battery_type;
    /// Bulk (C.V.) voltage
    ///
    /// Charging goes on at this voltage until the current has fallen.
    BulkVoltage bulk_voltage: Decivolts, also [],
        from RatedInformation(r) r.bulk_voltage, by Group::ChargeVoltages, default d d.bulk_voltage;
    /// Float voltage
    ///
    /// A full battery is held here; not above bulk.
    FloatVoltage float_voltage: Decivolts, also [],
        from RatedInformation(r) r.float_voltage, by Group::ChargeVoltages, default d d.float_voltage;
    /// Cut-off voltage
    ///
    /// The inverter stops here when there is no utility; not above re-charge.
    CutoffVoltage cutoff_voltage: Decivolts, also ["battery_cutoff_voltage"],
        from RatedInformation(r) r.cutoff_voltage, by Group::CutoffVoltage, default d d.cutoff_voltage;
    /// Re-charge voltage (stop discharge)
    ///
    /// Discharging stops here while utility is there.
    RechargeVoltage recharge_voltage: Decivolts, also ["stop_discharge_voltage"],
        from RatedInformation(r) r.recharge_voltage, by Group::RechargeVoltages, default d d.recharge_voltage;
    /// Re-discharge voltage (stop charge)
    ///
    /// Charging from utility stops here and the battery is used again; above re-charge, not above float.
    RedischargeVoltage redischarge_voltage: Decivolts, also ["stop_charge_voltage"],
        from RatedInformation(r) r.redischarge_voltage, by Group::RechargeVoltages, default d d.redischarge_voltage;
    /// Maximum charge current
    ///
    /// Of one unit, from all sources.
    MaxChargeCurrent max_charge_current: Amperes, also ["max_charging_current"],
        from RatedInformation(r) r.max_charge_current, by Group::MaxChargeCurrent, default d d.max_charge_current;
    /// Maximum AC charge current
    ///
    /// Of one unit, from utility; not above the maximum charge current.
    MaxAcChargeCurrent max_ac_charge_current: Amperes, also ["max_ac_charging_current"],
        from RatedInformation(r) r.max_ac_charge_current, by Group::MaxAcChargeCurrent, default d d.max_ac_charge_current;
    /// Output source priority
    ///
    /// What feeds the loads first.
    OutputPriority output_priority: OutputPriority, also ["output_source_priority"],
        from RatedInformation(r) r.output_priority, by Group::OutputPriority, default d d.output_priority;
    /// Charger source priority
    ///
    /// What charges the battery.
    ChargerPriority charger_priority: ChargerPriority, also ["charger_source_priority"],
        from RatedInformation(r) r.charger_priority, by Group::ChargerPriority, default d d.charger_priority;
    /// Solar power priority
    ///
    /// Where solar power goes first.
    SolarPriority solar_priority: SolarPriority, also ["solar_power_priority"],
        from RatedInformation(r) r.solar_priority, by Group::SolarPriority, default d d.solar_priority;
    /// Machine type
    ///
    /// Whether the unit may feed the grid.
    MachineType machine_type: MachineType, also [],
        from RatedInformation(r) r.machine_type, by Group::MachineType, default d d.machine_type;
    /// Input voltage range
    ///
    /// Wide for appliances, narrow for computers.
    InputRange input_range: InputRange, also ["input_voltage_range"],
        from RatedInformation(r) r.input_range, by Group::InputRange, default d d.input_range;
    /// Output voltage
    OutputVoltage output_voltage: Decivolts, also [],
        from RatedInformation(r) r.output_voltage, by Group::OutputVoltage, default d d.output_voltage;
    /// Output frequency
    OutputFrequency output_frequency: Decihertz, also [],
        from RatedInformation(r) r.output_frequency, by Group::OutputFrequency, default d d.output_frequency;
    /// Output mode
    ///
    /// The unit's place among others.
    OutputMode output_mode: OutputMode, also [],
        from RatedInformation(r) r.output_mode, by Group::OutputMode, default d d.output_mode;
    /// Regulation state
    ///
    /// The grid rules in force; what a word means depends on the unit's voltage.
    RegulationState regulation_state: RegulationState, also [],
        from RatedInformation(r) r.regulation, by Group::RegulationState;
    /// Overload bypass
    ///
    /// On overload the loads are put on utility.
    OverloadBypass overload_bypass: Switch, also [],
        from Flags(f) f.overload_bypass, by Group::Flag(Flag::OverloadBypass), default d d.overload_bypass;
    /// Display returns to its first page after 1 min
    DisplayEscape display_escape: Switch, also [],
        from Flags(f) f.display_escape, by Group::Flag(Flag::DisplayEscape), default d d.display_escape;
    /// Restart after overload
    OverloadRestart overload_restart: Switch, also [],
        from Flags(f) f.overload_restart, by Group::Flag(Flag::OverloadRestart), default d d.overload_restart;
    /// Restart after over-temperature
    OverTemperatureRestart over_temperature_restart: Switch, also [],
        from Flags(f) f.over_temperature_restart, by Group::Flag(Flag::OverTemperatureRestart), default d d.over_temperature_restart;
    /// Backlight
    Backlight backlight: Switch, also [],
        from Flags(f) f.backlight, by Group::Flag(Flag::Backlight), default d d.backlight;
    /// Alarm when the primary source is interrupted
    PrimarySourceAlarm primary_source_alarm: Switch, also [],
        from Flags(f) f.primary_source_alarm, by Group::Flag(Flag::PrimarySourceAlarm), default d d.primary_source_alarm;
    /// Fault record
    FaultRecord fault_record: Switch, also [],
        from Flags(f) f.fault_record, by Group::Flag(Flag::FaultRecord), default d d.fault_record;
    /// Lithium battery turn-on at once (V II WP)
    LithiumTurnOn lithium_turn_on: Switch, also [],
        from Flags(f) f.lithium_turn_on, by Group::Flag(Flag::LithiumTurnOn);
    /// Lithium battery turn-on automatic (V II WP)
    LithiumAutoTurnOn lithium_auto_turn_on: Switch, also [],
        from Flags(f) f.lithium_auto_turn_on, by Group::Flag(Flag::LithiumAutoTurnOn);
    /// AC charge window
    ///
    /// The part of the day in which utility may charge; 00:00-00:00 is all day.
    AcChargeWindow ac_charge_window: Window, also ["ac_charging_window"],
        from AcChargeWindow(w) Window { start: w.start, end: w.end }, by Group::AcChargeWindow;
    /// AC load window
    ///
    /// The part of the day in which utility may supply the loads; 00:00-00:00 is all day.
    AcLoadWindow ac_load_window: Window, also [],
        from AcLoadWindow(w) Window { start: w.start, end: w.end }, by Group::AcLoadWindow;
    /// Clock
    ///
    /// `host` is the time of the computer that writes it; up to a minute off is no difference.
    Clock clock: ClockOffset, also [],
        from Clock(c, host) host.map(|host| offset(c.time, host)), by Group::Clock;
}

impl Setting {
    /// The setting of a key or alias.
    #[must_use]
    pub fn from_key(key: &str) -> Option<Self> {
        let named = |setting: &&Self| setting.key() == key || setting.aliases().contains(&key);
        Self::ALL.iter().find(named).copied()
    }

    /// The twelve that must be equal on all units of a bank.
    ///
    /// Source: what was compared when two LVX6048 were commissioned in parallel ("12/12 match").
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
}
