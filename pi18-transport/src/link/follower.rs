//! A link to a unit by its serial number: the only name that stays with it.

use std::{
    fmt,
    path::Path,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use pi18_proto::SerialNumber;

use super::{Link, hidraw::Hidraw};
use crate::{
    ClientConfig, Error,
    error::ErrorKind,
    usb::{
        adapter,
        roster::{Entry, Roster, Whereabouts},
    },
};

/// A link that goes where its unit is plugged in.
///
/// When the adapter is gone it says so once, as [disconnected](Error::is_disconnected), and lets go of
/// the node. Whoever sends the next time waits, until the deadline, for the unit to be found again: at
/// once when a new adapter is plugged in, and in growing intervals for one whose unit does not tell
/// who it is. Other units are asked who they are, and nothing else. Nothing is sent twice: a
/// [`Client`](crate::Client) whose set command was cut off tells [`Gone`](crate::SetOutcome::Gone).
///
/// USB only: behind a serial port the cable can be moved without a sign.
///
/// ```no_run
/// use pi18_proto::{GeneralStatus, SerialNumber};
/// use pi18_transport::{Client, ClientConfig, Follower};
///
/// let serial = SerialNumber::new("96132206100410").ok_or("no serial number")?;
/// let mut unit = Client::new(Follower::open(serial, ClientConfig::default())?);
/// loop {
///     match unit.read::<GeneralStatus>() {
///         Ok(status) => println!("battery {}", status.battery_voltage),
///         Err(error) => println!("{error}"),
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
}

impl Follower {
    /// Finds a unit that is plugged in. Takes three seconds at most.
    ///
    /// # Errors
    /// If it is not there, cannot be opened, or two units say that they have this serial number.
    pub fn open(serial: SerialNumber, config: ClientConfig) -> Result<Self, Error> {
        let mut follower = Self::new(serial, config)?;
        follower.find(Patience::Beginning(Instant::now()))?;
        Ok(follower)
    }

    /// Does not look for the unit before something is to be sent to it. Adapters are asked as by a
    /// [`Roster`](crate::Roster).
    ///
    /// # Errors
    /// If it does not [look like a serial number](SerialNumber::looks_genuine): several units may
    /// have it.
    pub fn new(serial: SerialNumber, config: ClientConfig) -> Result<Self, Error> {
        let name = format!("sn:{serial}");
        if !serial.looks_genuine() {
            return Err(Error::serial_number(&name));
        }
        let roster = Roster::new(config);
        Ok(Self { serial, name, pause: Duration::ZERO, roster, node: None })
    }

    /// Pauses that long between the reports of one request.
    #[must_use]
    pub fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self.node = self.node.map(|node| node.with_pause(pause));
        self
    }

    /// Where the unit is: a node such as `/dev/hidraw0`; none while it is not known.
    #[must_use]
    pub fn node(&self) -> Option<&Path> {
        self.node.as_ref().map(Hidraw::path)
    }

    fn find(&mut self, patience: Patience) -> Result<(), Error> {
        let mut refused = None;
        // What is known of it is from before it was lost.
        self.roster.forget(self.serial);
        loop {
            let deadline = patience.deadline(&self.roster);
            // Looks in any case.
            self.roster.wait(deadline);
            if let Whereabouts::At(_) = self.roster.find(self.serial) {
                match self.roster.take(self.serial) {
                    Ok(node) => {
                        let name = format!("{} ({})", self.name, node.path().display());
                        self.node = Some(node.named(name).with_pause(self.pause));
                        self.roster.release();
                        return Ok(());
                    }
                    Err(error) => {
                        self.roster.forget(self.serial);
                        refused = Some(error);
                    }
                }
            }
            if Instant::now() >= patience.deadline(&self.roster) {
                let error = refused.filter(Error::is_busy).unwrap_or_else(|| self.not_found());
                self.roster.release();
                return Err(error);
            }
        }
    }

    fn not_found(&self) -> Error {
        let told = self.roster.entries().iter().map(|entry| {
            let node = entry.adapter.node.display();
            match (entry.unit(), entry.trouble()) {
                (Some(unit), _) => format!("{node} is {unit}"),
                (None, Some(error)) => error.to_string(),
                (None, None) => format!("{node} has not told yet"),
            }
        });
        let told: Vec<_> = told.chain(adapter::taken().iter().map(ToString::to_string)).collect();
        let found = match &told[..] {
            [] => "no USB adapter of such an inverter".to_owned(),
            told => told.join("; "),
        };
        let error = Error::new(&*self.name, ErrorKind::NotFound { found });
        match self.roster.find(self.serial) {
            Whereabouts::Duplicate(_) => error.hint("name the one that is meant by its node"),
            _ => error,
        }
    }
}

