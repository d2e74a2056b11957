//! The DC cables between the battery and the units: their common voltage, and the current of each unit.
//!
//! Each unit has a cable with a resistance. A unit that charges the battery limits its current so that the voltage
//! at its own terminals does not exceed its target. Near the target the units divide the current that the battery
//! accepts: equally, except that a unit that can supply less leaves the rest to the others.

use super::{battery::Source, bms::Path};

/// A unit, seen from its DC cable. Voltages and currents are those of a 48 V unit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Port {
    /// Power into the battery at the unit's terminals, without the limit of the voltage, W; negative if the unit
    /// discharges the battery.
    pub(crate) power: f64,
    /// Resistance of the unit's cable, ohms.
    pub(crate) resistance: f64,
    /// Voltage to which the unit charges now, V.
    pub(crate) target: f64,
    /// Bulk voltage of the unit, V.
    pub(crate) bulk: f64,
}

/// Voltages and currents on the DC side.
#[derive(Clone, Debug)]
pub(crate) struct Bus {
    /// Voltage at which the cables of the units meet, V.
    pub(crate) volts: f64,
    /// Current from each unit, A; negative into the unit.
    pub(crate) currents: Vec<f64>,
    /// Current into the battery, A.
    pub(crate) current: f64,
}

impl Bus {
    /// Computes voltages and currents. Returns `None` if the units need more power than the battery, or one of
    /// their cables, can supply.
    pub(crate) fn solve(battery: Source, path: Path, ports: &[Port]) -> Option<Self> {
        let sum = |volts| ports.iter().map(|port| port.current(volts)).sum::<f64>();
        let mut volts = battery.volts;
        for _ in 0..ITERATIONS {
            volts = battery.volts + battery.resistance * sum(volts);
            if volts < battery.volts * COLLAPSE
                || ports.iter().any(|port| port.radicand(volts) < 0.0)
            {
                return None;
            }
        }
        let current = sum(volts);
        if current > 0.0 && !path.charge {
            return Some(Self::overshot(ports));
        }
        if current < 0.0 && !path.discharge {
            return None;
        }
        if !path.charge && !path.discharge {
            return Some(Self { volts: 0.0, currents: vec![0.0; ports.len()], current });
        }
        let is_above = |port: &Port| {
            let current = port.current(volts);
            current > 0.0 && volts + current * port.resistance > port.target
        };
        if ports.iter().any(is_above) {
            return Some(Self::limited(battery, ports, volts));
        }
        let currents = ports.iter().map(|port| port.current(volts)).collect();
        Some(Self { volts, currents, current })
    }

    /// Computes the currents with the limits of the voltage. Without them the voltage would be `highest`.
    fn limited(battery: Source, ports: &[Port], highest: f64) -> Self {
        let sum = |volts| ports.iter().map(|port| port.limited(volts)).sum::<f64>();
        let (mut low, mut high) = (battery.volts * COLLAPSE, highest);
        for _ in 0..BISECTIONS {
            let middle = f64::midpoint(low, high);
            if battery.volts + battery.resistance * sum(middle) > middle {
                low = middle;
            } else {
                high = middle;
            }
        }
        let volts = f64::midpoint(low, high);
        let currents = ports.iter().map(|port| port.limited(volts)).collect();
        Self { volts, currents, current: sum(volts) }
    }

    /// Computes the currents if no current can flow into the battery: units that could charge it supply those that
    /// would discharge it.
    fn overshot(ports: &[Port]) -> Self {
        let bulk = ports.iter().map(|port| port.bulk).fold(0.0, f64::max);
        let volts = bulk + OVERSHOOT;
        let currents = || ports.iter().map(|port| port.current(volts));
        let supply: f64 = currents().filter(|current| *current > 0.0).sum();
        let demand: f64 = currents().filter(|current| *current < 0.0).sum();
        let share = if supply > 0.0 { (-demand / supply).min(1.0) } else { 0.0 };
        let currents =
            currents().map(|current| if current > 0.0 { current * share } else { current });
        Self { volts, currents: currents.collect(), current: 0.0 }
    }
}

impl Port {
    /// Returns the current at a voltage, without the limit of the voltage, A.
    fn current(&self, volts: f64) -> f64 {
        // The solution of power = current * (volts + current * resistance).
        let root = self.radicand(volts).max(0.0).sqrt();
        let sum = volts + root;
        if sum > 0.0 { 2.0 * self.power / sum } else { 0.0 }
    }

