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
            if let Some(period) = watchdog
                && now.saturating_duration_since(watchdog_sent) >= period / 3
            {
                watchdog_sent = now;
                self.notify_watchdog(now);
            }
            let status = self.status();
            if status != last_status.0
                && now.saturating_duration_since(last_status.1) >= STATUS_PERIOD
            {
                notify(&[NotifyState::Status(&status)]);
                last_status = (status, now);
            }
        }
        self.stop();
    }

    /// Ends everything in order. The pollers end first, so that the outputs publish the last state.
    fn stop(mut self) {
        notify(&[NotifyState::Stopping]);
        info!("stopping");
        self.lease = None;
        let stopped: Vec<_> = self.banks.drain(..).map(Bank::stop).collect();
        // Outputs publish the last state, and then end. The snapshots live until then.
        drop(self.outputs);
        drop(stopped);
    }

    /// Notifies the watchdog of the service manager, if all banks run and all threads make progress.
    fn notify_watchdog(&self, now: Instant) {
        self.banks.iter().for_each(Bank::ping);
        let stuck: Vec<_> = self.banks.iter().flat_map(|bank| bank.stuck(now)).collect();
        if !self.is_complete() {
            error!("{} of {} banks run", self.banks.len(), self.config.banks.len());
        } else if stuck.is_empty() {
            notify(&[NotifyState::Watchdog]);
        } else {
            error!("no progress: {}", stuck.join(", "));
        }
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

/// Tells the service manager something, if there is one.
fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        debug!("the service manager cannot be notified: {error}");
    }
}

/// Period of the checks of file, watchdog and status.
const ROUND: Duration = Duration::from_secs(1);

/// Least time between two attempts to start a bank.
const RETRY_PERIOD: Duration = Duration::from_secs(10);

/// Least time between two status lines.
const STATUS_PERIOD: Duration = Duration::from_secs(10);
