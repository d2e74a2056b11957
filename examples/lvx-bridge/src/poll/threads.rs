//! The threads of the pollers of a bank.

use std::{
    fmt, io,
    ops::ControlFlow,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc, Mutex, OnceLock, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use lvx_parallel::{Gap, Reason};
use pi18_transport::{Address, CaptureRecorder, Client, Error, HotplugWatch, Link, StopHandle};

use tracing::{error, warn};

use super::{
    backoff::Backoff,
    event::{Event, EventKind},
    handle::{LinkHandle, LinkUnit},
    machine::Machine,
    peers::Peers,
    poller::{Poller, Port, Wake},
    queue::{JobEffect, JobQueue, job_queue},
    traffic::Traffic,
};
use crate::config::{BankConfig, PollConfig};

/// The pollers of a bank: a handle and a thread for each link.
pub struct Pollers {
    links: Arc<[LinkHandle]>,
    threads: Vec<JoinHandle<()>>,
    stop: StopHandle,
    epoch: Instant,
    /// Watches for devices until it is dropped; `None` if that is not possible.
    hotplug: Option<Hotplug>,
    signals: Signals,
}

/// The links, each with a mark that a device was plugged in or unplugged.
type Signals = Arc<[(LinkHandle, Arc<AtomicBool>)]>;

/// A watch, and a value that its thread holds.
struct Hotplug {
    _watch: HotplugWatch,
    thread: Weak<()>,
}

/// Starts a thread for each link of a bank, in the order of its units.
///
/// `report` takes the events; it may block, and returns `Break` to end the pollers. After `stop`, every thread
/// ends within 50 ms, except while the system opens a device or writes to one.
///
/// # Errors
/// If a thread cannot be started.
pub fn start(
    bank: &BankConfig,
    poll: &PollConfig,
    report: impl Fn(Event) -> ControlFlow<()> + Clone + Send + 'static,
    stop: &StopHandle,
) -> io::Result<Pollers> {
    let configured: Vec<_> = bank.units.iter().map(|unit| unit.serial).collect();
    let (peers, epoch) = (Peers::new(bank.units.len()), Instant::now());
    let mut pollers = Pollers {
        links: Arc::default(),
        threads: Vec::new(),
        stop: stop.clone(),
        epoch,
        hotplug: None,
        signals: Vec::new().into(),
    };
    let (mut handles, mut signals) = (Vec::new(), Vec::new());
    let links = Arc::new(OnceLock::new());
    for (link, unit) in bank.units.iter().enumerate() {
        let (jobs, waiting) = job_queue();
        let unit_now = Arc::new(Mutex::new(None));
        let plugged = Arc::new(AtomicBool::new(false));
        let seed = fastrand::u64(..);
        let (configured, peers, poll) = (configured.clone(), peers.clone(), *poll);
        let new_machine =
            move || Machine::new(link, configured.clone(), poll, peers.clone(), epoch, seed);
        let mut port = SystemPort {
            address: unit.address.clone(),
            link,
            links: Arc::clone(&links),
            jobs: waiting,
            plugged: Arc::clone(&plugged),
            unit: Arc::clone(&unit_now),
            stop: stop.clone(),
            report: report.clone(),
            traffic: Traffic::default(),
        };
        let handle = LinkHandle::new(unit.address.place().to_owned(), jobs, unit_now)
            .with_traffic(port.traffic.clone());
        signals.push((handle.clone(), plugged));
        handles.push(handle);
        let run = move || run(link, &mut port, new_machine);
        let thread = thread::Builder::new().name(format!("poll {}", unit.name)).spawn(run)?;
        pollers.threads.push(thread);
    }
    pollers.links = handles.into();
    // It is set once.
    let _ = links.set(Arc::downgrade(&pollers.links));
    pollers.signals = signals.into();
    if let Err(error) = pollers.watch_hotplug() {
        warn!("devices that are plugged in are found late: {error}");
    }
    Ok(pollers)
}

/// Polls a link until it is stopped. After a panic, it begins again after a pause.
fn run(link: usize, port: &mut impl Port, new_machine: impl Fn() -> Machine) {
    let mut backoff = Backoff::new(fastrand::u64(..));
    loop {
        let poll = AssertUnwindSafe(|| Poller::new(link, new_machine()).run(port));
        if panic::catch_unwind(poll).is_ok() {
            return;
        }
        let retry_in = backoff.next();
        error!("link {link}: the poller failed, which is an error of the bridge; it begins again");
        port.identify(None);
        let why = Gap::new(Reason::NotAsked, "the poller failed and begins again");
        let event = Event { link, at: port.now(), kind: EventKind::Lost { why, retry_in } };
        if port.report(event).is_break() || rest(port, port.now() + retry_in).is_break() {
            return;
        }
    }
}

/// Waits, and answers each job that the link is closed.
fn rest(port: &mut impl Port, until: Instant) -> ControlFlow<()> {
    let closed = Gap::new(Reason::NotAsked, "the poller failed and begins again");
    while port.now() < until {
        match port.wait(until) {
            Wake::Stop => return ControlFlow::Break(()),
            Wake::Job(job) => _ = job(Err(&closed)),
            Wake::Time | Wake::Hotplug => {}
        }
    }
    ControlFlow::Continue(())
}

impl Pollers {
    /// Returns the handles of the links, in the order of the units in the configuration.
    #[must_use]
    pub fn links(&self) -> &[LinkHandle] {
        &self.links
    }

    /// Returns the time from which all periods count.
    #[must_use]
    pub fn epoch(&self) -> Instant {
        self.epoch
    }

    /// Lets the pollers look when a device is plugged in or unplugged. Without it, they find it at their next attempt.
    ///
    /// # Errors
    /// If the system does not allow another watch or thread.
    pub fn watch_hotplug(&mut self) -> io::Result<()> {
        let alive = Arc::new(());
        let thread = Arc::downgrade(&alive);
        let waker = Waker { signals: Arc::clone(&self.signals), _alive: alive };
        let watch = HotplugWatch::start(move || waker.wake())?;
        self.hotplug = Some(Hotplug { _watch: watch, thread });
        Ok(())
    }

    /// Returns whether plugged devices are noticed at once.
    #[must_use]
    pub fn watches_hotplug(&self) -> bool {
        self.hotplug.as_ref().is_some_and(|hotplug| hotplug.thread.strong_count() > 0)
    }

    /// Returns the addresses of the links whose thread has ended.
    pub fn ended(&self) -> impl Iterator<Item = &str> {
        let threads = self.links.iter().zip(&self.threads);
        threads.filter(|(_, thread)| thread.is_finished()).map(|(link, _)| link.address())
    }

    /// Ends the pollers, and waits for their threads.
    pub fn stop(self) {
        self.stop.stop();
        self.links.iter().for_each(wake);
        for thread in self.threads {
            // A thread that panicked has ended, too.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Pollers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pollers").field("links", &self.links).finish_non_exhaustive()
    }
}

/// Ends the wait of a poller.
fn wake(link: &LinkHandle) {
    // A poller that has ended does not wait.
    let _ = link.run(Box::new(|_| JobEffect::Unchanged));
}

/// Wakes all pollers when a device is plugged in or unplugged.
struct Waker {
    signals: Signals,
    /// Dropped when the thread of the watch ends.
    _alive: Arc<()>,
}

impl Waker {
    fn wake(&self) {
        for (handle, plugged) in self.signals.iter() {
            if !plugged.swap(true, Ordering::AcqRel) {
                wake(handle);
            }
        }
    }
}

/// The system's clock, and a real link.
struct SystemPort<R> {
    address: Address,
    /// Index of the link.
    link: usize,
    /// All links of the bank; not set while they are started.
    links: Arc<OnceLock<Weak<[LinkHandle]>>>,
    jobs: JobQueue,
    plugged: Arc<AtomicBool>,
    unit: Arc<Mutex<Option<LinkUnit>>>,
    stop: StopHandle,
    report: R,
    traffic: Traffic,
}

impl<R: Fn(Event) -> ControlFlow<()>> Port for SystemPort<R> {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn open(&mut self) -> Result<Client, Error> {
        let mut config = *self.address.config();
        // A unit that does not answer is soon reported as lost, and asked again later.
        config.tries = config.tries.min(MAX_TRIES);
        let link = CaptureRecorder::new(self.address.link()?, self.traffic.clone());
        let link: Box<dyn Link + Send> = Box::new(link);
        Ok(Client::with_config(link, config).stopped_by(&self.stop))
    }

    fn wait(&mut self, until: Instant) -> Wake {
        let time = until.saturating_duration_since(Instant::now());
        if self.stop.is_stopped() {
            return Wake::Stop;
        }
        if self.plugged.swap(false, Ordering::AcqRel) {
            return Wake::Hotplug;
        }
        match self.jobs.next(time) {
            Err(mpsc::RecvTimeoutError::Disconnected) => Wake::Stop,
            Err(mpsc::RecvTimeoutError::Timeout) => Wake::Time,
            Ok(job) => Wake::Job(job),
        }
    }

    fn report(&mut self, event: Event) -> ControlFlow<()> {
        (self.report)(event)
    }

    fn identify(&mut self, unit: Option<LinkUnit>) {
        *self.unit.lock().unwrap_or_else(PoisonError::into_inner) = unit;
    }

    fn report_set(&mut self) {
        let Some(links) = self.links.get().and_then(Weak::upgrade) else { return };
        let others = links.iter().enumerate().filter(|(link, _)| *link != self.link);
        others.for_each(|(_, link)| link.set_elsewhere());
    }
}

/// Number of times that a question is sent before it counts as not answered.
const MAX_TRIES: u32 = 2;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pi18_proto::{Mode, SerialNumber};

    use super::*;
    use crate::config::UnitConfig;

    fn bank() -> BankConfig {
        let unit = |name: &str, serial, address: &str| UnitConfig {
            name: name.parse().unwrap(),
            serial: SerialNumber::new(serial).unwrap(),
            address: address.parse().unwrap(),
        };
        BankConfig {
            name: "bank".parse().unwrap(),
            units: vec![
                unit("left", "96132206100410", "sim:0"),
                unit("gone", "96132206100411", "/dev/no-such-unit"),
            ],
            packs: Vec::new(),
            battery: None,
        }
    }

    #[test]
    fn poller_that_panics_is_reported_and_begins_again() {
        let (events, received) = mpsc::channel();
        let report = move |event| match events.send(event) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        let mut pollers =
            start(&bank(), &PollConfig::default(), report, &StopHandle::default()).unwrap();
        let is_batch =
            |event: &Event| event.link == 0 && matches!(event.kind, EventKind::Batch { .. });
        let wait_for = |is_right: &dyn Fn(&Event) -> bool| {
            while !is_right(&received.recv_timeout(Duration::from_secs(30)).unwrap()) {}
        };
        wait_for(&is_batch);
        pollers.links()[0]
            .run(Box::new(|_| -> JobEffect { panic!("this job fails for the test") }))
            .unwrap();
        let is_failure = |event: &Event| {
            let text = "the poller failed and begins again";
            matches!(&event.kind, EventKind::Lost { why, .. } if event.link == 0 && why.text == text)
        };
        wait_for(&is_failure);
        assert_eq!(pollers.links()[0].serial(), None);
        wait_for(&is_batch);
        assert_eq!(pollers.ended().count(), 0);
        // The watch for devices can be started again.
        let is_possible = pollers.watch_hotplug().is_ok();
        assert_eq!(pollers.watches_hotplug(), is_possible);
        pollers.stop();
    }

    #[test]
    fn threads_poll_do_jobs_and_end() {
        let (events, received) = mpsc::channel();
        let report = move |event| match events.send(event) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        let stop = StopHandle::default();
        let pollers = start(&bank(), &PollConfig::default(), report, &stop).unwrap();
        let (mut is_answered, mut is_lost) = (false, false);
        while !(is_answered && is_lost) {
            let event = received.recv().unwrap();
            match event.kind {
                EventKind::Batch { .. } => is_answered |= event.link == 0,
                EventKind::Lost { .. } => is_lost |= event.link == 1,
                _ => {}
            }
        }
        let [left, gone] = pollers.links() else { panic!("two links") };
        assert_eq!(left.serial(), SerialNumber::new("96132206100410"));
        assert_eq!((left.address(), gone.serial()), ("sim:0", None));
        let (done, results) = mpsc::channel();
        for link in [left, gone] {
            let done = done.clone();
            let job = Box::new(move |client: Result<&mut Client, &Gap>| {
                let mode = client.map_err(Clone::clone).map(|client| client.read::<Mode>().is_ok());
                done.send(mode).unwrap();
                JobEffect::Unchanged
            });
            link.run(job).unwrap();
        }
        let mut results = [results.recv().unwrap(), results.recv().unwrap()];
        results.sort_by_key(Result::is_err);
        assert_eq!(results[0], Ok(true));
        assert!(results[1].as_ref().is_err_and(|gap| gap.text.contains("/dev/no-such-unit")));
        let link = pollers.links()[0].clone();
        pollers.stop();
        assert!(link.run(Box::new(|_| JobEffect::Unchanged)).is_err());
    }
}
