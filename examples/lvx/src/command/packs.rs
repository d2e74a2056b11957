//! `lvx packs`: shows battery packs side by side.

mod json;
mod read;
mod table;

use std::io::Write;

use crate::{
    args::{self, Format},
    terminal::{Failure, Status, style},
    units::BankAddresses,
};

pub(crate) fn run(args: &args::Packs, out: &mut impl Write) -> Result<Status, Failure> {
    if args.packs.is_empty() {
        return Err(Failure::usage(
            "no battery pack is given: give the address of its port (pack:/dev/ttyUSB0; `lvx devices --serial` finds \
             packs), or try a virtual one (sim:pack0)",
        ));
    }
    let addresses = BankAddresses::parse(&args.packs)?.only_packs()?;
    let packs = read::read(addresses)?;
    match args.format {
        Format::Table => out.write_all(table::text(&packs, style().width).as_bytes())?,
        Format::Json => writeln!(out, "{}", json::text(&packs).map_err(std::io::Error::from)?)?,
    }
    let errors = packs.into_iter().filter_map(|pack| pack.live.err());
    Ok(errors.map(|error| Failure::from(error).print()).max().unwrap_or(Status::Ok))
}
