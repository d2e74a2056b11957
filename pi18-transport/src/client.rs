//! The client: one question at a time, and only its own answer.

mod config;
mod confirm;
mod dialogue;
mod exchange;
mod fences;
mod outcome;
mod unframed;

use std::{
    fmt,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use pi18_proto::{Query, QueryReply, Request, SetCommand};

use crate::{Error, Link, error::ErrorKind};
use dialogue::{Dialogue, Step};
use exchange::Exchange;
use outcome::{Answered, Outcome};

pub use config::ClientConfig;
pub use outcome::{SetOutcome, TimedReply};

/// What a client is doing, for a progress display.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum QueryProgress {
    /// A request is being asked.
    Asking {
        /// The request.
        request: Request,
        /// How long it is asked, with all its tries, if nothing comes.
        patience: Duration,
    },
    /// The request is over, whatever came of it.
    Done,
}

/// A function that is called with each progress.
struct Observer(Box<dyn FnMut(QueryProgress) + Send>);

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// Asks a unit one thing at a time.
///
/// ```
/// use pi18_proto::{GeneralStatus, Mode};
/// use pi18_transport::Client;
///
/// let mut unit = Client::open("sim:0")?;
/// let status: GeneralStatus = unit.read()?;
/// println!("battery {} in {}", status.battery_voltage, unit.read::<Mode>()?.working_mode);
/// # Ok::<(), pi18_transport::Error>(())
/// ```
#[derive(Debug)]
pub struct Client<L = Box<dyn Link + Send>> {
    link: L,
    dialogue: Dialogue,
    buffer: BytesMut,
    observer: Option<Observer>,
}

impl<L: Link> Client<L> {
    /// Asks over `link`, as [`ClientConfig::default`] says.
    pub fn new(link: L) -> Self {
        Self::with_config(link, ClientConfig::default())
    }

    /// Asks over `link`, as `config` says.
    pub fn with_config(link: L, config: ClientConfig) -> Self {
        let dialogue = Dialogue::new(config, link.starts_quiet()).on_shared_link(link.is_shared());
        Self { link, dialogue, buffer: BytesMut::new(), observer: None }
    }

    /// Calls `observer` with each request, and once it is over.
    pub fn observe(&mut self, observer: impl FnMut(QueryProgress) + Send + 'static) {
        self.observer = Some(Observer(Box::new(observer)));
    }

    /// Reads a reply that needs no more than its name.
    ///
    /// # Errors
    /// If no sound reply comes in time, the unit refuses, or the device is gone.
    pub fn read<R: QueryReply<Argument = ()>>(&mut self) -> Result<R, Error> {
        self.read_of(())
    }

    /// Reads a reply that is about a day, a month, or a unit of the bank.
    ///
    /// # Errors
    /// If no sound reply comes in time, the unit refuses, or the device is gone.
    pub fn read_of<R: QueryReply>(&mut self, argument: R::Argument) -> Result<R, Error> {
        let reading = self.query(R::query(argument))?;
        reading.into_reply().map_err(|kind| Error::new(self.link.name(), kind))
    }

    /// Asks any query.
    ///
    /// # Errors
    /// If no sound reply comes in time, the unit refuses, or the device is gone.
    pub fn query(&mut self, query: Query) -> Result<TimedReply, Error> {
        let (outcome, _) = self.exchange(query.into());
        let kind = match outcome? {
            Outcome::Answer(Answered { reply, frame, warnings }) => {
                return Ok(TimedReply { query, reply, frame, warnings, at: self.link.now() });
            }
            Outcome::Failed(kind) => return Err(self.failed(kind)),
            _ => ErrorKind::Refused { request: query.to_string() },
        };
        Err(Error::new(self.link.name(), kind))
    }

