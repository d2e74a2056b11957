//! `PGSn`: the status of one unit of a bank, as reported by the unit that receives the query.

use crate::{
    Amperes, BatteryDirection, Celsius, ChargerStatus, DcAcDirection, Decihertz, Decivolts,
    FaultCode, LineDirection, LoadConnection, Percent, Presence, VoltAmperes, Watts, WorkingMode,
    macros::reply,
};

reply! {
    /// The status of one unit of a bank, the reply to `PGSn`.
    ///
    /// To a query without a unit number, devices reply with arbitrary memory content in a well-formed
    /// frame.
    ///
    /// Source: PI18 2017 and 2022, "PGSn"; battery voltage and capacity confirmed on LVX6048s
    /// against `GS` read at the same time; one observed unit omits the temperature.
    ParallelStatus = "PGS",
    sample "1,5,00,2387,499,2387,499,0716,0165,01232,00505,012,004,518,000,015,031,036,1137,0000,2088,0000,2,0,1,1,2,1,037"
    {
        /// Unit
        ///
        /// A validity flag, not the number of the unit: 1 for every unit that exists.
        presence: Presence[1],
        /// Working mode
        working_mode: WorkingMode[1],
        /// Fault
        fault: FaultCode[2],
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
        /// AC output apparent power of the bank
        total_apparent_power: VoltAmperes[5],
        /// AC output active power of the bank
        total_active_power: Watts[5],
        /// Output load
        load_percent as "load": Percent[3],
        /// Output load of the bank
        total_load_percent as "total_load": Percent[3],
        /// Battery voltage
        battery_voltage: Decivolts[3],
        /// Battery discharge current
        discharge_current: Amperes[3],
        /// Battery charge current
        charge_current: Amperes[3],
        /// Battery charge current of the bank
        total_charge_current: Amperes[3],
        /// Battery capacity
        battery_capacity: Percent[3],
        /// PV 1 input power
        pv1_power: Watts[4],
        /// PV 2 input power
        pv2_power: Watts[4],
        /// PV 1 input voltage
        pv1_voltage: Decivolts[4],
        /// PV 2 input voltage
        pv2_voltage: Decivolts[4],
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
        /// Highest temperature
        temperature: Option<Celsius>[3],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reply;

    #[test]
    fn reply_without_temperature_round_trips() {
        let (data, _) = ParallelStatus::SAMPLE.rsplit_once(',').unwrap();
        let status = ParallelStatus::decode(data.as_bytes()).unwrap();
        assert_eq!(status.temperature, None);
        let mut buffer = [0; 128];
        let len = status.encode(&mut buffer).unwrap();
        assert_eq!(&buffer[..len], data.as_bytes());
    }
}
