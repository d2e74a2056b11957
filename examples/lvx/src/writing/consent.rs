//! Consent of the user: nothing is written without the serial numbers of all units.

use std::io::{self, BufRead, IsTerminal, Write};

use lvx_settings::Plan;

use crate::{
    args::ConsentOptions,
    terminal::{Failure, Output},
};

/// Checks that `--confirm` is used on a terminal.
pub(crate) fn check_terminal(consent: &ConsentOptions) -> Result<(), Failure> {
    if consent.confirm && !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(Failure::usage(
            "--confirm: expected a terminal to ask for consent, found none; in scripts, use --yes-serial SN,…",
        ));
    }
    Ok(())
}

/// Returns whether the user consents to the plan; `false` without `--confirm` and `--yes-serial`.
///
/// # Errors
/// If the user gives other serial numbers than those of the units.
pub(crate) fn given(consent: &ConsentOptions, plan: &Plan) -> Result<bool, Failure> {
    let serials: Vec<_> =
        plan.units.iter().map(|planned| planned.unit.serial_number.to_string()).collect();
    if !consent.yes_serial.is_empty() {
        if let Some(unknown) = consent.yes_serial.iter().find(|serial| !serials.contains(serial)) {
            return Err(Failure::usage(format_args!(
                "--yes-serial {unknown}: expected the serial numbers of the units, {}; nothing was written",
                serials.join(",")
            )));
        }
        if let Some(missing) = serials.iter().find(|serial| !consent.yes_serial.contains(serial)) {
            return Err(Failure::usage(format_args!(
                "--yes-serial: expected the serial numbers of all units, {missing} is missing; nothing was written"
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

/// Asks for the last four digits of a serial number, and accepts the whole number, too.
fn ask(unit: &str, serial: &str) -> Result<(), Failure> {
    let digits = serial.get(serial.len().saturating_sub(4)..).unwrap_or(serial);
    // Standard output may be redirected.
    let mut terminal = Output::stderr();
    let _ = write!(terminal, "{unit}: the last four digits of the serial number: ");
    let _ = terminal.flush();
    let mut typed = String::new();
    let read = io::stdin().lock().read_line(&mut typed);
    match read {
        Ok(_) if [digits, serial].contains(&typed.trim()) => Ok(()),
        _ => Err(Failure::usage(format_args!(
            "expected the last four or all digits of {serial}, found {:?}; nothing was written",
            typed.trim()
        ))),
    }
}
