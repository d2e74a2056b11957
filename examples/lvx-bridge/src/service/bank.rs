//! One bank: its core on a thread, its pollers, its control.

use std::{
    ops::ControlFlow,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use pi18_proto::SerialNumber;
use pi18_transport::StopHandle;
use tokio::{
    runtime::Builder,
    sync::{mpsc, watch},
    time::{MissedTickBehavior, interval},
};
use tracing::{debug, error, warn};

use super::{
    StartError,
    files::BankFiles,
    heartbeat::{Beat, MAX_AGE, Ping},
    journal::Journal,
    restart::Restart,
    saver::SaverHandle,
    session,
};
use crate::{
    Handle, Name, Now, Request, RequestError, Snapshot, SuspendWatch, Uptime,
    alert::{Alerts, Hooks},
    config::{BankConfig, Config},
    control::{Control, ControlParts, ControlView, Runs, WriteLocks},
    poll::{
        self, Event, JobEffect, LinkHandle, PackEvent, PackPollers, PackWake, PackWakers, Pollers,
    },
    state::Core,
    storage::Storage,
};

/// What all banks share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) runs: Arc<dyn Runs>,
    pub(super) locks: WriteLocks,
    pub(super) saver: SaverHandle,
}

/// A bank that does not run: its state, which survives a reload.
pub(super) struct StoppedBank {
    core: Core,
    requests: mpsc::Receiver<Request>,
    snapshots: watch::Sender<Arc<Snapshot>>,
    files: BankFiles,
    handle: Handle,
    /// Hooks that were stopped and may not have ended.
    hooks: Option<Hooks>,
}

/// What the thread of a core needs beside the state.
struct CoreParts {
    messages: mpsc::Receiver<Message>,
    saver: SaverHandle,
    beat: Beat,
    /// Starts the hooks again.
    start_hooks: StartHooks,
    /// Set when the thread of the control has ended.
    has_lost_control: Arc<AtomicBool>,
}

/// Starts the hooks of a bank; `None` without hooks.
type StartHooks = Box<dyn Fn(&Alerts) -> Result<Option<Hooks>, StartError> + Send>;

/// Content of the files of a bank that was stopped, which the disk may not have.
#[derive(Debug, Default)]
pub(super) struct SavedState {
    energy: Option<Vec<u8>>,
    alerts: Option<Vec<u8>>,
}

/// A bank that runs.
pub(super) struct Bank {
    name: Name,
    handle: Handle,
    messages: mpsc::Sender<Message>,
    thread: JoinHandle<StoppedBank>,
    beat: Beat,
    pollers: Pollers,
    packs: PackPollers,
    pings: Vec<Ping>,
    hotplug: Restart,
    has_lost_control: Arc<AtomicBool>,
}

/// A message to the thread of the core.
enum Message {
    Event(Event),
    Pack(PackEvent),
    View(ControlView),
    /// The links, whose units are read again after a suspend, and what wakes the pollers of packs.
    Links(Vec<LinkHandle>, PackWakers),
    /// The control, to which commands go.
    Control(Control),
    /// Gives the control back.
    Release(std::sync::mpsc::Sender<Control>),
    Stop,
}

impl StoppedBank {
    /// Makes the state of a bank from its files, or from what a bank that was stopped left.
    pub(super) fn load(
        config: &Config,
        bank: &BankConfig,
        storage: &dyn Storage,
        left: &SavedState,
    ) -> Result<Self, StartError> {
        let now = Now::system();
        let load = |name: &str, left: &Option<Vec<u8>>| match left {
            Some(content) => Ok(Some(content.clone())),
            None => load_file(storage, name),
        };
        let [energy, alerts] = BankFiles::names(&bank.name);
        let (saved_energy, saved_alerts) =
            (load(&energy, &left.energy)?, load(&alerts, &left.alerts)?);
        let last = saved_energy.as_deref().map_or(0, Core::last_session);
        let session = session::next(storage, &bank.name, last, now.wall)?;
        let restored = Alerts::new(&config.alerts, saved_alerts.as_deref());
        let mut core = Core::new(&config.site, bank, &config.poll, restored, session, now);
        if let Some(saved) = &saved_energy
            && let Err(error) = core.restore(saved, now)
        {
            warn!("{energy}: {error}; the counters of the bridge start again");
        }
        // What a bank left may not be on the disk.
        let saved_alerts = saved_alerts.filter(|_| left.alerts.is_none()).unwrap_or_default();
        let saved_energy = saved_energy.unwrap_or_default();
        let files = BankFiles::new(&bank.name, &mut core, saved_energy, saved_alerts, now);
        let (snapshots, receiver) = watch::channel(core.snapshot());
        let (sender, requests) = mpsc::channel(MAX_REQUESTS);
        Ok(Self {
            core,
            requests,
            snapshots,
            files,
            handle: Handle::new(receiver, sender),
            hooks: None,
        })
    }

