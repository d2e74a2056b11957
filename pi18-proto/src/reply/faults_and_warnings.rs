//! `FWS`: the active fault and the warnings.

use crate::{FaultCode, FieldInfo, Reply, Value, Warning, macros::reply};

reply! {
    /// The fault code and the warnings, the reply to `FWS`.
    ///
    /// ```
    /// use pi18_proto::{FaultsAndWarnings, Reply};
    ///
    /// let status = FaultsAndWarnings::decode(b"83,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0")?;
    /// assert_eq!(status.fault.to_string(), "83 parallel: battery voltages detected differ");
    ///
    /// let mut warnings = Vec::new();
    /// status.visit_raised(&mut |field| warnings.push(field.label));
    /// assert_eq!(warnings, ["Line fail"]);
    /// # Ok::<(), pi18_proto::DecodeError>(())
    /// ```
    ///
    /// Source: PI18 2017 (17 fields) and 2022 (18), "FWS"; every observed unit sends 18.
    FaultsAndWarnings = "FWS", sample "00,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0" {
        /// Fault
        fault: FaultCode[2],
        /// Line fail
        line_fail: Warning[1],
        /// Output short circuit
        output_short: Warning[1],
        /// Inverter over temperature
        over_temperature: Warning[1],
        /// Fan locked
        fan_locked: Warning[1],
        /// Battery voltage high
        battery_high: Warning[1],
        /// Battery low
        battery_low: Warning[1],
        /// Battery under
        battery_under: Warning[1],
        /// Overload
        overload: Warning[1],
        /// EEPROM fail
        eeprom_fail: Warning[1],
        /// Power limit
        power_limit: Warning[1],
        /// PV 1 voltage high
        pv1_voltage_high: Warning[1],
        /// PV 2 voltage high
        pv2_voltage_high: Warning[1],
        /// MPPT 1 overload
        mppt1_overload: Warning[1],
        /// MPPT 2 overload
        mppt2_overload: Warning[1],
        /// Battery too low to charge for SCC 1
        battery_too_low_scc1: Warning[1],
        /// Battery too low to charge for SCC 2
        battery_too_low_scc2: Warning[1],
        /// Battery open
        ///
        /// Since 2022, on V III and V IV.
        battery_open: Option<Warning>[1],
    }
}

impl FaultsAndWarnings {
    /// Calls `visitor` with the description of each warning that is raised.
    pub fn visit_raised(&self, visitor: &mut dyn FnMut(&'static FieldInfo)) {
        self.visit(&mut |info, value| {
            if info.name != "fault" && !matches!(value, Value::Code { number: 0, .. }) {
                visitor(info);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn visit_raised_lists_raised_warnings_only() {
        let status = FaultsAndWarnings::decode(b"83,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1").unwrap();
        assert_eq!(status.fault, FaultCode::PARALLEL_BATTERY_VOLTAGE);
        let mut raised = Vec::new();
        status.visit_raised(&mut |info| raised.push(info.label));
        assert_eq!(raised, ["Line fail", "Battery open"]);
    }
}
