//! `ET`, `EY`, `EM`, `ED`: generated energy.
//!
//! The four replies have the same form and can only be distinguished by their queries. The 2017
//! edition gives kWh as the unit of the first three, the 2022 edition Wh for all four. The values of
//! all captures are plausible in Wh only.

use crate::{WattHours, macros::reply};

reply! {
    /// The total energy generated, the reply to `ET`.
    ///
    /// Source: PI18 2022, "ET".
    TotalEnergy = "ET", sample "00006591", new(energy: WattHours) {
        /// Total energy generated
        energy: WattHours[8],
    }
}

reply! {
    /// The energy generated in a year, the reply to `EY`.
    ///
    /// Source: PI18 2022, "EY".
    YearEnergy = "EY", sample "05580051", new(energy: WattHours) {
        /// Energy generated in the year
        energy: WattHours[8],
    }
}

reply! {
    /// The energy generated in a month, the reply to `EM`.
    ///
    /// Source: PI18 2022, "EM".
    MonthEnergy = "EM", sample "00238000", new(energy: WattHours) {
        /// Energy generated in the month
        energy: WattHours[8],
    }
}

reply! {
    /// The energy generated on a day, the reply to `ED`. It has eight digits, although both editions
    /// show six.
    ///
    /// Source: PI18 2022, "ED"; captures of several units.
    DayEnergy = "ED", sample "00003537", new(energy: WattHours) {
        /// Energy generated on the day
        energy: WattHours[8],
    }
}
