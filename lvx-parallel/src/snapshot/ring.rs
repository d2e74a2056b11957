//! The ring: in a large bank, each unit is asked only about itself and the next unit.
//!
//! `PRIn` takes a quarter of a second and `PGSn` half a second at 2400 baud. If each of nine units were
//! asked about all nine, reading would take ten seconds. In a ring, every unit is still described
//! twice: by itself and by the unit before it.
//!
//! ```text
//! unit 0 is asked about 1 and 0
//! unit 1 is asked about 2 and 1
//! unit 2 is asked about 3 and 2
//! unit 3 is asked about 0 and 3
//! ```

use std::collections::BTreeSet;

use super::{answer::Answer, unit::UnitSnapshot};

/// Returns whether the units of a bank of this size are asked about themselves and the next one only.
pub(crate) fn is_ring(units: usize) -> bool {
    units > MAX_ALL_ASKED
}

/// The largest bank in which each unit is asked about all others.
const MAX_ALL_ASKED: usize = 3;

/// The numbers that each unit of a bank is asked about.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Ring(Vec<Neighbours>);

/// The numbers that one unit is asked about.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Neighbours {
    /// Number of the next unit that was given.
    pub(crate) next: Option<usize>,
    /// Number of the unit itself.
    pub(crate) own: Option<usize>,
    /// Numbers that no given unit has. Each is asked of one unit, to find out whether it exists.
    pub(crate) unknown: Vec<usize>,
}

impl Neighbours {
    fn numbers(&self) -> impl Iterator<Item = usize> {
        self.unknown.iter().copied().chain(self.next).chain(self.own)
    }
}

impl Ring {
    /// Returns the ring of units whose `GS` holds their numbers. A unit without a number is asked about
    /// no other.
    ///
    /// The numbers that no unit has, up to two beyond the greatest, are distributed among the units, so
    /// that a unit that was not given, or does not answer, is found.
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
                Neighbours { own, next: own.and_then(next), unknown: Vec::new() }
            })
            .collect();
        let end = known.last().map_or(0, |last| last + 1 + BEYOND).min(NUMBERS);
        let unknown = (0..end).filter(|number| !known.contains(number));
        let numbered = ring.iter().enumerate().filter(|(_, neighbours)| neighbours.own.is_some());
        let places: Vec<usize> = numbered.map(|(place, _)| place).collect();
        for (number, place) in unknown.zip(places.iter().cycle()) {
            if let Some(neighbours) = ring.get_mut(*place) {
                neighbours.unknown.push(number);
            }
        }
        Self(ring)
    }

    /// Returns the numbers that the unit at a place is asked about.
    pub(crate) fn neighbours(&self, place: usize) -> Neighbours {
        self.0.get(place).cloned().unwrap_or_default()
    }

    /// Removes the answers that the unit at a place would not have been asked for.
    pub(crate) fn restrict(&self, place: usize, unit: &mut UnitSnapshot) {
        let asked: BTreeSet<usize> = self.neighbours(place).numbers().collect();
        for (number, answer) in unit.ratings.iter_mut().enumerate() {
            if !asked.contains(&number) {
                *answer = Answer::default();
            }
        }
        for (number, answer) in unit.statuses.iter_mut().enumerate() {
            if !asked.contains(&number) {
                *answer = Answer::default();
            }
        }
    }
}

/// The count of numbers beyond the greatest known one that are asked about.
const BEYOND: usize = 2;

/// The count of possible numbers: the protocol has one digit for the number of a unit.
const NUMBERS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::testing::bank_of;

    fn ring(switches: &[&str]) -> Vec<(Option<usize>, Option<usize>, Vec<usize>)> {
        let ring = Ring::of(&bank_of(switches).units);
        let numbers = ring.0.into_iter();
        numbers.map(|about| (about.own, about.next, about.unknown)).collect()
    }

    #[test]
    fn ring_describes_every_unit_twice() {
        let expected = [
            (Some(0), Some(1), vec![4]),
            (Some(1), Some(2), vec![5]),
            (Some(2), Some(3), vec![]),
            (Some(3), Some(0), vec![]),
        ];
        assert_eq!(ring(&[""; 4]), expected);
        let nine = ring(&[""; 9]);
        assert_eq!(nine[8], (Some(8), Some(0), vec![]));
        assert_eq!(nine[0].2, [9]);
    }

    #[test]
    fn unknown_numbers_are_each_asked_of_one_unit() {
        let found = ring(&["", "", "", "instance=6"]);
        let unknown: Vec<_> = found.iter().flat_map(|(.., unknown)| unknown).collect();
        assert_eq!(unknown.len(), 5, "{found:?}");
        assert_eq!(found[2], (Some(2), Some(6), vec![5]));
        assert_eq!(found[0], (Some(0), Some(1), vec![3, 8]));
    }

    #[test]
    fn unit_without_number_is_asked_about_no_other() {
        let mut bank = bank_of(&[""; 5]);
        bank.units[1].status = Answer::default();
        let ring = Ring::of(&bank.units);
        assert_eq!(ring.neighbours(1), Neighbours::default());
        assert_eq!(ring.neighbours(0).next, Some(2));
        let unknown: usize = ring.0.iter().map(|neighbours| neighbours.unknown.len()).sum();
        // Number 1, and two beyond the greatest.
        assert_eq!(unknown, 3);
    }
}
