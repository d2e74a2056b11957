//! The units that clients can choose, and the links on which they answer.

use std::{
    collections::BTreeMap,
    os::fd::AsFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    time::{Duration, Instant},
};

use pi18_proto::SerialNumber;
use pi18_transport::bridge::BridgeUnit;
use rustix::fs::{FileType, fstat};

use crate::{Name, poll::LinkHandle};

/// The units of all banks and their links. Clones share what is known about device nodes.
#[derive(Clone, Debug)]
pub(super) struct Units {
    known: Arc<[(Name, SerialNumber)]>,
    links: Arc<[LinkHandle]>,
    nodes: Arc<Mutex<Nodes>>,
}

/// For each link, the unit that was found there and the number of its device node.
type Nodes = BTreeMap<usize, (SerialNumber, Option<u64>)>;

impl Units {
    pub(super) fn new(units: Vec<(Name, SerialNumber)>, links: Vec<LinkHandle>) -> Self {
        Self { known: units.into(), links: links.into(), nodes: Arc::default() }
    }

    /// Returns the unit with this name or serial number.
    pub(super) fn find(&self, wanted: &str) -> Option<BridgeUnit> {
        let is_wanted =
            |unit: &&(Name, SerialNumber)| unit.0.as_str() == wanted || unit.1.as_str() == wanted;
        self.known.iter().find(is_wanted).map(|(name, serial)| self.describe(name, *serial))
    }

    /// Returns the names of the units, for messages.
    pub(super) fn names(&self) -> String {
        self.known.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Returns the link on which a unit answers now; `None` if it answers on none, or on several: then a serial
    /// number is used twice.
    pub(super) fn link(&self, serial: SerialNumber) -> Option<(usize, &LinkHandle)> {
        let mut found =
            self.links.iter().enumerate().filter(|(_, link)| link.serial() == Some(serial));
        let first = found.next()?;
        found.next().is_none().then_some(first)
    }

    /// Returns all units. Asks the links for their device nodes, and waits a short time for them.
    pub(super) fn list(&self) -> Vec<BridgeUnit> {
        let (sender, found) = mpsc::channel();
        let mut count = 0;
        for (_, serial) in self.known.iter() {
            let Some((index, link)) = self.link(*serial) else { continue };
            let is_known = self.lock().get(&index).is_some_and(|(known, _)| known == serial);
            if is_known {
                continue;
            }
            let sender = sender.clone();
            let job = link.run(Box::new(move |client| {
                let Ok(client) = client else { return };
                let node = client.link().as_fd().and_then(node_of);
                // The list may have been sent by now.
                let _ = sender.send((index, client.identity(), node));
            }));
            count += usize::from(job.is_ok());
        }
        let until = Instant::now() + NODE_PATIENCE;
        for _ in 0..count {
            let left = until.saturating_duration_since(Instant::now());
            let Ok((index, serial, node)) = found.recv_timeout(left) else { break };
            if let Some(serial) = serial {
                self.lock().insert(index, (serial, node));
            }
        }
        self.known.iter().map(|(name, serial)| self.describe(name, *serial)).collect()
    }

    fn describe(&self, name: &Name, serial: SerialNumber) -> BridgeUnit {
        let link = self.link(serial);
        let address = link.map_or_else(String::new, |(_, link)| link.address().to_owned());
        let mut unit = BridgeUnit::new(name.as_str(), serial, address);
        unit.is_up = link.is_some();
        let nodes = self.lock();
        let known = link.and_then(|(index, _)| nodes.get(&index));
        unit.device = known.filter(|(known, _)| *known == serial).and_then(|(_, node)| *node);
        unit
    }

    fn lock(&self) -> MutexGuard<'_, Nodes> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the number of the device node that a descriptor leads to.
fn node_of(fd: impl AsFd) -> Option<u64> {
    let found = fstat(fd).ok()?;
    (FileType::from_raw_mode(found.st_mode) == FileType::CharacterDevice).then_some(found.st_rdev)
}

/// Time to wait for the device nodes. An exchange at 2400 baud takes half a second.
const NODE_PATIENCE: Duration = Duration::from_millis(900);
