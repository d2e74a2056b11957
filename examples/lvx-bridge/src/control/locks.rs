//! Which part of the program may change the settings of a unit.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use pi18_proto::SerialNumber;

/// Who has the settings of each unit to itself: a command of [`control`](crate::control), or a client of the
/// [`lease`](crate::lease) socket. Clones share the locks.
#[derive(Clone, Debug, Default)]
pub struct WriteLocks(Arc<Mutex<BTreeMap<String, String>>>);

/// Sole right to change the settings of some units, until it is dropped.
#[derive(Debug)]
#[must_use = "the right ends when this is dropped"]
pub struct WriteLock {
    locks: WriteLocks,
    units: Vec<SerialNumber>,
}

impl WriteLocks {
    /// Takes the settings of all these units. `owner` is shown to others that want them meanwhile.
    ///
    /// # Errors
    /// The owner of a unit that is taken. In this case nothing is taken.
    pub fn take(&self, units: &[SerialNumber], owner: &str) -> Result<WriteLock, String> {
        let mut taken = self.lock();
        if let Some(other) = units.iter().find_map(|unit| taken.get(unit.as_str())) {
            return Err(other.clone());
        }
        for unit in units {
            taken.insert(unit.to_string(), owner.to_owned());
        }
        Ok(WriteLock { locks: self.clone(), units: units.to_vec() })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for WriteLock {
    fn drop(&mut self) {
        let mut taken = self.locks.lock();
        for unit in &self.units {
            taken.remove(unit.as_str());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(text: &str) -> SerialNumber {
        SerialNumber::new(text).unwrap()
    }

    #[test]
    fn units_are_taken_together_and_given_back() {
        let (one, other) = (unit("96132206100410"), unit("96132206100411"));
        let locks = WriteLocks::default();
        let first = locks.take(&[one], "a command").unwrap();
        assert_eq!(locks.take(&[other, one], "a client").unwrap_err(), "a command");
        // The failed attempt took nothing.
        let second = locks.take(&[other], "a client").unwrap();
        drop(first);
        assert_eq!(locks.take(&[one, other], "a command").unwrap_err(), "a client");
        drop(second);
        assert!(locks.take(&[one, other], "a command").is_ok());
    }
}
