//! The battery that all units share, as one pack of 16 LFP cells.
//!
//! Its voltage is the sum of three parts:
//!
//! - The open-circuit voltage, which depends on the state of charge. Source: pseudo-open-circuit voltage of an
//!   LFP cell (Lithium Werks APR18650M1B, C/32) in Sunil, Pattipati and Balasingam, "Piecewise Linear
//!   Approximation of Battery Open-Circuit Voltage Characteristics Using Dynamic Programming", IEEE
//!   Transactions on Instrumentation and Measurement, 2025. 0 % is 2.5 V a cell; 100 % is 3.40 V, to which a
//!   full cell relaxes in published charts of resting voltages. Above 100 % the voltage rises steeply (assumed).
//! - The voltage across a resistance, which follows the current at once: 0.01 ohm at 300 Ah (assumed).
//! - The polarization, which follows the current within ten minutes. It is small, except that it rises steeply
//!   above 95 % while the battery is charged: a nearly full battery accepts less and less current at a constant
//!   voltage (assumed).
//!
//! Of the charge that flows into the battery, 0.5 % is lost (assumed: the coulombic efficiency of LFP cells is
//! above 99 %). The model has no hysteresis, temperature, ageing or self-discharge.

/// A battery of 16 LFP cells in series. Units rated below 48 V measure a fixed share of its voltage.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Battery {
    /// Capacity, Ah.
    capacity: f64,
    /// Remaining charge, Ah. It can exceed the capacity slightly.
    charge: f64,
    /// Voltage of the polarization, V; `None` until the first current, which has then flowed for long.
    polarization: Option<f64>,
    /// Whether that first current charges the battery.
    starts_charging: bool,
}

/// A voltage source with a resistance in series, to which a battery is equivalent at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source {
    /// Voltage without a change of the current, V.
    pub(crate) volts: f64,
    /// Resistance, ohms.
    pub(crate) resistance: f64,
}

/// Energy that a battery loses as heat, Wh.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BatteryLoss {
    /// In the resistance, and by polarization.
    pub(crate) resistance: f64,
    /// By charge that is not stored.
    pub(crate) charge: f64,
}

impl Battery {
    /// Creates a battery: capacity in Ah, state of charge from 0 to 1.
    pub(crate) fn new(capacity: f64, soc: f64) -> Self {
        Self { capacity, charge: capacity * soc, polarization: None, starts_charging: false }
    }

    /// Returns the state of charge, 0 to 1.
    pub(crate) fn soc(self) -> f64 {
        self.fill().clamp(0.0, 1.0)
    }

    /// Replaces the capacity, Ah, and the state of charge, 0 to 1. A value that is `None` is kept.
    pub(crate) fn replace(&mut self, capacity: Option<f64>, soc: Option<f64>) {
        if capacity.is_some() || soc.is_some() {
            *self = Self::new(capacity.unwrap_or(self.capacity), soc.unwrap_or(self.fill()));
        }
    }

    /// Returns the open-circuit voltage, V.
    pub(crate) fn rest_voltage(self) -> f64 {
        rest_voltage_at(self.fill())
    }

    /// Returns the energy that the battery releases until it is empty, without losses, Wh.
    #[cfg(test)]
    pub(crate) fn energy(self) -> f64 {
        let fill = self.fill();
        let parts = CELL.windows(2).map(|pair| {
            let [low, high] = pair else { return 0.0 };
            let (start, end) = (low.0.min(fill), high.0.min(fill));
            let middle = interpolate(&CELL, f64::midpoint(start, end));
            middle * (end - start)
        });
        parts.sum::<f64>() * CELLS * self.capacity
    }

    /// Returns whether the battery can take more charge.
    pub(crate) fn can_charge(self) -> bool {
        self.charge < FULL * self.capacity
    }

    /// Returns whether the battery can release more charge.
    pub(crate) fn can_discharge(self) -> bool {
        self.charge > EMPTY * self.capacity
    }

    /// Returns the source to which the battery is equivalent now.
    pub(crate) fn source(self) -> Source {
        let [ohmic, polarization] = self.resistances(self.starts_charging);
        match self.polarization {
            Some(volts) => Source { volts: self.rest_voltage() + volts, resistance: ohmic },
            None => Source { volts: self.rest_voltage(), resistance: ohmic + polarization },
        }
    }

