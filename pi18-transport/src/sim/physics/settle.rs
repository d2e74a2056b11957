//! The modes and powers of all units at one moment.
//!
//! The mode of a healthy unit follows from sun, grid and battery:
//!
//! | Condition | Mode |
//! |---|---|
//! | output off, with sun for the battery | charge |
//! | output off, without it | standby |
//! | grid for the load, but neither battery nor sun; or the grid supplies an overload | bypass |
//! | neither grid for the load nor battery nor sun | standby |
//! | grid, and one of: sun; utility before battery; reserved battery | hybrid |
//! | otherwise | battery |
//!
//! The output is off if it was switched off, or if a [protection](super::protection) has switched it off.
//!
//! A unit whose power switch is off is in standby: it neither supplies the house nor charges the battery, while its
//! electronics still answer, as long as battery, sun or grid supply them (assumed; according to manuals, some
//! models still charge). The other units go on.
//!
//! A unit whose battery cable is disconnected (switch `battery`) supplies the house with the sun, and with the grid
//! where the sun is not enough (assumed). Sun that does not cover what the unit uses itself does not count.

use std::time::Duration;

use jiff::civil;
use pi18_proto::{LoadConnection, OutputPriority, WorkingMode};

use super::{
    bms::Path,
    bus::{Bus, Port},
    day,
    flow::{DARK, Flow, FlowInput, Inverter, feeds_load},
    panels, parallel, reactive,
    share::{self, Supplier},
};
use crate::sim::{
    calendar,
    unit::{Unit, extras::Window},
    world::World,
};

/// Computes the modes and powers that follow from the present state.
pub(crate) fn settle(world: &mut World) {
    parallel::spread_faults(world);
    let at = calendar::later(world.start, world.stepped);
    let [cloud, appliance] = gusts(world);
    let sun = day::sun(at) * world.switches.sun.unwrap_or(1.0) * (1.0 - cloud);
    let (grid, path, ambient) = (world.has_grid(), world.path(), world.ambient());
    for unit in &mut world.units {
        unit.strings = panels::strings(unit.index, &unit.switches.state, sun, ambient);
        unit.pv_available = panels::available(&unit.strings);
        let grid_for_load = grid && allows(unit, unit.extras.ac_load, at, world.stepped);
        unit.mode = mode(unit, grid, grid_for_load, path);
        unit.unsupplied = false;
    }
    let house = world.switches.load.unwrap_or_else(|| day::load(at)) * (1.0 - appliance);
    // Each repetition finds a unit without a source for its load, so that there are few.
    for _ in 0..=world.units.len() {
        if supply(world, at, house) {
            break;
        }
    }
    reactive::settle(&mut world.units, world.switches.power_factor);
}

/// Computes the powers of the units that supply the house and charge the battery. Returns `false` if this has marked
/// another unit as unsupplied, because they need more power than there is; the powers then have to be computed again.
fn supply(world: &mut World, at: civil::DateTime, house: f64) -> bool {
    let mut inputs: Vec<_> = world.units.iter().map(|unit| input(world, unit, at)).collect();
    let demanding = |unit: &&mut Unit| feeds_load(unit.mode) && !unit.unsupplied;
    let suppliers = world.units.iter_mut().zip(&inputs);
    let suppliers: Vec<_> = suppliers
        .filter(|(unit, _)| demanding(unit))
        .map(|(unit, input)| Supplier {
            weight: unit.switches.state.share.unwrap_or(1.0),
            max: if needs_sun(unit, input) { input.solar_output().max(0.0) } else { f64::INFINITY },
        })
        .collect();
    let loads = share::divide(house, &suppliers);
    let is_short = loads.iter().sum::<f64>() < house - 1e-6;
    let mut loads = loads.into_iter();
    let mut has_marked = false;
    for (unit, input) in world.units.iter_mut().zip(&mut inputs) {
        if demanding(&unit) {
            input.load = loads.next().unwrap_or_default();
            unit.unsupplied = needs_sun(unit, input) && (is_short || input.solar_output() <= 0.0);
            has_marked |= unit.unsupplied;
        } else {
            input.inverter.own_use = 0.0;
            if unit.unsupplied {
                input.mode = WorkingMode::STANDBY;
            }
        }
    }
    if has_marked {
        return false;
    }

    // Currents and voltages depend on each other: the limit of a current is a power that depends on the voltage.
    let source = world.battery.source();
    let mut volts = vec![source.volts; inputs.len()];
    let mut ports = Vec::new();
    let mut bus = None;
    for _ in 0..ITERATIONS {
        for ((unit, input), volts) in world.units.iter_mut().zip(&mut inputs).zip(&volts) {
            let scale = unit.switches.state.rated.scale();
            let power = |amperes: u16| f64::from(amperes) * scale * volts;
            let is_connected = !unit.switches.state.battery_off;
            let max = power(unit.settings.max_charge_current.0);
            input.max_charge = if is_connected { max } else { 0.0 };
            input.max_ac_charge = power(unit.settings.max_ac_charge_current.0);
            unit.flow = Flow::compute(input);
        }
        ports = world.units.iter().map(port).collect();
        bus = Bus::solve(source, world.path(), &ports);
        let Some(bus) = &bus else { break };
        for ((volts, current), port) in volts.iter_mut().zip(&bus.currents).zip(&ports) {
            *volts = bus.volts + current * port.resistance;
        }
    }
    let Some(bus) = bus else {
        return drop_unsupplied(world);
    };
    world.battery_current = bus.current;
    world.battery_volts = source.volts + bus.current * source.resistance;
    let currents = bus.currents.iter().zip(&volts).zip(&ports);
    for ((unit, input), ((current, volts), port)) in
        world.units.iter_mut().zip(&mut inputs).zip(currents)
    {
        if port.power > 0.0 {
            input.max_charge = current * volts;
            unit.flow = Flow::compute(input);
        }
        let scale = unit.switches.state.rated.scale();
        unit.current = current / scale;
        unit.volts = volts * scale;
        unit.cable_loss = current * current * port.resistance;
    }
    true
}

