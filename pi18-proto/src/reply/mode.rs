//! `MOD`: the working mode of a unit.

use crate::{WorkingMode, macros::reply};

reply! {
    /// The working mode, the reply to `MOD`.
    ///
    /// ```
    /// use pi18_proto::{Mode, Reply, WorkingMode};
    ///
    /// assert_eq!(Mode::decode(b"05")?.working_mode, WorkingMode::HYBRID);
    /// // A number without a known name is not an error.
    /// assert_eq!(Mode::decode(b"09")?.working_mode.to_string(), "code 9");
    /// # Ok::<(), pi18_proto::DecodeError>(())
    /// ```
    ///
    /// Source: PI18 2017 and 2022, "MOD".
    Mode = "MOD", sample "05", new(working_mode: WorkingMode) {
        /// Working mode
        working_mode: WorkingMode[2],
    }
}
