//! The links to the units of a plan.

use std::time::{Duration, Instant};

use pi18_proto::{Identity, SerialNumber};
use pi18_transport::{Address, Client, Link};

use super::recorder::Recorder;
use crate::{
    Error, HostClock, Plan, Unit,
    apply::{action::Trouble, options::later, reason::Cause},
};

/// The links to the units of a plan, in the order of the plan.
///
/// [`open`](Self::open) opens device addresses, and opens a link again after its device disappeared:
///
/// ```
/// use lvx_settings::{HostClock, Units};
///
/// let mut units = Units::open(["sim:0", "sim:1"], HostClock::system())?;
/// let read = units.read()?;
/// assert_eq!(read[1].0, "sim:1");
/// assert_eq!(read[1].1.serial_number.as_str(), "96132206100411");
/// # Ok::<(), lvx_settings::Error>(())
/// ```
///
/// Other links need [`new`](Self::new), and [`reopened_by`](Self::reopened_by) to be opened again.
pub struct Units<'a, L = Box<dyn Link + Send>> {
    /// Names of the links.
    addresses: Vec<String>,
    clients: Vec<Option<Client<L>>>,
    reopen: Box<dyn FnMut(usize) -> Result<Client<L>, pi18_transport::Error> + 'a>,
    /// Whether the links are closed during long waits.
    shares: bool,
    /// For each unit whose link was closed for a wait, the serial number expected when it is opened again.
    released: Vec<Option<SerialNumber>>,
    host: HostClock,
    /// For each unit, the index of the link on which it was last found: cables can be swapped.
    places: Vec<usize>,
    /// Clock of the run; `None` for the clock of the links and of this computer.
    clock: Option<Box<dyn Clock + 'a>>,
}

/// A clock for runs in simulated time.
pub trait Clock {
    /// Returns the time of the links.
    fn now(&mut self) -> Instant;

    /// Lets time pass.
    fn pause(&mut self, time: Duration);

    /// Returns the time since a fixed moment, including the time that the computer sleeps. The
    /// deadline of a confirmation depends on it.
    fn boot_time(&mut self) -> Duration;
}

impl Units<'_> {
    /// Opens device addresses, such as `sim:0` or `/dev/hidraw0`, in the order of the units.
    ///
    /// # Errors
    /// If an address is invalid, or its device cannot be opened or is in use.
    pub fn open<A: AsRef<str>>(
        addresses: impl IntoIterator<Item = A>,
        host: HostClock,
    ) -> Result<Self, Error> {
        let parsed = addresses.into_iter().map(|address| address.as_ref().parse());
        let parsed = parsed.collect::<Result<Vec<Address>, _>>()?;
        let clients = parsed.iter().map(Address::open).collect::<Result<Vec<_>, _>>()?;
        let names = parsed.iter().map(ToString::to_string).collect();
        let units = Units::new(clients, host).reopened_by(move |unit| match parsed.get(unit) {
            Some(address) => address.open(),
            None => Err(pi18_transport::Error::gone("there is no such unit")),
        });
        Ok(Units { addresses: names, ..units })
    }

    /// Opens the addresses of the units of a plan.
    ///
    /// # Errors
    /// If an address is invalid, or its device cannot be opened or is in use.
    pub fn of_plan(plan: &Plan, host: HostClock) -> Result<Self, Error> {
        Self::open(plan.units.iter().map(|planned| &planned.address), host)
    }
}

impl<'a, L: Link> Units<'a, L> {
    /// Uses these clients, in the order of the units in the plan. A device that disappears is not
    /// opened again, see [`reopened_by`](Self::reopened_by).
    #[must_use]
    pub fn new(clients: Vec<Client<L>>, host: HostClock) -> Self {
        let count = clients.len();
        Self {
            addresses: clients.iter().map(|client| client.link().name().to_owned()).collect(),
            clients: clients.into_iter().map(Some).collect(),
            reopen: Box::new(|_| Err(pi18_transport::Error::gone("this link is not opened again"))),
            shares: false,
            released: vec![None; count],
            host,
            places: (0..count).collect(),
            clock: None,
        }
    }

    /// Reads all units, each with its address, as [`Plan::for_profile`] takes them. A link that a run closed is
    /// opened again.
    ///
    /// # Errors
    /// If a unit cannot be read, or its link cannot be opened again.
    pub fn read(&mut self) -> Result<Vec<(String, Unit)>, Error> {
        (0..self.clients.len()).map(|unit| self.read_at(unit)).collect()
    }

