//! Relations between past runs: which runs were undone, and which must be undone before others.

use lvx_settings::{Past, PlannedUnit, Setting};
use pi18_proto::SerialNumber;

use super::{store::Store, stored_run::StoredRun};
use crate::terminal::Failure;

/// All readable runs, oldest first.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) runs: Vec<StoredRun>,
    /// Errors of journals that cannot be read.
    pub(crate) unreadable: Vec<String>,
    /// Index of the later run that undid a unit, by run and unit.
    undone: Vec<Vec<Option<usize>>>,
}

impl History {
    pub(crate) fn of(store: &Store) -> Result<Self, Failure> {
        let (mut runs, mut unreadable) = (Vec::new(), Vec::new());
        for run in store.runs()? {
            match run {
                Ok(run) => runs.push(run),
                Err(why) => unreadable.push(why),
            }
        }
        Ok(Self::of_runs(runs, unreadable))
    }

    fn of_runs(runs: Vec<StoredRun>, unreadable: Vec<String>) -> Self {
        // Newest first, because whether an undo is in effect depends only on later runs.
        let mut undone = vec![Vec::new(); runs.len()];
        for at in (0..runs.len()).rev() {
            let row = undone_units(&runs, at, &undone);
            if let Some(place) = undone.get_mut(at) {
                *place = row;
            }
        }
        Self { runs, unreadable, undone }
    }

    /// Returns the position of a run in the history.
    pub(crate) fn position(&self, run: &StoredRun) -> Option<usize> {
        self.runs.iter().position(|known| known.path() == run.path())
    }

    /// Returns the units of a run that another run undid, by number in its plan, each with that run. An
    /// undo that was undone itself does not count.
    pub(crate) fn undone(&self, at: usize) -> Vec<(usize, &StoredRun)> {
        let row = self.undone.get(at).into_iter().flatten().enumerate();
        row.filter_map(|(unit, by)| Some((unit, self.runs.get((*by)?)?))).collect()
    }

    /// Returns the units of a run whose changes are still in effect, by number in its plan.
    pub(crate) fn in_effect(&self, at: usize) -> Vec<usize> {
        let Some(run) = self.runs.get(at).filter(|run| run.past.has_changed_units()) else {
            return Vec::new();
        };
        let row = self.undone.get(at).into_iter().flatten().enumerate();
        let units: Vec<_> = row.filter(|(_, by)| by.is_none()).map(|(unit, _)| unit).collect();
        // Units without changes only count together with changed ones.
        let is_touched = |unit: &usize| run.past.plan.touched(*unit).next().is_some();
        if units.iter().any(is_touched) { units } else { Vec::new() }
    }

    /// Returns a later run in effect that changed the same settings of these units, with one of these
    /// units and settings.
    pub(crate) fn later_conflict(
        &self,
        at: usize,
        units: &[usize],
    ) -> Option<(&StoredRun, SerialNumber, Setting)> {
        let run = self.runs.get(at)?;
        let place = |name: &str| self.runs.iter().position(|run| run.name == name);
        // Newest first, the order in which runs must be undone.
        (at + 1..self.runs.len()).rev().find_map(|number| {
            let later = self.runs.get(number)?;
            // A later run that was undone by a later run does not change the values of this run.
            if later.past.undoes.as_deref().and_then(place).is_some_and(|undone| undone > at) {
                return None;
            }
            let (unit, setting) = shared(&run.past, units, &later.past, &self.in_effect(number))?;
            Some((later, unit, setting))
        })
    }
}

/// Returns, for each unit of a run, the first later run that undid it and was not undone itself. `undone`
/// contains the results of all later runs.
fn undone_units(
    runs: &[StoredRun],
    at: usize,
    undone: &[Vec<Option<usize>>],
) -> Vec<Option<usize>> {
    let Some(run) = runs.get(at) else { return Vec::new() };
    let undoes = |later: &(usize, &StoredRun)| {
        later.1.past.undoes.as_ref() == Some(&run.name) && later.1.past.has_changed_units()
    };
    let later: Vec<_> = runs.iter().enumerate().skip(at + 1).filter(undoes).collect();
    let by = |planned: &PlannedUnit| {
        let is_in_effect = |(number, later): &&(usize, &StoredRun)| {
            let unit = position_of(&later.past, planned.unit.serial_number);
            let undone = |unit: usize| undone.get(*number).and_then(|row| row.get(unit)).copied();
            unit.and_then(undone) == Some(None)
        };
        later.iter().find(is_in_effect).map(|(number, _)| *number)
    };
    run.past.plan.units.iter().map(by).collect()
}

