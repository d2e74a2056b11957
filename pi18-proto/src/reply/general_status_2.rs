//! `GS2`: the measurements of a three-phase unit on its second and third phase.

use crate::{ChargerStatus, Decihertz, Decivolts, Percent, VoltAmperes, Watts, macros::reply};

reply! {
    /// The present measurements of a three-phase unit on L2 and L3, the reply to `GS2`.
    ///
    /// The sheet confuses VA and W in some of the power fields. Here apparent power is in VA and active
    /// power in W.
    ///
    /// Source: PI18 2022, "GS2"; no capture is known.
    GeneralStatus2 = "GS2",
    sample "2300,2300,500,500,2300,2300,500,500,0443,0512,0255,0498,007,009,1326,1907,2"
    {
        /// Grid voltage L2
        grid_voltage_l2: Decivolts[4],
        /// Grid voltage L3
        grid_voltage_l3: Decivolts[4],
        /// Grid frequency L2
        grid_frequency_l2: Decihertz[3],
        /// Grid frequency L3
        grid_frequency_l3: Decihertz[3],
        /// AC output voltage L2
        output_voltage_l2: Decivolts[4],
        /// AC output voltage L3
        output_voltage_l3: Decivolts[4],
        /// AC output frequency L2
        output_frequency_l2: Decihertz[3],
        /// AC output frequency L3
        output_frequency_l3: Decihertz[3],
        /// AC output apparent power L2
        apparent_power_l2: VoltAmperes[4],
        /// AC output apparent power L3
        apparent_power_l3: VoltAmperes[4],
        /// AC output active power L2
        active_power_l2: Watts[4],
        /// AC output active power L3
        active_power_l3: Watts[4],
        /// Output load L2
        load_percent_l2 as "load_l2": Percent[3],
        /// Output load L3
        load_percent_l3 as "load_l3": Percent[3],
        /// PV 3 input power
        pv3_power: Watts[4],
        /// PV 3 input voltage
        pv3_voltage: Decivolts[4],
        /// MPPT 3 charger
        mppt3_status: ChargerStatus[1],
    }
}
