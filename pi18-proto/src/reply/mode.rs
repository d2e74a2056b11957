//! `MOD`: what a unit is doing.

use crate::{WorkingMode, macros::reply};

reply! {
    /// The working mode, the answer to `MOD`.
    ///
    /// Source: PI18 2017 and 2022, "MOD".
    Mode = "MOD", sample "05" {
        /// Working mode
        working_mode: WorkingMode[2],
    }
}
