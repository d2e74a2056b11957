//! The state of charge that each unit estimates.
//!
//! A unit has no data from the battery. It counts the charge, with the error of its current sensor, and corrects
//! the count when the voltage shows that the battery is full: it has then charged to the bulk voltage, and holds
//! the float voltage. The error is the same share of charge and discharge: the estimates of two units therefore
//! differ the more, the further the battery is from its last full charge (assumed).

use crate::sim::{unit::Unit, world::World};

/// Counts a change of the true state of charge, 0 to 1, in all units.
pub(crate) fn count(world: &mut World, change: f64) {
    for unit in &mut world.units {
        let counted = unit.estimate + change * (1.0 + sensor_error(unit.index));
        let is_full = unit.stage.floating && change >= 0.0 && holds_float(unit);
        unit.estimate = if is_full { counted.max(FULL) } else { counted }.clamp(0.0, 1.0);
    }
}

/// Returns the state of charge that a unit shows, 0 to 1.
pub(crate) fn shown(unit: &Unit) -> f64 {
    (unit.estimate + unit.switches.state.soc_error).clamp(0.0, 1.0)
}

/// Returns whether a unit measures its float voltage.
fn holds_float(unit: &Unit) -> bool {
    unit.measured_volts() >= unit.settings.float.in_unit() - AT_FLOAT
}

/// Returns the error of a unit's current sensor, as a share.
fn sensor_error(unit: usize) -> f64 {
    [0.01, -0.02, 0.02, -0.01].get(unit % 4).copied().unwrap_or_default()
}

/// Least estimate of a unit that holds the float voltage, 0 to 1.
const FULL: f64 = 0.95;

/// Distance below the float voltage within which it counts as held, V.
const AT_FLOAT: f64 = 0.1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimate_is_corrected_only_at_the_float_voltage() {
        let mut world = World::new(1, vec!["soc=60".parse().unwrap()]).unwrap();
        let estimate = |world: &mut World, volts| {
            for unit in &mut world.units {
                (unit.stage.floating, unit.volts) = (true, volts);
            }
            count(world, 0.001);
            world.units.first().unwrap().estimate
        };
        assert!(estimate(&mut world, 53.5) < 0.61);
        assert!(estimate(&mut world, 54.0) >= FULL);
    }
}
