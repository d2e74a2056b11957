//! How the units of a bank are read: side by side, a thread each.
//!
//! Readers wait for each other at a gate before what moves is asked, so that it is asked of all units
//! at the same moment, and where a decision takes what all of them have read.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use lvx_settings::HostClock;
use pi18_proto::{Count, DateTime, ParallelInstance, Presence, Query};
use pi18_transport::{Client, Link};

use crate::{
    Answer, BankSnapshot, Gap, Member, Question, Questions, Reading, Reason, UnitSnapshot,
    ring::{About, Ring, is_ring},
};

/// What is asked on, once everything that was asked so far is answered.
pub(crate) type More<'a> = dyn Fn(&BankSnapshot) -> Questions + Sync + 'a;

/// Reads all units side by side: `questions`, then those that `more` adds until it adds none.
pub(crate) fn read<L: Link + Send>(
    members: Vec<Member<L>>,
    questions: Questions,
    more: &More<'_>,
) -> BankSnapshot {
    let clock = members.iter().filter_map(|member| Some(member.client.as_ref().ok()?.now()));
    let start = clock.min().unwrap_or_else(Instant::now);
    let units = members.iter().map(|member| match &member.client {
        Ok(_) => UnitSnapshot::new(member.name.clone()),
        Err(error) => UnitSnapshot::lost(member.name.clone(), error),
    });
    let bank = SharedBank {
        started: HostClock::system().time(start),
        start,
        units: units.map(Mutex::new).collect(),
        gate: Gate((0..members.len()).map(|_| AtomicUsize::new(0)).collect()),
        more,
    };
    let clients: Vec<_> = members.into_iter().map(|member| member.client.ok()).collect();
    thread::scope(|scope| {
        for (place, client) in clients.into_iter().enumerate() {
            let bank = &bank;
            scope.spawn(move || bank.read(place, client, questions));
        }
    });
    bank.snapshot()
}

/// What the readers of one bank share.
struct SharedBank<'a> {
    started: Option<DateTime>,
    start: Instant,
    units: Vec<Mutex<UnitSnapshot>>,
    gate: Gate,
    more: &'a More<'a>,
}

impl SharedBank<'_> {
    fn read<L: Link>(&self, place: usize, client: Option<Client<L>>, questions: Questions) {
        // Before the client, so that it is dropped after it.
        let (Some(passed), Some(unit)) = (self.gate.0.get(place), self.units.get(place)) else {
            return;
        };
        let pass = Pass(passed);
        let Some(client) = client else { return };
        let mut reader = Reader { client, unit, place, bank: self, pass, stage: 0, silent: 0 };
        // The snapshot itself says what is missing then.
        let _ = reader.run(questions.and(Questions::ALWAYS));
    }

    fn snapshot(&self) -> BankSnapshot {
        let units = self.units.iter().map(|unit| lock(unit).clone()).collect();
        BankSnapshot { started: self.started, units }
    }
}

fn lock(unit: &Mutex<UnitSnapshot>) -> MutexGuard<'_, UnitSnapshot> {
    unit.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where readers wait until all of them have got so far.
///
/// They wait on the clocks of their own links, in small steps: so it is no difference whether those
/// clocks are real or made up.
struct Gate(Vec<AtomicUsize>);

/// A reader's place at the gate; it holds up no other reader once it is dropped.
struct Pass<'a>(&'a AtomicUsize);

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.0.store(usize::MAX, Ordering::Release);
    }
}

/// How often a reader looks whether the others are there.
const LOOK: Duration = Duration::from_millis(2);

struct Reader<'a, L> {
    client: Client<L>,
    unit: &'a Mutex<UnitSnapshot>,
    place: usize,
    bank: &'a SharedBank<'a>,
    pass: Pass<'a>,
    /// Gates that were passed.
    stage: usize,
    /// Questions in a row that were not answered.
    silent: u32,
}

/// The unit was given up.
struct Lost;

