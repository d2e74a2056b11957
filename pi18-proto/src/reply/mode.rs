//! `MOD`: the working mode of a unit.

use crate::{WorkingMode, macros::reply};

reply! {
    /// The working mode, the reply to `MOD`.
    ///
    /// Source: PI18 2017 and 2022, "MOD".
    Mode = "MOD", sample "05" {
        /// Working mode
        working_mode: WorkingMode[2],
    }
}
