//! Programs and URLs that are notified of changes of alerts.

mod delivery;
mod exec;
#[cfg(test)]
mod tests;
mod webhook;

use std::{
    collections::BTreeMap,
    io,
    os::unix::net::UnixStream,
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError, TryRecvError},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use sha2::{Digest, Sha256};

use self::delivery::Delivery;
use super::{alerts::Alerts, model::Notice};
use crate::{Name, config::HookConfig, storage::Storage};

/// Largest text that a hook receives, in bytes. It fits into a pipe, so that a program that does not read it blocks
/// nothing.
const MAX_BYTES: usize = 48 * 1024;

/// Number of sets of changes that wait for the thread. It holds all changes that the alerts keep.
const MAX_WORK: usize = 4;

/// The thread that runs the hooks of one bank, one at a time. Dropping this value stops it and waits for its end: a program
/// is killed, a request to a URL ends after its timeout. Changes that were not delivered are delivered after the next start.
#[derive(Debug)]
pub struct Hooks {
    work: Option<mpsc::SyncSender<Work>>,
    thread: Option<thread::JoinHandle<()>>,
    notified: u64,
    /// Held until the hooks stop. The thread sees that the other end is closed.
    running: Option<UnixStream>,
    is_stopped: Arc<Mutex<bool>>,
}

/// New changes, and the state of the alerts after them.
struct Work {
    notices: Vec<Notice>,
    state: Vec<u8>,
}

impl Hooks {
    /// Returns the name of the file that keeps what was delivered.
    #[must_use]
    pub fn file_name(bank: &Name) -> String {
        format!("alert-hooks-{bank}.json")
    }

    /// Starts the thread; returns `None` without hooks. `saved` is the content of the file
    /// [`file_name`](Self::file_name).
    ///
    /// A hook that was not there before is notified of changes from now on only. What was delivered is kept in `storage`,
    /// and so is the state of the alerts, in `state_file`, before a hook is notified of it. So a restart repeats nothing.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn start(
        hooks: &[HookConfig],
        site: &Name,
        bank: &Name,
        alerts: &Alerts,
        state_file: &str,
        saved: Option<&[u8]>,
        storage: Arc<dyn Storage>,
    ) -> io::Result<Option<Self>> {
        if hooks.is_empty() {
            return Ok(None);
        }
        let file = Self::file_name(bank);
        let saved: BTreeMap<String, u64> = match saved.map(serde_json::from_slice) {
            None => BTreeMap::new(),
            Some(Ok(saved)) => saved,
            Some(Err(error)) => {
                tracing::warn!("{file}: {error}; hooks are notified of changes from now on only");
                BTreeMap::new()
            }
        };
        let names: Vec<_> = hooks.iter().map(name).collect();
        let number = |name| saved.get(name).copied().unwrap_or(alerts.last_number());
        let delivered = names.iter().map(number).collect();
        let (running, stopped) = UnixStream::pair()?;
        let is_stopped = Arc::new(Mutex::new(false));
        let runner = Runner {
            stopped,
            is_stopped: Arc::clone(&is_stopped),
            hooks: hooks.to_vec(),
            names,
            site: site.clone(),
            bank: bank.clone(),
            delivery: Delivery::new(delivered),
            storage,
            file,
            state_file: state_file.to_owned(),
        };
        runner.save();
        let (work, received) = mpsc::sync_channel(MAX_WORK);
        let thread = thread::Builder::new()
            .name(format!("hooks {bank}"))
            .spawn(move || runner.run(&received))?;
        let (work, thread, running) = (Some(work), Some(thread), Some(running));
        Ok(Some(Self { work, thread, notified: 0, running, is_stopped }))
    }

    /// Returns whether the thread has ended, which it only does after a panic or [`stop`](Self::stop).
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(thread::JoinHandle::is_finished)
    }

    /// Hands changes that are new to the thread. If it is busy, they wait for the next call.
    pub fn notify(&mut self, alerts: &Alerts) {
        if alerts.last_number() == self.notified {
            return;
        }
        let new = alerts.notices().filter(|notice| notice.number > self.notified);
        let work = Work { notices: new.cloned().collect(), state: alerts.saved() };
        if self.work.as_ref().is_some_and(|queue| queue.try_send(work).is_ok()) {
            self.notified = alerts.last_number();
        }
    }
}