    /// States whether the first current charges the battery. Returns whether this changes the source.
    pub(crate) fn expect_charging(&mut self, charges: bool) -> bool {
        let is_new = self.polarization.is_none() && self.starts_charging != charges;
        self.starts_charging = charges;
        is_new
    }

    /// Starts the polarization, unless it has started, as if a current had flowed for long. The current, A, is
    /// positive while it charges the battery.
    pub(crate) fn start_polarization(&mut self, current: f64) {
        let [_, resistance] = self.resistances(current > 0.0);
        self.polarization.get_or_insert(current * resistance);
    }

    /// Charges the battery with a current, A, for a time, hours, and returns the energy that is lost. A negative
    /// current discharges it.
    pub(crate) fn flow(&mut self, current: f64, hours: f64) -> BatteryLoss {
        let [ohmic, polarizing] = self.resistances(current > 0.0);
        let rest = self.rest_voltage();
        let polarization = self.polarization.unwrap_or(current * polarizing);
        let unstored = if current > 0.0 { current * CHARGE_LOSS } else { 0.0 };
        let charge = self.charge + (current - unstored) * hours;
        self.charge = charge.clamp(EMPTY * self.capacity, FULL * self.capacity);
        let target = current * polarizing;
        let kept = (-hours / POLARIZATION_HOURS).exp();
        self.polarization = Some(target + (polarization - target) * kept);
        BatteryLoss {
            resistance: current * (current * ohmic + polarization) * hours,
            charge: unstored * rest * hours,
        }
    }

    /// Returns the charge as a share of the capacity, which can exceed 1 slightly.
    fn fill(self) -> f64 {
        self.charge / self.capacity
    }

    /// Returns the resistance of cells and cables, and the one that limits the polarization, ohms. Both fall with
    /// the capacity, as in parallel packs. The second one rises at the full end only if the current `charges`.
    fn resistances(self, charges: bool) -> [f64; 2] {
        let ohmic = RESISTANCE / self.capacity;
        let fill = if charges { self.fill() } else { self.fill().min(NEARLY_FULL) };
        [ohmic, ohmic * interpolate(&POLARIZATION, fill)]
    }
}

/// Returns the open-circuit voltage, V, of a battery with this state of charge, which can exceed 1 slightly.
pub(crate) fn rest_voltage_at(fill: f64) -> f64 {
    interpolate(&CELL, fill) * CELLS
}

/// Returns the value at `x` of a curve, which is a list of points with increasing `x`. Outside the list, the value
/// is that of the nearest point.
fn interpolate(curve: &[(f64, f64)], x: f64) -> f64 {
    let mut pairs = curve.iter().zip(curve.iter().skip(1));
    let first = curve.first().map_or(0.0, |point| point.1);
    pairs.rfind(|((low, _), _)| *low <= x).map_or(first, |(low, high)| {
        let share = ((x - low.0) / (high.0 - low.0)).min(1.0);
        low.1 + (high.1 - low.1) * share
    })
}

/// Number of cells in series.
const CELLS: f64 = 16.0;

/// Resistance of cells and cables times capacity, ohm Ah: 0.01 ohm at 300 Ah.
const RESISTANCE: f64 = 3.0;

/// Share of the charge that flows into the battery and is not stored.
const CHARGE_LOSS: f64 = 0.005;

/// Time in which the polarization decays to 37 % without current, hours.
const POLARIZATION_HOURS: f64 = 1.0 / 12.0;

/// Lowest and highest charge of the model, as a share of the capacity. Cut-off and BMS keep the battery within.
const EMPTY: f64 = -0.01;
const FULL: f64 = 1.05;

/// Open-circuit voltage of a cell, V, by charge as a share of the capacity.
const CELL: [(f64, f64); 11] = [
    (-0.01, 2.00),
    (0.0, 2.50),
    (0.0117, 2.7405),
    (0.0267, 2.9299),
    (0.0534, 3.0872),
    (0.0885, 3.1942),
    (0.2972, 3.2772),
    (0.9833, 3.3511),
    (1.0, 3.40),
    (1.01, 3.50),
    (1.05, 4.20),
];

