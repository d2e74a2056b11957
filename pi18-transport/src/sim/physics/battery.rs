//! The battery that all units share, as one pack of 16 LFP cells.
//!
//! Its voltage is the rest voltage of the cells, which depends on the state of charge, plus or minus the
//! voltage across one resistance. The model has no hysteresis, no temperature and no losses of charge.

/// A battery of 16 LFP cells in series. Units rated below 48 V measure a fixed share of its voltage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Battery {
    /// Capacity, Ah.
    capacity: f64,
    /// Remaining charge, Ah.
    charge: f64,
}

impl Battery {
    /// Creates a battery: capacity in Ah, state of charge from 0 to 1.
    pub(crate) fn new(capacity: f64, soc: f64) -> Self {
        Self { capacity, charge: capacity * soc }
    }

    /// Returns the state of charge, 0 to 1.
    pub(crate) fn soc(self) -> f64 {
        self.charge / self.capacity
    }

    /// Returns the capacity, Ah.
    pub(crate) fn capacity(self) -> f64 {
        self.capacity
    }

    /// Sets the state of charge, 0 to 1.
    pub(crate) fn set_soc(&mut self, soc: f64) {
        self.charge = self.capacity * soc;
    }

    /// Sets the capacity, Ah, and keeps the state of charge.
    pub(crate) fn set_capacity(&mut self, capacity: f64) {
        *self = Self::new(capacity, self.soc());
    }

    /// Returns the rest voltage, which is the voltage without current, V.
    pub(crate) fn rest_voltage(self) -> f64 {
        let soc = self.soc();
        let mut pairs = CELL.iter().zip(CELL.iter().skip(1));
        let cell = pairs.rfind(|((low, _), _)| *low <= soc).map_or(0.0, |(low, high)| {
            let share = (soc - low.0) / (high.0 - low.0);
            low.1 + (high.1 - low.1) * share
        });
        cell * CELLS
    }

    /// Returns the voltage, V, while a power, W, charges the battery. A negative power discharges it.
    pub(crate) fn voltage(self, power: f64) -> f64 {
        let rest = self.rest_voltage();
        // The solution of v = rest + R i with i = power / v.
        let root = (rest * rest + 4.0 * self.resistance() * power).max(0.0).sqrt();
        f64::midpoint(rest, root)
    }

    /// Returns the current that raises the battery to a voltage, A; 0 if the rest voltage is higher.
    pub(crate) fn current_to(self, voltage: f64) -> f64 {
        ((voltage - self.rest_voltage()) / self.resistance()).max(0.0)
    }

    /// Returns the resistance of cells and cables, ohms. It falls with the capacity, as in parallel packs.
    fn resistance(self) -> f64 {
        RESISTANCE / self.capacity
    }

    /// Charges the battery with a power, W, for a time, hours. A negative power discharges it.
    pub(crate) fn flow(&mut self, power: f64, hours: f64) {
        let charge = self.charge + power / self.voltage(power) * hours;
        self.charge = charge.clamp(0.0, self.capacity);
    }
}

/// Number of cells in series.
const CELLS: f64 = 16.0;

/// Resistance of cells and cables times capacity, ohm Ah: 0.01 ohm at 300 Ah.
const RESISTANCE: f64 = 3.0;

/// Rest voltage of a cell, V, by state of charge, 0 to 1. It is almost constant in between, as with LFP.
const CELL: [(f64, f64); 10] = [
    (0.0, 2.80),
    (0.05, 3.05),
    (0.10, 3.18),
    (0.20, 3.24),
    (0.40, 3.285),
    (0.60, 3.31),
    (0.80, 3.335),
    (0.95, 3.36),
    (0.98, 3.40),
    (1.0, 3.525),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rest_voltage_rises_with_state_of_charge() {
        let volts = |soc: i32| Battery::new(300.0, f64::from(soc) / 100.0).rest_voltage();
        for soc in 0..100 {
            assert!(volts(soc) < volts(soc + 1), "{soc} %");
        }
        assert!((51.0..54.0).contains(&volts(50)));
    }

    #[test]
    fn current_changes_voltage_by_resistance() {
        let battery = Battery::new(300.0, 0.8);
        let rest = battery.rest_voltage();
        let charging = battery.voltage(5000.0);
        assert!((charging - rest - 0.01 * 5000.0 / charging).abs() < 1e-9);
        assert!(battery.voltage(-5000.0) < rest);
        let amperes = battery.current_to(charging);
        assert!((amperes - 5000.0 / charging).abs() < 1e-6);
    }
}
