//! `MODBUS`: the Modbus port of a V II WP.

use crate::{Count, macros::reply};

reply! {
    /// The Modbus settings, the reply to `MODBUS`.
    ///
    /// Source: PI18 2022, "MODBUS" (V II WP only); no capture is known.
    ModbusSettings = "MODBUS", sample "001,3,1,0" {
        /// Device id
        ///
        /// 1 to 277.
        device_id: Count[3],
        /// Baud rate index
        ///
        /// 0 to 3; the sheet does not list the rates.
        baud_rate: Count[1],
        /// Stop bits
        ///
        /// 0 or 1.
        stop_bits: Count[1],
        /// Check bits
        ///
        /// 0 to 2.
        check_bits: Count[1],
    }
}
