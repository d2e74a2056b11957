//! `PI`: the protocol of a device.

use crate::{Count, macros::reply};

reply! {
    /// The number of the device's protocol, the reply to `PI`: 18 for PI18.
    ///
    /// Source: PI18 2017 and 2022, "PI".
    ProtocolId = "PI", sample "18", new(protocol_id: Count) {
        /// Protocol id
        protocol_id: Count[2],
    }
}

impl ProtocolId {
    /// The protocol that this crate implements.
    pub const PI18: Self = Self::new(Count(18));
}
