//! `PIRI`: the ratings and settings of a unit.

use crate::{
    Amperes, BatteryType, ChargerPriority, Count, Deciamperes, Decihertz, Decivolts, InputRange,
    MachineType, OutputMode, OutputPriority, RegulationState, SolarPriority, Topology, VoltAmperes,
    Watts, macros::reply,
};

reply! {
    /// The ratings and settings of a unit, the reply to `PIRI`.
    ///
    /// For a while after a unit has accepted a set command, it replies with the old value.
    ///
    /// ```
    /// use pi18_proto::{BatteryType, Decivolts, RatedInformation, Reply};
    ///
    /// let rated = RatedInformation::decode(RatedInformation::SAMPLE.as_bytes())?;
    /// assert_eq!(rated.battery_type, BatteryType::USER);
    /// assert_eq!(rated.cutoff_voltage, Decivolts(480));
    /// assert_eq!(rated.max_charge_current.to_string(), "60 A");
    /// # Ok::<(), pi18_proto::DecodeError>(())
    /// ```
    ///
    /// Source: PI18 2017 (25 fields) and 2022 (26), "PIRI"; every observed unit sends 26, some
    /// of them with two digits of AC charge current, or with a stated length that is one too small.
    RatedInformation = "PIRI",
    sample "2300,243,2300,500,243,5600,5600,480,500,530,480,570,544,2,050,060,0,1,2,9,0,0,1,1,1,00"
    {
        /// AC input rating: voltage
        input_voltage: Decivolts[4],
        /// AC input rating: current
        input_current: Deciamperes[3],
        /// AC output rating: voltage
        output_voltage: Decivolts[4],
        /// AC output rating: frequency
        output_frequency: Decihertz[3],
        /// AC output rating: current
        output_current: Deciamperes[3],
        /// AC output rating: apparent power
        output_apparent_power: VoltAmperes[4],
        /// AC output rating: active power
        output_active_power: Watts[4],
        /// Battery rated voltage
        battery_rated_voltage: Decivolts[3],
        /// Battery re-charge voltage
        ///
        /// The voltage at which discharging stops while utility is available.
        recharge_voltage: Decivolts[3],
        /// Battery re-discharge voltage
        ///
        /// The voltage at which charging from utility stops. The value 0 means a full battery.
        redischarge_voltage: Decivolts[3],
        /// Battery cut-off voltage
        cutoff_voltage: Decivolts[3],
        /// Battery bulk (C.V.) voltage
        bulk_voltage: Decivolts[3],
        /// Battery float voltage
        float_voltage: Decivolts[3],
        /// Battery type
        battery_type: BatteryType[1],
        /// Maximum AC charge current
        max_ac_charge_current: Amperes[3],
        /// Maximum charge current
        max_charge_current: Amperes[3],
        /// Input voltage range
        input_range: InputRange[1],
        /// Output source priority
        output_priority: OutputPriority[1],
        /// Charger source priority
        charger_priority: ChargerPriority[1],
        /// Maximum number of parallel units
        parallel_max: Count[1],
        /// Machine type
        machine_type: MachineType[1],
        /// Topology
        topology: Topology[1],
        /// Output mode
        output_mode: OutputMode[1],
        /// Solar power priority
        solar_priority: SolarPriority[1],
        /// MPPT strings
        mppt_strings: Count[1],
        /// Regulation state
        regulation: Option<RegulationState>[2],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reply;

    #[test]
    fn reply_of_the_2017_edition_is_read() {
        let data =
            b"2300,217,2300,500,217,5000,5000,480,480,530,440,570,570,2,10,070,1,1,1,9,0,0,0,0,1";
        let rated = RatedInformation::decode(data).unwrap();
        assert_eq!(rated.max_ac_charge_current, Amperes(10));
        assert_eq!(rated.regulation, None);
    }
}