    /// Returns the radicand of the current at a voltage, V²; negative if the cable cannot carry the power.
    fn radicand(&self, volts: f64) -> f64 {
        volts * volts + 4.0 * self.resistance * self.power
    }

    /// Returns the current at a voltage, with the limit of the voltage, A.
    fn limited(&self, volts: f64) -> f64 {
        let limit = ((self.target - volts) / (self.resistance + DROOP)).max(0.0);
        self.current(volts).min(limit)
    }
}

/// Iterations in which voltage and currents become consistent. Each reduces the error at least tenfold.
const ITERATIONS: u32 = 6;

/// Halvings of the interval that contains the voltage: the error is below a nanovolt.
const BISECTIONS: u32 = 36;

/// Share of the battery's voltage below which it collapses.
const COLLAPSE: f64 = 0.6;

/// Resistance by which the regulators of the chargers divide a current, ohms (assumed).
const DROOP: f64 = 0.001;

/// Voltage by which chargers overshoot the bulk voltage when the battery is disconnected, V (assumed).
const OVERSHOOT: f64 = 1.5;

#[cfg(test)]
mod tests {
    use super::*;

    const CLOSED: Path = Path { charge: true, discharge: true };
    const BATTERY: Source = Source { volts: 55.9, resistance: 0.01 };

    fn port(power: f64) -> Port {
        Port { power, resistance: 0.002, target: 56.4, bulk: 56.4 }
    }

    #[track_caller]
    fn assert_near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "expected {expected}, found {found}");
    }

    #[test]
    fn powers_and_voltages_are_consistent() {
        let ports = [port(1000.0), port(-2500.0), port(0.0)];
        let bus = Bus::solve(BATTERY, CLOSED, &ports).unwrap();
        assert_near(bus.volts, BATTERY.volts + bus.current * BATTERY.resistance);
        for (port, current) in ports.iter().zip(&bus.currents) {
            assert_near(current * (bus.volts + current * port.resistance), port.power);
        }
    }

    #[test]
    fn share_that_one_unit_cannot_use_goes_to_the_others() {
        let bus = Bus::solve(BATTERY, CLOSED, &[port(3000.0); 2]).unwrap();
        assert_near(bus.currents[0], bus.currents[1]);
        let both = bus.current;
        for weak in [0.0, 300.0] {
            let bus = Bus::solve(BATTERY, CLOSED, &[port(3000.0), port(weak)]).unwrap();
            assert!(bus.current > 0.85 * both, "{weak} W: {bus:?}, both {both} A");
            assert!(bus.currents[0] > 1.5 * bus.currents[1]);
            assert!(bus.volts + bus.currents[0] * 0.002 <= 56.4 + 1e-6);
        }
        let low = Port { target: 54.0, ..port(3000.0) };
        let bus = Bus::solve(BATTERY, CLOSED, &[port(3000.0), low]).unwrap();
        assert_near(bus.currents[1], 0.0);
    }

    #[test]
    fn open_battery_lets_chargers_overshoot_or_voltage_collapse() {
        let open = Path { charge: false, discharge: false };
        let bus = Bus::solve(BATTERY, open, &[port(1000.0), port(-400.0)]).unwrap();
        assert_near(bus.volts, 57.9);
        assert_near(bus.current, 0.0);
        assert_near(bus.currents.iter().sum(), 0.0);
        assert!(Bus::solve(BATTERY, open, &[port(100.0), port(-400.0)]).is_none());
        assert_near(Bus::solve(BATTERY, open, &[port(0.0)]).unwrap().volts, 0.0);
    }

    #[test]
    fn cable_with_a_large_resistance_cannot_carry_the_power() {
        let thin = Port { resistance: 0.2, ..port(-5000.0) };
        let strong = Source { volts: 53.0, resistance: 0.0 };
        assert!(Bus::solve(strong, CLOSED, &[thin]).is_none());
        assert!(Bus::solve(strong, CLOSED, &[Port { power: -3000.0, ..thin }]).is_some());
    }

    #[test]
    fn weak_battery_collapses_under_a_large_load() {
        let weak = Source { volts: 51.0, resistance: 1.0 };
        assert!(Bus::solve(weak, CLOSED, &[port(-5000.0)]).is_none());
    }
}
