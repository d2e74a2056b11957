//! `ACCT` and `ACLT`: when AC may charge, when AC may supply the loads.

use crate::{TimeOfDay, macros::reply};

reply! {
    /// When AC may charge the battery, the answer to `ACCT`.
    ///
    /// Source: PI18 2017 and 2022, "ACCT".
    AcChargeWindow = "ACCT", sample "0000,0000" {
        /// AC charging from
        start: TimeOfDay[4],
        /// AC charging until
        end: TimeOfDay[4],
    }
}

reply! {
    /// When AC may supply the loads, the answer to `ACLT`.
    ///
    /// Source: PI18 2017 and 2022, "ACLT".
    AcLoadWindow = "ACLT", sample "0000,0000" {
        /// AC supplies the loads from
        start: TimeOfDay[4],
        /// AC supplies the loads until
        end: TimeOfDay[4],
    }
}
