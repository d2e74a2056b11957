//! Order and unique names of the units, and detection of snapshots of the same unit.

use std::{borrow::Cow, collections::HashMap, time::Duration};

use pi18_proto::Count;

use crate::{BankSnapshot, UnitSnapshot};

/// Returns the units that rules judge: the master first, with distinct names, and without readings that
/// were taken more than `max_age` before the latest reading of the bank.
///
/// A unit is copied only if its name or one of its readings has to change.
pub(crate) fn prepared(bank: &BankSnapshot, max_age: Duration) -> Vec<Cow<'_, UnitSnapshot>> {
    let mut units = named(bank);
    let latest = bank.units.iter().filter_map(UnitSnapshot::latest).max().unwrap_or_default();
    let limit = latest.saturating_sub(max_age);
    for unit in units.iter_mut().filter(|unit| unit.has_reading_before(limit)) {
        unit.to_mut().discard_before(limit);
    }
    sort(&mut units);
    units
}

/// Returns the units of a bank, the master first. Units that share a name are numbered: `NAME #1`.
pub(crate) fn named(bank: &BankSnapshot) -> Vec<Cow<'_, UnitSnapshot>> {
    let mut units: Vec<_> = bank.units.iter().map(Cow::Borrowed).collect();
    sort(&mut units);
    let sharing = |name: &str| bank.units.iter().filter(|unit| unit.name == name).count();
    let mut numbers = HashMap::<String, usize>::new();
    for unit in units.iter_mut().filter(|unit| sharing(&unit.name) > 1) {
        let number = numbers.entry(unit.name.clone()).or_default();
        *number += 1;
        unit.to_mut().name = format!("{} #{number}", unit.name);
    }
    sort(&mut units);
    units
}

/// Sorts the master first and lost units last. Units that report the same instance are sorted by serial
/// number and name, then by all answers, so that the order in which units are given does not matter.
fn sort(units: &mut [Cow<'_, UnitSnapshot>]) {
    let key = |unit: &UnitSnapshot| {
        let serial = unit.identity.value().map(|identity| identity.serial_number.to_string());
        let instance = unit.instance().unwrap_or(Count(u16::MAX));
        (unit.lost.is_some(), instance, serial, unit.name.clone())
    };
    units.sort_by(|one, other| {
        let answers = || format!("{one:?}").cmp(&format!("{other:?}"));
        key(one).cmp(&key(other)).then_with(answers)
    });
}

/// Returns each unit once.
pub(super) fn distinct<'a>(given: &[&'a UnitSnapshot]) -> Vec<&'a UnitSnapshot> {
    let mut units: Vec<&UnitSnapshot> = Vec::new();
    for &unit in given {
        if !units.iter().any(|known| may_be_same(known, unit)) {
            units.push(unit);
        }
    }
    units
}

/// Returns whether two snapshots may be of the same unit: they report the same serial number, and not
/// two different numbers in the bank.
pub(crate) fn may_be_same(one: &UnitSnapshot, other: &UnitSnapshot) -> bool {
    let has_other_instance =
        one.instance().zip(other.instance()).is_some_and(|(one, other)| one != other);
    one.serial_number().is_some()
        && one.serial_number() == other.serial_number()
        && !has_other_instance
}
