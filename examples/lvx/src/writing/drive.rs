//! A plan is carried out, and what became of it is printed.

use std::io::{self, Write};

use lvx_settings::{Apply, ApplyReport, Ending, HostClock, Options, Units, run as carry_out};
use pi18_transport::{Address, Client};

use crate::{
    args::{Care, Format},
    state::RunFiles,
    terminal::{Status, print_note},
    units::Open,
};

pub(crate) fn options(care: &Care) -> Options {
    Options {
        pause: care.pause,
        within: care.within,
        away: care.away,
        wait_idle: care.wait_idle,
        ..Options::default()
    }
}

/// Carries it out on these units; a device that goes away is opened again where it was.
pub(crate) fn drive(
    apply: Apply,
    opened: Vec<Open>,
    host: &HostClock,
    files: &mut RunFiles,
) -> ApplyReport {
    let (clients, addresses): (Vec<Client>, Vec<Address>) =
        opened.into_iter().map(|open| (open.client, open.address)).unzip();
    let reopen = |unit: usize| match addresses.get(unit) {
        Some(address) => address.open(),
        None => Err(pi18_transport::Error::gone("a unit that nobody named")),
    };
    let mut units = Units::new(clients, *host).reopened_by(reopen).released_during_waits();
    carry_out(apply, &mut units, files)
}

/// How it ended, and what to do then.
pub(crate) fn print_report(
    out: &mut impl Write,
    report: &ApplyReport,
    files: &RunFiles,
    format: Format,
) -> Status {
    let told = match format {
        Format::Table => write!(out, "{report}"),
        Format::Json => serde_json::to_string(report)
            .map_err(io::Error::from)
            .and_then(|text| writeln!(out, "{text}")),
    };
    if let Err(error) = told.and_then(|()| out.flush()) {
        // What was done is told in any case.
        print_note(&format!("standard output: {error}"));
        report.to_string().lines().for_each(print_note);
    }
    if let Some(run) = files.hint() {
        match report.ending {
            Ending::Mixed => {
                print_note(&format!("to try again to finish or to undo: lvx restore {run}"));
            }
            Ending::Applied => print_note(&format!("to go back: lvx restore {run} --undo")),
            _ => {}
        }
    }
    match report.ending {
        Ending::NothingToDo | Ending::Applied => Status::Ok,
        _ => Status::Unproved,
    }
}
