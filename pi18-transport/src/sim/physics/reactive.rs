//! Apparent power: the power factor of the house, and currents that circulate between units.
//!
//! The base load of a house (standby devices, a refrigerator) has a worse power factor than its large
//! consumers, most of which are heaters. The power factor of the whole house therefore rises with the load.
//!
//! Currents that circulate between units cause apparent power without active power. What flows out of one unit
//! flows into the others in equal shares.

use super::flow::feeds_load;
use crate::sim::{round::count, unit::Unit};

/// Computes the reactive power of each unit, which supplies the active power of its flow. `power_factor` is
/// that of the house; `None` if it follows the load.
pub(crate) fn settle(units: &mut [Unit], power_factor: Option<f64>) {
    let runs = |unit: &Unit| feeds_load(unit.mode);
    let circulating = |unit: &Unit| if runs(unit) { unit.switches.state.circulating } else { 0.0 };
    let house: f64 = units.iter().map(|unit| unit.flow.output).sum();
    let others = count(units.iter().filter(|unit| runs(unit)).count()) - 1.0;
    let all: f64 = units.iter().map(circulating).sum();
    let factor = power_factor.unwrap_or_else(|| of_house(house));
    let per_watt = (1.0 - factor * factor).max(0.0).sqrt() / factor;
    for unit in units {
        let own = circulating(unit);
        let between = if runs(unit) && others > 0.0 { own.max((all - own) / others) } else { 0.0 };
        unit.circulating = between;
        unit.reactive = unit.flow.output * per_watt + between;
    }
}

/// Returns the power factor of a house that uses `power`, W.
fn of_house(power: f64) -> f64 {
    let base = power.min(BASE_LOAD);
    let reactive = base * BASE_REACTIVE + (power - base) * OTHER_REACTIVE;
    if power > 0.0 { power / power.hypot(reactive) } else { 1.0 }
}

/// Power of the base load, W (assumed).
const BASE_LOAD: f64 = 300.0;

/// Reactive power per watt of the base load, for a power factor of 0.85 (assumed).
const BASE_REACTIVE: f64 = 0.62;

/// Reactive power per watt of the other loads, for a power factor of 0.97 (assumed).
const OTHER_REACTIVE: f64 = 0.25;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_factor_of_the_house_rises_with_the_load() {
        let factors = [100.0, 450.0, 1500.0, 6000.0].map(of_house);
        assert!(factors.is_sorted(), "{factors:?}");
        assert!((0.84..0.86).contains(&factors[0]), "{factors:?}");
        assert!((0.96..0.97).contains(&factors[3]), "{factors:?}");
    }
}