    /// Sends a set command, once.
    ///
    /// # Errors
    /// If it was **not** sent: the unit does not answer a question before it. What became of a
    /// command that was sent is its [`SetOutcome`].
    pub fn set(&mut self, command: SetCommand) -> Result<SetOutcome, Error> {
        match self.exchange(command.into()) {
            (Ok(Outcome::Accepted), _) => Ok(SetOutcome::Accepted),
            (Ok(Outcome::Refused), _) => Ok(SetOutcome::Refused),
            (Ok(Outcome::Failed(kind)), _) => Err(self.failed(kind)),
            (Ok(Outcome::Garbled | Outcome::Answer(_)), _) => Ok(SetOutcome::Garbled),
            (Err(error), Sent(true)) if error.is_disconnected() => Ok(SetOutcome::Gone),
            (Ok(Outcome::Silent), _) | (Err(_), Sent(true)) => Ok(SetOutcome::Silent),
            (Err(error), Sent(false)) => Err(error),
        }
    }

    /// The link.
    pub fn link(&self) -> &L {
        &self.link
    }

    /// The time by the link's clock.
    pub fn now(&self) -> Instant {
        self.link.now()
    }

    /// Lets time go by on the link's clock.
    pub fn pause(&mut self, time: Duration) {
        self.link.pause(time);
    }

    /// Gives the link back.
    pub fn into_link(self) -> L {
        self.link
    }

    fn failed(&self, kind: ErrorKind) -> Error {
        let hint = match &kind {
            ErrorKind::Timeout { found, .. } if found == "nothing" => {
                "is the unit on, the cable in, and is this its port?"
            }
            ErrorKind::Timeout { .. } => {
                "is the unit slow (?timeout=5s), another program talking to it, or the cable damaged?"
            }
            ErrorKind::NotPi18 { .. } => {
                "UPSs have the same USB adapter, and other inverters another protocol"
            }
            ErrorKind::Flooded { .. } => {
                "what is at this address is no inverter, or its bridge is broken"
            }
            _ => return Error::new(self.link.name(), kind),
        };
        Error::new(self.link.name(), kind).hint(hint)
    }

    /// Drives one question to its end, and says whether any of it was sent.
    fn exchange(&mut self, request: Request) -> (Result<Outcome, Error>, Sent) {
        let config = self.dialogue.config();
        let patience = config.timeout.saturating_mul(config.tries.max(1)).min(config.deadline);
        let mut exchange = Exchange::new(request, config, self.link.now());
        if let Some(Observer(observe)) = &mut self.observer {
            observe(QueryProgress::Asking { request, patience });
        }
        let driven = self.drive(&mut exchange);
        if let Some(Observer(observe)) = &mut self.observer {
            observe(QueryProgress::Done);
        }
        let outcome = driven.map_err(|error| {
            self.dialogue.lose_step();
            self.explain(error, &mut exchange)
        });
        (outcome, Sent(exchange.was_sent()))
    }

    /// Adds what a peer said before it closed the link: a bridge gives its reason as plain text.
    fn explain(&mut self, error: Error, exchange: &mut Exchange) -> Error {
        if !error.is_disconnected() {
            return error;
        }
        // It can still be there if sending failed.
        self.buffer.clear();
        if self.link.receive(&mut self.buffer, self.link.now()).is_ok() {
            exchange.overhear(&self.buffer);
        }
        match exchange.unframed_text() {
            Some(text) => error.hint(format!("before that it sent {text}")),
            None => error,
        }
    }

    fn drive(&mut self, exchange: &mut Exchange) -> Result<Outcome, Error> {
        loop {
            let now = self.link.now();
            match self.dialogue.next(exchange, now) {
                Step::Done(outcome) => return Ok(outcome),
                Step::Send(frame) => {
                    self.link.send(&frame, exchange.deadline())?;
                    self.dialogue.sent(exchange, self.link.now());
                }
                Step::Drain => {
                    self.buffer.clear();
                    self.link.receive(&mut self.buffer, now)?;
                    self.dialogue.drained(exchange, &self.buffer);
                }
                Step::Receive(until) => {
                    self.buffer.clear();
                    self.link.receive(&mut self.buffer, until)?;
                    self.dialogue.received(exchange, &self.buffer, self.link.now());
                }
            }
        }
    }
}

/// Whether a request may have reached the unit.
struct Sent(bool);
