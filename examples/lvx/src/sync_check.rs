//! `lvx sync-check`: units of one bank against each other.

use std::{io::Write, thread};

use lvx_parallel::{UnitSnapshot, check};
use pi18_transport::{Address, Error};

use crate::{
    args,
    args::ReportFormat,
    outcome::{Failure, Status},
};

pub(crate) fn run(args: &args::SyncCheck, out: &mut impl Write) -> Result<Status, Failure> {
    if let Some(twice) = args
        .units
        .iter()
        .enumerate()
        .find(|(i, unit)| args.units.iter().take(*i).any(|other| other == *unit))
    {
        return Err(Failure::usage(format_args!("{} is given twice", twice.1)));
    }
    let addresses =
        args.units.iter().map(|unit| unit.parse()).collect::<Result<Vec<Address>, Error>>()?;
    let mut status = Status::Well;
    let mut units = Vec::new();
    for read in read_all(&addresses)? {
        match read {
            Ok(unit) => units.push(unit),
            Err(error) => status = Failure::from(error).tell().max(status),
        }
    }
    if units.is_empty() {
        return Ok(status);
    }
    let report = check(units);
    match args.format {
        ReportFormat::Table => write!(out, "{report}")?,
        ReportFormat::Json => {
            let text = serde_json::to_string_pretty(&report)
                .map_err(|error| Failure::usage(format_args!("report: {error}")))?;
            writeln!(out, "{text}")?;
        }
    }
    Ok(if report.is_healthy() { status } else { status.max(Status::Findings) })
}

/// All units at once, so that what moves is read at about the same time.
///
/// A wrong address ends it before anything is asked.
fn read_all(addresses: &[Address]) -> Result<Vec<Result<UnitSnapshot, Error>>, Error> {
    let mut opened = Vec::new();
    for address in addresses {
        match address.open() {
            Err(error) if error.is_address() => return Err(error),
            unit => opened.push((address, unit)),
        }
    }
    Ok(thread::scope(|scope| {
        let readers: Vec<_> = opened
            .into_iter()
            .map(|(address, unit)| {
                scope.spawn(move || UnitSnapshot::read(address.place(), &mut unit?))
            })
            .collect();
        let join = |reader: thread::ScopedJoinHandle<'_, _>| {
            reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        readers.into_iter().map(join).collect()
    }))
}
