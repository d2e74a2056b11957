//! The thread that carries out commands.

use std::{
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use lvx_settings::HostClock;
use tokio::sync::{oneshot, watch};

use super::{
    Command, ControlView, Runs, WriteLocks,
    operator::{ControlClock, OFF, Operator, OperatorParts},
};
use crate::{
    RequestError, Snapshot,
    config::{BankConfig, ControlConfig},
    poll::LinkHandle,
    storage::Storage,
};

/// What the control of a bank needs.
pub struct ControlParts {
    /// Settings that may be changed.
    pub config: ControlConfig,
    /// The bank.
    pub bank: BankConfig,
    /// Links of the bank, one per unit, in the order of the configuration.
    pub links: Vec<LinkHandle>,
    /// Snapshots of the bank.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Files that survive a restart.
    pub storage: Arc<dyn Storage>,
    /// Journalled runs.
    pub runs: Arc<dyn Runs>,
    /// Locks that are shared with the lease socket.
    pub locks: WriteLocks,
    /// Receives each new view. It is called from the thread of the control.
    pub on_change: Box<dyn FnMut(ControlView) + Send>,
}

impl fmt::Debug for ControlParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlParts").field("config", &self.config).finish_non_exhaustive()
    }
}

/// The control of a bank: a thread that carries out one command at a time.
///
/// Dropping it ends the thread: a command in progress is undone first.
pub struct Control {
    commands: Option<mpsc::SyncSender<Order>>,
    refusals: mpsc::SyncSender<Refused>,
    /// Whether a command is in progress.
    is_busy: Arc<AtomicBool>,
    /// Whether units are read, and nothing is written.
    is_reading: Arc<AtomicBool>,
    stopped: Arc<AtomicBool>,
    storage: Arc<dyn Storage>,
    thread: Option<JoinHandle<()>>,
}

/// A command, and who waits for the decision.
type Order = (Command, oneshot::Sender<Result<(), RequestError>>);

/// A command that was refused before it reached the thread, and why.
type Refused = (Command, String);

impl Control {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the saved state cannot be read, or the thread cannot be started.
    pub fn spawn(parts: ControlParts) -> io::Result<Self> {
        let stopped = Arc::new(AtomicBool::new(false));
        let storage = Arc::clone(&parts.storage);
        let operator = Operator::new(OperatorParts {
            config: parts.config,
            bank: parts.bank,
            links: parts.links.into(),
            storage: parts.storage,
            runs: parts.runs,
            locks: parts.locks,
            clock: ControlClock::SYSTEM,
            host: HostClock::system(),
            stopped: Arc::clone(&stopped),
        })?;
        let (commands, orders) = mpsc::sync_channel(1);
        let (refusals, refused) = mpsc::sync_channel(MAX_WAITING_REFUSALS);
        let is_busy = Arc::new(AtomicBool::new(false));
        let is_reading = Arc::new(AtomicBool::new(false));
        let mut worker = Worker {
            operator,
            orders,
            refused,
            snapshots: parts.snapshots,
            on_change: parts.on_change,
            is_busy: Arc::clone(&is_busy),
            is_reading: Arc::clone(&is_reading),
            stopped: Arc::clone(&stopped),
            shown: None,
        };
        let thread = thread::Builder::new().name("control".to_owned());
        let thread = Some(thread.spawn(move || worker.work())?);
        Ok(Self {
            commands: Some(commands),
            refusals,
            is_busy,
            is_reading,
            stopped,
            storage,
            thread,
        })
    }

    /// Returns whether the thread has ended, which it only does after a panic.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Lets nothing begin any more. Returns whether the links are not needed to end: units are read, which a slow unit can
    /// make long, and nothing is written.
    pub(crate) fn begin_end(&self) -> bool {
        // The thread looks at this after it has read, so that a write never begins on links that have ended.
        self.stopped.store(true, Ordering::SeqCst);
        self.is_reading.load(Ordering::SeqCst)
    }

    /// Hands a command to the thread, which answers whether it was taken. The result is in later views.
    pub fn submit(&self, command: Command, reply: oneshot::Sender<Result<(), RequestError>>) {
        let is_busy = self.is_busy.load(Ordering::Acquire);
        let Some(commands) = self.commands.as_ref().filter(|_| !is_busy) else {
            return self.refuse(command, reply);
        };
        if let Err(
            mpsc::TrySendError::Full((command, reply))
            | mpsc::TrySendError::Disconnected((command, reply)),
        ) = commands.try_send((command, reply))
        {
            self.refuse(command, reply);
        }
    }

    fn refuse(&self, command: Command, reply: oneshot::Sender<Result<(), RequestError>>) {
        self.record_refusal(command, RequestError::Busy.to_string());
        let _ = reply.send(Err(RequestError::Busy));
    }