impl<L: Link> Reader<'_, L> {
    fn run(&mut self, questions: Questions) -> Result<(), Lost> {
        // The same in all readers, so that they meet at the same gates.
        let mut asked = Questions::NONE;
        let mut left = questions;
        while !left.is_empty() {
            self.ask_all(left)?;
            asked = asked.and(left);
            left = (self.bank.more)(&self.look()).without(asked);
        }
        Ok(())
    }

    fn ask_all(&mut self, left: Questions) -> Result<(), Lost> {
        // A client makes sure with `PI` that the first answer is one to its question; to ask `PI` first
        // would take `ID` for that, which is longer.
        self.ask_if(Query::Identity, left)?;
        let left = left.without(Questions::of(&[Question::Identity]));
        for &query in UnitSnapshot::STATIC {
            self.ask_if(query, left)?;
        }
        let [about_ratings, about_statuses] =
            [Question::ParallelRating, Question::ParallelStatus].map(|each| left.has(each));
        if is_ring(self.bank.units.len()) && (about_ratings || about_statuses) {
            return self.ask_ring(left, about_statuses);
        }
        if about_ratings || about_statuses {
            while let Some(query) = { lock(self.unit).next_rating() } {
                self.ask(query)?;
            }
        }
        let statuses = if about_statuses { lock(self.unit).statuses_to_ask() } else { Vec::new() };
        // `GS` in the middle of `PGSn`: so it is as near to each as can be.
        let (before, after) = statuses.split_at(statuses.len() / 2);
        self.wait();
        self.ask_moving(left)?;
        before.iter().try_for_each(|&query| self.ask(query))?;
        self.wait();
        self.ask_if(Query::GeneralStatus, left)?;
        after.iter().try_for_each(|&query| self.ask(query))
    }

    /// The same in a large bank, where `GS` says first who is who.
    fn ask_ring(&mut self, left: Questions, about_statuses: bool) -> Result<(), Lost> {
        self.wait();
        self.ask_moving(left)?;
        self.wait();
        if lock(self.unit).instance().is_none() {
            self.ask(Query::GeneralStatus)?;
        }
        let About { next, own, strangers } = Ring::of(&self.look().units).about(self.place);
        let mut statuses: Vec<_> = next.into_iter().chain(own).collect();
        for number in strangers.into_iter().chain(next).chain(own) {
            let Some(instance) = instance(number) else { continue };
            if lock(self.unit).ratings.get(number).is_none_or(Answer::is_not_asked) {
                self.ask(Query::ParallelRating(instance))?;
            }
            let rating = lock(self.unit).ratings.get(number).and_then(Answer::value);
            let is_there = rating.is_some_and(|rating| rating.presence == Presence::PRESENT);
            if is_there && !statuses.contains(&number) {
                statuses.insert(0, number);
            }
        }
        if about_statuses {
            // Its own comes last, as `GS` came first: so what others say of it was read in between.
            for instance in statuses.into_iter().filter_map(instance) {
                self.ask(Query::ParallelStatus(instance))?;
            }
        }
        Ok(())
    }

    /// What moves, but for `GS`.
    fn ask_moving(&mut self, left: Questions) -> Result<(), Lost> {
        let others = UnitSnapshot::DYNAMIC.iter().filter(|query| **query != Query::GeneralStatus);
        others.copied().try_for_each(|query| self.ask_if(query, left))
    }

    fn ask_if(&mut self, query: Query, left: Questions) -> Result<(), Lost> {
        let is_wanted = left.iter().any(|question| question.mnemonic() == query.info().mnemonic);
        if is_wanted { self.ask(query) } else { Ok(()) }
    }

    fn ask(&mut self, query: Query) -> Result<(), Lost> {
        let error = match self.client.query(query) {
            Ok(reading) => {
                self.silent = 0;
                let at = reading.at.saturating_duration_since(self.bank.start);
                lock(self.unit).take(query, Ok(Reading { value: reading.reply, at }));
                return Ok(());
            }
            Err(error) => error,
        };
        let gap = Gap::from(&error);
        self.silent = if gap.reason == Reason::Silent { self.silent + 1 } else { 0 };
        let given_up =
            gap.reason == Reason::Gone || error.is_not_pi18() || self.silent >= MAX_SILENT;
        let mut unit = lock(self.unit);
        unit.take(query, Err(gap.clone()));
        if given_up {
            unit.lost = Some(gap);
            return Err(Lost);
        }
        Ok(())
    }

    /// Waits until every reader that is left has got here.
    fn wait(&mut self) {
        self.stage += 1;
        self.pass.0.store(self.stage, Ordering::Release);
        let is_behind = |reached: &AtomicUsize| reached.load(Ordering::Acquire) < self.stage;
        while self.bank.gate.0.iter().any(is_behind) {
            self.client.pause(LOOK);
        }
    }

    /// The whole bank as all readers see it: none asks on before all have looked.
    fn look(&mut self) -> BankSnapshot {
        self.wait();
        let bank = self.bank.snapshot();
        self.wait();
        bank
    }
}

fn instance(number: usize) -> Option<ParallelInstance> {
    ParallelInstance::new(Count(number.try_into().ok()?)).ok()
}

/// Questions in a row without an answer after which a unit is given up.
const MAX_SILENT: u32 = 2;
