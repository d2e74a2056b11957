//! Reads the packs.

use std::thread;

use lvx_parallel::pack::{Label, Live, PackClient};
use pi18_transport::{Address, Error};

use crate::terminal::{Failure, Progress};

/// What one pack reported.
pub(super) struct Pack {
    pub(super) address: Address,
    /// Model and firmware; `None` if the pack has none, or was not read.
    pub(super) label: Option<Label>,
    pub(super) live: Result<Live, Error>,
}

/// Reads all packs at the same time.
///
/// # Errors
/// If an address cannot be used. Nothing is read in this case.
pub(super) fn read(addresses: Vec<Address>) -> Result<Vec<Pack>, Failure> {
    let opened: Vec<_> =
        addresses.into_iter().map(|address| (PackClient::open(&address), address)).collect();
    if let Some(error) = opened
        .iter()
        .filter_map(|(client, _)| client.as_ref().err())
        .find(|error| error.is_address())
    {
        return Err(Failure::usage(error));
    }
    let progress = Progress::start();
    progress.note("reading the battery packs; silent ones are asked for 40 s");
    Ok(thread::scope(|scope| {
        let readers: Vec<_> = opened
            .into_iter()
            .map(|(client, address)| scope.spawn(move || read_one(client, address)))
            .collect();
        readers
            .into_iter()
            .map(|reader| reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    }))
}

fn read_one(client: Result<PackClient, Error>, address: Address) -> Pack {
    let mut label = None;
    let live = client.and_then(|mut client| {
        client.wait()?;
        match client.label() {
            Ok(read) => label = Some(read),
            // A pack without a readable label has measurements.
            Err(error) if error.is_refused() || error.is_decode() => {}
            Err(error) => return Err(error),
        }
        client.live()
    });
    Pack { address, label, live }
}
