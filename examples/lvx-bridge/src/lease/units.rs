//! The units that clients can choose, and the links on which they answer.

use std::sync::Arc;

use pi18_proto::SerialNumber;
use pi18_transport::bridge::BridgeUnit;

use crate::{Name, poll::LinkHandle};

/// The units of all banks and their links.
#[derive(Clone, Debug)]
pub(super) struct Units {
    known: Arc<[(Name, SerialNumber)]>,
    links: Arc<[LinkHandle]>,
}

impl Units {
    pub(super) fn new(units: Vec<(Name, SerialNumber)>, links: Vec<LinkHandle>) -> Self {
        Self { known: units.into(), links: links.into() }
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

    /// Returns all units.
    pub(super) fn list(&self) -> Vec<BridgeUnit> {
        self.known.iter().map(|(name, serial)| self.describe(name, *serial)).collect()
    }

    fn describe(&self, name: &Name, serial: SerialNumber) -> BridgeUnit {
        let link = self.link(serial);
        let address = link.map_or_else(String::new, |(_, link)| link.address().to_owned());
        let mut unit = BridgeUnit::new(name.as_str(), serial, address);
        unit.is_up = link.is_some();
        // Between the two looks at the link, another unit may have been found there.
        let found = link.and_then(|(_, link)| link.unit()).filter(|found| found.serial == serial);
        unit.device = found.and_then(|found| found.node);
        unit
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::poll::{LinkUnit, job_queue};

    #[test]
    fn device_node_is_that_of_the_link_where_the_unit_answers_now() {
        let known = [("left", "96132206100410"), ("right", "96132206100411")];
        let known = known.map(|(name, serial)| {
            (name.parse::<Name>().unwrap(), SerialNumber::new(serial).unwrap())
        });
        let found: [Arc<Mutex<Option<LinkUnit>>>; 2] = Default::default();
        let link = |unit| LinkHandle::new("hidraw".to_owned(), job_queue().0, Arc::clone(unit));
        let units = Units::new(known.to_vec(), found.iter().map(link).collect());
        let plug = |link: usize, unit: usize, node| {
            *found[link].lock().unwrap() = Some(LinkUnit { serial: known[unit].1, node });
        };
        let nodes = || units.list().iter().map(|unit| unit.device).collect::<Vec<_>>();
        plug(0, 0, Some(10));
        plug(1, 1, Some(11));
        assert_eq!(nodes(), [Some(10), Some(11)]);
        // The first unit was plugged in again, and got another node.
        *found[0].lock().unwrap() = None;
        assert_eq!(nodes(), [None, Some(11)]);
        plug(0, 0, Some(12));
        assert_eq!(nodes(), [Some(12), Some(11)]);
        plug(0, 1, Some(12));
        plug(1, 0, Some(11));
        assert_eq!(nodes(), [Some(11), Some(12)]);
    }
}
