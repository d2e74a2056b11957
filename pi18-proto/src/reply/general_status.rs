//! `GS`: the present measurements of a unit.

use crate::{
    Amperes, BatteryDirection, Celsius, ChargerStatus, Count, DcAcDirection, Decihertz, Decivolts,
    LineDirection, LoadConnection, Percent, SettingsState, VoltAmperes, Watts, macros::reply,
};

reply! {
    /// The present measurements of a unit, the reply to `GS`.
    ///
    /// ```
    /// use pi18_proto::{GeneralStatus, Percent, Reply};
    ///
    /// let status = GeneralStatus::decode(GeneralStatus::SAMPLE.as_bytes())?;
    /// assert_eq!(status.load_percent, Percent(7));
    /// assert_eq!(status.pv1_power.to_string(), "1326 W");
    /// assert_eq!(status.battery_direction.to_string(), "charging");
    /// # Ok::<(), pi18_proto::DecodeError>(())
    /// ```
    ///
    /// Source: PI18 2017 and 2022, "GS"; captures of several units.
    GeneralStatus = "GS",
    sample "2336,499,2336,499,0443,0255,007,524,000,000,000,017,042,039,000,000,1326,0000,1907,0000,0,2,0,1,1,2,1,1"
    {
        /// Grid voltage
        grid_voltage: Decivolts[4],
        /// Grid frequency
        grid_frequency: Decihertz[3],
        /// AC output voltage
        output_voltage: Decivolts[4],
        /// AC output frequency
        output_frequency: Decihertz[3],
        /// AC output apparent power
        apparent_power: VoltAmperes[4],
        /// AC output active power
        active_power: Watts[4],
        /// Output load
        load_percent as "load": Percent[3],
        /// Battery voltage
        battery_voltage: Decivolts[3],
        /// Battery voltage from SCC 1
        ///
        /// The voltage that the first solar charge controller (SCC) measures.
        battery_voltage_scc1: Decivolts[3],
        /// Battery voltage from SCC 2
        ///
        /// The voltage that the second solar charge controller measures.
        battery_voltage_scc2: Decivolts[3],
        /// Battery discharge current
        discharge_current: Amperes[3],
        /// Battery charge current
        charge_current: Amperes[3],
        /// Battery capacity
        battery_capacity: Percent[3],
        /// Heat sink temperature
        heat_sink_temperature: Celsius[3],
        /// MPPT 1 charger temperature
        mppt1_temperature: Celsius[3],
        /// MPPT 2 charger temperature
        mppt2_temperature: Celsius[3],
        /// PV 1 input power
        pv1_power: Watts[4],
        /// PV 2 input power
        pv2_power: Watts[4],
        /// PV 1 input voltage
        pv1_voltage: Decivolts[4],
        /// PV 2 input voltage
        pv2_voltage: Decivolts[4],
        /// Settings
        settings: SettingsState[1],
        /// MPPT 1 charger
        mppt1_status: ChargerStatus[1],
        /// MPPT 2 charger
        mppt2_status: ChargerStatus[1],
        /// Load connection
        load_connection: LoadConnection[1],
        /// Battery power
        battery_direction: BatteryDirection[1],
        /// DC/AC power
        dc_ac_direction: DcAcDirection[1],
        /// Line power
        line_direction: LineDirection[1],
        /// Parallel instance
        ///
        /// The number of this unit in its bank: 0 for the master, 1 and up for slaves. The sheets can
        /// be misread to say that 0 is invalid, but a healthy master sends 0 (observed on LVX6048 pairs).
        parallel_instance: Count[1],
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;
    use crate::{DecodeError, Reply};

    #[test]
    fn malformed_field_is_named_with_its_offset() {
        let data = GeneralStatus::SAMPLE.replacen("499", "4x9", 1);
        let error = GeneralStatus::decode(data.as_bytes()).unwrap_err();
        assert!(matches!(error, DecodeError::Field { field: "grid_frequency", at: 5, .. }));
        assert_eq!(
            format!("{error}"),
            "GS field grid_frequency at offset 5: \
             expected a number of tenths of a hertz up to 65535, found \"4x9\""
        );
    }

    #[test]
    fn missing_field_is_named_with_its_offset() {
        let (data, _) = GeneralStatus::SAMPLE.rsplit_once(',').unwrap();
        assert_eq!(
            format!("{}", GeneralStatus::decode(data.as_bytes()).unwrap_err()),
            "GS field parallel_instance at offset 101: expected a number up to 65535, found nothing"
        );
    }

    #[test]
    fn unknown_fields_are_returned_as_extra() {
        let data = format!("{},7,x", GeneralStatus::SAMPLE);
        let (status, extra) = GeneralStatus::parse(data.as_bytes()).unwrap();
        assert_eq!(Ok(status), GeneralStatus::decode(GeneralStatus::SAMPLE.as_bytes()));
        assert_eq!(extra.fields().collect::<std::vec::Vec<_>>(), [b"7", b"x"]);
    }

    #[test]
    fn field_of_other_width_than_declared_is_read() {
        let data = GeneralStatus::SAMPLE.replacen("0443", "10443", 1).replacen("017", "17", 1);
        let status = GeneralStatus::decode(data.as_bytes()).unwrap();
        assert_eq!(status.apparent_power, VoltAmperes(10443));
        assert_eq!(status.charge_current, Amperes(17));
    }
}
