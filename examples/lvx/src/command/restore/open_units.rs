//! Opening the units of a run.

use lvx_settings::Plan;

use crate::{
    terminal::{Failure, print_error},
    units::{self, OpenUnit},
};

/// Opens all units of a plan at their addresses in it, or the given units. Returns each with its number in
/// the plan.
pub(super) fn open_some(
    plan: &Plan,
    named: &[String],
    hint: &str,
    host: &lvx_settings::HostClock,
) -> Result<Option<Vec<(usize, OpenUnit)>>, Failure> {
    let addresses = match named {
        [] => plan.units.iter().map(|planned| planned.address.clone()).collect(),
        named => named.to_vec(),
    };
    let Ok(opened) = units::open(&addresses, host)? else {
        if plan.units.len() > 1 {
            print_error(&format!(
                "to restore only the units that can be reached, give their addresses: lvx restore {hint} \
                 UNIT…"
            ));
        }
        return Ok(None);
    };
    let mut found = Vec::new();
    for open in opened {
        let serial = open.unit.serial_number;
        let place = plan.units.iter().position(|planned| planned.unit.serial_number == serial);
        let Some(place) = place else {
            return Err(Failure::usage(format_args!(
                "{}: unit {serial} is not part of this run",
                open.address.place()
            )));
        };
        if found.iter().any(|(known, _)| *known == place) {
            return Err(Failure::usage(format_args!("unit {serial} is given twice")));
        }
        found.push((place, open));
    }
    found.sort_by_key(|(place, _)| *place);
    Ok(Some(found))
}
