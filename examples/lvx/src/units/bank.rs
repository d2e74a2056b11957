//! The bank of a command: live units and battery packs, or a saved bank.

use std::path::Path;

use lvx_parallel::{BankSnapshot, Member, PackMember};
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

/// The addresses of a bank.
#[derive(Debug)]
pub(crate) struct BankAddresses {
    /// The units, in the order in which they were given.
    pub(crate) units: Vec<Address>,
    /// The battery packs, in the order in which they were given.
    pub(crate) packs: Vec<Address>,
}

impl BankAddresses {
    /// Parses addresses.
    ///
    /// # Errors
    /// If an address is invalid or given twice.
    pub(crate) fn parse(given: &[String]) -> Result<Self, Failure> {
        let mut places = (0..).zip(given);
        if let Some((_, twice)) =
            places.find(|(at, unit)| given.iter().take(*at).any(|other| other == *unit))
        {
            let address: Address = twice.parse()?;
            let what = if address.pack_address().is_some() { "pack" } else { "unit" };
            return Err(Failure::usage(format_args!("{what} {twice} is given twice")));
        }
        let all = given.iter().map(|unit| unit.parse()).collect::<Result<Vec<Address>, Error>>()?;
        let (packs, units) = all.into_iter().partition(|address| address.pack_address().is_some());
        Ok(Self { units, packs })
    }

    /// Returns the addresses if there is a unit among them.
    ///
    /// # Errors
    /// If there are only battery packs.
    pub(crate) fn with_a_unit(self) -> Result<Self, Failure> {
        match (self.units.first(), self.packs.first()) {
            (None, Some(pack)) => Err(Failure::usage(format_args!(
                "expected a unit, found only battery packs: give a unit, too, or try `lvx packs {pack}`"
            ))),
            _ => Ok(self),
        }
    }

    /// Returns the addresses of the units.
    ///
    /// # Errors
    /// If there is a battery pack among the addresses.
    pub(crate) fn only_units(self) -> Result<Vec<Address>, Failure> {
        match self.packs.first() {
            None => Ok(self.units),
            Some(pack) => Err(expected_unit(pack)),
        }
    }

    /// Returns the addresses of the battery packs.
    ///
    /// # Errors
    /// If there is a unit among the addresses.
    pub(crate) fn only_packs(self) -> Result<Vec<Address>, Failure> {
        match self.units.first() {
            None => Ok(self.packs),
            Some(unit) => Err(Failure::usage(format_args!(
                "{unit}: expected a battery pack (pack:/dev/ttyUSB0, pack:tcp:HOST:PORT, sim:pack0), found a unit; \
                 `lvx now {unit}` reads it"
            ))),
        }
    }
}

/// Returns the error for a battery pack where a unit is expected.
pub(crate) fn expected_unit(pack: &Address) -> Failure {
    Failure::usage(format_args!(
        "{pack}: expected a unit, found a battery pack; `lvx packs {pack}` reads it"
    ))
}

/// Reads the given units and packs with `ask`, or the saved bank. Without addresses and file, reads the units behind
/// all adapters that are plugged in.
///
/// # Errors
/// If an address is invalid. Nothing is read in this case.
pub(crate) fn read_bank(
    args: &Bank,
    ask: impl FnOnce(Vec<Member>, Vec<PackMember>) -> BankSnapshot,
) -> Result<BankSnapshot, Failure> {
    match &args.from {
        Some(path) => saved_bank(path),
        None => read_addresses(&bank_addresses(&args.units)?, ask),
    }
}

/// Returns the given addresses, or those of all adapters that are plugged in.
///
/// # Errors
/// If an address is invalid or given twice, or there is none.
pub(crate) fn bank_addresses(units: &[String]) -> Result<BankAddresses, Failure> {
    if units.is_empty() {
        return BankAddresses::parse(&default_units(adapters())?);
    }
    BankAddresses::parse(units)
}

/// Reads units and packs with `ask`.
///
/// # Errors
/// If an address cannot be used. Nothing is read in this case.
pub(crate) fn read_addresses(
    addresses: &BankAddresses,
    ask: impl FnOnce(Vec<Member>, Vec<PackMember>) -> BankSnapshot,
) -> Result<BankSnapshot, Failure> {
    let members = addresses.units.iter().map(open_member).collect::<Result<Vec<_>, Error>>()?;
    let packs: Vec<_> = addresses.packs.iter().map(PackMember::open).collect();
    let errors = members.iter().filter_map(Member::error);
    let mut errors = errors.chain(packs.iter().filter_map(PackMember::error));
    if let Some(error) = errors.find(|error| error.is_address()) {
        return Err(Failure::usage(error));
    }
    let progress = Progress::start();
    if !packs.is_empty() {
        progress.note("reading the battery packs before and after the units");
    }
    let watched = members.into_iter().map(|member| {
        let observer = progress.observer(member.name());
        member.observed(observer)
    });
    Ok(ask(watched.collect(), packs))
}

/// Reads a bank that `lvx dump` saved.
pub(crate) fn saved_bank(path: &Path) -> Result<BankSnapshot, Failure> {
    let text = input::read_text(path, BankSnapshot::MAX_BYTES)?;
    BankSnapshot::parse(&text)
        .map_err(|error| Failure::usage(format_args!("{}: {error}", input::file_name(path))))
}
