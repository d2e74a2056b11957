//! The units of one bank, and how they are read: side by side.

use std::time::Duration;

use pi18_proto::DateTime;
use pi18_transport::{Address, Client, Error, Link, QueryProgress};

use crate::{
    Questions, UnitSnapshot,
    read::read,
    ring::{Ring, is_ring},
};

/// What the units of one bank said, taken together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BankSnapshot {
    /// This computer's time at the start, to which every time of a reading is added.
    pub started: Option<DateTime>,
    /// The units, as they were given.
    pub units: Vec<UnitSnapshot>,
}

/// A unit to be read.
#[derive(Debug)]
pub struct Member<L = Box<dyn Link + Send>> {
    pub(crate) name: String,
    pub(crate) client: Result<Client<L>, Error>,
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

    /// The name of the unit.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Calls `observer` with each question to this unit and once the question is over, for whoever
    /// shows progress.
    #[must_use]
    pub fn observed(mut self, observer: impl FnMut(QueryProgress) + Send + 'static) -> Self {
        if let Ok(client) = &mut self.client {
            client.observe(observer);
        }
        self
    }

    /// Why it could not be opened.
    #[must_use]
    pub fn error(&self) -> Option<&Error> {
        self.client.as_ref().err()
    }
}

impl BankSnapshot {
    /// Most units: the wire has one digit for a unit's number.
    pub const MAX_UNITS: usize = 10;

    /// Reads all units side by side, so that it takes as long as the slowest: everything that they can
    /// be asked. What moves is read last, from all units at the same moment as far as their links
    /// allow.
    ///
    /// A unit that does not answer two questions in a row, or is gone, is given up; the others are
    /// read all the same. In a bank of more than three units `PRIn` and `PGSn` are asked of each unit
    /// about itself and the next one, and of one unit about a number that no unit has: so every unit
    /// is described twice.
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
        Self::read_only(members, Questions::ALL)
    }

    /// Reads all units side by side, but asks these questions only, and [who they
    /// are](Questions::ALWAYS).
    ///
    /// ```
    /// use lvx_parallel::{BankSnapshot, Member, Questions, compare};
    ///
    /// let members = ["sim:0".parse()?, "sim:1".parse()?].map(|address| Member::open(&address));
    /// let bank = BankSnapshot::read_only(members.into(), Questions::SETTINGS);
    /// assert!(compare(&bank).matches());
    /// # Ok::<(), pi18_transport::Error>(())
    /// ```
    #[must_use]
    pub fn read_only<L: Link + Send>(members: Vec<Member<L>>, questions: Questions) -> Self {
        read(members, questions, &|_| Questions::NONE)
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

    /// Whether every unit answered or refused every question that it was asked.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.units.iter().all(UnitSnapshot::is_complete)
    }

    /// The same bank as if its units had been asked these questions only, and [who they
    /// are](Questions::ALWAYS): as [`read_only`](Self::read_only) reads it, in a bank of more than three
    /// units with fewer words about each other.
    #[must_use]
    pub fn only(&self, questions: Questions) -> Self {
        let questions = questions.and(Questions::ALWAYS);
        let mut units: Vec<_> = self.units.iter().map(|unit| unit.only(questions)).collect();
        if is_ring(units.len()) {
            let ring = Ring::of(&self.units);
            for (place, unit) in units.iter_mut().enumerate() {
                ring.restrict(place, unit);
            }
        }
        Self { started: self.started, units }
    }

    /// Of these questions, those that some unit was not asked; one that was given up does not count.
    #[must_use]
    pub fn not_asked(&self, questions: Questions) -> Questions {
        let units = self.units.iter().filter(|unit| unit.lost.is_none());
        units.map(|unit| questions.without(unit.asked())).collect()
    }
}
