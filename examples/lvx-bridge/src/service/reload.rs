//! Takes a new configuration without losing state.

use tracing::{error, info, warn};

use super::{
    Service,
    bank::{Bank, Resting},
    locks::lock_units,
};
use crate::config::{Change, Config, FileError, changes};

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
        let has_new_banks = has("site") || has("banks");
        if has_new_banks {
            let storage = self.shared.storage.as_ref();
            if let Err(error) = lock_units(&new.banks, storage, &mut self.locks) {
                return error!("{error}; the configuration stays as it was");
            }
            let units: Vec<_> = new.banks.iter().flat_map(|bank| &bank.units).collect();
            self.locks.retain(|serial, _| units.iter().any(|unit| unit.serial == *serial));
        }
        for output in ["mqtt", "http"] {
            if has_new_banks || has(output) || (output == "mqtt" && has("control")) {
                self.outputs.end(output);
            }
        }
        let old = std::mem::replace(&mut self.config, new);
        if has_new_banks || has("poll") || has("control") || has("alerts") {
            self.lease = None;
            self.restart_banks(&old, has_new_banks || has("poll"));
        }
        let handles = self.handles();
        if let Err(error) = self.start_outputs(&handles) {
            error!("{error}; everything else goes on");
        }
        if self.lease.is_none() || has("lease") {
            self.start_lease();
        }
    }

    /// Restarts the pollers and the control of each bank. With `is_new`, the states are made anew of the files that
    /// the old ones leave; otherwise they stay as they are.
    fn restart_banks(&mut self, old: &Config, is_new: bool) {
        let names: Vec<_> = old.banks.iter().map(|bank| bank.name.clone()).collect();
        let stopped: Vec<_> = self.banks.drain(..).map(Bank::stop).collect();
        let mut stopped: Vec<_> = names.into_iter().zip(stopped).collect();
        for bank in self.config.banks.clone() {
            let found = stopped.iter().position(|(name, _)| *name == bank.name);
            let kept = found.and_then(|at| stopped.swap_remove(at).1).filter(|_| !is_new);
            let resting = match kept {
                Some(mut resting) => {
                    resting.set_alerts(&self.config);
                    Ok(resting)
                }
                None => Resting::load(&self.config, &bank, self.shared.storage.as_ref()),
            };
            let started =
                resting.and_then(|resting| Ok(resting.start(&self.config, &bank, &self.shared)?));
            match started {
                Ok(started) => self.banks.push(started),
                Err(error) => error!("bank {}: {error}", bank.name),
            }
        }
    }
}

/// Logs a text of several lines.
fn log_lines(error: &FileError) {
    for line in error.to_string().lines() {
        error!("{line}");
    }
}
