//! The snapshots of all units and packs of a bank.

use std::time::Duration;

use super::{
    host_time::HostTime,
    pack::PackSnapshot,
    question::Questions,
    ring::{Ring, is_ring},
    unit::UnitSnapshot,
};

/// The answers of all units of one bank and of its battery packs, read together.
///
/// A bank need not have packs: [`read`](Self::read) reads the units alone, and rules about packs then report nothing.
/// [`read_with_packs`](Self::read_with_packs) reads both.
///
/// [`read`](Self::read) reads it from the units, [`parse`](Self::parse) from a file.
/// [`check`](crate::check) judges it, and [`compare`](crate::compare) shows the settings side by side.
///
/// ```
/// use lvx_parallel::{BankSnapshot, Member, check};
///
/// let members = ["sim:0".parse()?, "sim:1".parse()?].map(|address| Member::open(&address));
/// let bank = BankSnapshot::read(members.into());
/// for unit in &bank.units {
///     let status = unit.status.value().expect("the virtual unit answers");
///     println!("{}: {}", unit.name, status.battery_voltage);
/// }
///
/// // A saved snapshot can be judged later, and on another machine.
/// let saved = bank.to_yaml();
/// assert_eq!(check(&BankSnapshot::parse(&saved)?), check(&bank));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct BankSnapshot {
    /// Time at which reading started, by the clock of the computer. The times of all readings count from
    /// here.
    pub started: Option<HostTime>,
    /// The units, in the order in which they were given.
    pub units: Vec<UnitSnapshot>,
    /// The battery packs, in the order in which they were given; empty if none were.
    pub packs: Vec<PackSnapshot>,
    /// Version of the format, if the bank was saved in a [later one](Self::VERSION) than this version knows.
    /// What this version could not read is missing, and is lost if the bank is saved again.
    pub newer_format: Option<u32>,
}

impl BankSnapshot {
    /// The largest number of units: the protocol has one digit for the number of a unit.
    pub const MAX_UNITS: usize = 10;

    /// The largest number of packs.
    ///
    /// Source: assumed, as for [`lvx_settings::Packs::MAX_COUNT`].
    pub const MAX_PACKS: usize = 64;

    /// Returns a bank of these units, without a time at which reading started.
    pub fn new(units: impl IntoIterator<Item = UnitSnapshot>) -> Self {
        Self { units: units.into_iter().collect(), ..Self::default() }
    }

    /// Returns the bank with these packs instead of those that it has.
    #[must_use]
    pub fn with_packs(self, packs: impl IntoIterator<Item = PackSnapshot>) -> Self {
        Self { packs: packs.into_iter().collect(), ..self }
    }

    /// Returns the time between the first and the last `GS` of the units; `None` with fewer than two.
    ///
    /// Rules compare measurements only if they were read within
    /// [`Thresholds::max_skew`](crate::Thresholds::max_skew).
    #[must_use]
    pub fn skew(&self) -> Option<Duration> {
        skew(&self.units)
    }

    /// Returns whether every unit answered or refused every question that it was asked, and every pack was read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.units.iter().all(UnitSnapshot::is_complete)
            && self.packs.iter().all(|pack| pack.live.is_some())
    }

    /// Returns a copy as if the units had been asked only these questions, and
    /// [their protocols and serial numbers](Questions::ALWAYS).
    ///
    /// It equals the result of [`read_only`](Self::read_only): in a bank of more than three units, each
    /// unit reports only about itself and the next unit.
    ///
    /// ```
    /// use lvx_parallel::{BankSnapshot, Member, Questions};
    ///
    /// let bank = BankSnapshot::read(vec![Member::open(&"sim:0".parse()?)]);
    /// let settings = bank.only(Questions::SETTINGS);
    /// assert_eq!(settings.units[0].asked().to_string(), "PI, ID, PIRI, FLAG, ACCT, ACLT");
    /// # Ok::<(), pi18_transport::Error>(())
    /// ```
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
        let packs = self.packs.clone();
        Self { started: self.started, units, packs, newer_format: self.newer_format }
    }

    /// Returns those of `questions` that at least one unit was not asked. Units that stopped answering do
    /// not count.
    ///
    /// ```
    /// use lvx_parallel::{BankSnapshot, Member, Question, Questions};
    ///
    /// let members = vec![Member::open(&"sim:0".parse()?)];
    /// let bank = BankSnapshot::read_only(members, Questions::SETTINGS);
    /// let faults = Questions::of(&[Question::FaultsAndWarnings]);
    /// assert_eq!(bank.not_asked(faults.and(Questions::SETTINGS)), faults);
    /// # Ok::<(), pi18_transport::Error>(())
    /// ```
    #[must_use]
    pub fn not_asked(&self, questions: Questions) -> Questions {
        not_asked(&self.units, questions)
    }
}

/// See [`BankSnapshot::skew`].
pub(crate) fn skew<'a>(units: impl IntoIterator<Item = &'a UnitSnapshot>) -> Option<Duration> {
    let readings = units.into_iter().filter_map(|unit| unit.status.reading());
    let times: Vec<_> = readings.map(|reading| reading.at).collect();
    if times.len() < 2 {
        return None;
    }
    Some(times.iter().max()?.saturating_sub(*times.iter().min()?))
}

/// See [`BankSnapshot::not_asked`].
pub(crate) fn not_asked<'a>(
    units: impl IntoIterator<Item = &'a UnitSnapshot>,
    questions: Questions,
) -> Questions {
    let units = units.into_iter().filter(|unit| unit.lost.is_none());
    units.map(|unit| questions.without(unit.asked())).collect()
}
