//! The codes of the protocol, except [fault codes](crate::FaultCode) and
//! [models](crate::Model).

use crate::macros::codes;

codes! {
    /// The state of a switch.
    Switch {
        OFF = 0, "off";
        ON = 1, "on";
    }
}

codes! {
    /// The working mode of an inverter.
    ///
    /// Source: PI18 2017 and 2022, "MOD"; charge mode was observed on an LVX6048 without AC output.
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

codes! {
    /// The battery type; only `user` allows the charge voltages to be set freely.
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

codes! {
    /// The accepted range of the AC input voltage: wide for appliances, narrow for computers.
    InputRange {
        APPLIANCE = 0, "appliance";
        UPS = 1, "UPS";
    }
}

codes! {
    /// The order in which the sources supply the loads.
    OutputPriority {
        SOLAR_UTILITY_BATTERY = 0, "solar-utility-battery";
        SOLAR_BATTERY_UTILITY = 1, "solar-battery-utility";
    }
}

codes! {
    /// The sources that charge the battery.
    ChargerPriority {
        SOLAR_FIRST = 0, "solar first";
        SOLAR_AND_UTILITY = 1, "solar and utility";
        ONLY_SOLAR = 2, "only solar";
    }
}

codes! {
    /// The order in which the consumers receive solar power.
    SolarPriority {
        BATTERY_LOAD_UTILITY = 0, "battery-load-utility";
        LOAD_BATTERY_UTILITY = 1, "load-battery-utility";
    }
}

codes! {
    /// Whether the unit may feed the grid.
    MachineType {
        OFF_GRID = 0, "off-grid";
        GRID_TIE = 1, "grid-tie";
    }
}

codes! {
    /// The construction of the inverter.
    Topology {
        TRANSFORMERLESS = 0, "transformerless";
        TRANSFORMER = 1, "transformer";
    }
}

codes! {
    /// Whether the unit works alone, in parallel, or as one phase of a bank.
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

codes! {
    /// The grid regulations in force. The meaning of a number depends on the rated voltage of the unit.
    ///
    /// Source: PI18 2022, "PIRI" and "RS".
    RegulationState {
        FIRST = 0, "101 V range or India";
        SECOND = 1, "110 V range or Germany";
        THIRD = 2, "120 V range or South America";
    }
}

codes! {
    /// The state of a solar charger.
    ChargerStatus {
        ABNORMAL = 0, "abnormal";
        IDLE = 1, "normal, not charging";
        CHARGING = 2, "charging";
    }
}

codes! {
    /// Whether the loads are connected.
    LoadConnection {
        DISCONNECTED = 0, "disconnected";
        CONNECTED = 1, "connected";
    }
}

codes! {
    /// The direction of battery power.
    BatteryDirection {
        IDLE = 0, "idle";
        CHARGING = 1, "charging";
        DISCHARGING = 2, "discharging";
    }
}

codes! {
    /// The direction of power between the DC and the AC side.
    DcAcDirection {
        IDLE = 0, "idle";
        AC_TO_DC = 1, "AC to DC";
        DC_TO_AC = 2, "DC to AC";
    }
}

codes! {
    /// The direction of power on the grid connection.
    LineDirection {
        IDLE = 0, "idle";
        INPUT = 1, "input";
        OUTPUT = 2, "output";
    }
}

codes! {
    /// The speed of the LED effect.
    ///
    /// Source: PI18 2022, "LED" and "LEDS" (V IV).
    LedSpeed {
        LOW = 0, "low";
        NORMAL = 1, "normal";
        HIGH = 2, "high";
    }
}

codes! {
    /// The effect with which the LED shows its colours.
    ///
    /// Source: PI18 2022, "LED" and "LEDM" (V IV).
    LedEffect {
        CYCLING = 0, "cycling";
        WHEEL = 1, "wheel";
        CHASING = 2, "chasing";
        SOLID = 3, "solid";
    }
}

codes! {
    /// The brightness of the LED.
    ///
    /// Source: PI18 2022, "LED" and "LEDB" (V IV).
    LedBrightness {
        LOW = 0, "low";
        NORMAL = 1, "normal";
        HIGH = 2, "high";
    }
}

codes! {
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

codes! {
    /// The LED effect while the unit starts.
    ///
    /// Source: PI18 2022, "LED" and "LEDCWEL" (V IV).
    LedWelcome {
        PURE = 0, "pure";
        GRADIENT_1 = 1, "gradient 1";
        GRADIENT_2 = 2, "gradient 2";
    }
}

codes! {
    /// Whether settings were changed.
    SettingsState {
        UNCHANGED = 0, "nothing changed";
        CHANGED = 1, "something changed";
    }
}

codes! {
    /// Whether a unit exists in the bank.
    Presence {
        ABSENT = 0, "does not exist";
        PRESENT = 1, "exists";
    }
}

codes! {
    /// The state of a warning.
    Warning {
        CLEAR = 0, "clear";
        RAISED = 1, "raised";
    }
}

impl Warning {
    /// Returns whether the warning is raised, by any number but 0.
    #[must_use]
    pub const fn is_raised(self) -> bool {
        self.0 != Self::CLEAR.0
    }
}
