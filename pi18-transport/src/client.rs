//! The blocking client: sends one request at a time and returns only the reply to it.

mod progress;

use std::{
    fmt,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use pi18_proto::{Query, QueryReply, RawQuery, SetCommand};

use crate::{
    ClientConfig, Error, Link, SetOutcome, Timed, TimedReply,
    dialogue::{Dialogue, Exchange, Outcome, Question, Step},
    error::Cause,
};
use progress::Observer;

pub use progress::QueryProgress;

/// Sends requests to a unit, one at a time, and returns the replies.
///
/// The client makes sure that a reply belongs to the request: a late reply to an earlier request is
/// never returned for a later one. A query is sent again if its reply is missing or damaged; a set command
/// is sent only once.
///
/// ```
/// use pi18_proto::{GeneralStatus, Mode};
/// use pi18_transport::Client;
///
/// let mut unit = Client::open("sim:0")?;
/// let status: GeneralStatus = unit.read()?;
/// println!("battery {}, {}", status.battery_voltage, unit.read::<Mode>()?.working_mode);
/// # Ok::<(), pi18_transport::Error>(())
/// ```
pub struct Client<L = Box<dyn Link + Send>> {
    link: L,
    dialogue: Dialogue,
    buffer: BytesMut,
    observer: Observer,
}

impl<L: Link> Client<L> {
    /// Creates a client over `link` with the [default configuration](ClientConfig::default).
    pub fn new(link: L) -> Self {
        Self::with_config(link, ClientConfig::default())
    }

    /// Creates a client over `link` with another configuration.
    pub fn with_config(link: L, config: ClientConfig) -> Self {
        let dialogue = Dialogue::new(config, link.starts_quiet()).on_shared_link(link.is_shared());
        Self { link, dialogue, buffer: BytesMut::new(), observer: Observer::default() }
    }

    /// Calls `observer` at the start and end of each request.
    ///
    /// ```
    /// use pi18_proto::Mode;
    /// use pi18_transport::{Client, QueryProgress};
    ///
    /// let mut unit = Client::open("sim:0")?;
    /// unit.observe(|progress| match progress {
    ///     QueryProgress::Asking { request, patience } => eprint!("{request} (up to {patience:?})"),
    ///     _ => eprintln!(" done"),
    /// });
    /// unit.read::<Mode>()?;
    /// # Ok::<(), pi18_transport::Error>(())
    /// ```
    pub fn observe(&mut self, observer: impl FnMut(QueryProgress) + Send + 'static) {
        self.observer = Observer::new(observer);
    }

    /// Sends the query for a reply type without argument, and returns the reply.
    ///
    /// # Errors
    /// If no valid reply arrives in time, the unit refuses the query, or the device is gone.
    pub fn read<R: QueryReply<Argument = ()>>(&mut self) -> Result<R, Error> {
        self.read_of(())
    }

    /// Sends the query for a reply about a day, a month, a year or a unit of the bank, and returns the
    /// reply.
    ///
    /// ```
    /// use pi18_proto::{Date, DayEnergy};
    /// use pi18_transport::Client;
    ///
    /// let mut unit = Client::open("sim:0")?;
    /// let day = Date::new(2026, 6, 20)?;
    /// let generated: DayEnergy = unit.read_of(day)?;
    /// println!("{}", generated.energy);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If no valid reply arrives in time, the unit refuses the query, or the device is gone.
    pub fn read_of<R: QueryReply>(&mut self, argument: R::Argument) -> Result<R, Error> {
        self.read_timed_of(argument).map(|timed| timed.value)
    }

    /// Sends the query for a reply type without argument, and returns the reply with its time and
    /// warnings.
    ///
    /// ```
    /// use pi18_proto::GeneralStatus;
    /// use pi18_transport::{Client, Timed};
    ///
    /// let mut unit = Client::open("sim:0")?;
    /// let status: Timed<GeneralStatus> = unit.read_timed()?;
    /// println!("{}, {:?} ago", status.value.battery_voltage, unit.now() - status.at);
    /// # Ok::<(), pi18_transport::Error>(())
    /// ```
    ///
    /// # Errors
    /// If no valid reply arrives in time, the unit refuses the query, or the device is gone.
    pub fn read_timed<R: QueryReply<Argument = ()>>(&mut self) -> Result<Timed<R>, Error> {
        self.read_timed_of(())
    }

    /// Sends the query for a reply about a day, a month, a year or a unit of the bank, and returns the
    /// reply with its time and warnings.
    ///
    /// # Errors
    /// If no valid reply arrives in time, the unit refuses the query, or the device is gone.
    pub fn read_timed_of<R: QueryReply>(
        &mut self,
        argument: R::Argument,
    ) -> Result<Timed<R>, Error> {
        let reply = self.query(R::query(argument))?;
        reply.into_timed(self.link.name())
    }

    /// Sends a query, and returns the reply with its frame, time and warnings.
    ///
    /// # Errors
    /// If no valid reply arrives in time, the unit refuses the query, or the device is gone.
    pub fn query(&mut self, query: Query) -> Result<TimedReply, Error> {
        let (exchange, ended) = self.exchange(query);
        exchange.reply(self.link.name(), ended)
    }

    /// Sends a query that this crate does not know, and returns the data of the reply.
    ///
    /// `data` is the data of the query, such as `b"XYZ1"`: 1 to 23 printable characters. The client sends
    /// only queries this way, see [`RawQuery`].
    ///
    /// The form of the reply is not known either. So the client sends another query after it, as on a link
    /// that other hosts use: exactly one reply must have arrived before the reply to that query.
    ///
    /// ```
    /// use pi18_transport::Client;
    ///
    /// let mut unit = Client::open("sim:0")?;
    /// assert_eq!(unit.ask_raw(b"PI")?, b"18");
    /// assert!(unit.ask_raw(b"XYZ1").unwrap_err().is_refused());
    /// # Ok::<(), pi18_transport::Error>(())
    /// ```
    ///
    /// # Errors
    /// If the data cannot be sent as a query, no valid reply arrives in time, the unit refuses the query, or
    /// the device is gone.
    pub fn ask_raw(&mut self, data: &[u8]) -> Result<Vec<u8>, Error> {
        let query = RawQuery::new(data)
            .map_err(|error| Error::from_cause(self.link.name(), Cause::Request(error)))?;
        let (exchange, ended) = self.exchange(query);
        exchange.raw_reply(self.link.name(), ended).map(|reply| reply.data)
    }

    /// Sends a set command once, and returns its outcome. Only reading the setting back proves its value.
    ///
    /// ```
    /// use pi18_transport::{Client, SetOutcome};
    ///
    /// let mut unit = Client::open("sim:0")?;
    /// let outcome = unit.set("POP1".parse()?)?;
    /// assert_eq!(outcome, SetOutcome::Accepted);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the command was **not** sent: the unit did not answer a query before it, or the link failed.
    pub fn set(&mut self, command: SetCommand) -> Result<SetOutcome, Error> {
        let (exchange, ended) = self.exchange(command);
        exchange.set_outcome(self.link.name(), ended)
    }

    /// Returns the link.
    pub fn link(&self) -> &L {
        &self.link
    }

    /// Returns the current time of the link's clock.
    pub fn now(&self) -> Instant {
        self.link.now()
    }

    /// Waits for `time` on the link's clock.
    pub fn pause(&mut self, time: Duration) {
        self.link.pause(time);
    }

    /// Returns the link and drops the client.
    pub fn into_link(self) -> L {
        self.link
    }

    /// Runs one exchange to its end, and returns it with its outcome or the error of the link.
    fn exchange(&mut self, request: impl Into<Question>) -> (Exchange, Result<Outcome, Error>) {
        let mut exchange = self.dialogue.ask(request, self.link.now());
        self.observer.started(exchange.question(), self.dialogue.config());
        let ended = self.drive(&mut exchange);
        self.observer.ended();
        let ended = ended.map_err(|error| {
            self.dialogue.lose_step();
            self.with_peer_text(error, &mut exchange)
        });
        (exchange, ended)
    }

    /// Adds the text that the peer sent before it closed the link, such as the reason that a bridge gives.
    fn with_peer_text(&mut self, error: Error, exchange: &mut Exchange) -> Error {
        if !error.is_disconnected() {
            return error;
        }
        // If sending failed, the text was not received yet.
        self.buffer.clear();
        let _ = self.link.receive(&mut self.buffer, self.link.now());
        exchange.with_peer_text(error, &self.buffer)
    }

    /// Carries out the steps of the dialogue until the exchange has ended.
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

impl<L: fmt::Debug> fmt::Debug for Client<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("link", &self.link)
            .field("config", self.dialogue.config())
            .finish_non_exhaustive()
    }
}
