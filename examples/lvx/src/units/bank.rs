//! The bank of a command: live units or a saved bank.

use std::path::Path;

use lvx_parallel::{BankSnapshot, Member};
use pi18_transport::{Address, Error};

use super::{
    adapters::{adapters, default_units},
    shared::open_member,
};
use crate::{
    args::Bank,
    input,
    terminal::{Failure, Progress},
};

/// Reads the given units with `ask`, or the saved bank. Without units and file, reads the units behind
/// all adapters that are plugged in.
///
/// # Errors
/// If an address is invalid. No unit is queried in this case.
pub(crate) fn read_bank(
    args: &Bank,
    ask: impl FnOnce(Vec<Member>) -> BankSnapshot,
) -> Result<BankSnapshot, Failure> {
    match &args.from {
        Some(path) => saved_bank(path),
        None => read_units(&bank_addresses(&args.units)?, ask),
    }
}

/// Returns the addresses of the given units, or those of all adapters that are plugged in.
///
/// # Errors
/// If an address is invalid or given twice, or there is no unit.
pub(crate) fn bank_addresses(units: &[String]) -> Result<Vec<Address>, Failure> {
    let found;
    let units = if units.is_empty() {
        found = default_units(adapters())?;
        &found
    } else {
        units
    };
    let mut places = (0..).zip(units);
    if let Some((_, twice)) = places.find(|(at, unit)| units.iter().take(*at).any(|u| u == *unit)) {
        return Err(Failure::usage(format_args!("unit {twice} is given twice")));
    }
    Ok(units.iter().map(|unit| unit.parse()).collect::<Result<Vec<Address>, Error>>()?)
}

/// Reads units with `ask`.
///
/// # Errors
/// If an address cannot be used. No unit is queried in this case.
pub(crate) fn read_units(
    addresses: &[Address],
    ask: impl FnOnce(Vec<Member>) -> BankSnapshot,
) -> Result<BankSnapshot, Failure> {
    let members = addresses.iter().map(open_member).collect::<Result<Vec<_>, Error>>()?;
    if let Some(error) = members.iter().filter_map(Member::error).find(|error| error.is_address()) {
        return Err(Failure::usage(error));
    }
    let progress = Progress::start();
    let watched = members.into_iter().map(|member| {
        let observer = progress.observer(member.name());
        member.observed(observer)
    });
    Ok(ask(watched.collect()))
}

/// Reads a bank that `lvx dump` saved.
pub(crate) fn saved_bank(path: &Path) -> Result<BankSnapshot, Failure> {
    let text = input::read_text(path, BankSnapshot::MAX_BYTES)?;
    BankSnapshot::parse(&text)
        .map_err(|error| Failure::usage(format_args!("{}: {error}", input::file_name(path))))
}
