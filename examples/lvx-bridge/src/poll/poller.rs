//! Drives one link: carries out the steps of a [`Machine`], and does jobs between two questions.

use std::{
    ops::ControlFlow,
    time::{Duration, Instant},
};

use lvx_parallel::Gap;
use pi18_proto::Query;
use pi18_transport::{Client, Error, ErrorKind, Link};

use super::{
    event::{Event, EventKind},
    handle::{LinkUnit, node_of},
    machine::{Machine, Step},
    queue::{Job, JobEffect},
};

/// Why a wait ended.
#[expect(missing_debug_implementations, reason = "a job is a function")]
pub enum Wake {
    /// The time has come.
    Time,
    /// There is work to do.
    Job(Job),
    /// A device appeared or disappeared.
    Hotplug,
    /// The bridge ends.
    Stop,
}

/// What a poller needs from outside: a clock, the link, jobs, and a place for its reports.
///
/// Tests implement it in virtual time.
pub trait Port {
    /// Returns the present time.
    fn now(&self) -> Instant;

    /// Opens the link.
    ///
    /// # Errors
    /// If it cannot be opened.
    fn open(&mut self) -> Result<Client, Error>;

    /// Waits until `until`, a job, or another event. With a time in the past, it returns what is already there.
    fn wait(&mut self, until: Instant) -> Wake;

    /// Takes a report. Returns `Break` if no one takes reports any more.
    fn report(&mut self, event: Event) -> ControlFlow<()>;

    /// Takes the unit that answers on the link now.
    fn identify(&mut self, unit: Option<LinkUnit>);

    /// Tells the pollers of the other links of the bank that the unit on this link got a set command.
    fn report_set(&mut self);
}

/// The poller of one link.
#[derive(Debug)]
pub struct Poller {
    link: usize,
    machine: Machine,
    client: Option<Client>,
    /// Time that jobs took since the last question.
    job_time: Duration,
    /// End of the window in which questions are asked although jobs may wait.
    poll_window: Option<Instant>,
}

impl Poller {
    /// Creates the poller of the link with this index.
    #[must_use]
    pub fn new(link: usize, machine: Machine) -> Self {
        Self { link, machine, client: None, job_time: Duration::ZERO, poll_window: None }
    }

    /// Polls until the bridge ends.
    pub fn run(&mut self, port: &mut impl Port) {
        while self.step(port).is_continue() {}
        self.client = None;
        port.identify(None);
    }

    /// Does one thing: opens the link, asks a question, does a job, or waits.
    ///
    /// Jobs go first. But once they took `MAX_JOB_TIME` while questions were due, a window for questions opens, in
    /// which at least one of them is answered and confirmed.
    pub fn step(&mut self, port: &mut impl Port) -> ControlFlow<()> {
        let now = port.now();
        if self.poll_window.is_some_and(|end| end <= now) {
            self.machine.confirm_next();
        }
        let until = match self.machine.next(now) {
            Step::Wait(until) => {
                self.poll_window = None;
                until
            }
            step if self.poll_window.is_some() => return self.advance(step, port),
            step if self.job_time >= MAX_JOB_TIME => {
                self.poll_window = Some(now + POLL_WINDOW);
                return self.advance(step, port);
            }
            _ => now,
        };
        match port.wait(until) {
            Wake::Stop => return ControlFlow::Break(()),
            Wake::Job(job) => {
                self.do_job(job, port);
                return ControlFlow::Continue(());
            }
            Wake::Hotplug => self.machine.hotplug(port.now()),
            Wake::Time => {}
        }
        self.job_time = Duration::ZERO;
        match self.machine.next(port.now()) {
            Step::Wait(_) => ControlFlow::Continue(()),
            step => self.advance(step, port),
        }
    }

    fn advance(&mut self, step: Step, port: &mut impl Port) -> ControlFlow<()> {
        self.job_time = Duration::ZERO;
        let asked = port.now();
        let event = match step {
            Step::Wait(_) => None,
            Step::Open => {
                let opened = port.open().map(|client| self.client = Some(client));
                let result = match opened {
                    Err(error) if error.kind() == ErrorKind::Stopped => {
                        return ControlFlow::Break(());
                    }
                    result => result.map_err(|error| Gap::from(&error)),
                };
                self.machine.opened(result, port.now())
            }
            Step::Ask(query) => {
                let Some(client) = &mut self.client else { return ControlFlow::Break(()) };
                let (answer, at) = match client.query(query) {
                    Ok(reply) => (Ok(reply.reply), reply.at),
                    Err(error) if error.kind() == ErrorKind::Stopped => {
                        return ControlFlow::Break(());
                    }
                    Err(error) => (Err(Gap::from(&error)), client.now()),
                };
                self.machine.answered(query, answer, asked, at)
            }
        };
        if matches!(event, Some(EventKind::Lost { .. })) {
            self.client = None;
        }
        if event.is_some() || step == Step::Ask(Query::Identity) {
            port.identify(self.unit());
        }
        let Some(kind) = event else { return ControlFlow::Continue(()) };
        self.poll_window = None;
        port.report(Event { link: self.link, at: port.now(), kind })
    }

    /// Returns the unit that answers on the link now, and its device node.
    fn unit(&self) -> Option<LinkUnit> {
        let client = self.client.as_ref()?;
        let node = client.link().as_fd().and_then(node_of);
        self.machine.unit().map(|serial| LinkUnit { serial, node })
    }

    fn do_job(&mut self, job: Job, port: &mut impl Port) {
        let start = port.now();
        match (self.machine.closed(), &mut self.client) {
            (None, Some(client)) => {
                let effect = job(Ok(client));
                match effect {
                    JobEffect::Unchanged => {}
                    JobEffect::Set | JobEffect::SetElsewhere => {
                        self.machine.settings_changed(client.now());
                    }
                    JobEffect::Resumed => self.machine.resumed(client.now()),
                }
                if effect == JobEffect::Set {
                    port.report_set();
                }
                if client.identity() != self.machine.unit() {
                    self.machine.doubt();
                    port.identify(None);
                }
            }
            (Some(why), _) => {
                if job(Err(why)) == JobEffect::Resumed {
                    self.machine.resumed(port.now());
                }
            }
            (None, None) => {}
        }
        let took = port.now().saturating_duration_since(start);
        // A job that takes no time counts too, so that many of them do not starve the questions.
        self.job_time += took.max(MIN_JOB_TIME);
    }
}

/// Time that jobs may take before a question that is due is asked.
const MAX_JOB_TIME: Duration = Duration::from_secs(2);

/// Time for which questions are asked although jobs may wait, before the serial number is read again.
const POLL_WINDOW: Duration = Duration::from_millis(500);

/// Time that each job counts for at least.
const MIN_JOB_TIME: Duration = Duration::from_millis(10);
