//! `ID`: the serial number of a unit.

use crate::{SerialNumber, macros::reply};

reply! {
    /// The serial number of the unit, the reply to `ID`.
    ///
    /// Source: PI18 2017 and 2022, "ID".
    Identity = "ID", sample "1496161704100242000000",
    new(serial_number: SerialNumber)
    {
        /// Serial number
        serial_number: SerialNumber[22],
    }
}
