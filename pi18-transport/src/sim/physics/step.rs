//! The simulation of the bank in steps: states, powers, battery, energy.
//!
//! Modes and powers are constant during a step, so that results do not depend on when a host asks. At its end the
//! battery has changed its charge, each unit its [stage](super::stage) and its [protections](super::protection),
//! and the [BMS](super::bms) its state; new modes and powers follow from them.
//!
//! At the start, and after a switch has changed, the states are those that they would have after a long time.

use std::time::Duration;

use pi18_proto::{Switch, WorkingMode};

use super::{
    bms::Bms,
    heating, measure,
    protection::{Observed, Protection},
    settle::{allows, settle},
    soc,
    stage::{Stage, Terminals},
    timer::{Pace, STEP},
};
use crate::sim::{calendar, unit::Unit, world::World};

/// Advances the world to `now`, step by step. In a frozen world, only `now` changes.
pub(crate) fn advance(world: &mut World, now: Duration) {
    let time = now.saturating_sub(world.now);
    world.now = world.now.max(now);
    if world.switches.frozen.unwrap_or(false) {
        return;
    }
    world.running += time.saturating_mul(world.switches.speed.unwrap_or(1));
    while world.stepped + STEP <= world.running {
        step(world);
    }
}

/// Applies the present powers for one step, then computes the new states and powers.
fn step(world: &mut World) {
    let hours = STEP.as_secs_f64() / 3600.0;
    let at = calendar::later(world.start, world.stepped);
    for unit in &mut world.units {
        let date = unit.clock(at, world.stepped).date();
        unit.energy.add(date, unit.flow.pv * hours);
        world.account.add_unit(&unit.flow, unit.cable_loss, hours);
    }
    let before = world.battery.soc();
    world.account.add_battery(world.battery.flow(world.battery_current, hours));
    let conditions = world.conditions();
    world.packs.step(&conditions, hours);
    soc::count(world, world.battery.soc() - before);
    world.stepped += STEP;
    let ambient = world.ambient();
    for unit in &mut world.units {
        unit.heat = heating::after(unit, ambient, STEP);
    }
    let states = next_states(world, Pace::Step);
    apply(world, states);
    settle(world);
}

/// Computes the states that the present conditions lead to in the long run, with their modes and powers.
///
/// The first repetition can enter and leave states. The others only enter states, of which there are few, so that
/// the repetitions end.
pub(crate) fn settle_states(world: &mut World) {
    settle_from_rest(world);
    for repetition in 0..REPETITIONS {
        let mut next = next_states(world, Pace::AtOnce);
        if repetition > 0 {
            next.bms = next.bms.or(world.bms);
            for (next, unit) in next.units.iter_mut().zip(&world.units) {
                *next = (unit.stage.entered(next.0), unit.protection.entered(next.1));
            }
        }
        let present = world.units.iter().map(|unit| (unit.stage, unit.protection));
        if next.bms == world.bms && present.eq(next.units.iter().copied()) {
            break;
        }
        apply(world, next);
        settle_from_rest(world);
    }
    world.battery.start_polarization(world.battery_current);
}

/// Computes modes and powers. A battery without an earlier current resists the first one by its direction, which is
/// known afterwards.
fn settle_from_rest(world: &mut World) {
    settle(world);
    if world.battery.expect_charging(world.battery_current > 0.0) {
        settle(world);
    }
}

/// The states of the bank.
struct States {
    units: Vec<(Stage, Protection)>,
    bms: Bms,
}

/// Returns the states that follow from the present conditions.
fn next_states(world: &World, pace: Pace) -> States {
    let at = calendar::later(world.start, world.stepped);
    // Units that stopped together start again together, because one alone would be overloaded. One that another
    // fault keeps off cannot take part.
    let may_restart = |unit: &&Unit| {
        unit.protection.overloaded
            && unit.extras.flags.overload_restart == Switch::ON
            && !has_other_fault(unit)
    };
    let restart = world.units.iter().filter(may_restart).all(|unit| unit.protection.is_rested());
    let path = world.path();
    let units = world.units.iter().map(|unit| {
        let switches = &unit.switches.state;
        let scale = switches.rated.scale();
        let terminals = Terminals {
            volts: unit.volts,
            current: unit.current,
            scale,
            connected: !switches.battery_off && path.charge,
        };
        let stage = unit.stage.next(terminals, &unit.settings, pace);
        let inverts = matches!(unit.mode, WorkingMode::BATTERY | WorkingMode::HYBRID);
        let load = measure::apparent_power(unit) / f64::from(switches.rated.power());
        let observed = Observed {
            volts: (!switches.battery_off).then_some(unit.volts / scale),
            cutoff: unit.settings.cutoff.in_unit() / scale,
            grid_for_load: world.has_grid() && allows(unit, unit.extras.ac_load, at, world.stepped),
            load: if inverts || unit.protection.bypassed { load } else { 0.0 },
            unsupplied: unit.unsupplied,
            overload_bypass: unit.extras.flags.overload_bypass == Switch::ON,
            restart: restart && unit.extras.flags.overload_restart == Switch::ON,
        };
        // A unit that is switched off, has a fault of a switch, or a mode that a switch keeps, does not watch
        // anything.
        let protection = if switches.mode.is_some() || switches.power_off {
            Protection::default()
        } else if has_other_fault(unit) {
            unit.protection
        } else {
            unit.protection.next(&observed, pace)
        };
        (stage, protection)
    });
    let rest = world.battery.source().volts;
    States { units: units.collect(), bms: world.bms.next(world.battery_volts, rest) }
}

/// Returns whether a unit has a fault that does not come from its protections.
fn has_other_fault(unit: &Unit) -> bool {
    let switched = unit.switches.state.fault.is_some();
    switched || unit.heat.tripped || unit.parallel_fault.is_fault()
}

/// Replaces the states.
fn apply(world: &mut World, states: States) {
    world.bms = states.bms;
    for (unit, (stage, protection)) in world.units.iter_mut().zip(states.units) {
        (unit.stage, unit.protection) = (stage, protection);
    }
}

/// Largest number of repetitions until the states no longer change.
const REPETITIONS: u32 = 64;
