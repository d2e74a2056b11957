//! How the losses of a unit heat its heat sink and its charge controllers, and how a fan cools them.
//!
//! A temperature approaches that of the air plus the losses times a thermal resistance, with a time constant.
//! The resistance is that with a fan, at any temperature; only a locked fan makes it several times as high.
//! A unit that has stopped because of its temperature starts again when it has cooled down, if the flag for it
//! (`FLAG`, over-temperature restart) is set; otherwise after its power switch was off.
//!
//! The heat of circulating currents, and of the electronics that are always on, warms the heat sink, but is not in
//! the energy account ([`losses`](super::losses)): no power of the model supplies it.
//!
//! Resistances, time constants and limits are assumed. They give about the temperatures that were observed.

use std::time::Duration;

use pi18_proto::Switch;

use super::{heat::Heat, panels};
use crate::sim::{unit::Unit, world::World};

/// Returns the temperatures of a unit after `time` with its present powers, in air of `ambient`, °C.
pub(crate) fn after(unit: &Unit, ambient: f64, time: Duration) -> Heat {
    let approach = |from: f64, to: f64, constant: f64| {
        to + (from - to) * (-time.as_secs_f64() / constant).exp()
    };
    let (heat, target) = (unit.heat, at_rest(unit, ambient));
    let mut chargers = heat.chargers;
    for (charger, target) in chargers.iter_mut().zip(target.chargers) {
        *charger = approach(*charger, target, CHARGER_TIME);
    }
    let sink = approach(heat.sink, target.sink, SINK_TIME);
    Heat { sink, chargers, tripped: is_tripped(unit, sink) }
}

/// Returns the temperatures that a unit reaches with its present powers.
pub(crate) fn at_rest(unit: &Unit, ambient: f64) -> Heat {
    let cooling = if unit.switches.state.fan_off { WITHOUT_FAN } else { 1.0 };
    let [first, second] = panels::powers(&unit.strings, unit.flow.mppt_loss)
        .map(|loss| ambient + (CHARGER_IDLE + CHARGER_RISE * loss) * cooling);
    let sink = ambient + SINK_RISE * losses(unit) * cooling;
    Heat { sink, chargers: [first, second - 1.0], tripped: is_tripped(unit, sink) }
}

/// Returns whether a unit with this temperature of its heat sink has fault 02.
fn is_tripped(unit: &Unit, sink: f64) -> bool {
    let restarts = unit.extras.flags.over_temperature_restart == Switch::ON;
    let latched = unit.heat.tripped && !unit.switches.state.power_off;
    sink >= LIMIT || latched && !(restarts && sink < RESTART)
}

/// Returns the power that heats the heat sink, W.
fn losses(unit: &Unit) -> f64 {
    let circulating = unit.circulating * CIRCULATING_LOSS;
    STANDBY_USE + unit.flow.own_use + unit.flow.inverter_loss + circulating
}

/// Sets the temperatures of the units from the index `first` on to those that they have after a long time.
pub(crate) fn start(world: &mut World, first: usize) {
    let ambient = world.ambient();
    for unit in world.units.iter_mut().skip(first) {
        unit.heat = at_rest(unit, ambient);
    }
}

/// Power that the electronics of a unit always use, W.
const STANDBY_USE: f64 = 10.0;

/// Share of the apparent power between units that becomes heat.
const CIRCULATING_LOSS: f64 = 0.03;

/// Thermal resistance of the heat sink with its fan, K/W.
const SINK_RISE: f64 = 0.055;

/// Thermal resistance of a charge controller with the fan, K/W.
const CHARGER_RISE: f64 = 0.42;

/// Rise of a charge controller without power, K.
const CHARGER_IDLE: f64 = 3.0;

/// Ratio of the thermal resistances without and with a fan that turns.
const WITHOUT_FAN: f64 = 3.0;

/// Time constant of the heat sink, s.
const SINK_TIME: f64 = 900.0;

/// Time constant of a charge controller, s.
const CHARGER_TIME: f64 = 600.0;

/// Temperature of the heat sink at which the unit stops with fault 02, °C.
const LIMIT: f64 = 100.0;

/// Temperature of the heat sink below which a stopped unit starts again, °C.
const RESTART: f64 = 70.0;
