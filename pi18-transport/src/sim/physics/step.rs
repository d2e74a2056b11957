//! The simulation of the bank in steps: modes, powers, battery, energy.
//!
//! Modes and powers are constant during a step, so that results do not depend on when a host asks.
//!
//! The mode of a healthy unit follows from sun, grid and battery:
//!
//! | Condition | Mode |
//! |---|---|
//! | output off or battery empty, with sun | charge |
//! | output off or battery empty, without sun | standby |
//! | grid, and one of: sun; utility before battery; reserved battery | hybrid |
//! | otherwise | battery |
//!
//! A battery that has fallen to the re-charge voltage is reserved until it reaches the re-discharge voltage.
//!
//! A unit charges to the bulk voltage until the current falls below a limit, then holds the float voltage.

use std::time::Duration;

use pi18_proto::{LoadConnection, OutputPriority, WorkingMode};

use super::{
    battery::Battery,
    day,
    flow::{DARK, Flow, FlowInput, feeds_load},
};
use crate::sim::{
    calendar,
    unit::{Stage, Unit, extras::Window},
    world::World,
};

/// Length of a step, during which modes and powers are constant.
const STEP: Duration = Duration::from_secs(10);

/// Advances the world to `now`, step by step. In a frozen world, only `now` changes.
pub(crate) fn advance(world: &mut World, now: Duration) {
    let time = now.saturating_sub(world.now);
    world.now = world.now.max(now);
    if world.switches.frozen.unwrap_or(false) {
        return;
    }
    world.running += time;
    while world.stepped + STEP <= world.running {
        step(world);
    }
}

/// Applies the present powers for one step, then computes the new ones.
fn step(world: &mut World) {
    let hours = STEP.as_secs_f64() / 3600.0;
    let at = calendar::later(world.start, world.stepped);
    for unit in &mut world.units {
        let date = calendar::shifted(at, unit.clock_offset).date();
        unit.energy.add(date, unit.flow.pv * hours);
    }
    let power = world.units.iter().map(|unit| unit.flow.battery).sum();
    world.battery.flow(power, hours);
    world.stepped += STEP;
    let (grid, battery) = (world.has_grid(), world.battery);
    for unit in &mut world.units {
        unit.stage = next_stage(unit, battery, grid);
    }
    settle(world);
}

/// Computes the modes and powers that follow from the present state.
pub(crate) fn settle(world: &mut World) {
    let at = calendar::later(world.start, world.stepped);
    let [cloud, appliance] = gusts(world);
    let sun = day::sun(at) * world.switches.sun.unwrap_or(1.0) * (1.0 - cloud);
    let grid = world.has_grid();
    for unit in &mut world.units {
        unit.pv_available = sun * day::panel_factor(unit.index) * day::PV_PEAK.iter().sum::<f64>();
        unit.mode = mode(unit, grid);
    }
    let count = |matches: fn(WorkingMode) -> bool| {
        let count = world.units.iter().filter(|unit| matches(unit.mode)).count();
        f64::from(u32::try_from(count).unwrap_or_default().max(1))
    };
    let house = world.switches.load.unwrap_or_else(|| day::load(at)) * (1.0 - appliance);
    let load = house / count(feeds_load);
    let chargers = count(|mode| feeds_load(mode) || mode == WorkingMode::CHARGE);

    // Currents and voltage depend on each other. Two iterations are accurate enough.
    let mut volts = world.battery.rest_voltage();
    for _ in 0..2 {
        for unit in &mut world.units {
            let scale = unit.switches.state.rated.scale();
            let local = calendar::time_of_day(calendar::shifted(at, unit.clock_offset));
            let allows = |window: Window| grid && window.contains(local);
            unit.flow = Flow::compute(&FlowInput {
                mode: unit.mode,
                settings: unit.settings,
                pv: unit.pv_available,
                load,
                grid_for_load: allows(unit.extras.ac_load),
                grid_for_battery: allows(unit.extras.ac_charge),
                grid,
                reserved: unit.stage.reserved,
                volts: volts * scale,
                charge_limit: charge_limit(unit, world.battery, chargers),
            });
        }
        volts = world.battery.voltage(world.units.iter().map(|unit| unit.flow.battery).sum());
    }
    for unit in &mut world.units {
        unit.volts = volts * unit.switches.state.rated.scale();
    }
}

