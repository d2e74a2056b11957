//! `TWIN`: the second output of a TWIN unit.

use crate::{Decivolts, Seconds, Switch, TimeOfDay, macros::reply};

reply! {
    /// The settings of the second output, the reply to `TWIN`.
    ///
    /// Source: PI18 2022, "TWIN" (TWIN only); no capture is known.
    TwinOutput = "TWIN", sample "480,030,0800,1800,1" {
        /// Second output cut-off voltage
        cutoff_voltage: Decivolts[3],
        /// Second output duration
        duration: Seconds[3],
        /// Second output on from
        start: TimeOfDay[4],
        /// Second output on until
        end: TimeOfDay[4],
        /// Second output
        on: Switch[1],
    }
}
