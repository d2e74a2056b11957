//! Faults of parallel operation: which units they stop, and what units then report of each other.
//!
//! The units of a bank share one output. A fault of parallel operation (71, 72, 80 to 86) therefore stops all of
//! them, and all show its code. Any other fault stops one unit.
//!
//! Without communication (80 to 82), a unit keeps the last values that it heard of the others.
//!
//! Source: the codes are those of the manuals of the Axpert and InfiniSolar series, chapter "parallel
//! operation". The manuals do not state which units stop and what they show: this is assumed.

use pi18_proto::{FaultCode, WorkingMode};

use super::measure;
use crate::sim::{
    unit::Unit,
    world::{LastReport, World},
};

/// Returns whether a fault concerns parallel operation, so that it stops the whole bank.
pub(crate) fn is_parallel(fault: FaultCode) -> bool {
    is_interruption(fault) || matches!(fault.0, 71 | 72 | 83..=86)
}

/// Returns whether a fault means that units do not hear of each other.
pub(crate) fn is_interruption(fault: FaultCode) -> bool {
    matches!(fault.0, 80..=82)
}

/// Computes the fault that each unit has because of another one, and keeps the last reports of all units when
/// their communication fails.
pub(crate) fn spread_faults(world: &mut World) {
    let shared = world.units.iter().map(Unit::own_fault).find(|fault| is_parallel(*fault));
    for unit in &mut world.units {
        unit.parallel_fault = shared.unwrap_or(FaultCode::NONE);
    }
    let interrupted = world.units.iter().map(Unit::own_fault).any(is_interruption);
    world.last_reports = match world.last_reports.take() {
        _ if !interrupted => None,
        Some(reports) => Some(reports),
        None => Some(world.units.iter().map(|unit| last_report(world, unit)).collect()),
    };
}

/// Returns the report of a unit before its present fault, of which the powers and the mode do not know yet.
fn last_report(world: &World, unit: &Unit) -> LastReport {
    let mut status = measure::own_parallel_status(world, unit);
    if status.working_mode != WorkingMode::FAULT {
        status.fault = FaultCode::NONE;
    }
    LastReport { status, unit: unit.clone(), shown: unit.shown(world.now) }
}

/// Removes the faults of the switches that interrupt the communication, and returns them.
pub(crate) fn take_interruptions(units: &mut [Unit]) -> Vec<Option<FaultCode>> {
    let fault =
        |unit: &mut Unit| unit.switches.state.fault.take_if(|fault| is_interruption(*fault));
    units.iter_mut().map(fault).collect()
}

/// Puts back the faults from [`take_interruptions`]. Returns whether there is one.
pub(crate) fn restore(units: &mut [Unit], faults: &[Option<FaultCode>]) -> bool {
    for (unit, fault) in units.iter_mut().zip(faults) {
        unit.switches.state.fault = fault.or(unit.switches.state.fault);
    }
    faults.iter().any(Option::is_some)
}
