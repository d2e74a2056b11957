//! A link of the bridge itself over a link that a poller owns.

use std::{
    sync::{Arc, mpsc::RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use pi18_proto::SerialNumber;
use pi18_transport::{Error, ErrorKind, Link, bytes::BytesMut};

use super::exchange::{Exchange, Part};
use crate::poll::{LinkHandle, Priority};

/// The clock of relayed links.
#[derive(Clone)]
pub(crate) enum RelayClock {
    /// The clock of this computer.
    System,
    /// A clock that moves only while the links wait.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests run in virtual time"))]
    Virtual(Arc<dyn VirtualClock>),
}

/// A clock in virtual time.
pub(crate) trait VirtualClock: Send + Sync {
    /// Returns the present time.
    fn now(&self) -> Instant;

    /// Lets time pass.
    fn pause(&self, time: Duration);
}

impl RelayClock {
    pub(crate) fn now(&self) -> Instant {
        match self {
            Self::System => Instant::now(),
            Self::Virtual(clock) => clock.now(),
        }
    }

    pub(crate) fn pause(&self, time: Duration) {
        match self {
            Self::System => thread::sleep(time),
            Self::Virtual(clock) => clock.pause(time),
        }
    }
}

/// A link to the unit with this serial number: each frame is a job on the link of a poller.
pub(crate) struct RelayLink {
    /// Links on which the unit can answer.
    links: Arc<[LinkHandle]>,
    serial: SerialNumber,
    /// Time for which an answer is awaited.
    wait: Duration,
    clock: RelayClock,
    name: String,
    /// The exchange in progress.
    exchange: Option<Exchange>,
}

impl RelayLink {
    /// Creates a link. `name` is its place in errors, `wait` the timeout of the client.
    pub(crate) fn new(
        links: &Arc<[LinkHandle]>,
        serial: SerialNumber,
        name: String,
        wait: Duration,
        clock: RelayClock,
    ) -> Self {
        let links = Arc::clone(links);
        Self { links, serial, wait, clock, name, exchange: None }
    }

    fn failed(&self, is_gone: bool, text: &str) -> Error {
        if is_gone {
            Error::gone(&*self.name).with_hint(text)
        } else {
            Error::new(ErrorKind::Timeout, &*self.name, text)
        }
    }

    /// Returns the next part of the exchange; `None` if none arrives until `deadline`.
    fn next(&self, deadline: Instant) -> Option<Part> {
        let exchange = self.exchange.as_ref()?;
        let left = deadline.saturating_duration_since(self.clock.now());
        let failed = || Part::Failed { is_gone: true, text: "the poller has ended".to_owned() };
        let received = match &self.clock {
            _ if left.is_zero() => return exchange.parts.try_recv().ok(),
            RelayClock::System => exchange.parts.recv_timeout(left),
            // The clock moves while the poller carries out the exchange. Each exchange ends, so this wait ends, too.
            RelayClock::Virtual(_) => {
                exchange.parts.recv().map_err(|_| RecvTimeoutError::Disconnected)
            }
        };
        match received {
            Ok(part) => Some(part),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(failed()),
        }
    }
}

impl Link for RelayLink {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        self.exchange = None;
        let mut links = self.links.iter().filter(|link| link.serial() == Some(self.serial));
        let (Some(link), None) = (links.next(), links.next()) else {
            return Err(self.failed(true, "the unit does not answer at present"));
        };
        let exchange =
            Exchange::begin(link, Priority::Control, self.serial, bytes.to_vec(), self.wait);
        self.exchange = exchange.ok();
        if self.exchange.is_none() {
            return Err(self.failed(true, "the poller has ended"));
        }
        let part = self.next(deadline).or_else(|| {
            let has_begun = self.exchange.as_ref().is_some_and(|exchange| !exchange.cancel());
            // The poller checks which unit answers before it sends the frame.
            if has_begun { self.next(self.clock.now() + MAX_TURN) } else { None }
        });
        match part {
            Some(Part::Failed { is_gone, text }) => {
                self.exchange = None;
                Err(self.failed(is_gone, &text))
            }
            Some(_) => Ok(()),
            None => {
                self.exchange = None;
                let why = "expected a turn between two questions, found none in time";
                Err(Error::new(ErrorKind::Busy, &*self.name, why))
            }
        }
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        match self.next(deadline) {
            Some(Part::Bytes(bytes)) => buffer.extend_from_slice(&bytes),
            Some(Part::Failed { is_gone, text }) => {
                self.exchange = None;
                return Err(self.failed(is_gone, &text));
            }
            Some(Part::End) => self.exchange = None,
            Some(Part::Sent) => {}
            None => {
                let left = deadline.saturating_duration_since(self.clock.now());
                if !left.is_zero() {
                    self.clock.pause(left);
                }
            }
        }
        Ok(())
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn pause(&mut self, time: Duration) {
        self.clock.pause(time);
    }

    /// Returns true: the poller and other programs ask the same unit.
    fn is_shared(&self) -> bool {
        true
    }
}

/// Longest time from the begin of a turn until the frame is sent: all tries of a query that identifies the unit.
const MAX_TURN: Duration = Duration::from_secs(30);