/// Returns the number of a unit in the plan of a run.
fn position_of(past: &Past, serial: SerialNumber) -> Option<usize> {
    past.plan.units.iter().position(|planned| planned.unit.serial_number == serial)
}

/// Returns a setting that both runs changed on one of these units.
fn shared(
    one: &Past,
    units: &[usize],
    other: &Past,
    others: &[usize],
) -> Option<(SerialNumber, Setting)> {
    units.iter().find_map(|&at| {
        let serial = one.plan.units.get(at)?.unit.serial_number;
        let there = position_of(other, serial).filter(|there| others.contains(there))?;
        let changed: Vec<_> = other.plan.touched(there).collect();
        let setting = one.plan.touched(at).find(|setting| changed.contains(setting))?;
        Some((serial, setting))
    })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, rc::Rc};

    use lvx_settings::{Ending, Record};

    use super::*;
    use crate::state::testing::{Scratch, journal};

    fn history<'a>(scratch: &Scratch, runs: &[(&str, &'a [usize], Option<&str>)]) -> History {
        let folder = scratch.folder();
        let ended = Record::Ended { ending: Ending::Applied };
        let mut known: BTreeMap<&'a [usize], Past> = BTreeMap::new();
        let kept = |(name, units, undoes): &(&str, &'a [usize], Option<&str>)| {
            let made = || Past::parse(journal(scratch, units, None, &ended).as_bytes()).unwrap();
            let mut past = known.entry(units).or_insert_with(made).clone();
            past.undoes = undoes.map(str::to_owned);
            StoredRun { name: (*name).to_owned(), folder: Rc::clone(&folder), past }
        };
        History::of_runs(runs.iter().map(kept).collect(), Vec::new())
    }

    fn undone(history: &History, at: usize) -> Vec<(usize, &str)> {
        history.undone(at).into_iter().map(|(unit, by)| (unit, &*by.name)).collect()
    }

    #[test]
    fn run_undone_on_one_unit_stays_in_effect_on_the_other() {
        let scratch = Scratch::new();
        let runs = [("1", &[0, 1][..], None), ("2", &[0], Some("1"))];
        let one = history(&scratch, &runs);
        assert_eq!((undone(&one, 0), one.in_effect(0)), (vec![(0, "2")], vec![1]));
        assert!(one.later_conflict(0, &[1]).is_none());
        assert_eq!(one.later_conflict(0, &[0]).unwrap().0.name, "2");
        let both = history(&scratch, &[&runs[..], &[("3", &[1], Some("1"))]].concat());
        assert_eq!((undone(&both, 0), both.in_effect(0)), (vec![(0, "2"), (1, "3")], vec![]));
        // An undo that was undone does not count.
        let again = history(&scratch, &[&runs[..], &[("3", &[0], Some("2"))]].concat());
        assert_eq!(
            (again.in_effect(0), again.in_effect(1), again.in_effect(2)),
            (vec![0, 1], vec![], vec![0])
        );
    }

    #[test]
    fn history_of_many_undos_is_read_in_one_pass() {
        let scratch = Scratch::new();
        let names: Vec<_> = (0..200).map(|number| format!("{number:03}")).collect();
        let undoes = |at: usize| at.checked_sub(1).map(|before| &*names[before]);
        let runs = names.iter().enumerate();
        let runs: Vec<_> = runs.map(|(at, name)| (&**name, &[0, 1][..], undoes(at))).collect();
        let history = history(&scratch, &runs);
        // The last run is in effect, so the one before is undone, and so on.
        let left: Vec<_> = (0..200).map(|at| !history.in_effect(at).is_empty()).collect();
        let expected: Vec<_> = (0..200).map(|at| at % 2 == 1).collect();
        assert_eq!(left, expected);
    }
}
