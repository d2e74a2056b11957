//! Random banks: any size, load, weather, time and settings, read with any skew.

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
}

impl Plan {
    /// Returns a healthy bank.
    pub(crate) fn healthy(random: &mut Rng) -> Self {
        let units = random.usize(1..=9);
        let mut all = vec![
            format!("soc={}", random.u8(15..=100)),
            format!("sun={}", random.u8(0..=100)),
            format!("load={}", random.usize(0..=5000 * units)),
            format!("gusts={}", random.u8(0..=40)),
            format!("capacity={}", random.usize(100..=600) * units),
            format!("seed={}", random.u16(..)),
            format!(
                "clock=2026-{:02}-{:02}T{:02}:{:02}:00",
                random.u8(1..=12),
                random.u8(1..=28),
                random.u8(0..24),
                random.u8(0..60)
            ),
            format!("grid={}", if random.u8(0..10) == 0 { "off" } else { "on" }),
            format!("max-charge={}0", random.u8(1..=8)),
            format!("output-priority={}", random.u8(0..=1)),
            format!("charger-priority={}", random.u8(0..=2)),
            format!("solar-priority={}", random.u8(0..=1)),
            format!("machine-type={}", random.u8(0..=1)),
            format!("edition={}", if random.u8(0..5) == 0 { 2017 } else { 2022 }),
        ];
        all.push(format!("flags={}", random.u8(9..=10)));
        let mut each: Vec<Vec<String>> = Vec::new();
        let phases = random.u8(0..6);
        for unit in 0..units {
            let mode = match (phases, units) {
                (0, 3..) => 2 + unit % 3,
                (1, 2..) => 5 + unit % 2,
                (_, 1) => 0,
                _ => 1,
            };
            let slave = if random.bool() { "06126" } else { "06021" };
            each.push(vec![format!("output-mode={mode}"), format!("slave={slave}")]);
        }
        Self { all, each }
    }

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
        read(bank, random)
    }
}

/// Reads a bank as the crate does: first what does not change, then what does, with `GS` in the middle of
/// `PGSn`, and each unit with a random delay.
pub(crate) fn read(mut bank: Bank, random: &mut Rng) -> BankSnapshot {
    let start = Duration::from_millis(random.u64(0..60_000));
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
