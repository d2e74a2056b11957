//! Asks the unit behind an adapter for its serial number.

use std::{io, sync::mpsc::SyncSender, thread, time::Duration};

use pi18_proto::SerialNumber;

use super::{adapter::Adapter, device::serial_number, events::Event};
use crate::{Client, ClientConfig, Error, Hidraw};

/// Starts a thread that probes an adapter and sends the result to `tx`.
pub(super) fn spawn(
    adapter: Adapter,
    config: ClientConfig,
    tx: SyncSender<Event>,
) -> io::Result<()> {
    let probe = move || {
        let result = probe(&adapter, config);
        // If the roster was dropped or has stopped waiting, the result is not needed.
        let _ = tx.send(Event::Probed(adapter.hid_device, Box::new(result)));
    };
    thread::Builder::new().name("probe".to_owned()).spawn(probe).map(drop)
}

fn probe(adapter: &Adapter, config: ClientConfig) -> Result<(SerialNumber, Hidraw), Error> {
    let mut client = Client::with_config(open(adapter, Duration::ZERO)?, config);
    let serial = serial_number(&mut client)?;
    let node = client.into_link();
    node.unlock()?;
    Ok((serial, node))
}

/// Opens the node of an adapter, unless the node belongs to another adapter by now.
pub(super) fn open(adapter: &Adapter, patience: Duration) -> Result<Hidraw, Error> {
    let node = Hidraw::open_within(&adapter.node, patience)?;
    if node.hid_device() == Some(&*adapter.hid_device) {
        Ok(node)
    } else {
        Err(Error::gone(adapter.node.display().to_string()))
    }
}
