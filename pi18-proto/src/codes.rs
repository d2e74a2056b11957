//! Codes: numbers that stand for something.
//!
//! A device may send a number that nobody has a name for; it stays that number. A host sends a
//! [`Known`] one only.

use core::fmt;

use crate::{
    CodeName, EncodeError,
    field::{Field, Form, Writer, decimal},
    value::Value,
};

/// A number that stands for something.
pub(crate) trait Code: Copy {
    /// The numbers with a name.
    const NAMES: &'static [CodeName];
    /// Whether people know it by its number.
    const NUMBERED: bool;
    /// The same as an error says it.
    const WANTED: &'static str;
    fn from_number(number: u8) -> Self;
    fn number(self) -> u8;
}

pub(crate) fn name(names: &'static [CodeName], code: u8) -> Option<&'static str> {
    names.iter().find(|known| known.code == code).map(|known| known.name)
}

/// A code that has a name: what may be sent to an inverter.
///
/// ```
/// use pi18_proto::{BatteryType, Known};
///
/// assert!(Known::new(BatteryType::USER).is_some());
/// assert!(Known::new(BatteryType(7)).is_none());
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Known<C>(C);

#[expect(private_bounds, reason = "codes are declared in this crate only")]
impl<C: Code> Known<C> {
    /// Takes the code if it has a name.
    #[must_use]
    pub fn new(code: C) -> Option<Self> {
        name(C::NAMES, code.number()).map(|_| Self(code))
    }

    /// The code.
    #[must_use]
    pub fn code(self) -> C {
        self.0
    }
}

impl<C: Code> Field for Known<C> {
    const FORM: Form = Form::Code(C::NAMES);
    const WANTED: &'static str = C::WANTED;

    fn read(token: &[u8]) -> Option<Self> {
        Self::new(C::from_number(decimal(token)?.try_into().ok()?))
    }

    fn write(self, width: usize, out: &mut Writer<'_>) -> Result<(), EncodeError> {
        out.number(self.0.number().into(), width)
    }

    fn value(&self) -> Option<Value<'_>> {
        Some(value(self.0))
    }
}

impl<C: fmt::Display> fmt::Display for Known<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

pub(crate) fn value<C: Code>(code: C) -> Value<'static> {
    Value::Code {
        number: code.number(),
        name: name(C::NAMES, code.number()),
        numbered: C::NUMBERED,
    }
}

/// What every code shares; a macro, since the traits are not this crate's.
macro_rules! code_impls {
    ($name:ident) => {
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                let numbered = <Self as $crate::codes::Code>::NUMBERED;
                $crate::value::write_code(f, self.0, self.name(), numbered)
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{}({}: {})", stringify!($name), self.0, self)
            }
        }

        impl $crate::field::Field for $name {
            const FORM: $crate::Form = $crate::Form::Code(<Self as $crate::codes::Code>::NAMES);
            const WANTED: &'static str = "a code from 0 to 255";

            #[inline]
            fn read(token: &[u8]) -> Option<Self> {
                $crate::field::decimal(token)?.try_into().ok().map(Self)
            }

            #[inline]
            fn write(
                self,
                width: usize,
                out: &mut $crate::field::Writer<'_>,
            ) -> Result<(), $crate::EncodeError> {
                out.number(self.0.into(), width)
            }

            #[inline]
            fn plain_number(&self) -> Option<u32> {
                Some(self.0.into())
            }

            fn value(&self) -> Option<$crate::Value<'_>> {
                Some($crate::codes::value(*self))
            }
        }
    };
}

pub(crate) use code_impls;

crate::macros::codes! {
    /// Off or on.
    Switch {
        OFF = 0, "off";
        ON = 1, "on";
    }
}

crate::macros::codes! {
    /// What an inverter is doing as a whole.
    ///
    /// Source: PI18 2017 and 2022, "MOD"; charge was seen on the LVX6048 with no AC output.
    WorkingMode {
        POWER_ON = 0, "power on";
        STANDBY = 1, "standby";
        BYPASS = 2, "bypass";
        BATTERY = 3, "battery";
        FAULT = 4, "fault";
        /// Line or grid mode.
        HYBRID = 5, "hybrid";
        CHARGE = 6, "charge";
    }
}

crate::macros::codes! {
    /// What the battery is; `user` allows voltages of one's own.
    ///
    /// Source: PI18 2017 (0 to 2) and 2022 (the rest), "PIRI".
    BatteryType {
        AGM = 0, "AGM";
        FLOODED = 1, "flooded";
        USER = 2, "user";
        PYLONTECH = 3, "Pylontech";
        WECO = 5, "WECO";
        SOLTARO = 6, "Soltaro";
        LIB = 8, "LIB";
        LIC = 9, "LIC";
    }
}

crate::macros::codes! {
    /// What AC input is accepted: a wide range for appliances, a narrow one for computers.
    InputRange {
        APPLIANCE = 0, "appliance";
        UPS = 1, "UPS";
    }
}

crate::macros::codes! {
    /// What feeds the loads first.
    OutputPriority {
        SOLAR_UTILITY_BATTERY = 0, "solar-utility-battery";
        SOLAR_BATTERY_UTILITY = 1, "solar-battery-utility";
    }
}

crate::macros::codes! {
    /// What charges the battery.
    ChargerPriority {
        SOLAR_FIRST = 0, "solar first";
        SOLAR_AND_UTILITY = 1, "solar and utility";
        ONLY_SOLAR = 2, "only solar";
    }
}

