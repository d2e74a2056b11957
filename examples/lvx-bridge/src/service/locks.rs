//! The locks that keep a second bridge from the units.

use std::collections::BTreeMap;

use pi18_proto::SerialNumber;

use super::StartError;
use crate::{
    config::BankConfig,
    storage::{Storage, StorageLock},
};

/// The locks of the units that a bridge polls.
pub(super) type Locks = BTreeMap<SerialNumber, StorageLock>;

/// Takes the lock of each unit that is not in `held`.
pub(super) fn lock_units(
    banks: &[BankConfig],
    storage: &dyn Storage,
    held: &mut Locks,
) -> Result<(), StartError> {
    for unit in banks.iter().flat_map(|bank| &bank.units) {
        if held.contains_key(&unit.serial) {
            continue;
        }
        let name = format!("unit-{}.lock", unit.serial);
        let lock = storage.lock(&name);
        match lock.map_err(|source| StartError::Storage { name: name.clone(), source })? {
            Some(lock) => drop(held.insert(unit.serial, lock)),
            None => return Err(StartError::Polled { unit: unit.name.to_string() }),
        }
    }
    Ok(())
}
