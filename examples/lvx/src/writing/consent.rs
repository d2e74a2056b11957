//! The second asking: nothing is written unless the serial numbers were given.

use std::io::{self, BufRead, IsTerminal, Write};

use lvx_settings::Plan;

use crate::{
    args::Consent,
    terminal::{Failure, Output},
};

/// Whether somebody can be asked, if that is wanted.
pub(crate) fn can_be_asked(consent: &Consent) -> Result<(), Failure> {
    if consent.confirm && !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(Failure::usage(
            "--confirm asks on a terminal, and there is none; for scripts there is --yes-serial SN,…",
        ));
    }
    Ok(())
}

/// Whether it may be written; `false` if nobody wants that yet.
///
/// Fails if somebody does, but not for these units.
pub(crate) fn given(consent: &Consent, plan: &Plan) -> Result<bool, Failure> {
    let serials: Vec<_> =
        plan.units.iter().map(|planned| planned.unit.serial_number.to_string()).collect();
    if !consent.yes_serial.is_empty() {
        if let Some(wrong) = consent.yes_serial.iter().find(|serial| !serials.contains(serial)) {
            return Err(Failure::usage(format_args!(
                "--yes-serial {wrong}: expected the serial numbers of these units, {}; nothing was written",
                serials.join(",")
            )));
        }
        if let Some(missing) = serials.iter().find(|serial| !consent.yes_serial.contains(serial)) {
            return Err(Failure::usage(format_args!(
                "--yes-serial: unit {missing} is not named; nothing was written"
            )));
        }
        return Ok(true);
    }
    if !consent.confirm {
        return Ok(false);
    }
    let count = plan.units.len();
    for (number, (planned, serial)) in (1..).zip(plan.units.iter().zip(&serials)) {
        ask(&format!("unit {number} of {count}, {}", planned.address), serial)?;
    }
    Ok(true)
}

/// Asks for the last four digits of a serial number; the whole number does as well.
fn ask(unit: &str, serial: &str) -> Result<(), Failure> {
    let digits = serial.get(serial.len().saturating_sub(4)..).unwrap_or(serial);
    // Standard output may be a file.
    let mut terminal = Output::stderr();
    let _ = write!(terminal, "{unit}: the last four digits of the serial number: ");
    let _ = terminal.flush();
    let mut typed = String::new();
    let read = io::stdin().lock().read_line(&mut typed);
    match read {
        Ok(_) if [digits, serial].contains(&typed.trim()) => Ok(()),
        _ => Err(Failure::usage(format_args!(
            "expected the last four digits of {serial}, or all of it, found {:?}; nothing was written",
            typed.trim()
        ))),
    }
}
