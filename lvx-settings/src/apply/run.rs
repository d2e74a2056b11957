//! The caller of [`Apply`] that has real links and real files.

use std::{
    io,
    time::{Duration, Instant},
};

use pi18_proto::{DateTime, Identity, SerialNumber};
use pi18_transport::{Client, Link, SetOutcome};
use serde::Serialize;

use crate::{
    Action, Apply, ApplyReport, Error, Event, HostClock, Journal, Plan, Record, RunDirection,
    Settings, Unit,
    apply::{Trouble, Write, later},
};

/// The links to the units of a plan, in its order.
pub struct Units<'a, L> {
    clients: Vec<Option<Client<L>>>,
    reopen: Box<dyn FnMut(usize) -> Result<Client<L>, pi18_transport::Error> + 'a>,
    /// Whether the links are closed during long waits.
    shares: bool,
    /// Units whose link was closed for a wait, by the serial numbers that must be there afterwards.
    released: Vec<Option<SerialNumber>>,
    host: HostClock,
    /// The link on which each unit was found last: cables can be swapped.
    places: Vec<usize>,
    /// The clock of the run; without one, that of the links and of this computer.
    clock: Option<Box<dyn Clock + 'a>>,
}

/// The clock of a run whose time is made up.
pub trait Clock {
    /// Returns the time by the links' clock.
    fn now(&mut self) -> Instant;

    /// Lets time go by.
    fn pause(&mut self, time: Duration);

    /// Returns the time since some moment, which goes on while the computer sleeps: the deadline of a
    /// confirmation goes by it.
    fn boot_time(&mut self) -> Duration;
}

/// Where an [`Apply`] keeps what has to survive it, and whom it asks.
pub trait Recorder {
    /// Saves the units' settings as they are, and begins the journal.
    ///
    /// # Errors
    /// If they cannot be saved; then nothing is written to a unit.
    fn begin(&mut self, plan: &Plan, units: &[Unit]) -> io::Result<()>;

    /// Notes something in the journal; on return it must be safe.
    ///
    /// # Errors
    /// If it cannot be noted; then no further step is begun, and what was done is undone.
    fn record(&mut self, record: &Record, at: Option<DateTime>) -> io::Result<()>;

    /// A set command was sent.
    fn audit(&mut self, _line: &Audit) {}

    /// Something is about to be done.
    fn watch(&mut self, _action: &Action) {}

    /// Whether somebody has confirmed.
    fn is_confirmed(&mut self) -> bool {
        false
    }

    /// Whether somebody wants it to end.
    fn is_interrupted(&mut self) -> bool {
        false
    }

    /// Returns how many interrupts came so far. The first time, what was written is undone;
    /// a further one ends what the undoing waits for.
    fn interrupts(&mut self) -> u32 {
        u32::from(self.is_interrupted())
    }
}

/// A journal alone is enough: its first line holds the settings that the units had.
impl Recorder for Journal {
    fn begin(&mut self, plan: &Plan, _units: &[Unit]) -> io::Result<()> {
        if plan == self.plan() {
            return Ok(());
        }
        let why = format!("{}: this is the journal of another plan", self.path().display());
        Err(io::Error::new(io::ErrorKind::InvalidInput, why))
    }

    fn record(&mut self, record: &Record, at: Option<DateTime>) -> io::Result<()> {
        Ok(self.append(record, at)?)
    }
}

/// One set command that was sent, for whoever wants to know later.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Audit {
    /// When, by this computer's clock.
    pub at: Option<DateTime>,
    /// How the unit was reached.
    pub address: String,
    /// Its serial number.
    pub serial_number: SerialNumber,
    /// The command as it stands on the wire.
    pub command: String,
    /// What it sets.
    pub settings: Settings,
    /// Whether it does a step of the plan or undoes it.
    pub direction: RunDirection,
    /// What the unit answered: `accepted`, `refused`, `garbled`, `silent`, `gone`.
    pub outcome: &'static str,
}