impl Link for Follower {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        if self.node.is_none() {
            self.find(Patience::Until(deadline))?;
        }
        self.with(|node| node.send(bytes, deadline))
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        if self.node.is_none() && deadline <= Instant::now() {
            // Nothing is there, and nothing was waited for.
            return Ok(());
        }
        self.with(|node| node.receive(buffer, deadline))
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Follower {
    fn with<T>(&mut self, act: impl FnOnce(&mut Hidraw) -> Result<T, Error>) -> Result<T, Error> {
        let node = self.node.as_mut().ok_or_else(|| Error::gone(&*self.name))?;
        let done = act(node);
        if done.as_ref().is_err_and(Error::is_disconnected) {
            self.node = None;
        }
        done
    }
}

/// How long to look for a unit.
#[derive(Clone, Copy)]
enum Patience {
    Until(Instant),
    /// For the first time: not where nothing more can come of it.
    Beginning(Instant),
}

impl Patience {
    fn deadline(self, roster: &Roster) -> Instant {
        let began = match self {
            Self::Until(deadline) => return deadline,
            Self::Beginning(began) => began,
        };
        let most = |entry: &Entry| match entry.trouble() {
            None if entry.unit().is_some() => Duration::ZERO,
            Some(error) if error.is_not_pi18() => Duration::ZERO,
            // A machine that is starting has much to do before udev gives a new node its group.
            Some(error) if error.is_permission() && !is_new(&entry.adapter.node) => {
                Duration::from_millis(500)
            }
            _ => FOUND,
        };
        began + roster.entries().iter().map(most).max().unwrap_or_default()
    }
}

/// Whether udev may not have come to a node yet.
fn is_new(node: &Path) -> bool {
    let changed = node.metadata().and_then(|node| node.modified());
    // One from the future is from before the clock was set.
    changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|age| age < FOUND))
}

/// How long the first look for a unit takes at most.
const FOUND: Duration = Duration::from_secs(3);

impl fmt::Debug for Follower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follower").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_units_may_have_is_not_followed() {
        let serial = SerialNumber::new("55355535553555").unwrap();
        let error = Follower::new(serial, ClientConfig::default()).unwrap_err();
        assert!(error.is_address(), "{error}");
    }

    #[test]
    fn a_unit_that_is_away_is_waited_for_until_the_deadline_and_no_longer() {
        if !crate::adapters().is_empty() {
            return;
        }
        let serial = SerialNumber::new("96132206100410").unwrap();
        let mut follower = Follower::new(serial, ClientConfig::default()).unwrap();
        let mut buffer = BytesMut::new();
        // Nothing was asked, so nothing is there to be drained.
        follower.receive(&mut buffer, Instant::now()).unwrap();
        let wait = Duration::from_millis(30);
        let start = Instant::now();
        let error = follower.send(b"^P005PI", start + wait).unwrap_err();
        assert!(error.is_not_found() && start.elapsed() >= wait, "{error}");
        assert!(error.to_string().ends_with("found no USB adapter of such an inverter"), "{error}");
    }
}
