//! `MODBUS`: the Modbus port of a V II WP.

use crate::{Count, macros::reply};

reply! {
    /// The Modbus settings, the answer to `MODBUS`.
    ///
    /// Source: PI18 2022, "MODBUS" (V II WP only); no capture is known.
    ModbusSettings = "MODBUS", sample "001,3,1,0" {
        /// Device id
        device_id: Count[3],
        /// Baud rate index
        baud_rate: Count[1],
        /// Stop bits
        stop_bits: Count[1],
        /// Check bits
        check_bits: Count[1],
    }
}