impl<'a, L: Link> Units<'a, L> {
    /// These clients, in the order of the plan's units. A device that goes away stays away.
    #[must_use]
    pub fn new(clients: Vec<Client<L>>, host: HostClock) -> Self {
        let released = vec![None; clients.len()];
        let clients = clients.into_iter().map(Some).collect();
        let reopen = |_| Err(pi18_transport::Error::gone("this link is not opened again"));
        let places = (0..released.len()).collect();
        Self {
            clients,
            reopen: Box::new(reopen),
            shares: false,
            released,
            host,
            places,
            clock: None,
        }
    }

    /// Returns the same with another clock, for links in made-up time.
    #[must_use]
    pub fn timed_by(mut self, clock: impl Clock + 'a) -> Self {
        self.clock = Some(Box::new(clock));
        self
    }

    /// The same, with a way to open a link again, by the place in the plan of the unit that it led to
    /// at first. If another unit of the plan answers there, the cables were swapped, and the link of
    /// that unit is tried as well.
    #[must_use]
    pub fn reopened_by(
        mut self,
        reopen: impl FnMut(usize) -> Result<Client<L>, pi18_transport::Error> + 'a,
    ) -> Self {
        self.reopen = Box::new(reopen);
        self
    }

    /// Closes the links during long waits, for a confirmation or an idle window, so that other
    /// programs can ask the units meanwhile. Afterwards a link counts only if the same unit answers.
    ///
    /// Needs [`Units::reopened_by`]; time is that of this computer while no link is open.
    #[must_use]
    pub fn released_during_waits(mut self) -> Self {
        self.shares = true;
        self
    }

