//! `lvx dump`: saves all replies of the units of a bank.

use std::io::Write;

use lvx_parallel::BankSnapshot;

use crate::{
    args::{self, DumpFormat},
    terminal::{Failure, Status, print_error},
    units::read_bank,
};

pub(crate) fn run(args: &args::Dump, out: &mut impl Write) -> Result<Status, Failure> {
    let bank = read_bank(&args.bank, BankSnapshot::read)?;
    match args.format {
        DumpFormat::Yaml => write!(out, "{}", bank.to_yaml())?,
        DumpFormat::Json => writeln!(out, "{}", bank.to_json())?,
    }
    for unit in &bank.units {
        if let Some(gap) = &unit.lost {
            print_error(&gap.text);
        }
    }
    Ok(if bank.is_complete() { Status::Ok } else { Status::Unread })
}
