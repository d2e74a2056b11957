//! Fault codes, with the names of both editions where they differ.

use crate::{Edition, macros::codes};

codes! {
    /// The code of the fault that stopped an inverter, or 0 if there is none.
    ///
    /// [`name`](Self::name) returns the name in the 2022 edition, [`name_in`](Self::name_in) the name
    /// in a given edition.
    ///
    /// A fault is displayed with its number, because manuals and the inverter's display use it:
    ///
    /// ```
    /// use pi18_proto::{Edition, FaultCode};
    ///
    /// assert!(FaultCode::PARALLEL_BATTERY_VOLTAGE.is_fault());
    /// assert_eq!(FaultCode(52).name_in(Edition::Pi18_2017), Some("bus soft start failed"));
    /// assert_eq!(FaultCode(83).to_string(), "83 parallel: battery voltages detected differ");
    /// assert_eq!(FaultCode(99).to_string(), "99 unknown");
    /// ```
    ///
    /// Source: PI18 2017 and 2022, "FWS", table of fault codes.
    @numbered(true)
    FaultCode {
        NONE = 0, "none";
        FAN_LOCKED = 1, "fan locked";
        OVER_TEMPERATURE = 2, "over temperature";
        BATTERY_HIGH = 3, "battery voltage too high";
        BATTERY_LOW = 4, "battery voltage too low";
        OUTPUT_SHORT = 5, "output short circuit";
        OUTPUT_HIGH = 6, "output voltage too high";
        OVERLOAD = 7, "overload time-out";
        BUS_HIGH = 8, "bus voltage too high";
        BUS_SOFT_START = 9, "bus soft start failed";
        MAIN_RELAY = 11, "main relay failed";
        OVER_CURRENT = 51, "inverter over current";
        BUS_LOW = 52, "bus voltage too low";
        INVERTER_SOFT_START = 53, "inverter soft start failed";
        SELF_TEST = 54, "self test failed";
        OUTPUT_DC = 55, "DC voltage over on the inverter's output";
        BATTERY_OPEN = 56, "battery connection open";
        CURRENT_SENSOR = 57, "current sensor failed";
        OUTPUT_LOW = 58, "output voltage too low";
        NEGATIVE_POWER = 60, "inverter negative power";
        PARALLEL_FIRMWARE = 71, "parallel: firmware versions differ";
        PARALLEL_CURRENT_SHARING = 72, "parallel: output circuit (current sharing) failed";
        PARALLEL_CAN = 80, "parallel: CAN communication failed";
        PARALLEL_HOST_LOST = 81, "parallel: host line lost";
        PARALLEL_SYNC_LOST = 82, "parallel: synchronisation signal lost";
        PARALLEL_BATTERY_VOLTAGE = 83, "parallel: battery voltages detected differ";
        PARALLEL_LINE = 84, "parallel: line voltage or frequency differ";
        PARALLEL_LINE_CURRENT = 85, "parallel: line input currents unbalanced";
        PARALLEL_OUTPUT_SETTINGS = 86, "parallel: output settings differ";
    }
}

impl FaultCode {
    /// Returns the name in the given edition. Codes 05 and 52 have another meaning in the 2017 edition.
    #[must_use]
    pub const fn name_in(self, edition: Edition) -> Option<&'static str> {
        match (edition, self) {
            (Edition::Pi18_2017, Self::OUTPUT_SHORT) => {
                Some("output short circuit or over temperature")
            }
            (Edition::Pi18_2017, Self::BUS_LOW) => Some("bus soft start failed"),
            _ => self.name(),
        }
    }

    /// Returns whether the code is a fault, with a known name or not.
    #[must_use]
    pub const fn is_fault(self) -> bool {
        self.0 != Self::NONE.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_in_edition_differs_for_code_52() {
        let both = |code: FaultCode| {
            [Edition::Pi18_2017, Edition::Pi18_2022].map(|edition| code.name_in(edition))
        };
        assert_eq!(
            both(FaultCode(52)),
            [Some("bus soft start failed"), Some("bus voltage too low")]
        );
        assert_eq!(both(FaultCode(83)), [FaultCode(83).name(); 2]);
        assert_eq!(both(FaultCode(99)), [None; 2]);
    }
}
