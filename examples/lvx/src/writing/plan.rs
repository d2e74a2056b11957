//! Printing a plan.

use std::io::{self, Write};

use lvx_settings::Plan;
use pi18_transport::wrap;

use crate::args::MAX_WIDTH;

/// Prints the units, the writes and the warnings of a plan.
pub(crate) fn show(out: &mut impl Write, plan: &Plan) -> io::Result<()> {
    for planned in &plan.units {
        let unit = &planned.unit;
        let model = unit.model.map_or("unknown model".to_owned(), |model| model.to_string());
        writeln!(
            out,
            "{}  {}  {model}, main firmware {}",
            planned.address, unit.serial_number, unit.firmware.main
        )?;
    }
    if !plan.is_empty() {
        writeln!(out, "\n{plan}")?;
    }
    for warning in plan.warnings() {
        write!(out, "{}", wrap("warning: ", &warning.to_string(), MAX_WIDTH))?;
    }
    Ok(())
}
