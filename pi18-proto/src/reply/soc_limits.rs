//! `BSC`: the limits of the state of charge of a TWIN unit.

use crate::{Percent, macros::reply};

reply! {
    /// The limits of the state of charge, the reply to `BSC`.
    ///
    /// Source: PI18 2022, "BSC" (TWIN only); no capture is known.
    SocLimits = "BSC", sample "010,030,080,020" {
        /// Cut-off state of charge
        cutoff: Percent[3],
        /// Re-charge state of charge
        recharge: Percent[3],
        /// Re-discharge state of charge
        redischarge: Percent[3],
        /// Second output cut-off state of charge
        second_output_cutoff: Percent[3],
    }
}
