//! Carrying out a plan and printing the report.

use std::io::{self, Write};

use lvx_settings::{Apply, ApplyReport, Ending, HostClock, Options, Units, run as carry_out};
use pi18_proto::SerialNumber;
use pi18_transport::{Address, Client};

use super::obstacle::WAIT_OPTION;
use crate::{
    args::{Format, RunOptions},
    state::RunFiles,
    terminal::{Status, print_note},
    units::{OpenUnit, reopen_address},
};

/// Returns the options of a run.
pub(crate) fn options(timing: &RunOptions) -> Options {
    let mut options = Options::default()
        .with_pause(timing.pause)
        .with_within(timing.within)
        .with_away(timing.away);
    options.wait_idle = timing.wait_idle;
    options
}

/// Carries out a plan on these units, and reopens devices that were disconnected.
pub(crate) fn drive(
    apply: Apply,
    opened: Vec<OpenUnit>,
    host: &HostClock,
    files: &mut RunFiles,
) -> ApplyReport {
    let (clients, places): (Vec<Client>, Vec<(Address, SerialNumber)>) = opened
        .into_iter()
        .map(|open| (open.client, (open.address, open.unit.serial_number)))
        .unzip();
    let reopen = |unit: usize| match places.get(unit) {
        Some((address, serial)) => reopen_address(address, *serial),
        None => Err(pi18_transport::Error::gone("unknown unit")),
    };
    let mut units = Units::new(clients, *host).reopened_by(reopen).released_during_waits();
    carry_out(apply, &mut units, files)
}

/// Prints the result of a run and the next step.
pub(crate) fn print_report(
    out: &mut impl Write,
    report: &ApplyReport,
    files: &RunFiles,
    format: Format,
) -> Status {
    let printed = match format {
        Format::Table => write!(out, "{report}"),
        Format::Json => serde_json::to_string(report)
            .map_err(io::Error::from)
            .and_then(|text| writeln!(out, "{text}")),
    };
    if let Err(error) = printed.and_then(|()| out.flush()) {
        // The user must learn the result even without standard output.
        print_note(&format!("standard output: {error}"));
        report.to_string().lines().for_each(print_note);
    }
    if report.charging().is_some() {
        print_note(&format!("to wait until the unit no longer charges: {WAIT_OPTION}"));
    }
    if let Some(run) = files.hint() {
        match report.ending {
            Ending::Mixed => {
                print_note(&format!("to finish or undo the run: lvx restore {run}"));
            }
            Ending::Applied => print_note(&format!("to undo the run: lvx restore {run} --undo")),
            _ => {}
        }
    }
    match report.ending {
        Ending::NothingToDo | Ending::Applied => Status::Ok,
        _ => Status::NotApplied,
    }
}
