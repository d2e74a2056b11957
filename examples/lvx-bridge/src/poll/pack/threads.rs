//! The threads of the pollers of packs.

use std::{
    fmt, io,
    ops::ControlFlow,
    panic::{self, AssertUnwindSafe},
    sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender},
    thread::{self, JoinHandle},
    time::Instant,
};

use lvx_parallel::{Gap, Reason, pack::PackClient};
use pi18_transport::{Address, Error, HotplugWatch, StopHandle};
use tracing::{error, warn};

use super::{
    super::backoff::Backoff,
    event::{PackEvent, PackEventKind, PackGap},
    machine::PackMachine,
    poller::{PackPoller, PackPort, PackWake},
};
use crate::config::{BankConfig, PollConfig};

/// The pollers of the packs of a bank.
pub struct PackPollers {
    packs: Vec<Running>,
    stop: StopHandle,
    /// Watches for devices until it is dropped; `None` without packs, or if that is not possible.
    hotplug: Option<HotplugWatch>,
}

/// One poller.
struct Running {
    address: String,
    waker: SyncSender<PackWake>,
    thread: JoinHandle<()>,
}

/// Starts a thread for each pack of a bank. Periods count from `epoch`, as those of its units do.
///
/// `report` takes the events; it may block, and returns `Break` to end the pollers. After `stop`, every thread
/// ends within 50 ms, except while the system opens a device or writes to one.
///
/// # Errors
/// If a thread cannot be started.
pub fn start_packs(
    bank: &BankConfig,
    poll: &PollConfig,
    epoch: Instant,
    report: impl Fn(PackEvent) -> ControlFlow<()> + Clone + Send + 'static,
    stop: &StopHandle,
) -> io::Result<PackPollers> {
    let mut packs = Vec::new();
    for (pack, config) in bank.packs.iter().enumerate() {
        // One event that waits wakes the poller; more of them change nothing.
        let (waker, receiver) = mpsc::sync_channel(MAX_WAKES);
        let address = config.address.clone();
        let place = address.place().to_owned();
        let port =
            SystemPort { address, wakes: receiver, stop: stop.clone(), report: report.clone() };
        let (poll, seed) = (*poll, fastrand::u64(..));
        let new_machine = move || PackMachine::new(&poll, epoch, Instant::now(), seed);
        let run = move || run(pack, port, new_machine);
        let thread = thread::Builder::new().name(format!("pack {}", config.name)).spawn(run)?;
        packs.push(Running { address: place, waker, thread });
    }
    let mut pollers = PackPollers { packs, stop: stop.clone(), hotplug: None };
    if !pollers.packs.is_empty() {
        let wakers = pollers.wakers();
        match HotplugWatch::start(move || wakers.wake(PackWake::Hotplug)) {
            Ok(watch) => pollers.hotplug = Some(watch),
            Err(error) => {
                warn!("adapters of packs that are plugged in are found late: {error}");
            }
        }
    }
    Ok(pollers)
}

impl PackPollers {
    /// Returns what wakes the pollers.
    #[must_use]
    pub fn wakers(&self) -> PackWakers {
        PackWakers(self.packs.iter().map(|pack| pack.waker.clone()).collect())
    }

    /// Returns the addresses of the packs whose thread has ended.
    pub fn ended(&self) -> impl Iterator<Item = &str> {
        let ended = self.packs.iter().filter(|pack| pack.thread.is_finished());
        ended.map(|pack| pack.address.as_str())
    }

    /// Ends the pollers, and waits for their threads.
    pub fn stop(self) {
        self.stop.stop();
        self.wakers().wake(PackWake::Stop);
        for pack in self.packs {
            // A thread that panicked has ended, too.
            let _ = pack.thread.join();
        }
    }
}

impl fmt::Debug for PackPollers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses: Vec<_> = self.packs.iter().map(|pack| &pack.address).collect();
        f.debug_struct("PackPollers")
            .field("packs", &addresses)
            .field("watches_hotplug", &self.hotplug.is_some())
            .finish_non_exhaustive()
    }
}

/// Wakes the pollers of the packs of a bank.
#[derive(Clone, Debug, Default)]
pub struct PackWakers(Vec<SyncSender<PackWake>>);

impl PackWakers {
    /// Wakes all pollers.
    pub fn wake(&self, why: PackWake) {
        for waker in &self.0 {
            // A poller whose queue is full is awake, and one that has ended does not wait.
            let _ = waker.try_send(why);
        }
    }
}

/// Polls a pack until it is stopped. After a panic, it begins again after a pause.
fn run(pack: usize, mut port: impl PackPort, new_machine: impl Fn() -> PackMachine) {
    let mut backoff = Backoff::new(fastrand::u64(..));
    loop {
        let poll = AssertUnwindSafe(|| PackPoller::new(pack, new_machine()).run(&mut port));
        if panic::catch_unwind(poll).is_ok() {
            return;
        }
        let retry_in = backoff.next();
        error!("pack {pack}: the poller failed, which is an error of the bridge; it begins again");
        let gap = Gap::new(Reason::NotAsked, "the poller failed and begins again");
        let kind = PackEventKind::Lost { why: PackGap { gap, is_aggregate: false }, retry_in };
        if port.report(PackEvent { pack, at: port.now(), kind }).is_break() {
            return;
        }
        let until = port.now() + retry_in;
        while port.now() < until {
            if port.wait(until) == PackWake::Stop {
                return;
            }
        }
    }
}

/// The system's clock, and a real port.
struct SystemPort<R> {
    address: Address,
    wakes: Receiver<PackWake>,
    stop: StopHandle,
    report: R,
}

impl<R: Fn(PackEvent) -> ControlFlow<()>> PackPort for SystemPort<R> {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn open(&mut self) -> Result<PackClient, Error> {
        Ok(PackClient::open(&self.address)?.stopped_by(&self.stop))
    }

    fn wait(&mut self, until: Instant) -> PackWake {
        let time = until.saturating_duration_since(Instant::now());
        if self.stop.is_stopped() {
            return PackWake::Stop;
        }
        match self.wakes.recv_timeout(time) {
            Err(RecvTimeoutError::Disconnected) => PackWake::Stop,
            Err(RecvTimeoutError::Timeout) => PackWake::Time,
            Ok(why) => why,
        }
    }

    fn report(&mut self, event: PackEvent) -> ControlFlow<()> {
        (self.report)(event)
    }
}

/// Number of events that wait for a poller.
const MAX_WAKES: usize = 4;