    /// Returns the access for outputs.
    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Takes a new configuration of alerts.
    pub(super) fn set_alerts(&mut self, config: &Config) {
        let configure = |alerts: &mut Alerts| alerts.configure(&config.alerts);
        self.core.change_alerts(Now::system(), configure);
        self.publish();
    }

    /// Returns what another bank of this name goes on with.
    pub(super) fn saved(&self) -> SavedState {
        let (energy, alerts) = (self.core.saved(), self.core.alerts().saved());
        SavedState { energy: Some(energy), alerts: Some(alerts) }
    }

    /// Writes the files after those that wait, and waits for it.
    fn save(&self, saver: &SaverHandle) {
        for (name, content) in self.files.contents(&self.core) {
            if let Err(error) = saver.save_now(name, &content) {
                error!("{name} cannot be saved: {error}");
            }
        }
    }

    /// Starts the threads of the bank.
    ///
    /// # Errors
    /// If a thread cannot be started, or the file of the hooks cannot be read.
    pub(super) fn start(
        mut self,
        config: &Config,
        bank: &BankConfig,
        shared: &Shared,
    ) -> Result<Bank, StartError> {
        // Waits for hooks that were stopped: each change goes to a hook once.
        self.hooks = None;
        let now = Instant::now();
        let (messages, received) = mpsc::channel(MAX_MESSAGES);
        let beat = Beat::new(now);
        let handle = self.handle.clone();
        let runtime = Builder::new_current_thread().enable_time().build()?;
        let start_hooks = hooks_of(config, bank, self.files.alerts_name(), &shared.storage);
        self.hooks = start_hooks(self.core.alerts())?;
        let has_lost_control = Arc::new(AtomicBool::new(false));
        let parts = CoreParts {
            messages: received,
            saver: shared.saver.clone(),
            beat: beat.clone(),
            start_hooks,
            has_lost_control: Arc::clone(&has_lost_control),
        };
        let run = move || runtime.block_on(self.run(parts));
        let thread = thread::Builder::new().name(format!("core {}", bank.name)).spawn(run)?;
        let events = messages.clone();
        let report = move |event| match events.blocking_send(Message::Event(event)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        let stop = StopHandle::default();
        let pollers = poll::start(bank, &config.poll, report, &stop)?;
        let events = messages.clone();
        let report = move |event| match events.blocking_send(Message::Pack(event)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        let packs = poll::start_packs(bank, &config.poll, pollers.epoch(), report, &stop)?;
        // Fails only if the core has panicked, which was printed.
        let _ = messages.blocking_send(Message::Links(pollers.links().to_vec(), packs.wakers()));
        let views = messages.clone();
        let parts = ControlParts {
            config: config.control.clone(),
            bank: bank.clone(),
            links: pollers.links().to_vec(),
            snapshots: handle.watch(),
            storage: Arc::clone(&shared.storage),
            runs: Arc::clone(&shared.runs),
            locks: shared.locks.clone(),
            on_change: Box::new(move |view| {
                // A core that has ended shows nothing.
                let _ = views.blocking_send(Message::View(view));
            }),
        };
        match Control::spawn(parts) {
            // Fails only if the core has panicked, which was printed.
            Ok(control) => drop(messages.blocking_send(Message::Control(control))),
            Err(error) => error!("bank {}: control is off: {error}", bank.name),
        }
        Ok(Bank {
            name: bank.name.clone(),
            handle,
            messages,
            thread,
            beat,
            pings: pollers.links().iter().map(|link| Ping::new(link.clone(), now)).collect(),
            pollers,
            packs,
            hotplug: Restart::new(),
            has_lost_control,
        })
    }

    /// Takes messages and requests until it is stopped. Then it saves the files: before hooks and outputs end, which
    /// can take longer than the service manager waits.
    async fn run(mut self, parts: CoreParts) -> Self {
        let CoreParts { mut messages, saver, beat, start_hooks, has_lost_control } = parts;
        let mut hooks = Restart::new();
        let mut journal = Journal::new(&self.core.snapshot(), self.core.alerts());
        let (mut control, mut links) = (None, (Vec::new(), PackWakers::default()));
        let mut suspend = SuspendWatch::new(Uptime::system());
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                message = messages.recv() => match message {
                    Some(Message::Event(event)) => {
                        self.check_suspend(&mut suspend, &links);
                        self.core.handle(event, Now::system());
                    }
                    Some(Message::Pack(event)) => {
                        self.check_suspend(&mut suspend, &links);
                        self.core.handle_pack(event, Now::system());
                    }
                    Some(Message::View(view)) => self.core.set_control(view, Now::system()),
                    Some(Message::Links(new, packs)) => links = (new, packs),
                    Some(Message::Control(new)) => control = Some(new),
                    Some(Message::Release(reply)) => {
                        // Dropped by the receiver: it waits for a command in progress, which needs this task.
                        let _ = control.take().map(|control| reply.send(control));
                    }
                    Some(Message::Stop) | None => break,
                },
                Some(request) = self.requests.recv() => self.answer(request, control.as_ref(), &links.0),
                _ = tick.tick() => {
                    self.check_suspend(&mut suspend, &links);
                    let now = Now::system();
                    self.core.tick(now);
                    self.restart_hooks(&mut hooks, &start_hooks, now);
                    if control.as_ref().is_some_and(Control::has_ended)
                        && !has_lost_control.swap(true, Ordering::AcqRel)
                    {
                        error!("the thread of the control has ended, which is an error of the bridge");
                    }
                    self.files.tick(&mut self.core, &saver, now);
                }
            }
            if let Some(hooks) = &mut self.hooks {
                hooks.notify(self.core.alerts());
            }
            journal.log(&self.core.snapshot(), self.core.alerts());
            self.publish();
            beat.mark(Instant::now());
        }
        if let Some(hooks) = &mut self.hooks {
            hooks.stop();
        }
        self.save(&saver);
        self
    }

