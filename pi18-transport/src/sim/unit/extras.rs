//! The settings that `PIRI` does not show. Other queries return them.

use pi18_proto::{
    Count, Flag, Flags, LedBrightness, LedData, LedEffect, LedSettings, LedSpeed, LedWelcome,
    ModbusSettings, Percent, Rgb, SocLimits, Switch, TimeOfDay,
};

/// The settings of a unit outside `PIRI`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extras {
    pub(crate) flags: Flags,
    pub(crate) ac_charge: Window,
    pub(crate) ac_load: Window,
    pub(crate) modbus: ModbusSettings,
    pub(crate) led: LedSettings,
    pub(crate) soc: SocLimits,
}

impl Extras {
    /// Returns the settings of a unit in a commissioned bank. All eleven flags have a value, including
    /// those that the unit does not show in `FLAG`.
    pub(crate) fn commissioned() -> Self {
        Self {
            flags: flags(),
            ac_charge: Window::default(),
            ac_load: Window::default(),
            modbus: modbus(),
            led: led(),
            soc: soc(),
        }
    }

    /// Restores the factory settings, as `PF` does. Only those of flags and windows are known.
    pub(crate) fn restore(&mut self) {
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

    /// Sets a flag. Feed-to-grid (`I`) is ignored, because it is the machine type in [`Settings`], and so
    /// are flags that the virtual bank does not know.
    ///
    /// [`Settings`]: super::settings::Settings
    pub(crate) fn set_flag(&mut self, flag: Flag, state: Switch) {
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
            Flag::LithiumTurnOn => flags.lithium_turn_on = Some(state),
            Flag::LithiumAutoTurnOn => flags.lithium_auto_turn_on = Some(state),
            _ => {}
        }
    }
}

/// A part of the day. It spans midnight if it ends before it starts. Equal times mean the whole day
/// (assumed; every observed unit has equal times).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    pub(crate) start: TimeOfDay,
    pub(crate) end: TimeOfDay,
}

impl Window {
    /// Returns whether a time of day is in the window, which includes its start but not its end.
    pub(crate) fn contains(self, time: TimeOfDay) -> bool {
        let (start, end) = (self.start, self.end);
        start == end
            || if start < end { start <= time && time < end } else { start <= time || time < end }
    }
}

fn flags() -> Flags {
    let mut flags = Flags::zeroed();
    flags.buzzer = Count(1);
    flags.display_escape = Switch::ON;
    flags.backlight = Switch::ON;
    flags.primary_source_alarm = Switch::ON;
    flags.feed_to_grid = Some(Switch::OFF);
    flags.lithium_turn_on = Some(Switch::OFF);
    flags.lithium_auto_turn_on = Some(Switch::OFF);
    flags
}

fn modbus() -> ModbusSettings {
    let mut modbus = ModbusSettings::zeroed();
    modbus.device_id = Count(1);
    modbus.baud_rate = Count(3);
    modbus.stop_bits = Count(1);
    modbus
}

fn led() -> LedSettings {
    let mut led = LedSettings::zeroed();
    led.on = Switch::ON;
    led.speed = LedSpeed::NORMAL;
    led.effect = LedEffect::CHASING;
    led.brightness = LedBrightness::HIGH;
    led.data_shown = LedData::SOLAR_POWER;
    led.background_color = Rgb { red: 0, green: 100, blue: 255 };
    led.data_color = Rgb { red: 255, green: 0, blue: 0 };
    led.energy_source_color = Rgb { red: 0, green: 255, blue: 0 };
    led.welcome_effect = LedWelcome::GRADIENT_1;
    led
}

fn soc() -> SocLimits {
    let mut soc = SocLimits::zeroed();
    soc.cutoff = Percent(10);
    soc.recharge = Percent(30);
    soc.redischarge = Percent(80);
    soc.second_output_cutoff = Percent(20);
    soc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn window_with_end_before_start_spans_midnight() {
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
