//! Log lines about alerts, links and energies: one for each change.

use std::collections::BTreeMap;

use pi18_proto::SerialNumber;
use tracing::{Level, error, info, warn};

use crate::{
    Name, Snapshot,
    alert::{Alerts, Change},
    state::{LinkState, LinkView, UnitView},
};

/// Remembers what was logged about one bank.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// Number of the last change of an alert.
    last_number: u64,
    units: BTreeMap<SerialNumber, Seen>,
    /// Whether each pack answered; `None` before that is known.
    packs: BTreeMap<Name, Option<bool>>,
}

/// What was logged about a unit.
#[derive(Debug, Eq, PartialEq)]
struct Seen {
    is_up: Option<bool>,
    address: String,
    era: u32,
}

impl Journal {
    /// Creates a journal that logs changes from now on.
    pub(super) fn new(snapshot: &Snapshot, alerts: &Alerts) -> Self {
        let mut journal = Self { last_number: alerts.last_number(), ..Self::default() };
        journal.lines(snapshot, alerts);
        journal
    }

    /// Logs what changed since the last call.
    pub(super) fn log(&mut self, snapshot: &Snapshot, alerts: &Alerts) {
        for (level, line) in self.lines(snapshot, alerts) {
            match level {
                Level::ERROR => error!("{line}"),
                Level::WARN => warn!("{line}"),
                _ => info!("{line}"),
            }
        }
    }

    fn lines(&mut self, snapshot: &Snapshot, alerts: &Alerts) -> Vec<(Level, String)> {
        let mut lines = Vec::new();
        for unit in &snapshot.units {
            let new = Seen::of(unit);
            let old = self.units.get(&unit.serial);
            if old == Some(&new) {
                continue;
            }
            if let Some(old) = old {
                let bank = &snapshot.bank;
                let changed = changes(unit, old, &new);
                lines.extend(changed.map(|(level, text)| (level, format!("bank {bank}: {text}"))));
            }
            self.units.insert(unit.serial, new);
        }
        for pack in &snapshot.packs {
            let new = is_up(&pack.link);
            let old = self.packs.insert(pack.name.clone(), new);
            if old.is_none_or(|old| old == new) {
                continue;
            }
            let (bank, name) = (&snapshot.bank, &pack.name);
            lines.extend(match &pack.link.state {
                LinkState::Starting => None,
                LinkState::Up => {
                    let place = &pack.link.address;
                    Some((Level::INFO, format!("bank {bank}: pack {name} answers at {place}")))
                }
                LinkState::Down { why, .. } => {
                    Some((Level::WARN, format!("bank {bank}: pack {name} is lost: {why:?}")))
                }
            });
        }
        if self.last_number != alerts.last_number() {
            for notice in alerts.notices().filter(|notice| notice.number > self.last_number) {
                let (alert, bank) = (&notice.alert, &snapshot.bank);
                let (level, change) = match notice.change {
                    Change::Raised => (Level::WARN, "raised"),
                    Change::Worse => (Level::WARN, "worse"),
                    Change::Better => (Level::INFO, "better"),
                    Change::Cleared => (Level::INFO, "cleared"),
                    Change::Acknowledged => (Level::INFO, "acknowledged"),
                    Change::Unacknowledged => (Level::INFO, "no longer acknowledged"),
                };
                let text = format!(
                    "bank {bank}: alert {change} ({}, {}): {:?}",
                    alert.id, alert.severity, alert.title
                );
                lines.push((level, text));
            }
            self.last_number = alerts.last_number();
        }
        lines
    }
}

impl Seen {
    fn of(unit: &UnitView) -> Self {
        Self { is_up: is_up(&unit.link), address: unit.link.address.clone(), era: unit.energy.era }
    }
}

/// Returns whether a unit or pack answers; `None` before that is known.
fn is_up(link: &LinkView) -> Option<bool> {
    match link.state {
        LinkState::Starting => None,
        LinkState::Up => Some(true),
        LinkState::Down { .. } => Some(false),
    }
}

/// Returns the lines about one unit.
fn changes<'a>(
    unit: &'a UnitView,
    old: &'a Seen,
    new: &'a Seen,
) -> impl Iterator<Item = (Level, String)> + use<'a> {
    let name = &unit.name;
    let link = match &unit.link.state {
        LinkState::Up if old.is_up != new.is_up => {
            Some((Level::INFO, format!("unit {name} answers at {}", new.address)))
        }
        LinkState::Up if old.address != new.address => {
            let text = format!("unit {name} moved from {} to {}", old.address, new.address);
            Some((Level::WARN, text))
        }
        LinkState::Down { why, .. } if old.is_up != new.is_up => {
            Some((Level::WARN, format!("unit {name} is lost: {why:?}")))
        }
        _ => None,
    };
    let era = (old.era != new.era)
        .then(|| (Level::WARN, format!("unit {name}: energies start era {}", new.era)));
    link.into_iter().chain(era)
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::{Now, config::AlertConfig, testing};

    fn texts(journal: &mut Journal, snapshot: &Snapshot, alerts: &Alerts) -> Vec<String> {
        journal.lines(snapshot, alerts).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn changes_of_links_energies_and_alerts_are_logged_once() {
        let mut now = Now::system();
        let mut bank = testing::bank(now);
        let mut alerts = Alerts::new(&AlertConfig::default(), None);
        let mut journal = Journal::new(&bank, &alerts);
        assert_eq!(texts(&mut journal, &bank, &alerts), [""; 0]);

        let unit = Arc::make_mut(&mut bank.units[0]);
        let (name, address) = (unit.name.clone(), unit.link.address.clone());
        unit.link.state = LinkState::Down { why: "gone\n".to_owned(), retry_at: None };
        let place = format!("bank {}", bank.bank);
        let expected = [format!("{place}: unit {name} is lost: \"gone\\n\"")];
        assert_eq!(texts(&mut journal, &bank, &alerts), expected);
        assert_eq!(texts(&mut journal, &bank, &alerts), [""; 0]);

        let unit = Arc::make_mut(&mut bank.units[0]);
        unit.link.state = LinkState::Up;
        unit.energy.era += 1;
        let expected = [
            format!("{place}: unit {name} answers at {address}"),
            format!("{place}: unit {name}: energies start era {}", bank.units[0].energy.era),
        ];
        assert_eq!(texts(&mut journal, &bank, &alerts), expected);

        Arc::make_mut(&mut bank.units[0]).link.address = "sim:7".to_owned();
        let expected = [format!("{place}: unit {name} moved from {address} to sim:7")];
        assert_eq!(texts(&mut journal, &bank, &alerts), expected);

        alerts.test("Ann", now);
        now.instant += Duration::from_mins(1);
        alerts.tick(now);
        let expected = ["raised", "cleared"].map(|change| {
            format!("{place}: alert {change} (test, warning): \"test alert of Ann\"")
        });
        assert_eq!(texts(&mut journal, &bank, &alerts), expected);
        assert_eq!(texts(&mut journal, &bank, &alerts), [""; 0]);
    }
}
