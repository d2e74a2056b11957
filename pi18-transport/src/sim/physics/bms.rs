//! The battery management system (BMS), which disconnects the battery from the units to protect its cells.
//!
//! | Condition | Effect | Ends when |
//! |---|---|---|
//! | a cell above 3.65 V | no current into the battery | the battery rests below 3.40 V a cell |
//! | a cell below 2.50 V | no current out of the battery | the battery rests above 2.80 V a cell |
//!
//! The limits are assumed, as is the difference of the highest and the lowest cell from the mean, 0.02 V. The switch `bms` opens or closes both directions instead.
//!
//! If the units can supply more power than they use while no current can flow into the battery, their chargers
//! overshoot: the voltage on their side jumps above the bulk voltage, and the power of the panels is curtailed. If
//! they can supply less, the voltage collapses.

/// Position of the switch `bms`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum BmsSwitch {
    /// The BMS protects the cells.
    #[default]
    Auto,
    /// The battery is disconnected.
    Open,
    /// The battery stays connected.
    Closed,
}

/// State of the BMS.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Bms {
    /// Whether a cell has exceeded its highest voltage.
    over: bool,
    /// Whether a cell has fallen below its lowest voltage.
    under: bool,
}

/// The directions in which a current can flow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Path {
    pub(crate) charge: bool,
    pub(crate) discharge: bool,
}

impl Bms {
    /// Returns the directions in which a current can flow.
    pub(crate) fn path(self, switch: BmsSwitch) -> Path {
        match switch {
            BmsSwitch::Auto => Path { charge: !self.over, discharge: !self.under },
            BmsSwitch::Open => Path { charge: false, discharge: false },
            BmsSwitch::Closed => Path { charge: true, discharge: true },
        }
    }

    /// Returns the next state. Both voltages are those of the battery, V: `volts` with its current, `rest` without.
    pub(crate) fn next(self, volts: f64, rest: f64) -> Self {
        let [cell, rest] = [volts / CELLS, rest / CELLS];
        Self {
            over: cell + SPREAD > HIGHEST || self.over && rest > HIGHEST_RELEASE,
            under: cell - SPREAD < LOWEST || self.under && rest < LOWEST_RELEASE,
        }
    }

    /// Returns a state with the protections of both.
    pub(crate) fn or(self, other: Self) -> Self {
        Self { over: self.over || other.over, under: self.under || other.under }
    }
}

/// Number of cells in series.
const CELLS: f64 = 16.0;

/// Difference of the highest and lowest cell from the mean, V.
const SPREAD: f64 = 0.02;

/// Voltages of a cell at which the BMS opens and closes, V.
const HIGHEST: f64 = 3.65;
const HIGHEST_RELEASE: f64 = 3.40;
const LOWEST: f64 = 2.50;
const LOWEST_RELEASE: f64 = 2.80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn high_cell_stops_charging_until_battery_rests_lower() {
        let mut bms = Bms::default().next(58.3, 55.0);
        assert_eq!(bms.path(BmsSwitch::Auto), Path { charge: false, discharge: true });
        bms = bms.next(55.0, 55.0);
        assert!(!bms.path(BmsSwitch::Auto).charge);
        assert!(bms.path(BmsSwitch::Closed).charge);
        bms = bms.next(54.2, 54.2);
        assert_eq!(bms, Bms::default());
    }

    #[test]
    fn low_cell_stops_discharging_until_battery_rests_higher() {
        let mut bms = Bms::default().next(39.9, 41.0);
        assert_eq!(bms.path(BmsSwitch::Auto), Path { charge: true, discharge: false });
        bms = bms.next(45.0, 44.0);
        assert!(!bms.path(BmsSwitch::Auto).discharge);
        assert_eq!(bms.next(47.0, 45.0), Bms::default());
    }
}
