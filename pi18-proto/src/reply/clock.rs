//! `T`: the unit's clock.

use crate::{DateTime, macros::reply};

reply! {
    /// The unit's clock, the answer to `T`; its time zone is whatever it was set to.
    ///
    /// Source: PI18 2017 and 2022, "T".
    Clock = "T", sample "20210521234743" {
        /// Clock
        time: DateTime[14],
    }
}
