//! Drives the port of one pack: carries out the steps of a [`PackMachine`].

use std::{ops::ControlFlow, time::Instant};

use lvx_parallel::pack::PackClient;
use pi18_transport::{Error, ErrorKind};

use super::{
    event::{PackEvent, PackEventKind, PackGap},
    machine::{PackMachine, PackStep},
};

/// Why a wait ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PackWake {
    /// The time has come.
    Time,
    /// A device appeared or disappeared.
    Hotplug,
    /// This computer was suspended.
    Resumed,
    /// The bridge ends.
    Stop,
}

/// What the poller of a pack needs from outside: a clock, the port, and a place for its reports.
pub trait PackPort {
    /// Returns the time.
    fn now(&self) -> Instant;

    /// Opens the port.
    ///
    /// # Errors
    /// If it cannot be opened.
    fn open(&mut self) -> Result<PackClient, Error>;

    /// Waits until `until` or another event.
    fn wait(&mut self, until: Instant) -> PackWake;

    /// Takes a report. Returns `Break` if no one takes reports any more.
    fn report(&mut self, event: PackEvent) -> ControlFlow<()>;
}

/// The poller of one pack.
#[derive(Debug)]
pub struct PackPoller {
    pack: usize,
    machine: PackMachine,
    client: Option<PackClient>,
}

impl PackPoller {
    /// Creates the poller of the pack at this place of the configuration.
    #[must_use]
    pub fn new(pack: usize, machine: PackMachine) -> Self {
        Self { pack, machine, client: None }
    }

    /// Polls until the bridge ends.
    pub fn run(&mut self, port: &mut impl PackPort) {
        while self.step(port).is_continue() {}
        self.client = None;
    }

    /// Does one thing: opens the port, reads, or waits.
    pub fn step(&mut self, port: &mut impl PackPort) -> ControlFlow<()> {
        let now = port.now();
        let event = match (self.machine.next(now), &mut self.client) {
            (PackStep::Wait(until), _) => {
                match port.wait(until) {
                    PackWake::Stop => return ControlFlow::Break(()),
                    PackWake::Hotplug => self.machine.hotplug(port.now()),
                    PackWake::Resumed => self.machine.resumed(port.now()),
                    PackWake::Time => {}
                }
                None
            }
            (PackStep::Open, client) => {
                let opened = checked(port.open())?;
                let opened = opened.map(|opened| *client = Some(opened));
                Some(self.machine.opened(opened, port.now()))
            }
            (PackStep::Label, Some(client)) => {
                let label = checked(client.label())?;
                self.machine.labelled(label, port.now())
            }
            (PackStep::Measure, Some(client)) => {
                let live = checked(client.live())?;
                self.machine.measured(live, now, port.now())
            }
            (PackStep::Label | PackStep::Measure, None) => return ControlFlow::Break(()),
        };
        let Some(kind) = event else { return ControlFlow::Continue(()) };
        if let PackEventKind::Lost { why, .. } = &kind
            && why.gap.reason == lvx_parallel::Reason::Gone
        {
            self.client = None;
        }
        port.report(PackEvent { pack: self.pack, at: port.now(), kind })
    }
}

/// Returns a result with the reason of its error; `Break` if the bridge ends.
fn checked<T>(result: Result<T, Error>) -> ControlFlow<(), Result<T, PackGap>> {
    match result {
        Err(error) if error.kind() == ErrorKind::Stopped => ControlFlow::Break(()),
        result => ControlFlow::Continue(result.map_err(|error| PackGap::from(&error))),
    }
}
