//! The units of a run are opened.

use lvx_settings::Plan;

use crate::{
    terminal::{Failure, print_error},
    units::{self, Open},
};

/// Opens the units of a plan: all of them where they were, or those that are named where they are now.
/// With each comes its number in the plan.
pub(super) fn open_some(
    plan: &Plan,
    named: &[String],
    hint: &str,
    host: &lvx_settings::HostClock,
) -> Result<Option<Vec<(usize, Open)>>, Failure> {
    let addresses = match named {
        [] => plan.units.iter().map(|planned| planned.address.clone()).collect(),
        named => named.to_vec(),
    };
    let Ok(opened) = units::open(&addresses, host)? else {
        if plan.units.len() > 1 {
            print_error(&format!(
                "units that can be reached are restored without the others if they are named: \
                 lvx restore {hint} UNIT…"
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
                "{}: unit {serial} is not in this run",
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
