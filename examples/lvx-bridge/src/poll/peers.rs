//! Which units of the bank each unit is asked about.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use pi18_proto::{Count, ParallelInstance};

/// The numbers of the units of a bank, shared by the pollers of its links. Clones share them.
///
/// In a bank of up to three units, each unit is asked about all others, and about two numbers beyond, so that a
/// unit that is not configured is found. In a larger bank, that would take too long: each unit is asked about
/// itself and the next one, and numbers that no unit has are distributed among the units.
#[derive(Clone, Debug)]
pub struct Peers(Arc<Mutex<Vec<Option<u8>>>>);

impl Peers {
    /// Creates the numbers of a bank with this many links, none of which is known.
    #[must_use]
    pub fn new(links: usize) -> Self {
        Self(Arc::new(Mutex::new(vec![None; links])))
    }

    /// Stores the number of the unit on a link.
    pub fn set(&self, link: usize, number: u8) {
        let mut numbers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = numbers.get_mut(link) {
            *slot = Some(number).filter(|number| *number < NUMBERS);
        }
    }

    /// Returns the numbers that the unit on a link is asked about.
    #[must_use]
    pub fn asked_of(&self, link: usize) -> Vec<ParallelInstance> {
        let numbers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known: BTreeSet<u8> = numbers.iter().copied().flatten().collect();
        let end = known.last().map_or(0, |last| last + 1 + BEYOND).min(NUMBERS);
        let asked: BTreeSet<u8> = if numbers.len() <= MAX_ALL_ASKED {
            (0..end).collect()
        } else {
            let numbered =
                || (0..).zip(numbers.iter()).filter_map(|(at, number)| Some((at, (*number)?)));
            let own = numbers.get(link).copied().flatten();
            let next = own.and_then(|own| known.range(own + 1..).next().or(known.first()).copied());
            let unknown = (0..end).filter(|number| !known.contains(number));
            let places = numbered().map(|(at, _)| at).collect::<Vec<usize>>();
            let shared = unknown.zip(places.iter().cycle()).filter(|(_, at)| **at == link);
            own.into_iter().chain(next).chain(shared.map(|(number, _)| number)).collect()
        };
        asked
            .into_iter()
            .filter_map(|number| ParallelInstance::new(Count(number.into())).ok())
            .collect()
    }
}

/// Largest bank in which each unit is asked about all others.
const MAX_ALL_ASKED: usize = 3;

/// Count of numbers beyond the greatest known one that are asked about.
const BEYOND: u8 = 2;

/// Count of possible numbers: the protocol has one digit for the number of a unit.
const NUMBERS: u8 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(numbers: &[u8], link: usize) -> Vec<u16> {
        let peers = Peers::new(numbers.len());
        (0..).zip(numbers).for_each(|(link, number)| peers.set(link, *number));
        peers.asked_of(link).into_iter().map(|instance| instance.get().0).collect()
    }

    #[test]
    fn small_bank_is_asked_about_all_units_and_two_more() {
        assert_eq!(asked(&[0, 1], 0), [0, 1, 2, 3]);
        assert_eq!(Peers::new(2).asked_of(0), []);
    }

    #[test]
    fn large_bank_is_asked_in_a_ring() {
        assert_eq!(asked(&[0, 1, 2, 3], 0), [0, 1, 4]);
        assert_eq!(asked(&[0, 1, 2, 3], 1), [1, 2, 5]);
        assert_eq!(asked(&[0, 1, 2, 3], 3), [0, 3]);
        assert_eq!(asked(&[0, 1, 2, 3, 4, 5, 6, 7, 8], 8), [0, 8]);
    }
}
