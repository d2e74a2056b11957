//! Programs and URLs that are told of changes of alerts.

mod delivery;
mod exec;
#[cfg(test)]
mod tests;
mod webhook;

use std::{
    collections::BTreeMap,
    io,
    sync::{
        Arc,
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

/// The thread that runs the hooks of one bank, one at a time. Dropping this value waits for the present hook; the others
/// are called after the next start.
#[derive(Debug)]
pub struct Hooks {
    work: Option<mpsc::SyncSender<Work>>,
    thread: Option<thread::JoinHandle<()>>,
    told: u64,
}

/// New changes, and the state of the alerts after them.
struct Work {
    notices: Vec<Notice>,
    state: Vec<u8>,
}

impl Hooks {
    /// Starts the thread; returns `None` without hooks.
    ///
    /// A hook that was not there before is told of changes from now on only. What was delivered is kept in `storage`,
    /// and so is the state of the alerts, in `state_file`, before a hook is told of it. So a restart repeats nothing.
    ///
    /// # Errors
    /// If the file of delivered numbers cannot be read, or the thread cannot be started.
    pub fn start(
        hooks: &[HookConfig],
        site: &Name,
        bank: &Name,
        alerts: &Alerts,
        state_file: &str,
        storage: Arc<dyn Storage>,
    ) -> io::Result<Option<Self>> {
        if hooks.is_empty() {
            return Ok(None);
        }
        let file = format!("alert-hooks-{bank}.json");
        let saved = storage.load(&file)?;
        let saved: BTreeMap<String, u64> =
            saved.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        let names: Vec<_> = hooks.iter().map(name).collect();
        let number = |name| saved.get(name).copied().unwrap_or(alerts.last_number());
        let delivered = names.iter().map(number).collect();
        let runner = Runner {
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
        Ok(Some(Self { work: Some(work), thread: Some(thread), told: 0 }))
    }

    /// Hands changes that are new to the thread. If it is busy, they wait for the next call.
    pub fn notify(&mut self, alerts: &Alerts) {
        if alerts.last_number() == self.told {
            return;
        }
        let new = alerts.notices().filter(|notice| notice.number > self.told);
        let work = Work { notices: new.cloned().collect(), state: alerts.saved() };
        if self.work.as_ref().is_some_and(|queue| queue.try_send(work).is_ok()) {
            self.told = alerts.last_number();
        }
    }
}

impl Drop for Hooks {
    fn drop(&mut self) {
        self.work = None;
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

    fn take(&mut self, work: &Work) {
        if let Err(error) = self.storage.save(&self.state_file, &work.state) {
            tracing::warn!("{}: {error}; a restart may repeat a message", self.state_file);
        }
        work.notices.iter().for_each(|notice| self.delivery.push(notice));
    }

    fn call(&mut self, index: usize, notice: &Notice) {
        let Some(hook) = self.hooks.get(index) else { return };
        let text = self.text(notice);
        let result = match hook {
            HookConfig::Exec { program, arguments, timeout } => {
                exec::run(program, arguments, *timeout, &text)
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
