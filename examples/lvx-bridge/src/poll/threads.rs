//! The threads of the pollers of a bank.

use std::{
    fmt, io,
    ops::ControlFlow,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Instant,
};

use pi18_transport::{Address, Client, Error, HotplugWatch, StopHandle};

use super::{
    event::Event,
    handle::{Job, JobEffect, LinkHandle, LinkUnit},
    machine::Machine,
    peers::Peers,
    poller::{Poller, Port, Wake},
};
use crate::config::{BankConfig, PollConfig};

/// The pollers of a bank: a handle and a thread for each link.
pub struct Pollers {
    links: Vec<LinkHandle>,
    threads: Vec<JoinHandle<()>>,
    stop: StopHandle,
    /// Watches for devices until it is dropped.
    hotplug: Option<HotplugWatch>,
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
    let mut pollers =
        Pollers { links: Vec::new(), threads: Vec::new(), stop: stop.clone(), hotplug: None };
    let mut signals = Vec::new();
    for (link, unit) in bank.units.iter().enumerate() {
        let (jobs, received) = mpsc::channel();
        let unit_now = Arc::new(Mutex::new(None));
        let plugged = Arc::new(AtomicBool::new(false));
        let seed = fastrand::u64(..);
        let machine = Machine::new(link, configured.clone(), *poll, peers.clone(), epoch, seed);
        let mut port = SystemPort {
            address: unit.address.clone(),
            jobs: received,
            plugged: Arc::clone(&plugged),
            unit: Arc::clone(&unit_now),
            stop: stop.clone(),
            report: report.clone(),
        };
        let handle = LinkHandle::new(unit.address.place().to_owned(), jobs, unit_now);
        signals.push((handle.clone(), plugged));
        pollers.links.push(handle);
        let run = move || Poller::new(link, machine).run(&mut port);
        let thread = thread::Builder::new().name(format!("poll {}", unit.name)).spawn(run)?;
        pollers.threads.push(thread);
    }
    // Without it, a unit that was plugged in is found at the next attempt.
    pollers.hotplug = HotplugWatch::start(move || {
        for (handle, plugged) in &signals {
            if !plugged.swap(true, Ordering::AcqRel) {
                wake(handle);
            }
        }
    })
    .ok();
    Ok(pollers)
}

impl Pollers {
    /// Returns the handles of the links, in the order of the units in the configuration.
    #[must_use]
    pub fn links(&self) -> &[LinkHandle] {
        &self.links
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

/// The system's clock, and a real link.
struct SystemPort<R> {
    address: Address,
    jobs: mpsc::Receiver<Job>,
    plugged: Arc<AtomicBool>,
    unit: Arc<Mutex<Option<LinkUnit>>>,
    stop: StopHandle,
    report: R,
}

impl<R: Fn(Event) -> ControlFlow<()>> Port for SystemPort<R> {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn open(&mut self) -> Result<Client, Error> {
        let mut config = *self.address.config();
        // A unit that does not answer is soon reported as lost, and asked again later.
        config.tries = config.tries.min(MAX_TRIES);
        Ok(Client::with_config(self.address.link()?, config).stopped_by(&self.stop))
    }

    fn wait(&mut self, until: Instant) -> Wake {
        let time = until.saturating_duration_since(Instant::now());
        if self.stop.is_stopped() {
            return Wake::Stop;
        }
        if self.plugged.swap(false, Ordering::AcqRel) {
            return Wake::Hotplug;
        }
        let received = if time.is_zero() {
            self.jobs.try_recv().map_err(|error| match error {
                mpsc::TryRecvError::Empty => mpsc::RecvTimeoutError::Timeout,
                mpsc::TryRecvError::Disconnected => mpsc::RecvTimeoutError::Disconnected,
            })
        } else {
            self.jobs.recv_timeout(time)
        };
        match received {
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
}

/// Number of times that a question is sent before it counts as not answered.
const MAX_TRIES: u32 = 2;

#[cfg(test)]
mod tests {
    use lvx_parallel::Gap;
    use pi18_proto::{Mode, SerialNumber};

    use super::*;
    use crate::{config::UnitConfig, poll::EventKind};

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
            battery: None,
        }
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