    fn read_at(&mut self, unit: usize) -> Result<(String, Unit), Error> {
        let place = self.place(unit);
        let mut client = match self.clients.get_mut(unit).and_then(Option::take) {
            Some(client) => client,
            None => (self.reopen)(place)?,
        };
        let found = Unit::read(&mut client, &self.host);
        // The link is open, so it need not be opened after a wait.
        self.close(unit);
        self.put(unit, client);
        Ok((self.addresses.get(place).cloned().unwrap_or_default(), found?))
    }

    /// Uses another clock, for links in simulated time.
    #[must_use]
    pub fn timed_by(mut self, clock: impl Clock + 'a) -> Self {
        self.clock = Some(Box::new(clock));
        self
    }

    /// Sets how a link is opened again. The argument of `reopen` is the index of the unit that was on
    /// the link at first.
    ///
    /// If another unit of the plan answers there, the cables were swapped, and the link of that unit
    /// is tried as well.
    #[must_use]
    pub fn reopened_by(
        mut self,
        reopen: impl FnMut(usize) -> Result<Client<L>, pi18_transport::Error> + 'a,
    ) -> Self {
        self.reopen = Box::new(reopen);
        self
    }

    /// Closes the links during long waits, for a confirmation or for an idle window, so that other programs can
    /// use them. After the wait, a link is used only if the same unit answers.
    ///
    /// This requires [`reopened_by`](Self::reopened_by). While no link is open, the run uses the clock of this
    /// computer.
    #[must_use]
    pub fn released_during_waits(mut self) -> Self {
        self.shares = true;
        self
    }

    /// Closes the links for a wait.
    pub(super) fn release(&mut self, plan: &Plan) {
        if !self.shares {
            return;
        }
        let units = self.clients.iter_mut().zip(&mut self.released).zip(&plan.units);
        for ((client, released), planned) in units {
            if client.take().is_some() {
                *released = Some(planned.unit.serial_number);
            }
        }
    }

    /// Calls `act` with the client of a unit. A link that was closed for a wait is opened first.
    pub(super) fn with<T>(
        &mut self,
        unit: usize,
        recorder: &mut dyn Recorder,
        act: impl FnOnce(&mut Client<L>, &HostClock) -> Result<T, Error>,
    ) -> Result<T, Trouble> {
        self.end_release(unit, recorder)?;
        match self.clients.get_mut(unit) {
            // A client may open its link again by itself. Here, a link is used again only after the unit on
            // it was identified.
            Some(Some(client)) if client.is_connected() => {
                act(client, &self.host).map_err(|error| match error.as_link() {
                    Some(error) => Trouble::from(error),
                    None => Trouble { gone: false, text: format!("{error:#}") },
                })
            }
            _ => Err(gone("the device is gone".to_owned())),
        }
    }

    /// Opens a link again that was closed for a wait. While another program uses the link, this waits for a
    /// limited time; an interrupt ends the wait.
    fn end_release(&mut self, unit: usize, recorder: &mut dyn Recorder) -> Result<(), Trouble> {
        let Some(expected) = self.released.get_mut(unit).and_then(Option::take) else {
            return Ok(());
        };
        let until = later(Instant::now(), BUSY_PATIENCE);
        let interrupts = recorder.interrupts();
        let place = self.place(unit);
        let mut client = loop {
            match (self.reopen)(place) {
                Err(error)
                    if error.is_busy()
                        && Instant::now() < until
                        && recorder.interrupts() == interrupts =>
                {
                    std::thread::sleep(BUSY_RETRY_INTERVAL);
                }
                opened => break opened.map_err(|error| gone(format!("{error:#}")))?,
            }
        };
        let found: Identity = client.read().map_err(|error| gone(format!("{error:#}")))?;
        if found.serial_number != expected {
            return Err(gone(Cause::OtherUnit { found: found.serial_number }.to_string()));
        }
        self.put(unit, client);
        Ok(())
    }

    /// Opens the link to a unit again, and reads the unit. If another unit of the plan answers there,
    /// the two links change places, and the unit is looked for on the other one. `stranger` is set to
    /// the serial number of the other unit.
    pub(super) fn reopen(
        &mut self,
        unit: usize,
        serials: &[SerialNumber],
        stranger: &mut Option<SerialNumber>,
    ) -> Result<Unit, String> {
        let expected = *serials.get(unit).ok_or("there is no such unit")?;
        let (found, client) = self.reconnect(unit)?;
        if found == expected {
            return self.read_unit(unit, client);
        }
        *stranger = Some(found);
        let elsewhere = || Cause::OtherUnit { found }.to_string();
        let Some(other) = serials.iter().position(|serial| *serial == found) else {
            return Err(elsewhere());
        };
        self.places.swap(unit, other);
        let opened = self.reconnect(unit);
        // The client of the other unit is replaced only after both links were tried.
        self.close(other);
        self.put(other, client);
        match opened {
            Ok((found, client)) if found == expected => self.read_unit(unit, client),
            _ => Err(elsewhere()),
        }
    }

