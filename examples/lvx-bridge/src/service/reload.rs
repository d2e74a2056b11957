//! Takes a new configuration without losing state.

use std::collections::BTreeMap;

use tracing::{error, info, warn};

use super::{
    Service,
    bank::{Bank, SavedState, StoppedBank},
    locks::lock_units,
};
use crate::config::{BankConfig, Change, Config, FileError, changes};

impl Service {
    /// Reads the configuration again. `is_asked` is false if only the file changed: then, what gives more access is
    /// refused.
    pub(super) fn reload(&mut self, is_asked: bool) {
        let Some(watched) = &mut self.file else {
            warn!("there is no configuration file to read again");
            return;
        };
        let new = match watched.read() {
            Ok(new) => new,
            Err(error) => {
                log_lines(&error);
                error!("the configuration stays as it was");
                return;
            }
        };
        let found = changes(&self.config, &new);
        if found.is_empty() {
            return info!("the configuration has not changed");
        }
        let wider: Vec<_> = found.iter().filter(|one| one.widens).map(|one| one.key).collect();
        if !is_asked && !wider.is_empty() {
            warn!(
                "the configuration gives more access ({}) and is not used: to use it, send SIGHUP (systemctl reload) \
                 or restart",
                wider.join(", ")
            );
            return;
        }
        let keys: Vec<_> = found.iter().map(|one| one.key).collect();
        info!("the configuration has changed: {}", keys.join(", "));
        self.apply(new, &found);
    }

    /// Takes a configuration with these changes.
    fn apply(&mut self, new: Config, found: &[Change]) {
        let has = |key: &str| found.iter().any(|one| one.key == key);
        let has_new_units = has("site") || has("banks");
        // New states have new channels, so that the outputs start again, too.
        let is_new = has_new_units || has("poll");
        if has_new_units {
            let storage = self.shared.storage.as_ref();
            let locked = lock_units(&new.banks, storage, &mut self.locks);
            let kept = if locked.is_ok() { &new.banks } else { &self.config.banks };
            let units: Vec<_> = kept.iter().flat_map(|bank| &bank.units).collect();
            self.locks.retain(|serial, _| units.iter().any(|unit| unit.serial == *serial));
            if let Err(error) = locked {
                return error!("{error}; the configuration stays as it was");
            }
        }
        let has_new_history = is_new || has("history");
        for output in ["mqtt", "http", "history"] {
            let is_linked = match output {
                "mqtt" => has("control"),
                _ => has_new_history,
            };
            if is_new || has(output) || is_linked {
                self.outputs.end(output);
            }
        }
        if has_new_history {
            // Writes what waits.
            self.history = None;
        }
        self.config = new;
        if is_new || has("control") || has("alerts") {
            self.lease = None;
            self.restart_banks(is_new);
        }
        self.start_missing_outputs();
        if self.lease.is_none() || has("lease") {
            self.start_lease();
        }
    }

    pub(super) fn start_missing_outputs(&mut self) {
        let handles = self.handles();
        for error in self.start_outputs(&handles) {
            error!("{error}; everything else goes on");
        }
    }

    /// Returns whether each bank of the configuration runs.
    pub(super) fn is_complete(&self) -> bool {
        self.banks.len() == self.config.banks.len()
    }

    /// Starts banks that could not be started before. Returns whether one of them runs now.
    pub(super) fn retry_banks(&mut self) -> bool {
        let before = self.banks.len();
        for bank in self.config.banks.clone() {
            if self.banks.iter().all(|running| *running.name() != bank.name) {
                self.start_bank(&bank, None);
            }
        }
        if self.banks.len() == before {
            return false;
        }
        info!("{} of {} banks run", self.banks.len(), self.config.banks.len());
        let names: Vec<_> = self.config.banks.iter().map(|bank| bank.name.clone()).collect();
        self.banks.sort_by_key(|bank| names.iter().position(|name| name == bank.name()));
        self.lease = None;
        for output in ["mqtt", "http", "history"] {
            self.outputs.end(output);
        }
        self.start_missing_outputs();
        self.start_lease();
        true
    }

    /// Restarts the pollers and the control of each bank. With `is_new`, the states are made anew of what the old ones
    /// leave; otherwise they stay as they are.
    fn restart_banks(&mut self, is_new: bool) {
        let stop = |bank: Bank| (bank.name().clone(), bank.stop());
        let mut stopped: BTreeMap<_, _> = self.banks.drain(..).map(stop).collect();
        for (name, bank) in &stopped {
            // A thread that panicked leaves what the files have.
            if let Some(bank) = bank {
                self.left.insert(name.clone(), bank.saved());
            }
        }
        let banks = self.config.banks.clone();
        self.left.retain(|name, _| banks.iter().any(|bank| bank.name == *name));
        for bank in &banks {
            let kept = stopped.remove(&bank.name).flatten().filter(|_| !is_new);
            self.start_bank(bank, kept);
        }
    }

    /// Starts a bank: one that was stopped, or a new one.
    fn start_bank(&mut self, bank: &BankConfig, stopped: Option<StoppedBank>) {
        let stopped = if let Some(mut stopped) = stopped {
            stopped.set_alerts(&self.config);
            Ok(stopped)
        } else {
            // The disk may be full, so files can be older than what the last bank left.
            let nothing = SavedState::default();
            let left = self.left.get(&bank.name).unwrap_or(&nothing);
            StoppedBank::load(&self.config, bank, self.shared.storage.as_ref(), left)
        };
        match stopped.and_then(|stopped| stopped.start(&self.config, bank, &self.shared)) {
            Ok(started) => {
                self.left.remove(&bank.name);
                self.banks.push(started);
            }
            Err(error) => error!("bank {}: {error}; the bridge tries again", bank.name),
        }
    }
}

/// Logs a text of several lines.
fn log_lines(error: &FileError) {
    for line in error.to_string().lines() {
        error!("{line}");
    }
}
