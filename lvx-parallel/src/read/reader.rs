//! Reads one unit, in the same order as the readers of the other units.
//!
//! A reader asks in this order:
//!
//! 1. `ID` and everything else that does not change; in a small bank also `PRIn`;
//! 2. once all readers have finished step 1, `FWS`, `MOD` and the first half of `PGSn`;
//! 3. once all readers have finished step 2, `GS` and the second half of `PGSn`.
//!
//! So all units are asked `GS` at the same time, and each `PGSn` shortly before or after it. In a large bank,
//! `GS` is asked before `PRIn` and `PGSn`, because the ring needs the numbers of the units. If the answers
//! require further questions, the reader repeats these steps with them.

use std::sync::Mutex;

use pi18_proto::{Count, ParallelInstance, Presence, Query};
use pi18_transport::{Client, Link};

use super::shared::{GATE_INTERVAL, Pass, SharedBank, lock};
use crate::{
    Answer, BankSnapshot, Gap, Question, Questions, Reading, Reason, UnitSnapshot,
    snapshot::ring::{Neighbours, Ring, is_ring},
};

/// Asks one unit of a bank.
pub(super) struct Reader<'a, L> {
    client: Client<L>,
    unit: &'a Mutex<UnitSnapshot>,
    place: usize,
    bank: &'a SharedBank<'a>,
    pass: Pass<'a>,
    /// Number of gates that the reader has passed.
    stage: usize,
    /// Number of questions in a row that were not answered.
    silent: u32,
}

/// An error: the unit disappeared or stopped answering.
pub(super) struct Lost;

impl<'a, L: Link> Reader<'a, L> {
    /// Returns a reader of the unit at a place of the bank.
    pub(super) fn new(
        client: Client<L>,
        unit: &'a Mutex<UnitSnapshot>,
        place: usize,
        bank: &'a SharedBank<'a>,
        pass: Pass<'a>,
    ) -> Self {
        Self { client, unit, place, bank, pass, stage: 0, silent: 0 }
    }

    /// Asks `questions`, then those that remain after all units have answered.
    ///
    /// The questions are the same in all readers, so that they meet at the same gates.
    pub(super) fn run(&mut self, questions: Questions) -> Result<(), Lost> {
        let mut asked = Questions::NONE;
        let mut left = questions;
        while !left.is_empty() {
            self.ask_all(left)?;
            asked = asked.and(left);
            left = (self.bank.more)(&self.meet()).without(asked);
        }
        Ok(())
    }

    /// Asks the questions that are left, in the order that the module describes.
    fn ask_all(&mut self, left: Questions) -> Result<(), Lost> {
        // The client itself sends `PI` first, to tell old replies from new ones. Asking `PI` before
        // `ID` would make it use `ID` for that, which takes longer.
        self.ask_if(Query::Identity, left)?;
        let left = left.without(Questions::of(&[Question::Identity]));
        for &query in UnitSnapshot::STATIC {
            self.ask_if(query, left)?;
        }
        let [about_ratings, about_statuses] =
            [Question::ParallelRating, Question::ParallelStatus].map(|each| left.has(each));
        if is_ring(self.bank.len()) && (about_ratings || about_statuses) {
            return self.ask_ring(left, about_statuses);
        }
        if about_ratings || about_statuses {
            while let Some(query) = { lock(self.unit).next_rating() } {
                self.ask(query)?;
            }
        }
        let statuses = if about_statuses { lock(self.unit).statuses_to_ask() } else { Vec::new() };
        // `GS` is asked in the middle of `PGSn`, as near in time to each of them as possible.
        let (before, after) = statuses.split_at(statuses.len() / 2);
        self.wait();
        self.ask_dynamic(left)?;
        before.iter().try_for_each(|&query| self.ask(query))?;
        self.wait();
        self.ask_if(Query::GeneralStatus, left)?;
        after.iter().try_for_each(|&query| self.ask(query))
    }

    /// Asks the dynamic questions, `PRIn` and `PGSn` in a large bank. `GS` is asked first, because the
    /// ring needs the numbers of the units.
    fn ask_ring(&mut self, left: Questions, about_statuses: bool) -> Result<(), Lost> {
        self.wait();
        self.ask_dynamic(left)?;
        self.wait();
        if lock(self.unit).instance().is_none() {
            self.ask(Query::GeneralStatus)?;
        }
        let Neighbours { next, own, unknown } = Ring::of(&self.meet().units).neighbours(self.place);
        let mut statuses: Vec<_> = next.into_iter().chain(own).collect();
        for number in unknown.into_iter().chain(next).chain(own) {
            let Some(instance) = instance(number) else { continue };
            if lock(self.unit).ratings.get(number).is_none_or(Answer::is_not_asked) {
                self.ask(Query::ParallelRating(instance))?;
            }
            let rating = lock(self.unit).ratings.get(number).and_then(Answer::value);
            let is_present = rating.is_some_and(|rating| rating.presence == Presence::PRESENT);
            if is_present && !statuses.contains(&number) {
                statuses.insert(0, number);
            }
        }
        if about_statuses {
            // `GS` was read first and the unit's `PGSn` about itself is read last, so that what the
            // others report about it is read in between.
            for instance in statuses.into_iter().filter_map(instance) {
                self.ask(Query::ParallelStatus(instance))?;
            }
        }
        Ok(())
    }

    /// Asks for values that change, except `GS`.
    fn ask_dynamic(&mut self, left: Questions) -> Result<(), Lost> {
        let others = UnitSnapshot::DYNAMIC.iter().filter(|query| **query != Query::GeneralStatus);
        others.copied().try_for_each(|query| self.ask_if(query, left))
    }

    /// Asks a query if its question is among those that are left.
    fn ask_if(&mut self, query: Query, left: Questions) -> Result<(), Lost> {
        let is_left = left.iter().any(|question| question.mnemonic() == query.info().mnemonic);
        if is_left { self.ask(query) } else { Ok(()) }
    }

    /// Asks a query and stores the answer.
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
        let is_lost =
            gap.reason == Reason::Gone || error.is_not_pi18() || self.silent >= MAX_SILENT;
        let mut unit = lock(self.unit);
        unit.take(query, Err(gap.clone()));
        if is_lost {
            unit.lost = Some(gap);
            return Err(Lost);
        }
        Ok(())
    }

    /// Waits until every reader that is still running has reached this gate.
    fn wait(&mut self) {
        self.stage += 1;
        self.pass.reach(self.stage);
        while !self.bank.is_open(self.stage) {
            if self.client.pause(GATE_INTERVAL).is_err() {
                // The client was stopped, so it asks no more.
                return;
            }
        }
    }

    /// Waits for all readers and returns a copy of the bank. No reader asks more before all have their copy.
    fn meet(&mut self) -> BankSnapshot {
        self.wait();
        let bank = self.bank.snapshot();
        self.wait();
        bank
    }
}

fn instance(number: usize) -> Option<ParallelInstance> {
    ParallelInstance::new(Count(number.try_into().ok()?)).ok()
}

/// The number of questions in a row without an answer after which a unit counts as lost.
const MAX_SILENT: u32 = 2;