    /// Starts the hooks again if their thread has ended.
    fn restart_hooks(&mut self, restart: &mut Restart, start: &StartHooks, now: Now) {
        let Some(hooks) = &self.hooks else { return };
        if restart.is_due(!hooks.has_ended(), now.instant) {
            error!("the thread of the alert hooks has ended, which is an error of the bridge");
            match start(self.core.alerts()) {
                Ok(new) => self.hooks = new,
                Err(error) => error!("alert hooks: {error}"),
            }
        }
    }

    /// Lets everything be read again if this computer was suspended: the monotonic clock stopped meanwhile.
    fn check_suspend(
        &mut self,
        watch: &mut SuspendWatch,
        (links, packs): &(Vec<LinkHandle>, PackWakers),
    ) {
        let Some(time) = watch.check(Uptime::system()) else { return };
        warn!("this computer was suspended for {time:.0?}; all units are read again");
        self.core.resume(time, Now::system());
        for link in links {
            // A poller that has ended reads nothing.
            let _ = link.run(Box::new(|_| JobEffect::Resumed));
        }
        packs.wake(PackWake::Resumed);
    }

    fn answer(&mut self, request: Request, control: Option<&Control>, links: &[LinkHandle]) {
        let now = Now::system();
        match request {
            Request::Acknowledge { id, by, is_acknowledged, reply } => {
                let change =
                    |alerts: &mut Alerts| alerts.acknowledge(&id, &by, is_acknowledged, now);
                // The requester may have gone.
                let _ = reply.send(self.core.change_alerts(now, change));
            }
            Request::AcknowledgeAll { by } => {
                self.core.change_alerts(now, |alerts| alerts.acknowledge_all(&by, now));
            }
            Request::TestAlert { by } => {
                self.core.change_alerts(now, |alerts| alerts.test(&by, now));
            }
            Request::Capture { unit, reply } => drop(reply.send(self.capture(unit, links))),
            Request::HistoryProblem(problem) => self.core.set_history_problem(problem),
            Request::Refused { command, why } => {
                if let Some(control) = control {
                    control.record_refusal(command, why);
                } else {
                    debug!("refused {:?} by {:?}: {why}", command.id, command.by);
                }
            }
            Request::Control { command, reply } => {
                if let Some(control) = control {
                    control.submit(command, reply);
                } else {
                    let off = RequestError::Refused("control is off".to_owned());
                    let _ = reply.send(Err(off));
                }
            }
        }
    }

