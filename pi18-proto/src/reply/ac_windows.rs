//! `ACCT` and `ACLT`: the time windows in which AC may charge the battery and supply the loads.

use crate::{TimeOfDay, macros::reply};

reply! {
    /// The time window in which AC may charge the battery, the reply to `ACCT`.
    ///
    /// Source: PI18 2017 and 2022, "ACCT".
    AcChargeWindow = "ACCT", sample "0000,0000", new(start: TimeOfDay, end: TimeOfDay) {
        /// AC charging from
        start: TimeOfDay[4],
        /// AC charging until
        end: TimeOfDay[4],
    }
}

reply! {
    /// The time window in which AC may supply the loads, the reply to `ACLT`.
    ///
    /// Source: PI18 2017 and 2022, "ACLT".
    AcLoadWindow = "ACLT", sample "0000,0000", new(start: TimeOfDay, end: TimeOfDay) {
        /// AC supplies the loads from
        start: TimeOfDay[4],
        /// AC supplies the loads until
        end: TimeOfDay[4],
    }
}
