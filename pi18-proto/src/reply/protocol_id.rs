//! `PI`: which protocol a device speaks.

use crate::{Count, macros::reply};

reply! {
    /// The protocol, the answer to `PI`: 18 for this one.
    ///
    /// Source: PI18 2017 and 2022, "PI".
    ProtocolId = "PI", sample "18" {
        /// Protocol id
        protocol_id: Count[2],
    }
}

impl ProtocolId {
    /// The protocol of this crate.
    pub const PI18: Self = Self { protocol_id: Count(18) };
}
