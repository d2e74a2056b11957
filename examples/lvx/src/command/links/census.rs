//! The links that should exist, according to the names and the units found.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use pi18_proto::SerialNumber;
use pi18_transport::{Entry, Roster, Whereabouts};

use super::{folder::Links, unit_names::UnitNames};
use crate::{terminal::Status, units::BY_PATH};

/// The units found, by name.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Census {
    pub(super) links: Links,
    /// Named units and ports that were not found.
    pub(super) missing: Vec<String>,
    /// Units that are not linked, with the reason.
    pub(super) refused: BTreeSet<String>,
    /// Other devices.
    pub(super) others: BTreeSet<String>,
}

impl Census {
    pub(super) fn new(names: &UnitNames, roster: &Roster) -> Self {
        let mut census = Self::default();
        for (serial, name) in names.iter() {
            match roster.find(serial) {
                Whereabouts::At(entry) => {
                    census.links.insert(name.to_owned(), entry.adapter.node.clone());
                }
                Whereabouts::Unknown => census.missing.push(format!("{name} ({serial})")),
                Whereabouts::Duplicate(entries) => census.refuse(serial, name, &entries),
            }
        }
        for (port, name) in names.packs() {
            census.add_pack(Path::new(BY_PATH), port, name);
        }
        for entry in roster.entries() {
            census.add_entry(entry, names);
        }
        census
    }

    /// Adds the port of a battery pack. Its link leads to the name that udev gives to the USB port, and never to another
    /// port.
    fn add_pack(&mut self, folder: &Path, port: &str, name: &str) {
        let node = folder.join(port);
        if node.exists() {
            self.links.insert(name.to_owned(), node);
        } else {
            self.missing.push(format!("{name} ({port})"));
        }
    }

    fn refuse(&mut self, serial: SerialNumber, name: &str, entries: &[&Entry]) {
        let nodes: Vec<_> = entries.iter().map(|entry| node(entry)).collect();
        self.refused.insert(format!(
            "{serial} ({name}) is reported by {}: two units cannot have the same serial number, so neither is linked",
            nodes.join(" and ")
        ));
    }

    fn add_entry(&mut self, entry: &Entry, names: &UnitNames) {
        let node = node(entry);
        match (entry.unit(), entry.error()) {
            (Some(unit), _) if !unit.looks_genuine() => {
                self.refused.insert(format!(
                    "{node} reports {unit}, which is not a valid serial number; it is not linked"
                ));
            }
            (Some(unit), _) if names.name(&unit).is_none() => {
                self.others
                    .insert(format!("{node} is unit {unit}, which has no name in units.yaml"));
            }
            (None, Some(error)) => {
                // The text of a timeout contains the waiting time. A text that varies would be printed again and
                // again, because only new texts are printed.
                self.others.insert(if error.is_not_pi18() {
                    format!("{node} is another device, such as a UPS: it does not use PI18")
                } else if error.is_timeout() {
                    format!("{node} does not answer")
                } else {
                    format!("{error:#}")
                });
            }
            _ => {}
        }
    }

    /// Returns whether all named units and ports are linked.
    pub(super) fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.refused.is_empty()
    }

    pub(super) fn status(&self) -> Status {
        if !self.missing.is_empty() {
            Status::Unread
        } else if !self.refused.is_empty() {
            Status::Findings
        } else {
            Status::Ok
        }
    }
}

fn node(entry: &Entry) -> String {
    let node: &PathBuf = &entry.adapter.node;
    node.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::Scratch;

    #[test]
    fn port_of_a_pack_is_linked_while_it_is_plugged_in() {
        let scratch = Scratch::new();
        let mut census = Census::default();
        census.add_pack(&scratch.0, "usb-0:1", "pack-1");
        assert_eq!(
            (census.links.len(), census.missing.as_slice()),
            (0, &["pack-1 (usb-0:1)".to_owned()][..])
        );
        std::fs::write(scratch.0.join("usb-0:1"), "").unwrap();
        let mut census = Census::default();
        census.add_pack(&scratch.0, "usb-0:1", "pack-1");
        assert!(census.is_complete());
        assert_eq!(census.links.get("pack-1"), Some(&scratch.0.join("usb-0:1")));
    }
}