/// Returns whether the sun is the only source of a unit.
fn needs_sun(unit: &Unit, input: &FlowInput) -> bool {
    unit.switches.state.battery_off && !input.loads_grid()
}

/// Marks the units that discharge the battery as unsupplied. Returns whether there are none.
fn drop_unsupplied(world: &mut World) -> bool {
    let mut has_none = true;
    (world.battery_current, world.battery_volts) = (0.0, world.battery.source().volts);
    for unit in &mut world.units {
        (unit.current, unit.volts, unit.cable_loss) = (0.0, 0.0, 0.0);
        if unit.flow.battery < 0.0 && !unit.unsupplied {
            unit.unsupplied = true;
            has_none = false;
        }
        unit.flow = Flow::default();
    }
    has_none
}

/// Returns the conditions of a unit, without its load and its limits.
fn input(world: &World, unit: &Unit, at: civil::DateTime) -> FlowInput {
    let grid = world.has_grid();
    let state = &unit.switches.state;
    let is_apart = state.battery_off || !world.path().discharge;
    FlowInput {
        mode: unit.mode,
        settings: unit.settings,
        inverter: inverter(unit),
        pv: unit.pv_available,
        load: 0.0,
        grid_for_load: grid && allows(unit, unit.extras.ac_load, at, world.stepped),
        grid_for_battery: grid && allows(unit, unit.extras.ac_charge, at, world.stepped),
        grid,
        reserved: unit.stage.reserved || is_apart,
        max_charge: 0.0,
        max_ac_charge: 0.0,
    }
}

/// Returns the losses of a unit's inverter.
fn inverter(unit: &Unit) -> Inverter {
    let (state, usual) = (&unit.switches.state, Inverter::default());
    Inverter {
        efficiency: state.efficiency.unwrap_or(usual.efficiency),
        own_use: state.standby_use.unwrap_or(usual.own_use),
    }
}

/// Returns whether the time on the unit's clock is in a window.
pub(crate) fn allows(unit: &Unit, window: Window, at: civil::DateTime, running: Duration) -> bool {
    let local = || calendar::time_of_day(unit.clock(at, running));
    window.start == window.end || window.contains(local())
}

/// Returns the unit as the DC cables see it.
fn port(unit: &Unit) -> Port {
    let scale = unit.switches.state.rated.scale();
    let target = if unit.stage.floating { unit.settings.float } else { unit.settings.bulk };
    Port {
        power: if unit.switches.state.battery_off { 0.0 } else { unit.flow.battery },
        resistance: unit.switches.state.cable.unwrap_or(CABLE) / (scale * scale),
        target: target.in_unit() / scale,
        bulk: unit.settings.bulk.in_unit() / scale,
    }
}

/// Returns the mode of a unit. The power switch overrides a fault, a fault the switch `mode`, and that the conditions in
/// the [module documentation](self).
fn mode(unit: &Unit, grid: bool, grid_for_load: bool, path: Path) -> WorkingMode {
    let is_apart = unit.switches.state.battery_off;
    let sunny = if is_apart {
        inverter(unit).solar_output(unit.pv_available) > 0.0
    } else {
        unit.pv_available >= DARK
    };
    let has_source = sunny || !is_apart && path.discharge;
    let utility_first = unit.settings.output_priority == OutputPriority::SOLAR_UTILITY_BATTERY;
    let is_off = unit.protection.is_off() || unit.load == LoadConnection::DISCONNECTED;
    if unit.switches.state.power_off {
        WorkingMode::STANDBY
    } else if unit.fault().is_fault() {
        WorkingMode::FAULT
    } else if let Some(pinned) = unit.switches.state.mode {
        pinned
    } else if is_off {
        if sunny && !is_apart { WorkingMode::CHARGE } else { WorkingMode::STANDBY }
    } else if grid_for_load && (!has_source || unit.protection.bypassed) {
        WorkingMode::BYPASS
    } else if !has_source {
        WorkingMode::STANDBY
    } else if grid && (sunny || utility_first || unit.stage.reserved) {
        WorkingMode::HYBRID
    } else {
        WorkingMode::BATTERY
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

/// Iterations in which limits, powers and voltages become consistent. Each reduces the error at least tenfold.
const ITERATIONS: u32 = 3;

/// Resistance of a unit's battery cable by default, ohms (assumed: two metres of 35 mm² with lugs and a fuse).
const CABLE: f64 = 0.002;

/// Distance between the random numbers of two seeds, in seconds: longer than any run, so that they do not
/// overlap.
const SECONDS_PER_SEED: u64 = 1 << 40;
