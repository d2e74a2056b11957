//! `ET`, `EY`, `EM`, `ED`: generated energy.
//!
//! The four replies are the same bytes; only the request tells them apart. The 2017 edition says
//! kWh for the first three, the 2022 edition Wh for all; every capture only makes sense in Wh.

use crate::{WattHours, macros::reply};

reply! {
    /// Energy generated so far, the answer to `ET`.
    ///
    /// Source: PI18 2022, "ET".
    TotalEnergy = "ET", sample "00006591" {
        /// Energy generated in all
        energy: WattHours[8],
    }
}

reply! {
    /// Energy generated in a year, the answer to `EY`.
    ///
    /// Source: PI18 2022, "EY".
    YearEnergy = "EY", sample "05580051" {
        /// Energy generated in the year
        energy: WattHours[8],
    }
}

reply! {
    /// Energy generated in a month, the answer to `EM`.
    ///
    /// Source: PI18 2022, "EM".
    MonthEnergy = "EM", sample "00238000" {
        /// Energy generated in the month
        energy: WattHours[8],
    }
}

reply! {
    /// Energy generated in a day, the answer to `ED`; eight digits, though both editions draw six.
    ///
    /// Source: PI18 2022, "ED"; captures of several units.
    DayEnergy = "ED", sample "00003537" {
        /// Energy generated in the day
        energy: WattHours[8],
    }
}
