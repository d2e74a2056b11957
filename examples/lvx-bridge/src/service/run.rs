//! The loop of the service: signals, the watchdog, the end.

use std::{
    sync::mpsc,
    time::{Duration, Instant},
};

use sd_notify::NotifyState;
use tracing::{debug, error, info};

use super::{Service, bank::Bank, watched::Watched};
use crate::{Handle, state::LinkState};

/// A signal to a service.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Signal {
    /// Ends the service.
    Stop,
    /// Reads the configuration again, also what gives more access.
    Reload,
}

impl Service {
    /// Runs until a signal to stop arrives or the sender is dropped, and ends in order. `on_round` is called about
    /// once a second.
    pub fn run(mut self, signals: &mpsc::Receiver<Signal>, mut on_round: impl FnMut(&[Handle])) {
        notify(&[NotifyState::Ready, NotifyState::Status(&self.status())]);
        let mut handles = self.handles();
        let watchdog = sd_notify::watchdog_enabled();
        let mut watchdog_sent = Instant::now();
        let (mut pinged, mut last_stuck) = (Instant::now(), Vec::new());
        let mut last_status = (String::new(), Instant::now());
        let mut tried = Instant::now();
        loop {
            match signals.recv_timeout(ROUND) {
                Ok(Signal::Reload) => {
                    self.reload(true);
                    handles = self.handles();
                }
                Ok(Signal::Stop) | Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    if self.file.as_mut().is_some_and(Watched::has_changed) {
                        self.reload(false);
                        handles = self.handles();
                    }
                }
            }
            on_round(&handles);
            let now = Instant::now();
            if !self.is_complete() && now.saturating_duration_since(tried) >= RETRY_PERIOD {
                tried = now;
                if self.retry_banks() {
                    handles = self.handles();
                }
            }
            self.restart_parts(now);
            let stuck = self.stuck(now);
            if now.saturating_duration_since(pinged) >= PING_PERIOD {
                pinged = now;
                self.banks.iter().for_each(Bank::ping);
            }
            if stuck != last_stuck {
                if stuck.is_empty() {
                    info!("all parts make progress again");
                } else {
                    error!("no progress: {}; the watchdog is not notified", stuck.join(", "));
                }
                last_stuck.clone_from(&stuck);
            }
            if let Some(period) = watchdog
                && stuck.is_empty()
                && now.saturating_duration_since(watchdog_sent) >= period / 3
            {
                watchdog_sent = now;
                notify(&[NotifyState::Watchdog]);
            }
            let status = self.status();
            if status != last_status.0
                && now.saturating_duration_since(last_status.1) >= STATUS_PERIOD
            {
                notify(&[NotifyState::Status(&status)]);
                last_status = (status, now);
            }
        }
        notify(&[NotifyState::Stopping]);
        info!("stopping");
    }

    /// Returns the parts that do not run or make no progress, and that are not started again by the bridge itself. Then
    /// the watchdog is not notified, so that the service manager starts the bridge again.
    pub(super) fn stuck(&self, now: Instant) -> Vec<String> {
        let missing = self
            .config
            .banks
            .iter()
            .filter(|bank| self.banks.iter().all(|running| *running.name() != bank.name));
        let mut stuck: Vec<_> = missing.map(|bank| format!("bank {}", bank.name)).collect();
        stuck.extend(self.banks.iter().flat_map(|bank| bank.stuck(now)));
        stuck.extend(self.outputs.has_ended().then(|| "outputs".to_owned()));
        stuck.extend(self.saver.has_ended().then(|| "files".to_owned()));
        stuck
    }

    /// Starts parts again that have ended and need no restart of the bridge: outputs, the socket for other programs, the
    /// watch for devices.
    pub(super) fn restart_parts(&mut self, now: Instant) {
        for name in self.outputs.take_ended() {
            error!("{name} has ended; it is started again");
            // The history has a task for each bank. They start together.
            self.outputs.end(name);
        }
        let wanted = [
            ("mqtt", self.config.mqtt.is_some()),
            ("http", self.config.http.is_some()),
            ("history", self.history.is_some()),
        ];
        let is_running = wanted.iter().all(|(name, is_on)| !is_on || self.outputs.has(name));
        // Outputs without banks have nothing to show.
        if self.restart_outputs.is_due(is_running || self.banks.is_empty(), now) {
            self.start_missing_outputs();
        }
        let has_lease = self.lease.as_ref().is_some_and(|lease| !lease.has_ended());
        if self.restart_lease.is_due(has_lease || self.config.lease.is_none(), now) {
            self.start_lease();
        }
        self.banks.iter_mut().for_each(|bank| bank.check_hotplug(now));
    }

    /// Returns one line about the units.
    fn status(&self) -> String {
        let snapshots: Vec<_> = self.banks.iter().map(|bank| bank.handle().snapshot()).collect();
        let units = snapshots.iter().flat_map(|snapshot| &snapshot.units);
        let up = units.clone().filter(|unit| unit.link.state == LinkState::Up).count();
        let alerts = snapshots
            .iter()
            .flat_map(|snapshot| &snapshot.alerts)
            .filter(|alert| alert.is_raised())
            .count();
        format!("{up} of {} units answer, {alerts} alerts", units.count())
    }
}

impl Drop for Service {
    /// Ends everything in order, also after a start that failed or a panic. The pollers end first, so that the outputs
    /// publish the last state.
    fn drop(&mut self) {
        self.lease = None;
        let stopped: Vec<_> = self.banks.drain(..).map(Bank::stop).collect();
        // The snapshots live until the outputs have published the last state.
        self.outputs.end_all();
        drop(stopped);
    }
}

/// Notifies the service manager, if there is one.
fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        debug!("the service manager cannot be notified: {error}");
    }
}

/// Period of the checks of file, watchdog and status.
const ROUND: Duration = Duration::from_secs(1);

/// Time between two questions to the pollers whether they make progress.
const PING_PERIOD: Duration = Duration::from_secs(20);

/// Least time between two attempts to start a bank.
const RETRY_PERIOD: Duration = Duration::from_secs(10);

/// Least time between two status lines.
const STATUS_PERIOD: Duration = Duration::from_secs(10);