    /// Has a command that an output refused written to the audit file. If too many wait, it is only logged.
    pub fn record_refusal(&self, command: Command, why: String) {
        if let Err(
            mpsc::TrySendError::Full((command, why))
            | mpsc::TrySendError::Disconnected((command, why)),
        ) = self.refusals.try_send((command, why))
        {
            tracing::debug!("control: refused {:?} by {:?}: {why}", command.id, command.by);
        }
    }

    /// Stops all control until the file `control.off` is removed: the kill switch. A command in progress is undone.
    ///
    /// # Errors
    /// If the file cannot be written. Control is stopped until the restart in this case.
    pub fn stop_writes(&self, by: &str) -> io::Result<()> {
        self.stopped.store(true, Ordering::Release);
        tracing::warn!("control: stopped by {by:?}");
        self.storage.save(OFF, by.as_bytes())?;
        // From now on, the file decides.
        self.stopped.store(false, Ordering::Release);
        Ok(())
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Release);
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("is_busy", &self.is_busy).finish_non_exhaustive()
    }
}

/// The work of the thread.
struct Worker {
    operator: Operator,
    orders: mpsc::Receiver<Order>,
    refused: mpsc::Receiver<Refused>,
    snapshots: watch::Receiver<Arc<Snapshot>>,
    on_change: Box<dyn FnMut(ControlView) + Send>,
    is_busy: Arc<AtomicBool>,
    is_reading: Arc<AtomicBool>,
    stopped: Arc<AtomicBool>,
    shown: Option<ControlView>,
}

impl Worker {
    fn work(&mut self) {
        let mut next_check = Instant::now();
        let mut is_start = true;
        loop {
            if Instant::now() >= next_check && self.read_limits() {
                // An unfinished run can be undone only once all units answer.
                let is_ready = self.operator.present.is_complete();
                self.operator.check_runs(is_start && is_ready);
                is_start &= !is_ready;
                next_check =
                    Instant::now() + if is_start { START_INTERVAL } else { CHECK_INTERVAL };
            }
            if self.snapshots.has_changed().unwrap_or(false) {
                let snapshot = Arc::clone(&self.snapshots.borrow_and_update());
                self.operator.take_snapshot(&snapshot);
            }
            self.record_refusals();
            self.show();
            let interval = if self.operator.has_settings() { INTERVAL } else { IDLE_INTERVAL };
            match self.orders.recv_timeout(interval) {
                Ok((command, reply)) => self.handle(command, reply),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.record_refusals();
                    return;
                }
            }
        }
    }

    /// Reads the units whose limits are not known yet. Returns whether control goes on.
    fn read_limits(&mut self) -> bool {
        if self.stopped.load(Ordering::Acquire) {
            return false;
        }
        self.is_reading.store(true, Ordering::SeqCst);
        self.operator.read_limits();
        self.is_reading.store(false, Ordering::SeqCst);
        !self.stopped.load(Ordering::SeqCst)
    }

    /// Writes the commands that were refused before they came here to the audit file.
    fn record_refusals(&mut self) {
        for (command, why) in self.refused.try_iter().take(MAX_WAITING_REFUSALS) {
            let now = self.operator.clock.now();
            self.operator.record_refusal(&command, &why, now);
        }
    }

    fn handle(&mut self, command: Command, reply: oneshot::Sender<Result<(), RequestError>>) {
        self.is_busy.store(true, Ordering::Release);
        match self.operator.take(command) {
            Ok(task) => {
                let _ = reply.send(Ok(()));
                let on_change = &mut self.on_change;
                self.operator.carry_out(task, &mut |view| on_change(view));
                self.operator.check_runs(false);
                self.shown = None;
            }
            Err(error) => drop(reply.send(Err(error))),
        }
        self.is_busy.store(false, Ordering::Release);
    }

    /// Passes on the view if it has changed.
    fn show(&mut self) {
        let view = self.operator.view();
        if self.shown.as_ref() != Some(&view) {
            self.shown = Some(view.clone());
            (self.on_change)(view);
        }
    }
}

/// Number of refused commands that wait for the audit file.
const MAX_WAITING_REFUSALS: usize = 32;

/// Time between two looks at the snapshot, at the kill switch, and at refusals that wait for the audit file.
const INTERVAL: Duration = Duration::from_secs(1);

/// Time between two looks if no setting may be changed. The view then shows only what is wrong.
const IDLE_INTERVAL: Duration = Duration::from_secs(5);

/// Time between two looks at the unfinished runs.
const CHECK_INTERVAL: Duration = Duration::from_secs(30);

/// Time between two looks while the units were not read yet.
const START_INTERVAL: Duration = Duration::from_secs(5);
