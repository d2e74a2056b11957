//! The units of one bank, and how they are read: side by side.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use lvx_settings::HostClock;
use pi18_proto::{DateTime, Query};
use pi18_transport::{Address, Client, Error, Link};

use crate::{Gap, Reading, Reason, UnitSnapshot};

/// What the units of one bank said, taken together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BankSnapshot {
    /// This computer's time at the start, to which every [`Reading::at`] is added.
    pub started: Option<DateTime>,
    /// The units, as they were given.
    pub units: Vec<UnitSnapshot>,
}

/// A unit to be read.
#[derive(Debug)]
pub struct Member<L = Box<dyn Link + Send>> {
    name: String,
    client: Result<Client<L>, Error>,
}

impl Member {
    /// Opens the unit at an address. One that cannot be opened is a member that cannot be read.
    #[must_use]
    pub fn open(address: &Address) -> Self {
        Self { name: address.place().to_owned(), client: address.open() }
    }
}

impl<L: Link> Member<L> {
    /// A unit by the name that it is to have, and a client that is ready to ask it.
    pub fn new(name: impl Into<String>, client: Client<L>) -> Self {
        Self { name: name.into(), client: Ok(client) }
    }

    /// Why it could not be opened.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.client.as_ref().err()
    }
}

impl BankSnapshot {
    /// Most units: the wire has one digit for a unit's number.
    pub const MOST_UNITS: usize = 10;

    /// Reads all units side by side, so that it takes as long as the slowest. What moves is read
    /// last, from all units at the same moment as far as their links allow.
    ///
    /// A unit that does not answer two questions in a row, or is gone, is given up; the others are
    /// read all the same.
    ///
    /// ```
    /// use lvx_parallel::{BankSnapshot, Member};
    ///
    /// let members = ["sim:0".parse()?, "sim:1".parse()?].map(|address| Member::open(&address));
    /// let bank = BankSnapshot::read(members.into());
    /// assert!(bank.skew().is_some_and(|skew| skew.as_secs() < 2));
    /// # Ok::<(), pi18_transport::Error>(())
    /// ```
    #[must_use]
    pub fn read<L: Link + Send>(members: Vec<Member<L>>) -> Self {
        let clock = members.iter().filter_map(|member| Some(member.client.as_ref().ok()?.now()));
        let start = clock.min().unwrap_or_else(Instant::now);
        let started = HostClock::system().time(start);
        let gate = Gate::new(members.len());
        let units = thread::scope(|scope| {
            let gate = &gate;
            let readers: Vec<_> = (0..)
                .zip(members)
                .map(|(place, member)| scope.spawn(move || read(member, start, gate, place)))
                .collect();
            let join = |reader: thread::ScopedJoinHandle<'_, _>| {
                reader.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            };
            readers.into_iter().map(join).collect()
        });
        Self { started, units }
    }

    /// How far apart in time the units' `GS` were taken; `None` with fewer than two.
    #[must_use]
    pub fn skew(&self) -> Option<Duration> {
        let taken =
            || self.units.iter().filter_map(|unit| unit.status.reading()).map(|reading| reading.at);
        if taken().count() < 2 {
            return None;
        }
        Some(taken().max()?.saturating_sub(taken().min()?))
    }

    /// Whether every unit answered or refused every question.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.units.iter().all(UnitSnapshot::is_complete)
    }
}

/// Where readers wait until all of them have got so far.
///
/// They wait on the clocks of their own links, in small steps: so it is no difference whether those
/// clocks are real or made up.
struct Gate(Vec<AtomicUsize>);

/// A reader's place at the gate; it holds up nobody once it is dropped.
struct Pass<'a>(&'a AtomicUsize);

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.0.store(usize::MAX, Ordering::Release);
    }
}

impl Gate {
    fn new(readers: usize) -> Self {
        Self((0..readers).map(|_| AtomicUsize::new(0)).collect())
    }

    fn wait(&self, pass: &Pass<'_>, stage: usize, client: &mut Client<impl Link>) {
        pass.0.store(stage, Ordering::Release);
        while self.0.iter().any(|reached| reached.load(Ordering::Acquire) < stage) {
            client.pause(LOOK);
        }
    }
}

/// How often a reader looks whether the others are there.
const LOOK: Duration = Duration::from_millis(2);

fn read<L: Link>(member: Member<L>, start: Instant, gate: &Gate, place: usize) -> UnitSnapshot {
    // Before the client, so that it is dropped after it.
    let Some(pass) = gate.0.get(place).map(Pass) else {
        return UnitSnapshot::new(member.name);
    };
    match member.client {
        Err(error) => UnitSnapshot::lost(member.name, &error),
        Ok(client) => {
            let snapshot = UnitSnapshot::new(member.name);
            let mut reader = Reader { client, start, snapshot, silent: 0 };
            // What is missing then is told by the snapshot itself.
            let _ = reader.run(gate, &pass);
            reader.snapshot
        }
    }
}

struct Reader<L> {
    client: Client<L>,
    start: Instant,
    snapshot: UnitSnapshot,
    /// Questions in a row that were not answered.
    silent: u32,
}

/// The unit was given up.
struct Lost;

impl<L: Link> Reader<L> {
    fn run(&mut self, gate: &Gate, pass: &Pass<'_>) -> Result<(), Lost> {
        for &query in UnitSnapshot::STILL {
            self.ask(query)?;
        }
        while let Some(query) = self.snapshot.next_rating() {
            self.ask(query)?;
        }
        let statuses = self.snapshot.statuses_to_ask();
        // `GS` in the middle of `PGSn`: so it is as near to each as can be.
        let (before, after) = statuses.split_at(statuses.len() / 2);
        let (status, others): (Vec<Query>, Vec<Query>) =
            UnitSnapshot::LIVE.iter().partition(|query| **query == Query::GeneralStatus);

        gate.wait(pass, 1, &mut self.client);
        others.iter().chain(before).try_for_each(|&query| self.ask(query))?;
        gate.wait(pass, 2, &mut self.client);
        status.iter().chain(after).try_for_each(|&query| self.ask(query))
    }

    fn ask(&mut self, query: Query) -> Result<(), Lost> {
        let error = match self.client.query(query) {
            Ok(reading) => {
                self.silent = 0;
                let at = reading.at.saturating_duration_since(self.start);
                self.snapshot.take(query, Ok(Reading { value: reading.reply, at }));
                return Ok(());
            }
            Err(error) => error,
        };
        let gap = Gap::from(&error);
        self.silent = if gap.reason == Reason::Silent { self.silent + 1 } else { 0 };
        let given_up =
            gap.reason == Reason::Gone || error.is_not_pi18() || self.silent >= MOST_SILENT;
        self.snapshot.take(query, Err(gap.clone()));
        if given_up {
            self.snapshot.lost = Some(gap);
            return Err(Lost);
        }
        Ok(())
    }
}

/// Questions in a row without an answer after which a unit is given up.
const MOST_SILENT: u32 = 2;
