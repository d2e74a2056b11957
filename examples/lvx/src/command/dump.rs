//! `lvx dump`: saves all replies of the units and packs of a bank.

use std::io::Write;

use lvx_parallel::BankSnapshot;

use crate::{
    args::{self, DumpFormat},
    terminal::{Failure, Status, print_error},
    units::read_bank,
};

pub(crate) fn run(args: &args::Dump, out: &mut impl Write) -> Result<Status, Failure> {
    let bank = read_bank(&args.bank, BankSnapshot::read_with_packs)?;
    match args.format {
        DumpFormat::Yaml => write!(out, "{}", bank.to_yaml())?,
        DumpFormat::Json => writeln!(out, "{}", bank.to_json())?,
    }
    let units = bank.units.iter().filter_map(|unit| unit.lost.as_ref());
    for gap in units.chain(bank.packs.iter().filter_map(|pack| pack.lost.as_ref())) {
        print_error(&gap.text);
    }
    Ok(if bank.is_complete() { Status::Ok } else { Status::Unread })
}
