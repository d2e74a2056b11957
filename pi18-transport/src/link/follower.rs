//! A link to a unit by its serial number, the only name that stays with the unit.

use std::{
    fmt,
    os::fd::BorrowedFd,
    path::Path,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use pi18_proto::SerialNumber;

use super::{Link, hidraw::Hidraw};
use crate::{
    ClientConfig, Error, ErrorKind, StopHandle,
    usb::{Entry, Roster, Whereabouts, interface::taken_adapters},
};

/// A link to the unit with a given serial number, on any USB port.
///
/// When the adapter is unplugged, the current call fails as [disconnected](Error::is_disconnected) and
/// the follower closes the node. The next send waits for the unit to be plugged in again, until the
/// deadline. It asks the units behind new adapters for their serial number at once, and repeats that in
/// growing intervals if there is no reply. Nothing else is sent to other units. The follower never repeats
/// a request: a set command that was interrupted ends as [`Gone`](crate::SetOutcome::Gone).
///
/// This works on USB only: the cable of a serial port can be moved to another unit unnoticed.
///
/// The address `sn:96132206100410` opens a follower. Use the type itself to read the current node, or to
/// open it before the unit is plugged in:
///
/// ```no_run
/// use pi18_proto::{GeneralStatus, SerialNumber};
/// use pi18_transport::{Client, ClientConfig, Follower};
///
/// let serial = SerialNumber::new("96132206100410").ok_or("not a serial number")?;
/// let mut unit = Client::new(Follower::new(serial, ClientConfig::default())?);
/// loop {
///     match unit.read::<GeneralStatus>() {
///         Ok(status) => println!("{:?}: {}", unit.link().node(), status.battery_voltage),
///         Err(error) => println!("{error:#}"),
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Follower {
    serial: SerialNumber,
    name: String,
    pause: Duration,
    roster: Roster,
    node: Option<Hidraw>,
    stop: Option<StopHandle>,
}

impl Follower {
    /// Finds a unit that is plugged in. This takes at most three seconds.
    ///
    /// # Errors
    /// If the unit is not found or cannot be opened, or two units report this serial number.
    pub fn open(serial: SerialNumber, config: ClientConfig) -> Result<Self, Error> {
        let mut follower = Self::new(serial, config)?;
        follower.find(SearchTime::First(Instant::now()))?;
        Ok(follower)
    }

    /// Creates a follower that looks for the unit when the first request is sent. It uses a
    /// [`Roster`](crate::Roster) with this `config`.
    ///
    /// # Errors
    /// If the number does not [look genuine](SerialNumber::looks_genuine): several units may have it.
    pub fn new(serial: SerialNumber, config: ClientConfig) -> Result<Self, Error> {
        let name = format!("sn:{serial}");
        if !serial.looks_genuine() {
            return Err(Error::serial_number(&name));
        }
        let roster = Roster::new(config);
        Ok(Self { serial, name, pause: Duration::ZERO, roster, node: None, stop: None })
    }

    /// Sets the pause between the reports of one request.
    #[must_use]
    pub fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self.node = self.node.map(|node| node.with_pause(pause));
        self
    }

    /// Returns the current node of the unit, such as `/dev/hidraw0`, or `None` while it is not found.
    #[must_use]
    pub fn node(&self) -> Option<&Path> {
        self.node.as_ref().map(Hidraw::path)
    }

    /// Finds the unit, and opens and locks its node.
    fn find(&mut self, time: SearchTime) -> Result<(), Error> {
        let mut open_error = None;
        // The roster may still have the location from before the unit was lost.
        self.roster.forget(self.serial);
        loop {
            if let Some(stop) = &self.stop
                && let Err(stopped) = stop.check(&self.name)
            {
                self.roster.release();
                return Err(stopped);
            }
            let end = time.deadline(&self.roster);
            let interval_end = self.stop.as_ref().map(|_| Instant::now() + StopHandle::INTERVAL);
            // Even with a deadline in the past, this scans once.
            self.roster.wait(interval_end.map_or(end, |interval_end| end.min(interval_end)));
            if let Whereabouts::At(_) = self.roster.find(self.serial) {
                match self.roster.take(self.serial) {
                    Ok(node) => {
                        let name = format!("{} ({})", self.name, node.path().display());
                        let mut node = node.named(name).with_pause(self.pause);
                        if let Some(stop) = &self.stop {
                            node.stopped_by(stop);
                        }
                        self.node = Some(node);
                        self.roster.release();
                        return Ok(());
                    }
                    Err(error) => {
                        self.roster.forget(self.serial);
                        open_error = Some(error);
                    }
                }
            }
            if Instant::now() >= time.deadline(&self.roster) {
                let error = open_error.filter(Error::is_busy).unwrap_or_else(|| self.not_found());
                self.roster.release();
                return Err(error);
            }
        }
    }

    /// Returns the error of a unit that was not found, with the result for each adapter.
    fn not_found(&self) -> Error {
        let entries = self.roster.entries().iter().map(|entry| {
            let node = entry.adapter.node.display();
            match (entry.unit(), entry.error()) {
                (Some(unit), _) => format!("unit {unit} at {node}"),
                (None, Some(error)) => format!("{error:#}"),
                (None, None) => format!("no reply yet at {node}"),
            }
        });
        let taken = taken_adapters();
        let found: Vec<_> = entries.chain(taken.iter().map(ToString::to_string)).collect();
        let found = match &found[..] {
            [] => "no USB adapter of such an inverter".to_owned(),
            found => found.join("; "),
        };
        let error = Error::new(
            ErrorKind::NotFound,
            &*self.name,
            format!("expected a unit with this serial number, found {found}"),
        );
        match self.roster.find(self.serial) {
            Whereabouts::Duplicate(_) => {
                error.with_hint("several units have this serial number: use the device path of one")
            }
            _ => error,
        }
    }

    /// Uses the node, and closes it if the unit is gone.
    fn with_node<T>(
        &mut self,
        action: impl FnOnce(&mut Hidraw) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let node = self.node.as_mut().ok_or_else(|| Error::gone(&*self.name))?;
        let result = action(node);
        if result.as_ref().is_err_and(Error::is_disconnected) {
            self.node = None;
        }
        result
    }
}

