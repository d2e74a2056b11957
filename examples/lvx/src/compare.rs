//! `lvx compare`: the settings of units beside each other.

use std::io::Write;

use lvx_parallel::compare;

use crate::{
    args::{self, ReportFormat},
    bank,
    outcome::{Failure, Status, complain},
    output::Out,
};

pub(crate) fn run(args: &args::Compare, out: &mut Out) -> Result<Status, Failure> {
    let bank = bank::read(&args.bank)?;
    for unit in &bank.units {
        if let Some(gap) = &unit.lost {
            complain(&gap.text);
        }
    }
    if bank.units.len() < 2 {
        return Err(Failure::usage("one unit is given: it takes at least two to compare"));
    }
    let read = bank.units.iter().filter(|unit| unit.rated.value().is_some()).count();
    if read < 2 {
        complain(&format!(
            "{read} of {} units told their settings: there is nothing to compare",
            bank.units.len()
        ));
        return Ok(Status::Unread);
    }
    let comparison = compare(&bank);
    match args.format {
        ReportFormat::Table => out.write_styled(&comparison.to_text(&bank::style()))?,
        ReportFormat::Json => writeln!(out, "{}", comparison.to_json())?,
        ReportFormat::Markdown => write!(out, "{}", comparison.to_markdown())?,
    }
    Ok(match (comparison.unread.is_empty(), comparison.matches()) {
        (false, _) => Status::Unread,
        (true, false) => Status::Findings,
        (true, true) => Status::Well,
    })
}
