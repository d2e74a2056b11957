//! The blocking client: sends one request at a time and returns only the reply to it.

mod drive;
pub(crate) mod identity;
mod progress;
mod relay;

use std::{
    fmt,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use pi18_proto::{Query, QueryReply, RawQuery, SerialNumber, SetCommand};

use crate::{
    ClientConfig, Error, Link, SetOutcome, StopHandle, Timed, TimedReply, dialogue::Dialogue,
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
/// If the device disappears, the current call fails as [disconnected](Error::is_disconnected). The next
/// call opens the link again if it can: a client that [`open`](Client::open) returned reopens TCP
/// connections and serial ports, and finds a unit with the address `sn:…` again. Nothing is repeated on the
/// new connection. After that, another unit may answer at the address, so use
/// [`expecting`](Client::expecting) before settings are changed.
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
    /// The serial number of the only unit that may get requests.
    expected: Option<SerialNumber>,
    /// The serial number that the unit has reported since the link was opened.
    identity: Option<SerialNumber>,
    /// Whether the link is open as far as known.
    is_connected: bool,
    stop: Option<StopHandle>,
    /// Whether every relayed frame was answered since the client and the unit were in step.
    is_relay_in_step: bool,
}

impl<L: Link> Client<L> {
    /// Creates a client over `link` with the [default configuration](ClientConfig::default).
    pub fn new(link: L) -> Self {
        Self::with_config(link, ClientConfig::default())
    }

    /// Creates a client over `link` with another configuration.
    pub fn with_config(link: L, config: ClientConfig) -> Self {
        let dialogue = Dialogue::new(config, link.starts_quiet()).on_shared_link(link.is_shared());
        Self {
            link,
            dialogue,
            buffer: BytesMut::new(),
            observer: Observer::default(),
            expected: config.expected_serial,
            identity: None,
            is_connected: true,
            stop: None,
            is_relay_in_step: false,
        }
    }

    /// Sends requests only to the unit with this serial number.
    ///
    /// Before the first request, and after each disconnect, the client asks the unit for its serial number.
    /// If another unit answers, the request fails with the kind
    /// [`WrongUnit`](crate::ErrorKind::WrongUnit), and nothing else is sent to that unit.
    ///
    /// The address option `serial=` and [`ClientConfig::expected_serial`] do the same.
    ///
    /// ```
    /// use pi18_proto::{Mode, SerialNumber};
    /// use pi18_transport::{Client, ErrorKind};
    ///
    /// let serial = SerialNumber::new("96132206100499").ok_or("not a serial number")?;
    /// let mut unit = Client::open("sim:0")?.expecting(serial);
    /// let error = unit.read::<Mode>().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::WrongUnit);
    /// assert_eq!(
    ///     error.to_string(),
    ///     "sim:0: expected unit 96132206100499, found unit 96132206100410"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn expecting(mut self, serial: SerialNumber) -> Self {
        self.expected = Some(serial);
        self
    }

    /// Returns a handle that ends the current call of this client from another thread.
    ///
    /// After [`stop`](StopHandle::stop), a request, a pause, or the search for a unit ends within 50 ms with
    /// the kind [`Stopped`](crate::ErrorKind::Stopped), and every later call at once. A set command that
    /// was already sent ends as [`Silent`](SetOutcome::Silent), because the unit may have carried it out.
    /// [`resume`](Self::resume) lets the client work again.
    ///
    /// Writing to a USB device that does not accept data cannot be ended: the kernel gives up after five
    /// seconds.
    ///
    /// ```
    /// use std::{thread, time::Duration};
    ///
    /// use pi18_transport::{Client, ErrorKind};
    ///
    /// let mut unit = Client::open("sim:0")?;
    /// let handle = unit.stop_handle();
    /// let waiting = thread::spawn(move || unit.pause(Duration::from_secs(3600)));
    /// handle.stop();
    /// assert_eq!(waiting.join().unwrap().unwrap_err().kind(), ErrorKind::Stopped);
    /// # Ok::<(), pi18_transport::Error>(())
    /// ```
    pub fn stop_handle(&mut self) -> StopHandle {
        let link = &mut self.link;
        let handle = self.stop.get_or_insert_with(|| {
            let handle = StopHandle::default();
            link.stopped_by(&handle);
            handle
        });
        handle.clone()
    }

    /// Lets `handle` end the calls of this client, as a handle from [`stop_handle`](Self::stop_handle) does.
    ///
    /// One handle can stop the clients of several threads, for example on Ctrl-C. [`resume`](Self::resume)
    /// of one of them lets all of them work again.
    ///
    /// ```
    /// use pi18_proto::Mode;
    /// use pi18_transport::{Client, ErrorKind, StopHandle};
    ///
    /// let stop = StopHandle::default();
    /// let mut left = Client::open("sim:0")?.stopped_by(&stop);
    /// let mut right = Client::open("sim:1")?.stopped_by(&stop);
    /// left.read::<Mode>()?;
    /// stop.stop();
    /// assert_eq!(left.read::<Mode>().unwrap_err().kind(), ErrorKind::Stopped);
    /// assert_eq!(right.read::<Mode>().unwrap_err().kind(), ErrorKind::Stopped);
    /// # Ok::<(), pi18_transport::Error>(())
    /// ```
    #[must_use]
    pub fn stopped_by(mut self, handle: &StopHandle) -> Self {
        self.link.stopped_by(handle);
        self.stop = Some(handle.clone());
        self
    }

    /// Lets the client work again after it was stopped. A late reply to the request that was stopped is
    /// discarded.
    pub fn resume(&mut self) {
        if let Some(stop) = &self.stop {
            stop.reset();
        }
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
        let (exchange, ended) = self.exchange(query)?;
        exchange.reply(self.link.name(), ended)
    }

    /// Sends a query that this crate does not know, and returns the data of the reply.
    ///
    /// `data` is the data of the query, such as `b"XYZ1"`: 1 to 23 printable characters. The client sends
    /// only queries this way, see [`RawQuery`].
    ///
    /// The form of the reply is not known either. So the client sends a query of known form before it and
    /// another one after it. Exactly one reply must have arrived between their replies.
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
        let (exchange, ended) = self.exchange(query)?;
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
        let (exchange, ended) = self.exchange(command)?;
        exchange.set_outcome(self.link.name(), ended)
    }

    /// Returns the serial number that the unit has reported since the link was opened; `None` if it was not
    /// asked. A disconnect clears it.
    ///
    /// A program that reads several values checks with it afterwards that all of them are from one unit.
    ///
    /// ```
    /// use pi18_proto::Identity;
    /// use pi18_transport::Client;
    ///
    /// let mut unit = Client::open("sim:0")?;
    /// assert_eq!(unit.identity(), None);
    /// let identity: Identity = unit.read()?;
    /// assert_eq!(unit.identity(), Some(identity.serial_number));
    /// # Ok::<(), pi18_transport::Error>(())
    /// ```
    pub fn identity(&self) -> Option<SerialNumber> {
        self.identity
    }

    /// Returns whether the device was not lost since the link was opened. If it was, the next request
    /// opens the link again, if it can be.
    pub fn is_connected(&self) -> bool {
        self.is_connected
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
    ///
    /// # Errors
    /// If the client is [stopped](Self::stop_handle).
    pub fn pause(&mut self, time: Duration) -> Result<(), Error> {
        let Some(stop) = &self.stop else {
            self.link.pause(time);
            return Ok(());
        };
        let end = self.link.now().checked_add(time);
        loop {
            stop.check(self.link.name())?;
            let left =
                end.map_or(Duration::MAX, |end| end.saturating_duration_since(self.link.now()));
            if left.is_zero() {
                return Ok(());
            }
            self.link.pause(left.min(StopHandle::INTERVAL));
        }
    }

    /// Returns the link and drops the client.
    pub fn into_link(self) -> L {
        self.link
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