    /// Closes the links for a wait.
    fn release(&mut self, plan: &Plan) {
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

    /// Opens the link to a unit again that was closed for a wait. An interrupt ends the wait for
    /// another program.
    fn take_up(&mut self, unit: usize, recorder: &mut dyn Recorder) -> Result<(), Trouble> {
        let Some(wanted) = self.released.get_mut(unit).and_then(Option::take) else {
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
                    std::thread::sleep(BETWEEN_TRIES);
                }
                opened => break opened.map_err(|error| away(error.to_string()))?,
            }
        };
        let found: Identity = client.read().map_err(|error| away(error.to_string()))?;
        if found.serial_number != wanted {
            return Err(away(format!("unit {} is there now", found.serial_number)));
        }
        if let Some(place) = self.clients.get_mut(unit) {
            *place = Some(client);
        }
        Ok(())
    }

    fn with<T>(
        &mut self,
        unit: usize,
        recorder: &mut dyn Recorder,
        act: impl FnOnce(&mut Client<L>, &HostClock) -> Result<T, Error>,
    ) -> Result<T, Trouble> {
        self.take_up(unit, recorder)?;
        match self.clients.get_mut(unit) {
            Some(Some(client)) => act(client, &self.host).map_err(|error| match error.as_link() {
                Some(error) => Trouble::from(error),
                None => Trouble { gone: false, text: error.to_string() },
            }),
            _ => Err(away("the device is gone".to_owned())),
        }
    }

    /// The link on which a unit was found last.
    fn place(&self, unit: usize) -> usize {
        self.places.get(unit).copied().unwrap_or(unit)
    }

    /// Opens the link to a unit again. If another unit of the plan answers there, the two links change
    /// places, and the unit is looked for on the other one. `stranger` is set to the other unit.
    fn open_again(
        &mut self,
        unit: usize,
        serials: &[SerialNumber],
        stranger: &mut Option<SerialNumber>,
    ) -> Result<Unit, String> {
        let wanted = *serials.get(unit).ok_or("there is no such unit")?;
        let (found, client) = self.opened(unit)?;
        if found == wanted {
            return self.taken(unit, client);
        }
        *stranger = Some(found);
        let elsewhere = || format!("unit {found} is there now");
        let Some(other) = serials.iter().position(|serial| *serial == found) else {
            return Err(elsewhere());
        };
        self.places.swap(unit, other);
        let opened = self.opened(unit);
        // A second program cannot open what this one holds: the other unit is taken afterwards.
        self.let_go(other);
        self.keep(other, client);
        match opened {
            Ok((found, client)) if found == wanted => self.taken(unit, client),
            _ => Err(elsewhere()),
        }
    }

    /// Opens the link on which a unit should be, and asks which one is.
    fn opened(&mut self, unit: usize) -> Result<(SerialNumber, Client<L>), String> {
        let place = self.place(unit);
        // A dead descriptor holds the device's number.
        self.let_go(unit);
        let mut client = (self.reopen)(place).map_err(|error| error.to_string())?;
        match client.read::<Identity>() {
            Ok(found) => Ok((found.serial_number, client)),
            Err(error) => {
                // The link is open, and its clock counts the time until the next try.
                self.keep(unit, client);
                Err(error.to_string())
            }
        }
    }

    fn keep(&mut self, unit: usize, client: Client<L>) {
        if let Some(place) = self.clients.get_mut(unit) {
            *place = Some(client);
        }
    }

    /// Reads all of a unit behind a link that was just opened.
    fn taken(&mut self, unit: usize, mut client: Client<L>) -> Result<Unit, String> {
        let found = Unit::read(&mut client, &self.host).map_err(|error| error.to_string());
        self.keep(unit, client);
        found
    }

    fn let_go(&mut self, unit: usize) {
        if let Some(place) = self.clients.get_mut(unit) {
            *place = None;
        }
        if let Some(released) = self.released.get_mut(unit) {
            *released = None;
        }
    }

    /// The time for the deadline of a confirmation, which goes on while this computer sleeps.
    fn boot_time(&mut self) -> Duration {
        if let Some(clock) = &mut self.clock {
            return clock.boot_time();
        }
        let now = self.now();
        self.host.elapsed(now)
    }

    fn any(&mut self) -> Option<&mut Client<L>> {
        self.clients.iter_mut().flatten().next()
    }

    fn now(&mut self) -> Instant {
        if let Some(clock) = &mut self.clock {
            return clock.now();
        }
        self.any().map_or_else(Instant::now, |client| client.now())
    }

    fn pause(&mut self, time: Duration) {
        if let Some(clock) = &mut self.clock {
            return clock.pause(time);
        }
        match self.any() {
            Some(client) => client.pause(time),
            None => std::thread::sleep(time),
        }
    }
}

/// Carries it out to the end, and tells what is true then.
pub fn run<L: Link>(
    mut apply: Apply,
    units: &mut Units<'_, L>,
    recorder: &mut dyn Recorder,
) -> ApplyReport {
    let mut interrupts = 0;
    loop {
        interrupt(&mut apply, recorder, &mut interrupts);
        let action = apply.next_action();
        recorder.watch(&action);
        let event = match &action {
            Action::Done => match apply.report() {
                Some(report) => return report.clone(),
                None => continue,
            },
            Action::Survey { unit } => Event::Surveyed(
                units
                    .with(*unit, recorder, |client, host| Unit::read(client, host))
                    .map(Box::new)
                    .map_err(|trouble| trouble.text),
            ),
            Action::Backup => {
                let kept = recorder.begin(apply.plan(), apply.units());
                Event::Stored(kept.map_err(|error| error.to_string()))
            }
            Action::Record(record) => {
                let now = units.now();
                let kept = recorder.record(record, units.host.time(now));
                Event::Stored(kept.map_err(|error| error.to_string()))
            }
            Action::Read { unit, query } => {
                Event::Read(units.with(*unit, recorder, |client, host| {
                    let reading = client.query(*query)?;
                    Ok((reading.reply, host.time(reading.at)))
                }))
            }
            Action::Write(write) => Event::Written(send(write, units, apply.plan(), recorder)),
            Action::Reopen { unit } => {
                let planned = apply.plan().units.iter();
                let serials: Vec<_> = planned.map(|planned| planned.unit.serial_number).collect();
                let mut other = None;
                let found = units.open_again(*unit, &serials, &mut other).map(Box::new);
                Event::Reopened { found, other }
            }
            Action::Pause(time) => {
                if *time >= LONG_PAUSE {
                    units.release(apply.plan());
                }
                rest(*time, units, recorder);
                Event::Paused
            }
            Action::Confirmation(time) => {
                units.release(apply.plan());
                Event::Confirmed(wait(*time, units, recorder))
            }
        };
        interrupt(&mut apply, recorder, &mut interrupts);
        let now = units.now();
        apply.handle(event, now);
    }
}