impl Link for Follower {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        if self.node.is_none() {
            self.find(SearchTime::Until(deadline))?;
        }
        self.with_node(|node| node.send(bytes, deadline))
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        if self.node.is_none() && deadline <= Instant::now() {
            // There is nothing to drain before the first request.
            return Ok(());
        }
        self.with_node(|node| node.receive(buffer, deadline))
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn stopped_by(&mut self, handle: &StopHandle) {
        self.stop = Some(handle.clone());
        if let Some(node) = &mut self.node {
            node.stopped_by(handle);
        }
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        self.node.as_ref().and_then(Link::as_fd)
    }
}

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How long to look for a unit.
#[derive(Clone, Copy)]
enum SearchTime {
    /// A search until this time.
    Until(Instant),
    /// The first search, which began at this time. It ends early once every adapter is known to lead to
    /// something else.
    First(Instant),
}

impl SearchTime {
    /// Returns the end of the search, given the adapters that are known so far.
    fn deadline(self, roster: &Roster) -> Instant {
        let start = match self {
            Self::Until(deadline) => return deadline,
            Self::First(start) => start,
        };
        let patience = |entry: &Entry| match entry.error() {
            None if entry.unit().is_some() => Duration::ZERO,
            Some(error) if error.is_not_pi18() => Duration::ZERO,
            // While a machine boots, udev may set the group of a new node late.
            Some(error) if error.is_permission() && !is_new(&entry.adapter.node) => {
                Duration::from_millis(500)
            }
            _ => FIRST_SEARCH,
        };
        start + roster.entries().iter().map(patience).max().unwrap_or_default()
    }
}

/// Returns whether a node is so new that udev may not have set its group yet.
fn is_new(node: &Path) -> bool {
    let changed = node.metadata().and_then(|node| node.modified());
    // `elapsed` fails for a time in the future, which dates from before the clock was set.
    changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|age| age < FIRST_SEARCH))
}

/// Maximum time of the first search for a unit.
const FIRST_SEARCH: Duration = Duration::from_secs(3);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholder_serial_number_is_refused() {
        let serial = SerialNumber::new("55355535553555").unwrap();
        let error = Follower::new(serial, ClientConfig::default()).unwrap_err();
        assert!(error.is_address(), "{error}");
    }

    #[test]
    fn absent_unit_is_awaited_until_the_deadline() {
        if !crate::adapters().is_empty() {
            return;
        }
        let serial = SerialNumber::new("96132206100410").unwrap();
        let mut follower = Follower::new(serial, ClientConfig::default()).unwrap();
        let mut buffer = BytesMut::new();
        follower.receive(&mut buffer, Instant::now()).unwrap();
        let wait = Duration::from_millis(30);
        let start = Instant::now();
        let error = follower.send(b"^P005PI", start + wait).unwrap_err();
        assert!(error.is_not_found() && start.elapsed() >= wait, "{error}");
        assert!(error.to_string().ends_with("found no USB adapter of such an inverter"), "{error}");
    }

    #[test]
    fn search_for_a_unit_is_ended_by_the_stop_handle() {
        if !crate::adapters().is_empty() {
            return;
        }
        let serial = SerialNumber::new("96132206100410").unwrap();
        let mut follower = Follower::new(serial, ClientConfig::default()).unwrap();
        let handle = StopHandle::default();
        follower.stopped_by(&handle);
        handle.stop();
        let error = follower.send(b"^P005PI", Instant::now() + Duration::from_mins(1)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Stopped);
    }
}
