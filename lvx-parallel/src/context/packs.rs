//! The battery packs of a bank, and what rules about them share.

use std::{borrow::Cow, collections::HashMap, time::Duration};

use lvx_settings::{PackLimits, Packs};

use super::{Context, measured::window};
use crate::{BankSnapshot, PackSnapshot, UnitSnapshot, pack::Live};

/// Returns the packs that rules judge: sorted by name, with distinct names, and without measurements that were taken
/// more than `max_age` before the latest reading of the bank.
pub(crate) fn prepared_packs(bank: &BankSnapshot, max_age: Duration) -> Vec<Cow<'_, PackSnapshot>> {
    let mut packs: Vec<_> = bank.packs.iter().map(Cow::Borrowed).collect();
    packs.sort_by_cached_key(|pack| (pack.name.clone(), format!("{pack:?}")));
    let sharing = |name: &str| bank.packs.iter().filter(|pack| pack.name == name).count();
    let mut numbers = HashMap::<String, usize>::new();
    for pack in packs.iter_mut().filter(|pack| sharing(&pack.name) > 1) {
        let number = numbers.entry(pack.name.clone()).or_default();
        *number += 1;
        pack.to_mut().name = format!("{} #{number}", pack.name);
    }
    let of_units = bank.units.iter().filter_map(UnitSnapshot::latest);
    let of_packs = bank.packs.iter().filter_map(|pack| Some(pack.live.as_ref()?.at));
    let limit = of_units.chain(of_packs).max().unwrap_or_default().saturating_sub(max_age);
    let is_old = |pack: &PackSnapshot| pack.live.as_ref().is_some_and(|live| live.at < limit);
    for pack in packs.iter_mut().filter(|pack| is_old(pack)) {
        pack.to_mut().discard();
    }
    packs
}

/// The battery packs.
impl<'a> Context<'a> {
    /// Returns the battery packs, sorted by name; none if the bank was read without packs.
    #[must_use]
    pub fn packs(&self) -> &[&'a PackSnapshot] {
        &self.packs
    }

    /// Returns each pack that was read, with its measurements.
    pub fn read_packs(&self) -> impl Iterator<Item = (&'a PackSnapshot, &'a Live)> {
        self.packs.iter().filter_map(|pack| Some((*pack, &pack.live.as_ref()?.value)))
    }

    /// Returns the limits of one pack: those that the caller gave, or those of the family if all packs that were
    /// read have the same.
    #[must_use]
    pub fn pack_limits(&self) -> Option<PackLimits> {
        let of_family = || {
            let mut families = self.packs.iter().filter(|pack| pack.label.is_some());
            let first = families.next()?.limits()?;
            families.all(|pack| pack.limits() == Some(first)).then_some(first)
        };
        self.chosen.packs.map(|packs| packs.limits()).or_else(of_family)
    }

    /// Returns the number of packs in the battery: the number that the caller gave, or that of the packs that were
    /// given.
    #[must_use]
    pub fn pack_count(&self) -> usize {
        let stated = self.chosen.packs.map(|Packs { count, .. }| usize::from(count));
        stated.unwrap_or(self.packs.len())
    }

    /// Returns the packs whose measurements can be compared with each other and with those of the units: all were
    /// read, none is missing, and the readings are at most [`max_skew`](crate::Thresholds::max_skew) apart, also from
    /// those of the units.
    pub(crate) fn comparable_packs(&self) -> Option<Vec<&'a PackSnapshot>> {
        let packs: Vec<_> = self.packs.iter().filter(|pack| pack.live.is_some()).copied().collect();
        if packs.is_empty() || packs.len() < self.packs.len() || packs.len() < self.pack_count() {
            return None;
        }
        let of_packs = packs.iter().filter_map(|pack| Some(pack.live.as_ref()?.at));
        let times: Vec<_> = of_packs.chain(self.measured.iter().map(|each| each.at)).collect();
        let within = window(&times, |at| *at, self.thresholds().max_skew_time());
        (within.len() == times.len()).then_some(packs)
    }
}

/// Returns the number of readings that all of these packs have. Rules that need history compare those.
pub(crate) fn common_readings(packs: &[&PackSnapshot]) -> usize {
    packs.iter().map(|pack| pack.readings().count()).min().unwrap_or(0)
}

/// Returns the middle one of some values; `None` without any.
pub(crate) fn median(values: impl Iterator<Item = i64>) -> Option<i64> {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}