/// Charge from which a current into the battery meets a rising resistance, as a share of the capacity.
const NEARLY_FULL: f64 = 0.93;

/// Resistance that limits the polarization, as a multiple of the other resistance, by charge.
const POLARIZATION: [(f64, f64); 8] = [
    (0.0, 2.0),
    (0.1, 0.3),
    (NEARLY_FULL, 0.3),
    (0.96, 2.0),
    (0.98, 5.0),
    (1.0, 16.0),
    (1.01, 40.0),
    (1.05, 60.0),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_near(found: f64, expected: f64, tolerance: f64) {
        assert!((found - expected).abs() <= tolerance, "expected {expected}, found {found}");
    }

    #[test]
    fn rest_voltage_rises_with_state_of_charge() {
        let volts = |soc: i32| Battery::new(300.0, f64::from(soc) / 100.0).rest_voltage();
        for soc in 0..104 {
            assert!(volts(soc) < volts(soc + 1), "{soc} %");
        }
        assert_near(volts(0), 40.0, 1e-9);
        assert!((51.0..54.0).contains(&volts(50)));
        assert_near(volts(100), 54.4, 1e-9);
    }

    #[test]
    fn current_changes_voltage_at_once_and_polarization_follows() {
        let mut battery = Battery::new(300.0, 0.5);
        battery.start_polarization(0.0);
        let source = battery.source();
        assert_near(source.volts, battery.rest_voltage(), 1e-9);
        assert_near(source.resistance, 0.01, 1e-9);
        for _ in 0..360 {
            battery.flow(30.0, 10.0 / 3600.0);
        }
        let polarization = battery.source().volts - battery.rest_voltage();
        assert_near(polarization, 30.0 * 0.003, 0.005);
        // After a long current the model without a start is equivalent.
        let fresh = Battery::new(300.0, battery.soc()).source();
        let now = battery.source();
        assert_near(
            fresh.volts + 30.0 * fresh.resistance,
            now.volts + 30.0 * now.resistance,
            0.005,
        );
    }

    #[test]
    fn nearly_full_battery_accepts_less_current() {
        let accepted = |soc| {
            let mut battery = Battery::new(300.0, soc);
            battery.expect_charging(true);
            let source = battery.source();
            (56.4 - source.volts) / source.resistance
        };
        assert!(accepted(0.90) > 120.0);
        assert!((20.0..60.0).contains(&accepted(0.98)), "{}", accepted(0.98));
        assert!(accepted(1.0) < 12.0, "{}", accepted(1.0));
    }

    #[test]
    fn nearly_full_battery_supplies_a_load_as_any_other() {
        for soc in [0.95, 0.98, 1.0] {
            let mut battery = Battery::new(300.0, soc);
            assert!(battery.source().resistance < 0.014, "{soc}: {:?}", battery.source());
            battery.start_polarization(-50.0);
            for _ in 0..60 {
                let source = battery.source();
                let volts = source.volts - 50.0 * source.resistance;
                assert!(volts > 51.0, "{soc}: {volts} V");
                battery.flow(-50.0, 10.0 / 3600.0);
            }
        }
    }

    #[test]
    fn battery_at_an_end_takes_or_gives_no_more_charge() {
        let mut battery = Battery::new(10.0, 0.5);
        assert!(battery.can_charge() && battery.can_discharge());
        battery.flow(20.0, 1.0);
        assert!(!battery.can_charge() && battery.can_discharge());
        battery.flow(-20.0, 1.0);
        assert!(battery.can_charge() && !battery.can_discharge());
    }

    #[test]
    fn stored_energy_is_the_energy_that_flows_without_losses() {
        let mut battery = Battery::new(200.0, 0.02);
        let (start, mut energy) = (battery.energy(), 0.0);
        for _ in 0..36_000 {
            let rest = battery.rest_voltage();
            let source = battery.source();
            let volts = source.volts + 20.0 * source.resistance;
            let loss = battery.flow(20.0, 1.0 / 3600.0);
            energy += 20.0 * volts / 3600.0 - loss.resistance - loss.charge;
            assert!(loss.resistance > 0.0 && rest < volts);
        }
        assert_near(battery.energy() - start, energy, 0.5);
        assert!(battery.soc() > 0.99);
    }
}
