//! Energy of a unit: its own counter, and what the bridge integrates.

use serde::Serialize;

/// Energy of a unit, in watt-hours. The totals never fall within one era.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Energy {
    /// Number of the era: it increases when the counter of the unit was reset.
    pub era: u32,
    /// PV energy from the unit's counter (`ET`); `None` while it is not known to which era the last reading belongs.
    pub pv_total: Option<u64>,
    /// PV energy of the present day of the unit's clock, from the unit's counter (`ED`).
    pub pv_today: Option<u64>,
    /// Energy that charged the battery, integrated by the bridge.
    pub battery_charge_total: Option<u64>,
    /// Energy that was taken from the battery, integrated by the bridge.
    pub battery_discharge_total: Option<u64>,
}
