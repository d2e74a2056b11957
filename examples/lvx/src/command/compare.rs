//! `lvx compare`: compares the settings of units.

use std::io::Write;

use lvx_parallel::{BankSnapshot, Questions, UnitSnapshot, compare};
use pi18_proto::SerialNumber;

use crate::{
    args::{self, ReportFormat},
    terminal::{Failure, Status, Stdout, print_error, style},
    units::{BankAddresses, read_bank},
};

pub(crate) fn run(args: &args::Compare, out: &mut Stdout) -> Result<Status, Failure> {
    BankAddresses::parse(&args.bank.units)?.only_units()?;
    let ask = |units, _| BankSnapshot::read_only(units, Questions::SETTINGS);
    let bank = read_bank(&args.bank, ask)?;
    for unit in &bank.units {
        if let Some(gap) = &unit.lost {
            print_error(&gap.text);
        }
    }
    if bank.units.len() < 2 {
        let found = bank.units.len();
        return Err(Failure::usage(format_args!("expected two units or more, found {found}")));
    }
    let read = bank.units.iter().filter(|unit| unit.rated.value().is_some()).count();
    if read < 2 {
        print_error(&format!(
            "the settings of {read} of {} units were read: there is nothing to compare",
            bank.units.len()
        ));
        return Ok(Status::Unread);
    }
    let not_asked = bank.not_asked(Questions::SETTINGS);
    if !not_asked.is_empty() {
        print_error(&format!("not compared, because the bank was read without: {not_asked}"));
    }
    let twice = same_unit(&bank);
    if let Some((one, other, serial)) = twice {
        print_error(&format!(
            "warning: {one} and {other} both have the serial number {serial}; they may be one unit \
             that is compared with itself"
        ));
    }
    let comparison = compare(&bank);
    match args.format {
        ReportFormat::Table => out.write_styled(&comparison.to_text(&style()))?,
        ReportFormat::Json => writeln!(out, "{}", comparison.to_json())?,
        ReportFormat::Markdown => write!(out, "{}", comparison.to_markdown())?,
    }
    let is_complete = comparison.unread.is_empty() && not_asked.is_empty();
    Ok(match (is_complete, comparison.matches()) {
        (false, _) => Status::Unread,
        (true, matches) if !matches || twice.is_some() => Status::Findings,
        (true, _) => Status::Ok,
    })
}

/// Returns the names of two units with the same serial number, and the number.
fn same_unit(bank: &BankSnapshot) -> Option<(&str, &str, SerialNumber)> {
    bank.units.iter().enumerate().find_map(|(at, unit)| {
        let serial = unit.serial_number()?;
        let is_same = |other: &&UnitSnapshot| other.serial_number() == Some(serial);
        let other = bank.units.iter().take(at).find(is_same)?;
        Some((&*other.name, &*unit.name, serial))
    })
}