/// Returns the shares, 0 to 1, by which clouds reduce the sun and appliances the load in this step.
///
/// They depend on the seed and the step only, not on other random numbers.
fn gusts(world: &World) -> [f64; 2] {
    let max = world.switches.gusts.unwrap_or_default();
    let seed = world.switches.seed.unwrap_or_default().wrapping_mul(SECONDS_PER_SEED);
    let mut random = fastrand::Rng::with_seed(seed.wrapping_add(world.stepped.as_secs()));
    [random.f64() * max, random.f64() * max]
}

/// Returns the current that a unit may charge the battery with, A: the maximum charge current, or its
/// share of the current that brings the battery to the target voltage, whichever is less.
fn charge_limit(unit: &Unit, battery: Battery, chargers: f64) -> f64 {
    let scale = unit.switches.state.rated.scale();
    let target = if unit.stage.floating { unit.settings.float } else { unit.settings.bulk };
    let by_voltage = battery.current_to(target.in_unit() / scale) / scale / chargers;
    by_voltage.min(unit.settings.max_charge_current.0.into())
}

/// Returns the mode of a unit. A fault overrides the switch `mode`, which overrides the conditions in the
/// [module documentation](self).
fn mode(unit: &Unit, grid: bool) -> WorkingMode {
    let sunny = unit.pv_available >= DARK;
    let utility_first = unit.settings.output_priority == OutputPriority::SOLAR_UTILITY_BATTERY;
    if unit.fault().is_fault() {
        WorkingMode::FAULT
    } else if let Some(pinned) = unit.switches.state.mode {
        pinned
    } else if unit.stage.empty || unit.load == LoadConnection::DISCONNECTED {
        if sunny { WorkingMode::CHARGE } else { WorkingMode::STANDBY }
    } else if grid && (sunny || utility_first || unit.stage.reserved) {
        WorkingMode::HYBRID
    } else {
        WorkingMode::BATTERY
    }
}

/// Returns the unit's charging stage after a step.
fn next_stage(unit: &Unit, battery: Battery, grid: bool) -> Stage {
    let scale = unit.switches.state.rated.scale();
    let (stage, settings) = (unit.stage, &unit.settings);
    let [bulk, float, recharge, redischarge, cutoff] =
        [settings.bulk, settings.float, settings.recharge, settings.redischarge, settings.cutoff]
            .map(|voltage| voltage.in_unit() / scale);
    let volts = unit.volts / scale;
    let full = battery.current_to(bulk) < battery.capacity() * TAIL;
    let released = if redischarge > 0.0 { volts >= redischarge } else { full };
    Stage {
        floating: full || stage.floating && battery.rest_voltage() > float - FLOAT_HYSTERESIS,
        reserved: volts <= recharge || stage.reserved && !released,
        empty: !grid && (volts <= cutoff || stage.empty && volts < cutoff + CUTOFF_HYSTERESIS),
    }
}

/// Distance between the random numbers of two seeds, in seconds: longer than any run, so that they do not
/// overlap.
const SECONDS_PER_SEED: u64 = 1 << 40;

/// Charge current at the bulk voltage below which the battery is full, A per Ah.
const TAIL: f64 = 0.02;

/// Distance below the float voltage at which bulk charging starts again, V (assumed).
const FLOAT_HYSTERESIS: f64 = 0.8;

/// Distance above the cut-off voltage at which the output is switched on again, V (assumed).
const CUTOFF_HYSTERESIS: f64 = 2.0;