/// Passes on interrupts that came since the last time.
fn interrupt(apply: &mut Apply, recorder: &mut dyn Recorder, known: &mut u32) {
    let interrupts = recorder.interrupts();
    if interrupts > *known {
        *known = interrupts;
        apply.interrupt();
    }
}

fn send<L: Link>(
    write: &Write,
    units: &mut Units<'_, L>,
    plan: &Plan,
    recorder: &mut dyn Recorder,
) -> Result<SetOutcome, Trouble> {
    let (at, command, outcome) = units.with(write.unit, recorder, |client, host| {
        let at = host.time(client.now());
        let command = write
            .command
            .at(at)
            .ok_or_else(|| Error::plan("write", "no unit takes these values"))?;
        Ok((at, command, client.set(command)?))
    })?;
    if let Some(planned) = plan.units.get(write.unit) {
        recorder.audit(&Audit {
            at,
            address: planned.address.clone(),
            serial_number: planned.unit.serial_number,
            command: command.to_string(),
            settings: write.to,
            direction: write.direction,
            outcome: word(outcome),
        });
    }
    Ok(outcome)
}

/// Trouble with a link that may be there again later.
fn away(text: String) -> Trouble {
    Trouble { gone: true, text }
}

const fn word(outcome: SetOutcome) -> &'static str {
    match outcome {
        SetOutcome::Accepted => "accepted",
        SetOutcome::Refused => "refused",
        SetOutcome::Garbled => "garbled",
        SetOutcome::Silent => "silent",
        SetOutcome::Gone => "gone",
    }
}

/// Lets time go by in small parts: an interrupt ends it.
fn rest<L: Link>(time: Duration, units: &mut Units<'_, L>, recorder: &mut dyn Recorder) {
    const PART: Duration = Duration::from_secs(1);
    let mut left = time;
    while !left.is_zero() {
        let part = left.min(PART);
        units.pause(part);
        left = left.saturating_sub(part);
        if recorder.is_interrupted() {
            break;
        }
    }
}

fn wait<L: Link>(time: Duration, units: &mut Units<'_, L>, recorder: &mut dyn Recorder) -> bool {
    const BETWEEN_LOOKS: Duration = Duration::from_millis(500);
    let until = units.boot_time().saturating_add(time);
    loop {
        if recorder.is_confirmed() {
            return true;
        }
        let left = until.saturating_sub(units.boot_time());
        if left.is_zero() || recorder.is_interrupted() {
            return false;
        }
        units.pause(BETWEEN_LOOKS.min(left));
    }
}

impl<L> std::fmt::Debug for Units<'_, L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Units").field("count", &self.clients.len()).finish_non_exhaustive()
    }
}

/// A pause that is worth closing the links for.
const LONG_PAUSE: Duration = Duration::from_secs(5);

/// How long a program that asks a unit during a wait may keep its link afterwards: a check of a bank
/// takes this long at 2400 baud.
const BUSY_PATIENCE: Duration = Duration::from_secs(30);

const BETWEEN_TRIES: Duration = Duration::from_millis(200);
