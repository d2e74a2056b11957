//! `lvx dump`: save what the units of a bank say.

use std::io::Write;

use lvx_parallel::BankSnapshot;

use crate::{
    args::{self, DumpFormat},
    bank,
    outcome::{Failure, Status, complain},
};

pub(crate) fn run(args: &args::Dump, out: &mut impl Write) -> Result<Status, Failure> {
    let bank = bank::read(&args.bank, BankSnapshot::read)?;
    match args.format {
        DumpFormat::Yaml => write!(out, "{}", bank.to_yaml())?,
        DumpFormat::Json => writeln!(out, "{}", bank.to_json())?,
    }
    for unit in &bank.units {
        if let Some(gap) = &unit.lost {
            complain(&gap.text);
        }
    }
    Ok(if bank.is_complete() { Status::Well } else { Status::Unread })
}