crate::macros::codes! {
    /// Where solar power goes first.
    SolarPriority {
        BATTERY_LOAD_UTILITY = 0, "battery-load-utility";
        LOAD_BATTERY_UTILITY = 1, "load-battery-utility";
    }
}

crate::macros::codes! {
    /// Whether the unit may feed the grid.
    MachineType {
        OFF_GRID = 0, "off-grid";
        GRID_TIE = 1, "grid-tie";
    }
}

crate::macros::codes! {
    /// How the inverter is built.
    Topology {
        TRANSFORMERLESS = 0, "transformerless";
        TRANSFORMER = 1, "transformer";
    }
}

crate::macros::codes! {
    /// The unit's place among others.
    ///
    /// Source: PI18 2017 and 2022, "PIRI" and "DI" (0 to 4); 2022, "PRI" and "POPM" (5 and 6).
    OutputMode {
        SINGLE = 0, "single";
        PARALLEL = 1, "parallel";
        PHASE_1_OF_3 = 2, "phase 1 of 3";
        PHASE_2_OF_3 = 3, "phase 2 of 3";
        PHASE_3_OF_3 = 4, "phase 3 of 3";
        PHASE_1_OF_2 = 5, "phase 1 of 2";
        PHASE_2_OF_2 = 6, "phase 2 of 2";
    }
}

crate::macros::codes! {
    /// The grid rules in force; what a number means depends on the unit's voltage.
    ///
    /// Source: PI18 2022, "PIRI" and "RS".
    RegulationState {
        FIRST = 0, "101 V range or India";
        SECOND = 1, "110 V range or Germany";
        THIRD = 2, "120 V range or South America";
    }
}

crate::macros::codes! {
    /// What a solar charger is doing.
    ChargerStatus {
        ABNORMAL = 0, "abnormal";
        IDLE = 1, "normal, not charging";
        CHARGING = 2, "charging";
    }
}

crate::macros::codes! {
    /// Whether the loads are connected.
    LoadConnection {
        DISCONNECTED = 0, "disconnected";
        CONNECTED = 1, "connected";
    }
}

crate::macros::codes! {
    /// Where battery power flows.
    BatteryDirection {
        IDLE = 0, "idle";
        CHARGING = 1, "charging";
        DISCHARGING = 2, "discharging";
    }
}

crate::macros::codes! {
    /// Where power flows between the DC and the AC side.
    DcAcDirection {
        IDLE = 0, "idle";
        AC_TO_DC = 1, "AC to DC";
        DC_TO_AC = 2, "DC to AC";
    }
}

crate::macros::codes! {
    /// Where power flows on the line.
    LineDirection {
        IDLE = 0, "idle";
        INPUT = 1, "input";
        OUTPUT = 2, "output";
    }
}

crate::macros::codes! {
    /// How fast the LED effect runs.
    ///
    /// Source: PI18 2022, "LED" and "LEDS" (V IV).
    LedSpeed {
        LOW = 0, "low";
        NORMAL = 1, "normal";
        HIGH = 2, "high";
    }
}

crate::macros::codes! {
    /// How the LED shows its colours.
    ///
    /// Source: PI18 2022, "LED" and "LEDM" (V IV).
    LedEffect {
        CYCLING = 0, "cycling";
        WHEEL = 1, "wheel";
        CHASING = 2, "chasing";
        SOLID = 3, "solid";
    }
}

crate::macros::codes! {
    /// How bright the LED is.
    ///
    /// Source: PI18 2022, "LED" and "LEDB" (V IV).
    LedBrightness {
        LOW = 0, "low";
        NORMAL = 1, "normal";
        HIGH = 2, "high";
    }
}

crate::macros::codes! {
    /// The quantity that the LED shows.
    ///
    /// Source: PI18 2022, "LED" and "LEDD" (V IV).
    LedData {
        SOLAR_POWER = 0, "solar power";
        BATTERY = 1, "battery %";
        LOAD = 2, "load %";
        ENERGY_SOURCE = 3, "energy source";
        BATTERY_DIRECTION = 4, "charging or discharging";
    }
}

crate::macros::codes! {
    /// How the LED lights up when the unit starts.
    ///
    /// Source: PI18 2022, "LED" and "LEDCWEL" (V IV).
    LedWelcome {
        PURE = 0, "pure";
        GRADIENT_1 = 1, "gradient 1";
        GRADIENT_2 = 2, "gradient 2";
    }
}

crate::macros::codes! {
    /// Whether settings were changed.
    SettingsState {
        UNCHANGED = 0, "nothing changed";
        CHANGED = 1, "something changed";
    }
}

crate::macros::codes! {
    /// Whether a unit is there.
    Presence {
        ABSENT = 0, "does not exist";
        PRESENT = 1, "exists";
    }
}

crate::macros::codes! {
    /// Whether a warning is raised.
    Warning {
        CLEAR = 0, "clear";
        RAISED = 1, "raised";
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn an_unnamed_code_stays_a_number() {
        let mode = <WorkingMode as Field>::read(b"07").unwrap();
        assert_eq!(mode.name(), None);
        assert_eq!(format!("{mode}"), "code 7");
        assert_eq!(format!("{mode:?}"), "WorkingMode(7: code 7)");
        assert_eq!(format!("{}", WorkingMode(5)), "hybrid");
    }

    #[test]
    fn what_is_sent_has_a_name() {
        assert_eq!(<Known<BatteryType> as Field>::read(b"2"), BatteryType::USER.known());
        assert_eq!(<Known<BatteryType> as Field>::read(b"7"), None);
        assert_eq!(BatteryType(4).known(), None);
    }
}
