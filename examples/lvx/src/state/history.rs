//! What past runs mean for each other: which are in effect, and which have to be undone first.

use std::io;

use lvx_settings::{Past, Record, Setting, Value};
use pi18_proto::SerialNumber;

use super::{
    run_files::saved_name,
    store::{Kept, Store},
};
use crate::outcome::Failure;

/// All runs that can be read, the oldest first.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) runs: Vec<Kept>,
    /// Why journals cannot be read.
    pub(crate) unreadable: Vec<String>,
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
        Ok(Self { runs, unreadable })
    }

    /// Where a run is in the history.
    pub(crate) fn place(&self, run: &Kept) -> Option<usize> {
        self.runs.iter().position(|known| known.path() == run.path())
    }

    /// The run that undid this one, if that was not undone itself.
    pub(crate) fn undone_by(&self, at: usize) -> Option<&Kept> {
        let name = &self.runs.get(at)?.name;
        let mut later = (at + 1..self.runs.len()).filter(|later| self.in_effect(*later));
        let by = later.find(|later| self.undoes(*later) == Some(name))?;
        self.runs.get(by)
    }

    /// Whether what a run wrote still counts: it changed units, and no other run undid it.
    pub(crate) fn in_effect(&self, at: usize) -> bool {
        let changed = |run: &Kept| run.past.has_changed_units();
        self.runs.get(at).is_some_and(changed) && self.undone_by(at).is_none()
    }

    /// A later run in effect that changed some of the same settings, and one of those.
    pub(crate) fn in_the_way(&self, at: usize) -> Option<(&Kept, SerialNumber, Setting)> {
        let run = self.runs.get(at)?;
        let place = |name: &str| self.runs.iter().position(|run| run.name == name);
        // Newest first: that is the order in which they have to be undone.
        (at + 1..self.runs.len()).rev().filter(|later| self.in_effect(*later)).find_map(|later| {
            // What was done and undone after this run is as this run left it.
            if self.undoes(later).and_then(place).is_some_and(|undone| undone > at) {
                return None;
            }
            let later = self.runs.get(later)?;
            let (unit, setting) = shared(&run.past, &later.past)?;
            Some((later, unit, setting))
        })
    }

    fn undoes(&self, at: usize) -> Option<&str> {
        self.runs.get(at)?.past.undoes.as_deref()
    }
}

/// A setting that both runs changed on the same unit.
fn shared(one: &Past, other: &Past) -> Option<(SerialNumber, Setting)> {
    one.plan.units.iter().enumerate().find_map(|(at, planned)| {
        let serial = planned.unit.serial_number;
        let there = other.plan.units.iter().position(|other| other.unit.serial_number == serial)?;
        let changed: Vec<_> = other.plan.touched(there).collect();
        let setting = one.plan.touched(at).find(|setting| changed.contains(setting))?;
        Some((serial, setting))
    })
}

impl Kept {
    /// Where the journal and the settings that were saved beside it do not agree: one of them was
    /// edited. Only what was saved can be compared.
    pub(crate) fn edited(&self) -> Vec<String> {
        let is_writing = |record: &Record| matches!(record, Record::Writing { .. });
        if !self.past.records.iter().any(is_writing) {
            return Vec::new();
        }
        let mut found = Vec::new();
        for planned in &self.past.plan.units {
            let name = saved_name(&self.name, &planned.unit);
            let saved = self.folder.read_bytes(&name, MAX_BYTES).and_then(|bytes| {
                String::from_utf8(bytes).map_err(|_| io::ErrorKind::InvalidData.into())
            });
            let saved = match saved {
                Ok(saved) => saved,
                Err(error) => {
                    found.push(format!("{name}: {error}"));
                    continue;
                }
            };
            let before = planned.unit.settings();
            for (setting, value) in saved.lines().filter_map(stated) {
                let known = before.get(setting);
                if setting != Setting::Clock && known != Some(value) {
                    let known = known.map_or("nothing".to_owned(), |known| known.to_string());
                    found.push(format!(
                        "{name}: {setting} was {value}, and the journal says {known}"
                    ));
                }
            }
        }
        found
    }
}

/// What a line of saved settings says, also in a comment, where those are that are not carried over.
/// Keys that are no settings any more are passed over.
fn stated(line: &str) -> Option<(Setting, Value)> {
    let (key, value) = line.strip_prefix("# ").unwrap_or(line).split_once(": ")?;
    let setting = Setting::from_key(key)?;
    Some((setting, setting.parse(value).ok()?))
}

const MAX_BYTES: u64 = 1 << 20;
