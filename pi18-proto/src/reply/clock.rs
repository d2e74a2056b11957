//! `T`: the clock.

use crate::{DateTime, macros::reply};

reply! {
    /// The clock of the unit, the reply to `T`. Its time zone is not part of the protocol.
    ///
    /// Source: PI18 2017 and 2022, "T".
    Clock = "T", sample "20210521234743", new(time: DateTime) {
        /// Clock
        time: DateTime[14],
    }
}