    /// Opens the link on which a unit should be, and asks which unit answers.
    fn reconnect(&mut self, unit: usize) -> Result<(SerialNumber, Client<L>), String> {
        let place = self.place(unit);
        // While a descriptor of a removed device is open, the kernel does not reuse its device number.
        self.close(unit);
        let mut client = (self.reopen)(place).map_err(|error| format!("{error:#}"))?;
        match client.read::<Identity>() {
            Ok(found) => Ok((found.serial_number, client)),
            Err(error) => {
                // The link stays open because its clock measures the time until the next attempt.
                self.put(unit, client);
                Err(format!("{error:#}"))
            }
        }
    }

    /// Reads everything of a unit on a link that was just opened.
    fn read_unit(&mut self, unit: usize, mut client: Client<L>) -> Result<Unit, String> {
        let found = Unit::read(&mut client, &self.host).map_err(|error| format!("{error:#}"));
        self.put(unit, client);
        found
    }

    /// Returns the index of the link on which a unit was last found.
    fn place(&self, unit: usize) -> usize {
        self.places.get(unit).copied().unwrap_or(unit)
    }

    fn put(&mut self, unit: usize, client: Client<L>) {
        if let Some(place) = self.clients.get_mut(unit) {
            *place = Some(client);
        }
    }

    fn close(&mut self, unit: usize) {
        if let Some(place) = self.clients.get_mut(unit) {
            *place = None;
        }
        if let Some(released) = self.released.get_mut(unit) {
            *released = None;
        }
    }

    fn any_client(&mut self) -> Option<&mut Client<L>> {
        self.clients.iter_mut().flatten().next()
    }

    pub(super) fn now(&mut self) -> Instant {
        if let Some(clock) = &mut self.clock {
            return clock.now();
        }
        self.any_client().map_or_else(Instant::now, |client| client.now())
    }

    /// Returns the time of this computer.
    pub(super) fn host_time(&mut self) -> Option<pi18_proto::DateTime> {
        let now = self.now();
        self.host.time(now)
    }

    /// Returns the time for the deadline of a confirmation, including the time that this computer
    /// sleeps.
    pub(super) fn boot_time(&mut self) -> Duration {
        if let Some(clock) = &mut self.clock {
            return clock.boot_time();
        }
        let now = self.now();
        self.host.elapsed(now)
    }

    pub(super) fn pause(&mut self, time: Duration) {
        if let Some(clock) = &mut self.clock {
            return clock.pause(time);
        }
        match self.any_client() {
            Some(client) => {
                // A run is ended by its recorder. If its clients are stopped, it must not retry without pause.
                if client.pause(time).is_err() {
                    std::thread::sleep(time);
                }
            }
            None => std::thread::sleep(time),
        }
    }
}

impl<L> std::fmt::Debug for Units<'_, L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Units").field("count", &self.clients.len()).finish_non_exhaustive()
    }
}

/// Returns the failure of a link that may work after it is opened again.
fn gone(text: String) -> Trouble {
    Trouble { gone: true, text }
}

/// Time for which another program may keep using a link after a wait. A check of a bank at 2400 baud takes this
/// long.
const BUSY_PATIENCE: Duration = Duration::from_secs(30);

const BUSY_RETRY_INTERVAL: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed assumption fails the test")]

    use super::*;

    #[test]
    fn read_opens_closed_links_and_leaves_out_no_unit() {
        let mut units = Units::open(["sim:0", "sim:1"], HostClock::system()).unwrap();
        let names = |read: Vec<(String, Unit)>| {
            read.into_iter().map(|(name, unit)| (name, unit.serial_number)).collect::<Vec<_>>()
        };
        let first = names(units.read().unwrap());
        assert_eq!(first.len(), 2);
        units.close(0);
        units.released = first.iter().map(|(_, serial)| Some(*serial)).collect();
        assert_eq!(names(units.read().unwrap()), first);
        assert_eq!(units.released, [None, None]);
        // The cables were swapped.
        units.places.swap(0, 1);
        units.clients.swap(0, 1);
        let swapped = names(units.read().unwrap());
        assert_eq!(swapped, [first[1].clone(), first[0].clone()]);

        let client = Client::open("sim:0").unwrap();
        let mut units = Units::new(vec![client], HostClock::system());
        units.close(0);
        assert!(units.read().unwrap_err().as_link().is_some());
    }
}
