//! Random banks: any size, load, weather, time and settings, run for up to a day and read with any skew.

mod healthy;

use std::time::Duration;

use fastrand::Rng;
use lvx_parallel::{BankSnapshot, Gap, Reading, Reason, UnitSnapshot};
use pi18_proto::{Count, ParallelInstance, Query};
use pi18_transport::sim::{Bank, BankConfig, Switches};

/// The switches of the units of a virtual bank.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// Switches of all units.
    pub(crate) all: Vec<String>,
    /// Switches of each unit.
    pub(crate) each: Vec<Vec<String>>,
    /// Time for which the bank runs before it is read.
    pub(crate) runs: Duration,
}

impl Plan {
    pub(crate) fn units(&self) -> usize {
        self.each.len()
    }

    pub(crate) fn put(&mut self, unit: usize, switch: impl Into<String>) {
        self.each[unit].push(switch.into());
    }

    /// Reads the bank over a few seconds.
    #[track_caller]
    pub(crate) fn read(&self, random: &mut Rng) -> BankSnapshot {
        let switches = self.each.iter().map(|each| {
            let mut switches = Switches::default();
            self.all.iter().chain(each).for_each(|text| switches.set(text).unwrap());
            switches
        });
        let switches: Vec<_> = switches.collect();
        let bank = Bank::new(BankConfig { units: switches.len(), switches }).unwrap();
        let start = self.runs + Duration::from_millis(random.u64(0..60_000));
        read(bank, start, random)
    }
}

/// Reads a bank at a time, as the crate does: first what does not change, then what does, with `GS` in the middle of
/// `PGSn`, and each unit with a random delay.
fn read(mut bank: Bank, start: Duration, random: &mut Rng) -> BankSnapshot {
    let answer = |bank: &Bank, unit, query, at| match bank.peek(unit, query) {
        Some(value) => Ok(Reading::new(value, at)),
        None => Err(Gap::new(Reason::Refused, "")),
    };
    bank.advance(start);
    let count = bank.units();
    let mut units: Vec<_> = (0..count).map(|n| UnitSnapshot::new(format!("sim:{n}"))).collect();
    let instances = |most| (0..most).map(|n| ParallelInstance::new(Count(n)).unwrap());
    for (n, unit) in units.iter_mut().enumerate() {
        for &query in UnitSnapshot::STATIC {
            unit.take(query, answer(&bank, n, query, Duration::ZERO));
        }
        for instance in instances(10) {
            let query = Query::ParallelRating(instance);
            unit.take(query, answer(&bank, n, query, Duration::ZERO));
            if unit.bank_size() < unit.ratings.len() {
                break;
            }
        }
    }
    // Queries with their time in milliseconds and their unit.
    let mut asked = Vec::new();
    for (n, unit) in units.iter().enumerate() {
        let known = u16::try_from(unit.bank_size().max(1)).unwrap();
        let late = random.u64(0..400);
        let pace = random.u64(20..=550);
        let statuses = || instances(known).map(Query::ParallelStatus);
        let half = usize::from(known / 2);
        let before = [Query::FaultsAndWarnings, Query::Mode].into_iter();
        let before: Vec<_> = before.chain(statuses().take(half)).collect();
        for (at, query) in (0..).zip(before) {
            asked.push((late + at * pace, n, query));
        }
        let middle = (2 + u64::from(known / 2)) * 550 + late;
        let after: Vec<_> =
            [Query::GeneralStatus].into_iter().chain(statuses().skip(half)).collect();
        for (at, query) in (0..).zip(after) {
            asked.push((middle + at * pace, n, query));
        }
    }
    asked.sort_by_key(|(at, ..)| *at);
    for (at, n, query) in asked {
        let at = Duration::from_millis(at);
        bank.advance(start + at);
        units[n].take(query, answer(&bank, n, query, at));
    }
    BankSnapshot::new(units)
}
