//! The roster: the unit behind each adapter, kept up to date while cables are moved.
//!
//! Every adapter is probed once after it was plugged in, and again with growing delays if that fails.
//! The result is valid until the adapter is unplugged: the unit behind it cannot change.

use std::{
    fmt,
    time::{Duration, Instant},
};

use pi18_proto::SerialNumber;

use super::{
    adapter,
    entry::Entry,
    events::{Event, Events},
    probe,
};
use crate::{ClientConfig, Error, Hidraw};

/// The USB adapters that are plugged in, and the unit behind each.
///
/// The roster keeps the node of each identified unit open, so that the kernel does not reuse its number:
/// while an entry is in the roster, its node leads to that unit or to nothing. The nodes are not locked,
/// so other programs can use them.
///
/// A [`Follower`](crate::Follower) uses a roster to find one unit. Use a roster of your own to keep
/// track of all units, for example to name their nodes:
///
/// ```no_run
/// use std::time::{Duration, Instant};
///
/// use pi18_transport::{ClientConfig, Roster};
///
/// let mut roster = Roster::new(ClientConfig::default());
/// loop {
///     roster.wait(Instant::now() + Duration::from_secs(60));
///     for entry in roster.entries() {
///         let node = entry.adapter.node.display();
///         match (entry.unit(), entry.error()) {
///             (Some(serial), _) => println!("{node}: unit {serial}"),
///             (None, Some(error)) => println!("{error}"),
///             (None, None) => println!("{node}: no reply yet"),
///         }
///     }
/// }
/// ```
pub struct Roster {
    config: ClientConfig,
    entries: Vec<Entry>,
    /// Unplugged adapters with nodes that are still open.
    unplugged: Vec<Entry>,
    /// `None` before the first [`wait`](Roster::wait) and after [`release`](Roster::release).
    events: Option<Events>,
}

/// The location of a unit in a [`Roster`].
#[derive(Debug)]
pub enum Whereabouts<'a> {
    /// The unit was not found, or not all adapters were probed yet.
    Unknown,
    /// The unit is behind this adapter.
    At(&'a Entry),
    /// Units behind several adapters report this serial number.
    Duplicate(Vec<&'a Entry>),
}

impl Roster {
    /// Creates an empty roster; [`wait`](Self::wait) fills it.
    ///
    /// Probes use `config` with a single try and shorter timeouts: a quarter of its timeout at first,
    /// then up to half.
    #[must_use]
    pub fn new(config: ClientConfig) -> Self {
        let (entries, unplugged) = Default::default();
        Self { config, entries, unplugged, events: None }
    }

    /// Returns the known adapters, ordered by node.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns the location of a unit.
    ///
    /// A unit is only [found](Whereabouts::At) once every adapter that was present when it answered has
    /// been probed, because another unit may report the same serial number.
    #[must_use]
    pub fn find(&self, unit: SerialNumber) -> Whereabouts<'_> {
        let found: Vec<_> = self.entries.iter().filter(|it| it.unit() == Some(unit)).collect();
        match &found[..] {
            [] => Whereabouts::Unknown,
            [entry] if self.entries.iter().any(|other| other.may_duplicate(entry)) => {
                Whereabouts::Unknown
            }
            [entry] => Whereabouts::At(entry),
            _ => Whereabouts::Duplicate(found),
        }
    }

    /// Waits until an adapter was plugged in, unplugged or probed, or until the deadline. Returns
    /// whether something has changed.
    ///
    /// The node of an unplugged adapter stays open until the next call, so that its number is not
    /// reused: remove what refers to it, such as a link below `/dev`, before that call.
    pub fn wait(&mut self, deadline: Instant) -> bool {
        self.unplugged.clear();
        // Start collecting events before the first scan, so that no change is missed.
        self.events.get_or_insert_with(Events::new);
        let mut has_changed = self.scan();
        loop {
            self.start_probes();
            if has_changed {
                return true;
            }
            let now = Instant::now();
            if now >= deadline {
                return false;
            }
            let next_probe = self.entries.iter().filter_map(Entry::next_probe).min();
            let end = next_probe.unwrap_or(deadline).min(deadline).min(now + SCAN_INTERVAL);
            let timeout = end.saturating_duration_since(now);
            match self.events.get_or_insert_with(Events::new).next(timeout) {
                Some(Event::Probed(hid_device, result)) => {
                    has_changed = self.end_probe(&hid_device, *result);
                }
                // udev may have changed the access rights of a node.
                Some(Event::Changed) => {
                    let now = Instant::now();
                    self.entries.iter_mut().for_each(|entry| entry.retry_without_permission(now));
                }
                None => {}
            }
            has_changed |= self.scan();
        }
    }

    /// Takes the node of a unit out of the roster, and locks it.
    ///
    /// # Errors
    /// If another program uses the node, the unit is not in the roster, or its node was taken before.
    pub fn take(&mut self, unit: SerialNumber) -> Result<Hidraw, Error> {
        let entry = self.entries.iter_mut().find(|entry| entry.unit() == Some(unit));
        let node = entry.and_then(Entry::take_node);
        let node = node.ok_or_else(|| Error::gone(format!("sn:{unit}")))?;
        node.lock().map(|()| node)
    }

    /// Forgets the location of a unit, so that its adapter is probed again.
    pub(crate) fn forget(&mut self, unit: SerialNumber) {
        self.entries.iter_mut().filter(|it| it.unit() == Some(unit)).for_each(Entry::forget);
    }

    /// Closes the nodes of all units, which stay known, and ignores events until the next
    /// [`wait`](Self::wait). Probes that are running close their node when they end.
    pub(crate) fn release(&mut self) {
        self.unplugged.clear();
        // The result of a running probe would keep its node open in the queue.
        self.events = None;
        let now = Instant::now();
        self.entries.iter_mut().for_each(|entry| entry.release(now));
    }

    /// Updates the entries from sysfs. Returns whether an adapter appeared, disappeared, or is stuck.
    fn scan(&mut self) -> bool {
        // If sysfs cannot be read, keep what is known.
        let Ok(present) = adapter::list() else { return false };
        let known = std::mem::take(&mut self.entries);
        let known_count = known.len();
        let (kept, unplugged): (Vec<_>, _) =
            known.into_iter().partition(|entry| present.contains(&entry.adapter));
        self.unplugged.extend(unplugged);
        self.entries = kept;
        let (kept_count, now) = (self.entries.len(), Instant::now());
        for adapter in present {
            if !self.entries.iter().any(|entry| entry.adapter == adapter) {
                self.entries.push(Entry::new(adapter, now, self.config.timeout));
            }
        }
        let has_changed = kept_count != known_count || kept_count != self.entries.len();
        if has_changed {
            self.entries.sort_by(|a, b| a.adapter.node.cmp(&b.adapter.node));
        }
        let stuck = self.entries.iter_mut().filter_map(|it| it.give_up_if_stuck(now).then_some(()));
        has_changed | (stuck.count() > 0)
    }

    /// Starts the probes that are due, each on a thread of its own.
    fn start_probes(&mut self) {
        let now = Instant::now();
        let events = self.events.get_or_insert_with(Events::new);
        for entry in &mut self.entries {
            let Some(timeout) = entry.begin_probe(now) else { continue };
            let deadline = timeout.saturating_mul(2);
            let expected_serial = None;
            let config =
                ClientConfig { timeout, deadline, tries: 1, expected_serial, ..self.config };
            if let Err(source) = probe::spawn(entry.adapter.clone(), config, events.sender()) {
                let error = Error::io(entry.place(), "starting a probe", source);
                entry.fail_to_start(error, now);
            }
        }
    }

    /// Records the result of a probe. Returns whether the adapter is still present.
    fn end_probe(
        &mut self,
        hid_device: &str,
        result: Result<(SerialNumber, Hidraw), Error>,
    ) -> bool {
        let entry = self.entries.iter_mut().find(|entry| entry.adapter.hid_device == hid_device);
        let Some(entry) = entry else { return false };
        match result {
            Ok((serial, node)) => entry.identify(serial, Some(node), Instant::now()),
            Err(error) => entry.fail(error, Instant::now()),
        }
        true
    }
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roster").field("entries", &self.entries).finish_non_exhaustive()
    }
}

