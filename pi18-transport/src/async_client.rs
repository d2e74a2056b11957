//! The client on the tokio runtime: sends one request at a time and returns only the reply to it.

mod drive;
mod link;
mod open;
#[cfg(feature = "tcp")]
mod tcp;
mod threaded;

use std::{
    fmt,
    time::{Duration, Instant},
};

use pi18_proto::{Query, QueryReply, RawQuery, SerialNumber, SetCommand};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{ClientConfig, Error, SetOutcome, Timed, TimedReply, dialogue::Dialogue, error::Cause};
use link::Reopened;

pub use link::AsyncLink;

/// Sends requests to a unit from a program on the tokio runtime, one at a time, and returns the replies.
///
/// It gives the same guarantees as [`Client`](crate::Client): a late reply to an earlier request is never
/// returned for a later one, a query is sent again if its reply is missing or damaged, and a set command is
/// sent only once. One task can poll many units, because a client that waits does not occupy a thread.
///
/// ```
/// use pi18_proto::{GeneralStatus, Mode};
/// use pi18_transport::AsyncClient;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), pi18_transport::Error> {
/// let mut unit = AsyncClient::open("sim:0").await?;
/// let status: GeneralStatus = unit.read().await?;
/// println!("battery {}, {}", status.battery_voltage, unit.read::<Mode>().await?.working_mode);
/// # Ok(())
/// # }
/// ```
///
/// # Streams
///
/// [`open`](Self::open) connects to an address. [`new`](Self::new) creates a client over any byte stream to
/// a unit, such as a socket of a tunnel or one end of `tokio::io::duplex`. If a read or a write returns an
/// [`io::Error`](std::io::Error) that contains an [`Error`], the client returns that [`Error`]; it makes a
/// [disconnected](Error::is_disconnected) error of the end of the stream.
///
/// The stream must send what is written to it without holding it back. A `BufWriter` would send the rest of a
/// dropped set command with the next request.
///
/// The client never holds more than 4 KiB of what the stream sends, and ends a request if the device sends
/// more than any inverter can ([`ErrorKind::Flooded`](crate::ErrorKind::Flooded)).
///
/// # Cancellation
///
/// A future of this client can be dropped at any time, as [`tokio::time::timeout`] and `select!` do. The
/// client then no longer knows whether a reply is on its way, so it begins the next request with a query
/// whose reply cannot be mistaken (a [fence](crate::dialogue#fences)), and discards what arrives before
/// that reply. This costs one short query; nothing else is lost, and no reply is ever returned for another
/// request.
///
/// - A dropped **query** has no effect on the unit.
/// - A dropped **set command** may have been sent or not. It is not sent later, except that a write to a USB
///   device or a serial port that has already begun is completed. Read the setting back to know its value.
/// - A frame of which only a part was sent stays incomplete. The client spoils it with a byte that no field
///   of a request can contain and ends its line, so that the unit rejects it and does not take the next
///   request for its rest.
///
/// Requests need exclusive access (`&mut self`). To use one unit in several tasks, put the client into a
/// `tokio::sync::Mutex`, or let one task own it.
///
/// # Time
///
/// The times of [`ClientConfig`] are measured by tokio's clock. A test that pauses the clock
/// (`tokio::time::pause`) does not wait for them.
pub struct AsyncClient<S = AsyncLink> {
    stream: S,
    name: String,
    dialogue: Dialogue,
    /// The serial number of the only unit that may get requests.
    expected: Option<SerialNumber>,
    /// The serial number that the unit has reported since the last disconnect.
    identity: Option<SerialNumber>,
    /// The bytes of one read.
    buffer: Box<[u8; BUFFER]>,
    /// Whether only a part of the last frame was written.
    is_cut: bool,
    /// The arrival of the last bytes, unless the stream was drained since then.
    last_arrival: Option<Instant>,
    /// How long the last bytes of a reply may take to arrive after the others.
    linger: Duration,
    /// Function that opens the stream again if it has ended.
    reopen: Option<for<'a> fn(&'a mut S, Instant) -> Reopened<'a>>,
    /// Function that gives the stream the deadline of the next write, and returns whether the stream ends the
    /// write by then.
    set_deadline: fn(&mut S, Instant) -> bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncClient<S> {
    /// Creates a client over `stream` with the [default configuration](ClientConfig::default). `name` is the
    /// name that errors use, usually the address.
    ///
    /// ```
    /// use pi18_proto::{Mode, WorkingMode};
    /// use pi18_transport::AsyncClient;
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (ours, mut unit) = tokio::io::duplex(64);
    /// let mut client = AsyncClient::new(ours, "duplex");
    /// let asking = tokio::spawn(async move { client.read::<Mode>().await });
    ///
    /// // The first request begins with a fence: the query PI, which is always answered with 18.
    /// unit.read_exact(&mut [0; 10]).await?;
    /// unit.write_all(b"^D00518;\x03\r").await?;
    /// unit.read_exact(&mut [0; 11]).await?;
    /// unit.write_all(b"^D00505\xD9\x9F\r").await?;
    /// assert_eq!(asking.await??.working_mode, WorkingMode::HYBRID);
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(stream: S, name: impl Into<String>) -> Self {
        Self::with_config(stream, name, ClientConfig::default())
    }

    /// Creates a client over `stream` with another configuration.
    pub fn with_config(stream: S, name: impl Into<String>, config: ClientConfig) -> Self {
        let dialogue = Dialogue::new(config, false);
        Self {
            stream,
            name: name.into(),
            dialogue,
            expected: config.expected_serial,
            identity: None,
            buffer: Box::new([0; BUFFER]),
            is_cut: false,
            last_arrival: None,
            linger: Duration::ZERO,
            reopen: None,
            set_deadline: |_, _| false,
        }
    }

    /// Sets whether replies to other hosts may arrive, as from a bridge that several hosts use. If so, the
    /// client asks for a reply that could belong to another request two or three times.
    #[must_use]
    pub fn on_shared_link(mut self, is_shared: bool) -> Self {
        self.dialogue = self.dialogue.on_shared_link(is_shared);
        self
    }

    /// Sends requests only to the unit with this serial number, as
    /// [`Client::expecting`](crate::Client::expecting) does. The address option `serial=` does the same.
    #[must_use]
    pub fn expecting(mut self, serial: SerialNumber) -> Self {
        self.expected = Some(serial);
        self
    }

    /// Sends the query for a reply type without argument, and returns the reply.
    ///
    /// # Cancellation
    /// If the future is dropped, the next request begins with a fence. The unit is not affected.
    ///
    /// # Errors
    /// If no valid reply arrives in time, the unit refuses the query, or the device is gone.
    pub async fn read<R: QueryReply<Argument = ()>>(&mut self) -> Result<R, Error> {
        self.read_of(()).await
    }

    /// Sends the query for a reply about a day, a month, a year or a unit of the bank, and returns the
    /// reply.
    ///
    /// ```
    /// use pi18_proto::{Date, DayEnergy};
    /// use pi18_transport::AsyncClient;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut unit = AsyncClient::open("sim:0").await?;
    /// let generated: DayEnergy = unit.read_of(Date::new(2026, 6, 20)?).await?;
    /// println!("{}", generated.energy);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancellation
    /// If the future is dropped, the next request begins with a fence. The unit is not affected.
    ///
    /// # Errors
    /// If no valid reply arrives in time, the unit refuses the query, or the device is gone.
    pub async fn read_of<R: QueryReply>(&mut self, argument: R::Argument) -> Result<R, Error> {
        self.read_timed_of(argument).await.map(|timed| timed.value)
    }

    /// Sends the query for a reply type without argument, and returns the reply with its time and
    /// warnings. The time is on tokio's clock.
    ///
    /// # Cancellation
    /// If the future is dropped, the next request begins with a fence. The unit is not affected.
    ///
    /// # Errors
    /// If no valid reply arrives in time, the unit refuses the query, or the device is gone.
    pub async fn read_timed<R: QueryReply<Argument = ()>>(&mut self) -> Result<Timed<R>, Error> {
        self.read_timed_of(()).await
    }

    /// Sends the query for a reply about a day, a month, a year or a unit of the bank, and returns the reply
    /// with its time and warnings. The time is on tokio's clock.
    ///
    /// # Cancellation
    /// If the future is dropped, the next request begins with a fence. The unit is not affected.
    ///
    /// # Errors
    /// If no valid reply arrives in time, the unit refuses the query, or the device is gone.
    pub async fn read_timed_of<R: QueryReply>(
        &mut self,
        argument: R::Argument,
    ) -> Result<Timed<R>, Error> {
        let reply = self.query(R::query(argument)).await?;
        reply.into_timed(&self.name)
    }

    /// Sends a query, and returns the reply with its frame, time and warnings.
    ///
    /// # Cancellation
    /// If the future is dropped, the next request begins with a fence. The unit is not affected.
    ///
    /// # Errors
    /// If no valid reply arrives in time, the unit refuses the query, or the device is gone.
    pub async fn query(&mut self, query: Query) -> Result<TimedReply, Error> {
        let (exchange, ended) = self.exchange(query.into()).await?;
        exchange.reply(&self.name, ended)
    }

    /// Sends a query that this crate does not know, and returns the data of the reply, as
    /// [`Client::ask_raw`](crate::Client::ask_raw) does.
    ///
    /// # Cancellation
    /// If the future is dropped, the next request begins with a fence. The unit is not affected.
    ///
    /// # Errors
    /// If the data cannot be sent as a query, no valid reply arrives in time, the unit refuses the query, or
    /// the device is gone.
    pub async fn ask_raw(&mut self, data: &[u8]) -> Result<Vec<u8>, Error> {
        let query = RawQuery::new(data)
            .map_err(|error| Error::from_cause(&*self.name, Cause::Request(error)))?;
        let (exchange, ended) = self.exchange(query.into()).await?;
        exchange.raw_reply(&self.name, ended).map(|reply| reply.data)
    }

    /// Sends a set command once, and returns its outcome. Only reading the setting back proves its value.
    ///
    /// ```
    /// use pi18_transport::{AsyncClient, SetOutcome};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut unit = AsyncClient::open("sim:0").await?;
    /// let outcome = unit.set("POP1".parse()?).await?;
    /// assert_eq!(outcome, SetOutcome::Accepted);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancellation
    /// If the future is dropped, the command may have been sent or not, and is not sent later. The next
    /// request begins with a fence. Read the setting back to know its value.
    ///
    /// # Errors
    /// If the command was **not** sent: the unit did not answer a query before it, or the link failed.
    pub async fn set(&mut self, command: SetCommand) -> Result<SetOutcome, Error> {
        let (exchange, ended) = self.exchange(command.into()).await?;
        exchange.set_outcome(&self.name, ended)
    }

    /// Returns the name that errors use.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the configuration.
    pub fn config(&self) -> &ClientConfig {
        self.dialogue.config()
    }

    /// Returns the stream.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// Returns the stream and drops the client.
    pub fn into_stream(self) -> S {
        self.stream
    }
}

impl<S> fmt::Debug for AsyncClient<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncClient")
            .field("name", &self.name)
            .field("config", self.dialogue.config())
            .finish_non_exhaustive()
    }
}

/// Maximum number of bytes in one read.
const BUFFER: usize = 4096;