    /// Returns the last traffic of the link on which a unit answers, or of that of its address.
    fn capture(&self, unit: SerialNumber, links: &[LinkHandle]) -> Result<Vec<u8>, RequestError> {
        let snapshot = self.core.snapshot();
        let Some(number) = snapshot.units.iter().position(|view| view.serial == unit) else {
            return Err(RequestError::Unknown(format!(
                "unit: expected one of the bank, found {unit}"
            )));
        };
        let found = links.iter().find(|link| link.serial() == Some(unit)).or(links.get(number));
        let capture = found.map(|link| link.traffic().lines()).unwrap_or_default();
        if capture.is_empty() {
            let text = "nothing was sent to this unit yet";
            return Err(RequestError::Refused(text.to_owned()));
        }
        Ok(capture)
    }

    /// Shows the present snapshot to the outputs, if it is new.
    fn publish(&self) {
        let snapshot = self.core.snapshot();
        self.snapshots.send_if_modified(|shown| {
            let is_new = !Arc::ptr_eq(shown, &snapshot);
            *shown = snapshot;
            is_new
        });
    }
}

impl Bank {
    /// Returns the name.
    pub(super) fn name(&self) -> &Name {
        &self.name
    }

    /// Returns the access for outputs.
    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Returns the links, in the order of the units.
    pub(super) fn links(&self) -> &[LinkHandle] {
        self.pollers.links()
    }

    /// Asks the pollers for a sign of progress.
    pub(super) fn ping(&self) {
        self.pings.iter().for_each(Ping::send);
    }

    /// Returns the names of the threads that have ended or make no progress.
    pub(super) fn stuck(&self, now: Instant) -> Vec<String> {
        let is_stuck = self.thread.is_finished() || self.beat.age(now) > MAX_AGE;
        let core = is_stuck.then(|| format!("core {}", self.name));
        let is_lost = self.has_lost_control.load(Ordering::Acquire);
        let control = is_lost.then(|| format!("control {}", self.name));
        let links = self.pings.iter().filter(|ping| ping.age(now) > MAX_AGE);
        let ended = self.pollers.ended().chain(self.packs.ended());
        let links = ended.chain(links.map(Ping::address));
        let mut links: Vec<_> = links.map(str::to_owned).collect();
        links.dedup();
        core.into_iter().chain(control).chain(links).collect()
    }

    /// Starts the watch for devices again if it has ended.
    pub(super) fn check_hotplug(&mut self, now: Instant) {
        if self.hotplug.is_due(self.pollers.watches_hotplug(), now)
            && let Err(error) = self.pollers.watch_hotplug()
        {
            warn!("bank {}: devices that are plugged in are found late: {error}", self.name);
        }
    }

    /// Ends control, pollers and core in this order, so that a command in progress can be undone. Returns the state;
    /// `None` if the thread of the core panicked.
    pub(super) fn stop(self) -> Option<StoppedBank> {
        let (reply, control) = std::sync::mpsc::channel();
        let _ = self.messages.blocking_send(Message::Release(reply));
        let control = control.recv().ok();
        if control.as_ref().is_some_and(Control::begin_end) {
            self.pollers.stop();
            drop(control);
        } else {
            drop(control);
            self.pollers.stop();
        }
        // They write nothing, so that their order does not matter.
        self.packs.stop();
        let _ = self.messages.blocking_send(Message::Stop);
        self.thread.join().ok()
    }
}

/// Returns what starts the hooks of a bank.
fn hooks_of(
    config: &Config,
    bank: &BankConfig,
    state_file: &str,
    storage: &Arc<dyn Storage>,
) -> StartHooks {
    let (hooks, site) = (config.alerts.hooks.clone(), config.site.clone());
    let (bank, state_file) = (bank.name.clone(), state_file.to_owned());
    let storage = Arc::clone(storage);
    Box::new(move |alerts| {
        if hooks.is_empty() {
            return Ok(None);
        }
        let delivered = load_file(storage.as_ref(), &Hooks::file_name(&bank))?;
        let delivered = delivered.as_deref();
        let storage = Arc::clone(&storage);
        Ok(Hooks::start(&hooks, &site, &bank, alerts, &state_file, delivered, storage)?)
    })
}

/// Reads a file of the bridge; `None` if it does not exist.
fn load_file(storage: &dyn Storage, name: &str) -> Result<Option<Vec<u8>>, StartError> {
    storage.load(name).map_err(|source| StartError::Storage { name: name.to_owned(), source })
}

/// Period of the core's ticks.
const TICK: Duration = Duration::from_secs(1);

/// Maximum number of events that wait for the core.
const MAX_MESSAGES: usize = 64;

/// Maximum number of requests of outputs that wait for the core.
const MAX_REQUESTS: usize = 32;