impl Hooks {
    /// Stops the hooks without waiting: the present program is killed, no other one is started. When this returns, the
    /// state of the alerts is no longer written.
    pub fn stop(&mut self) {
        *self.is_stopped.lock().unwrap_or_else(PoisonError::into_inner) = true;
        (self.running, self.work) = (None, None);
    }
}

impl Drop for Hooks {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has ended, too.
            let _ = thread.join();
        }
    }
}

struct Runner {
    hooks: Vec<HookConfig>,
    names: Vec<String>,
    site: Name,
    bank: Name,
    delivery: Delivery,
    storage: Arc<dyn Storage>,
    file: String,
    state_file: String,
    /// Closed at its other end when the hooks stop.
    stopped: UnixStream,
    is_stopped: Arc<Mutex<bool>>,
}

impl Runner {
    fn run(mut self, work: &mpsc::Receiver<Work>) {
        loop {
            let wait = match self.delivery.deadline() {
                Some(at) => at.saturating_duration_since(Instant::now()),
                None => Duration::from_hours(1),
            };
            match work.recv_timeout(wait) {
                Ok(work) => self.take(&work),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            while let Some((index, notice)) = self.delivery.next(Instant::now()) {
                if self.is_stopped() {
                    return;
                }
                self.call(index, &notice);
                loop {
                    match work.try_recv() {
                        Ok(work) => self.take(&work),
                        Err(TryRecvError::Empty) => break,
                        Err(TryRecvError::Disconnected) => return,
                    }
                }
            }
        }
    }

    fn is_stopped(&self) -> bool {
        *self.is_stopped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&mut self, work: &Work) {
        // Locked while the state is written: after the stop, the bank writes a newer one.
        let is_stopped = self.is_stopped.lock().unwrap_or_else(PoisonError::into_inner);
        if *is_stopped {
            return;
        }
        if let Err(error) = self.storage.save(&self.state_file, &work.state) {
            tracing::warn!("{}: {error}; a restart may repeat a message", self.state_file);
        }
        drop(is_stopped);
        work.notices.iter().for_each(|notice| self.delivery.push(notice));
    }

    fn call(&mut self, index: usize, notice: &Notice) {
        let Some(hook) = self.hooks.get(index) else { return };
        let text = self.text(notice);
        let result = match hook {
            HookConfig::Exec { program, arguments, timeout } => {
                exec::run(program, arguments, *timeout, &text, &self.stopped)
            }
            HookConfig::Webhook { url, authorization, timeout } => {
                webhook::post(url, authorization.as_ref(), *timeout, &text)
            }
        };
        if let Err(why) = &result {
            tracing::warn!("alert hook {}: {why}", label(hook));
        }
        self.delivery.done(index, result.is_ok(), Instant::now(), fastrand::f64());
        self.save();
    }

    fn text(&self, notice: &Notice) -> String {
        let text = |notice: &Notice| {
            json!({
                "v": 1, "number": notice.number, "at": notice.at, "site": self.site, "bank": self.bank,
                "change": notice.change, "alert": notice.alert,
            })
            .to_string()
        };
        let whole = text(notice);
        if whole.len() <= MAX_BYTES {
            return whole;
        }
        let mut short = notice.clone();
        short.alert.values.clear();
        short.alert.advice.clear();
        text(&short)
    }

    fn save(&self) {
        let numbers = self.names.iter().zip(self.delivery.delivered());
        let numbers: BTreeMap<_, _> = numbers.collect();
        let text = serde_json::to_vec(&numbers).unwrap_or_default();
        if let Err(error) = self.storage.save(&self.file, &text) {
            tracing::warn!("alert hooks: {}: {error}; a restart may repeat a message", self.file);
        }
    }
}

/// Returns the name under which the delivered number of a hook is kept.
fn name(hook: &HookConfig) -> String {
    let mut hash = Sha256::new();
    match hook {
        HookConfig::Exec { program, arguments, .. } => {
            hash.update(program.as_os_str().as_encoded_bytes());
            for argument in arguments {
                hash.update([0]);
                hash.update(argument);
            }
        }
        HookConfig::Webhook { url, .. } => hash.update(url),
    }
    let hash = hash.finalize().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
    format!("{hash:016x}")
}

/// Returns what a log may show: a URL can contain a token after its host.
fn label(hook: &HookConfig) -> String {
    match hook {
        HookConfig::Exec { program, .. } => program.display().to_string(),
        HookConfig::Webhook { url, .. } => webhook::host(url),
    }
}
