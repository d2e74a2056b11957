//! Who is asked about whom in a large bank: each unit about itself and the next one.
//!
//! `PRIn` and `PGSn` take a quarter and half a second at 2400 baud. Nine units that are asked about
//! all nine need ten seconds; in a ring every unit is still described twice, by itself and by the one
//! before it.

use std::collections::BTreeSet;

use crate::{Answer, UnitSnapshot};

/// Whether units of a bank of this size are asked about themselves and the next one only.
pub(crate) fn is_ring(units: usize) -> bool {
    units > MAX_ALL_ASKED
}

/// Units in a bank whose units are asked about all others.
const MAX_ALL_ASKED: usize = 3;

/// The numbers that each unit of a bank is asked about.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Ring(Vec<About>);

/// The numbers that one unit is asked about.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct About {
    /// Numbers of other units that were given: the next one.
    pub(crate) next: Option<usize>,
    /// Its own number.
    pub(crate) own: Option<usize>,
    /// Numbers that none of the given units has: one unit is asked whether they exist.
    pub(crate) strangers: Vec<usize>,
}

impl About {
    /// Every number.
    fn numbers(&self) -> impl Iterator<Item = usize> {
        self.strangers.iter().copied().chain(self.next).chain(self.own)
    }
}

impl Ring {
    /// The ring of units whose `GS` tells their numbers. A unit without a number gets no such question.
    ///
    /// Of the numbers that no unit has, those below the greatest and two beyond it are shared out among
    /// the units: so a unit that was not given, or does not answer, is found.
    pub(crate) fn of(units: &[UnitSnapshot]) -> Self {
        let number = |unit: &UnitSnapshot| {
            unit.instance().map(|instance| usize::from(instance.0)).filter(|n| *n < NUMBERS)
        };
        let known: BTreeSet<usize> = units.iter().filter_map(number).collect();
        let next = |own: usize| {
            let after = known.range(own.saturating_add(1)..).next().or(known.first());
            after.copied().filter(|next| *next != own)
        };
        let mut ring: Vec<_> = units
            .iter()
            .map(|unit| {
                let own = number(unit);
                About { own, next: own.and_then(next), strangers: Vec::new() }
            })
            .collect();
        let end = known.last().map_or(0, |last| last + 1 + BEYOND).min(NUMBERS);
        let strangers = (0..end).filter(|number| !known.contains(number));
        let askable = || ring.iter().enumerate().filter(|(_, about)| about.own.is_some());
        let places: Vec<usize> = askable().map(|(place, _)| place).collect();
        for (stranger, place) in strangers.zip(places.iter().cycle()) {
            if let Some(about) = ring.get_mut(*place) {
                about.strangers.push(stranger);
            }
        }
        Self(ring)
    }

    /// The numbers that the unit at a place is asked about.
    pub(crate) fn about(&self, place: usize) -> About {
        self.0.get(place).cloned().unwrap_or_default()
    }

    /// Takes away what the unit at a place would not have been asked.
    pub(crate) fn restrict(&self, place: usize, unit: &mut UnitSnapshot) {
        let asked: BTreeSet<usize> = self.about(place).numbers().collect();
        for (number, told) in unit.ratings.iter_mut().enumerate() {
            if !asked.contains(&number) {
                *told = Answer::default();
            }
        }
        for (number, told) in unit.statuses.iter_mut().enumerate() {
            if !asked.contains(&number) {
                *told = Answer::default();
            }
        }
    }
}

/// Numbers beyond the greatest that may be in use.
const BEYOND: usize = 2;

/// The wire has one digit for a unit's number.
const NUMBERS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::bank_of;

    fn ring(switches: &[&str]) -> Vec<(Option<usize>, Option<usize>, Vec<usize>)> {
        let ring = Ring::of(&bank_of(switches).units);
        ring.0.into_iter().map(|about| (about.own, about.next, about.strangers)).collect()
    }

    #[test]
    fn every_unit_is_described_by_itself_and_the_one_before_it() {
        let found = ring(&[""; 4]);
        let wanted = [
            (Some(0), Some(1), vec![4]),
            (Some(1), Some(2), vec![5]),
            (Some(2), Some(3), vec![]),
            (Some(3), Some(0), vec![]),
        ];
        assert_eq!(found, wanted);
        let nine = ring(&[""; 9]);
        assert_eq!(nine[8], (Some(8), Some(0), vec![]));
        assert_eq!(nine[0].2, [9]);
    }

    #[test]
    fn a_number_in_between_that_no_unit_has_is_asked_of_one() {
        let found = ring(&["", "", "", "instance=6"]);
        let strangers: Vec<_> = found.iter().flat_map(|(.., strangers)| strangers).collect();
        assert_eq!(strangers.len(), 5, "{found:?}");
        assert_eq!(found[2], (Some(2), Some(6), vec![5]));
        assert_eq!(found[0], (Some(0), Some(1), vec![3, 8]));
    }

    #[test]
    fn a_unit_without_a_number_is_asked_about_nobody() {
        let mut bank = bank_of(&[""; 5]);
        bank.units[1].status = Answer::default();
        let ring = Ring::of(&bank.units);
        assert_eq!(ring.about(1), About::default());
        assert_eq!(ring.about(0).next, Some(2));
        let asked: usize = ring.0.iter().map(|about| about.strangers.len()).sum();
        // 1, and two beyond.
        assert_eq!(asked, 3);
    }
}
