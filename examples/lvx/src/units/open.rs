//! Units by their addresses, opened and read in parallel.

use std::thread;

use lvx_settings::{HostClock, Settings, Unit};
use pi18_transport::{Address, Client};

use super::{bank::BankAddresses, shared::open_address};
use crate::terminal::{Failure, Progress, Status};

/// An open unit with its settings.
pub(crate) struct OpenUnit {
    pub(crate) address: Address,
    pub(crate) client: Client,
    pub(crate) unit: Unit,
}

/// Opens and reads all units. Prints every error and returns the exit status if there is one.
pub(crate) fn open(
    addresses: &[String],
    host: &HostClock,
) -> Result<Result<Vec<OpenUnit>, Status>, Failure> {
    open_for(addresses, host, None)
}

/// Opens all units and reads the data for these settings, or for all settings if `None`.
pub(crate) fn open_for(
    addresses: &[String],
    host: &HostClock,
    settings: Option<&Settings>,
) -> Result<Result<Vec<OpenUnit>, Status>, Failure> {
    let addresses = BankAddresses::parse(addresses)?.only_units()?;
    let tries: Vec<_> =
        addresses.into_iter().map(|address| (open_address(&address), address)).collect();
    let progress = Progress::start();
    let read: Vec<Result<OpenUnit, Failure>> = thread::scope(|scope| {
        let readers: Vec<_> = tries
            .into_iter()
            .map(|(client, address)| {
                let observer = progress.observer(address.place());
                scope.spawn(move || read(client, address, host, settings, observer))
            })
            .collect();
        readers
            .into_iter()
            .map(|reader| reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    drop(progress);
    let mut units = Vec::new();
    let mut status = Status::Ok;
    for unit in read {
        match unit {
            Ok(unit) => units.push(unit),
            Err(failure) => status = failure.print().max(status),
        }
    }
    Ok(if status == Status::Ok { Ok(units) } else { Err(status) })
}

fn read(
    client: Result<Client, pi18_transport::Error>,
    address: Address,
    host: &HostClock,
    settings: Option<&Settings>,
    observer: impl FnMut(pi18_transport::QueryProgress) + Send + 'static,
) -> Result<OpenUnit, Failure> {
    let mut client = client?;
    client.observe(observer);
    let unit = match settings {
        Some(settings) => Unit::read_for(&mut client, host, settings)?,
        None => Unit::read(&mut client, host)?,
    };
    Ok(OpenUnit { address, client, unit })
}

/// Returns this computer's clock, which all clients of the tool use.
pub(crate) fn host() -> HostClock {
    HostClock::system()
}