/// How often to read sysfs without an event.
const SCAN_INTERVAL: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Adapter;

    const UNITS: [&str; 2] = ["96132206100410", "96132206100411"];

    fn serial(unit: usize) -> SerialNumber {
        SerialNumber::new(UNITS[unit]).unwrap()
    }

    /// Returns a roster of simulated adapters. Each has the second in which it was plugged in, and,
    /// once its probe has ended, the second of that and the unit.
    fn roster(adapters: &[(u64, Option<(u64, usize)>)]) -> Roster {
        let config = ClientConfig::default();
        let mut roster = Roster::new(config);
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        for (number, (plugged_in, identified)) in (0..).zip(adapters) {
            let adapter = Adapter {
                node: format!("/dev/hidraw{number}").into(),
                hid_device: format!("0003:0665:5161.{number:04X}"),
                port: None,
            };
            let mut entry = Entry::new(adapter, at(*plugged_in), config.timeout);
            assert!(entry.begin_probe(at(*plugged_in)).is_some());
            if let Some((second, unit)) = identified {
                entry.identify(serial(*unit), None, at(*second));
            }
            roster.entries.push(entry);
        }
        roster
    }

    fn location(roster: &Roster, unit: usize) -> String {
        match roster.find(serial(unit)) {
            Whereabouts::Unknown => "unknown".to_owned(),
            Whereabouts::At(entry) => entry.place(),
            Whereabouts::Duplicate(entries) => format!("{} adapters", entries.len()),
        }
    }

    #[test]
    fn unit_is_found_once_no_other_adapter_can_have_its_serial_number() {
        let both = roster(&[(0, Some((1, 1))), (0, Some((2, 0)))]);
        assert_eq!([location(&both, 0), location(&both, 1)], ["/dev/hidraw1", "/dev/hidraw0"]);
        assert_eq!(location(&roster(&[]), 0), "unknown");
        // The second adapter was plugged in before the unit answered, or after it.
        assert_eq!(location(&roster(&[(0, Some((2, 0))), (1, None)]), 0), "unknown");
        assert_eq!(location(&roster(&[(0, Some((2, 0))), (3, None)]), 0), "/dev/hidraw0");
        assert_eq!(location(&roster(&[(0, Some((2, 0))), (3, Some((4, 0)))]), 0), "2 adapters");
    }

    #[test]
    fn failed_probe_is_repeated_after_a_delay() {
        let mut roster = roster(&[(0, None)]);
        let now = Instant::now();
        assert!(roster.end_probe("0003:0665:5161.0000", Err(Error::gone("x"))));
        let entry = &mut roster.entries[0];
        assert!(entry.error().is_some() && entry.begin_probe(now).is_none());
        let due = entry.next_probe().unwrap();
        assert!(due > now && entry.begin_probe(due).is_some());
    }

    #[test]
    fn result_for_an_unplugged_adapter_is_ignored() {
        let mut roster = roster(&[(0, None)]);
        assert!(!roster.end_probe("0003:0665:5161.0001", Err(Error::gone("x"))));
    }
}
