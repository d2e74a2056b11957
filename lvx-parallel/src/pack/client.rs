//! Asks a pack over a link, and makes sure that each reply belongs to its request.

mod pending;
mod search;

use std::{fmt, time::Duration, time::Instant};

use pi18_transport::{Address, Error, ErrorKind, Link, StopHandle, bytes::BytesMut};

use super::{
    address::PackAddress,
    frame::{FrameError, Registers, Request},
    map::{Label, Live, Scales},
};
use pending::Pending;
use search::{Found, search};

/// The configuration of a [`PackClient`].
///
/// ```
/// use std::time::Duration;
///
/// use lvx_parallel::pack::PackConfig;
///
/// let mut config = PackConfig::default();
/// assert_eq!(config.timeout, Duration::from_millis(500));
/// config.tries = 5;
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PackConfig {
    /// Maximum time that one try waits for the reply; by default 500 ms, at most an hour.
    ///
    /// A reply of 83 bytes takes 86 ms at 9600 baud. It begins 10 to 58 ms after the request (stated by users).
    pub timeout: Duration,
    /// Number of times that a request is sent before it fails; by default 3, at least 1.
    pub tries: u32,
    /// Time between a reply and the next request; by default 100 ms, at most an hour.
    ///
    /// Source: EG4-LL MODBUS V01.06.
    pub pause: Duration,
    /// Time for which [`PackClient::wait`] asks again; by default 40 s, at most an hour.
    ///
    /// Some USB adapters need as long after they are opened (stated by users of CH341 adapters).
    pub settle: Duration,
}

impl Default for PackConfig {
    fn default() -> Self {
        Self {
            timeout: Duration::from_millis(500),
            tries: 3,
            pause: Duration::from_millis(100),
            settle: Duration::from_secs(40),
        }
    }
}

impl PackConfig {
    /// Returns a copy whose times can be added to the time of a clock.
    fn bounded(self) -> Self {
        const MAX: Duration = Duration::from_hours(1);
        Self {
            timeout: self.timeout.min(MAX),
            tries: self.tries.max(1),
            pause: self.pause.min(MAX),
            settle: self.settle.min(MAX),
        }
    }
}

/// A client for one pack: sends requests over a link and returns the replies.
///
/// ```no_run
/// use lvx_parallel::pack::PackClient;
///
/// let mut pack = PackClient::open(&"pack:/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0".parse()?)?;
/// pack.wait()?;
/// let label = pack.label()?;
/// let live = pack.live()?;
/// println!("{label}: {}, {}, {}", live.voltage, live.current, live.state_of_charge);
/// # Ok::<(), pi18_transport::Error>(())
/// ```
///
/// # Which reply belongs to a request
///
/// Replies of Modbus RTU do not name their request: only the address and the number of registers tell them apart.
/// A reply that arrives after its try has ended must not be taken for the reply to a later request. So the client
/// keeps which replies are still expected, and before it asks for as many registers as one of them has, it reads
/// a few registers of another number first. Packs answer in order: after the reply to that, no earlier one
/// arrives. It ignores unrequested bytes, the echo of a request, and replies of other packs.
///
/// The link stays open while a pack is silent. It is opened again only after it was disconnected.
pub struct PackClient<L = Box<dyn Link + Send>> {
    link: L,
    name: String,
    address: PackAddress,
    config: PackConfig,
    scales: Scales,
    pending: Pending,
    /// Received bytes that were not yet used.
    buffer: BytesMut,
    /// End of the pause after the last reply or try.
    ready: Instant,
    /// Time at which the link was opened.
    opened: Instant,
    has_answered: bool,
    stop: Option<StopHandle>,
}

impl PackClient {
    /// Opens the port of a pack, such as `pack:/dev/serial/by-path/…?baud=9600&address=64`.
    ///
    /// A virtual pack needs no [`settle`](PackConfig::settle), unless its switch `opening` asks for it.
    ///
    /// # Errors
    /// If the address is that of a unit, or the port cannot be opened or is in use.
    pub fn open(address: &Address) -> Result<Self, Error> {
        let link = address.pack_link()?;
        let bus = address.pack_address().and_then(PackAddress::new).unwrap_or_default();
        let own = address.config();
        let mut config =
            PackConfig { timeout: own.timeout, tries: own.tries, ..PackConfig::default() };
        if is_ready_at_once(address) {
            config.settle = Duration::ZERO;
        }
        Ok(Self { name: address.place().to_owned(), ..Self::with_config(link, bus, config) })
    }
}

impl<L: Link> PackClient<L> {
    /// Returns a client with the default configuration.
    pub fn new(link: L, address: PackAddress) -> Self {
        Self::with_config(link, address, PackConfig::default())
    }

    /// Returns a client with this configuration.
    pub fn with_config(link: L, address: PackAddress, config: PackConfig) -> Self {
        let (now, name) = (link.now(), link.name().to_owned());
        Self {
            pending: Pending::new(link.starts_quiet()),
            link,
            name,
            address,
            config: config.bounded(),
            scales: Scales::UNKNOWN,
            buffer: BytesMut::new(),
            ready: now,
            opened: now,
            has_answered: false,
            stop: None,
        }
    }

    /// Sets the scales of the values that differ between families, for packs whose family is known without
    /// their label.
    ///
    /// ```
    /// use lvx_parallel::pack::{Family, PackClient};
    /// # fn with<L: pi18_transport::Link>(pack: PackClient<L>) -> PackClient<L> {
    /// pack.with_scales(Family::LP4_V2.scales)
    /// # }
    /// ```
    #[must_use]
    pub fn with_scales(self, scales: Scales) -> Self {
        Self { scales, ..self }
    }

    /// Lets `handle` end the calls of this client: within a try, or at once.
    #[must_use]
    pub fn stopped_by(mut self, handle: &StopHandle) -> Self {
        self.link.stopped_by(handle);
        self.stop = Some(handle.clone());
        self
    }

    /// Returns the place of the pack, by which it is identified: its address without options, or the name of the
    /// link.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the address of the pack on its bus.
    #[must_use]
    pub fn address(&self) -> PackAddress {
        self.address
    }

    /// Returns the time of the link's clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.link.now()
    }

    /// Returns whether the pack has answered since the port was opened.
    #[must_use]
    pub fn has_answered(&self) -> bool {
        self.has_answered
    }

    /// Reads the measurements.
    ///
    /// # Errors
    /// As [`read`](Self::read), and if the answer is not that of one pack (kind
    /// [`Decode`](ErrorKind::Decode)).
    pub fn live(&mut self) -> Result<Live, Error> {
        let request = Request::live(self.address);
        let registers = self.exchange(request)?;
        Live::from_registers(&registers, &self.scales).map_err(|error| {
            let text = format!("the reply to {request} cannot be read: {error}");
            let hint =
                "packs that are chained answer for each other: pull the cables between the packs";
            Error::new(ErrorKind::Decode, &*self.name, text).with_hint(hint).with_source(error)
        })
    }

    /// Reads the label, and from then on uses the scales of its family. The scales are kept if the family is not
    /// known.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn label(&mut self) -> Result<Label, Error> {
        let request = Request::label(self.address);
        let registers = self.exchange(request)?;
        let label = Label::from_registers(&registers).map_err(|error| {
            let text = format!("the reply to {request} cannot be read: {error}");
            Error::new(ErrorKind::Decode, &*self.name, text).with_source(error)
        })?;
        if let Some(family) = super::map::Family::of(&label) {
            self.scales = family.scales;
        }
        Ok(label)
    }

    /// Reads `count` registers from `start` on.
    ///
    /// # Errors
    /// If the registers do not exist ([`InvalidRequest`](ErrorKind::InvalidRequest), nothing was sent), the pack
    /// does not answer any try ([`Timeout`](ErrorKind::Timeout)) or refuses the request
    /// ([`Refused`](ErrorKind::Refused)), it sends more than a pack can ([`Flooded`](ErrorKind::Flooded)), or the
    /// link fails.
    pub fn read(&mut self, start: u16, count: u8) -> Result<Registers, Error> {
        let request = Request::new(self.address, start, count).ok_or_else(|| {
            let text =
                format!("expected 1 to 125 registers up to 65535, found {count} from {start}");
            Error::new(ErrorKind::InvalidRequest, &*self.name, text)
        })?;
        self.exchange(request)
    }

    /// Asks until the pack answers, at most for [`PackConfig::settle`] after the port was opened. Returns at once
    /// if the pack has answered.
    ///
    /// Without this call, the first requests fail while an adapter is not ready. The port stays open in any case.
    ///
    /// # Errors
    /// That of the last request, if the pack does not answer in time; at once if the link fails.
    pub fn wait(&mut self) -> Result<(), Error> {
        let deadline = self.opened + self.config.settle;
        while !self.has_answered {
            match self.exchange(Request::live(self.address)) {
                Err(error) if error.is_timeout() && self.link.now() < deadline => {}
                Err(error) if !error.is_refused() => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Sends a request until its reply arrives.
    fn exchange(&mut self, request: Request) -> Result<Registers, Error> {
        let deadline = self.link.now() + self.config.timeout;
        if self.link.reopen(deadline)? {
            (self.opened, self.has_answered) = (self.link.now(), false);
            self.pending.forget();
        }
        self.rest()?;
        self.drain()?;
        if self.pending.may_arrive(request.count()) {
            self.fence(request)?;
        }
        self.tries(request)
    }

    /// Reads registers whose number no expected reply has. After that, no earlier reply arrives.
    fn fence(&mut self, request: Request) -> Result<(), Error> {
        let count = self.pending.next_fence(request.count());
        let Some(fence) = Request::new(self.address, 0, count) else { return Ok(()) };
        // An exception does not name its request, so it may be a late one: it does not count.
        self.tries(fence)?;
        self.pending.passed(count);
        Ok(())
    }

    /// Sends a request up to the configured number of times.
    fn tries(&mut self, request: Request) -> Result<Registers, Error> {
        let mut last = None;
        for _ in 0..self.config.tries {
            self.rest()?;
            self.drain()?;
            let deadline = self.link.now() + self.config.timeout;
            self.pending.sent(request.count());
            self.link.send(&request.to_bytes(), deadline)?;
            let outcome = self.reply(request, deadline, &mut last);
            self.ready = self.link.now() + self.config.pause;
            match outcome? {
                Some(Ok(registers)) => return Ok(registers),
                Some(Err(refusal)) if refusal.is_transient() => last = Some(refusal),
                Some(Err(refusal)) => return Err(self.refused(request, refusal)),
                None => {}
            }
        }
        Err(self.timeout(request, last))
    }

    /// Waits for the reply to a request until `deadline`: registers, or a refusal.
    fn reply(
        &mut self,
        request: Request,
        deadline: Instant,
        last: &mut Option<FrameError>,
    ) -> Result<Option<Result<Registers, FrameError>>, Error> {
        loop {
            self.check_stop()?;
            let before = self.buffer.len();
            let slice = deadline.min(self.link.now() + StopHandle::INTERVAL);
            let until = if self.stop.is_some() { slice } else { deadline };
            self.link.receive(&mut self.buffer, until)?;
            if self.buffer.len() > before {
                match search(request, &self.buffer) {
                    Found::Reply(registers) => {
                        self.pending.received(request.count());
                        self.has_answered = true;
                        self.buffer.clear();
                        return Ok(Some(Ok(registers)));
                    }
                    Found::Refusal(refusal) => {
                        self.has_answered = true;
                        self.buffer.clear();
                        return Ok(Some(Err(refusal)));
                    }
                    Found::Other(error) => *last = Some(error),
                    Found::Nothing => {}
                }
            }
            if self.buffer.len() > MAX_BYTES {
                return Err(self.flooded(request));
            }
            if self.link.now() >= deadline {
                return Ok(None);
            }
        }
    }

    /// Waits until the pause after the last reply is over.
    fn rest(&mut self) -> Result<(), Error> {
        self.check_stop()?;
        let left = self.ready.saturating_duration_since(self.link.now());
        if !left.is_zero() {
            self.link.pause(left);
        }
        Ok(())
    }

    /// Discards the bytes that have arrived. They may be the reply to an earlier request.
    fn drain(&mut self) -> Result<(), Error> {
        let mut discarded = self.buffer.len();
        self.buffer.clear();
        loop {
            self.link.receive(&mut self.buffer, self.link.now())?;
            let len = self.buffer.len();
            discarded += len;
            self.buffer.clear();
            if discarded > MAX_BYTES {
                let text = format!("expected silence, found {discarded} bytes");
                return Err(Error::new(ErrorKind::Flooded, &*self.name, text));
            }
            if len == 0 {
                break;
            }
            self.pending.disturbed();
        }
        Ok(())
    }

    fn check_stop(&self) -> Result<(), Error> {
        self.stop.as_ref().map_or(Ok(()), |stop| stop.check(&self.name))
    }

    fn refused(&self, request: Request, refusal: FrameError) -> Error {
        let text = format!("{request}: {refusal}");
        Error::new(ErrorKind::Refused, &*self.name, text).with_source(refusal)
    }

    fn flooded(&self, request: Request) -> Error {
        let text = format!(
            "expected a reply to {request}, found {} bytes, more than a pack can send",
            self.buffer.len()
        );
        Error::new(ErrorKind::Flooded, &*self.name, text)
    }

    /// Returns the error of a request that no try answered.
    fn timeout(&self, request: Request, last: Option<FrameError>) -> Error {
        let waited = self.config.timeout * self.config.tries;
        let waited = waited.as_secs_f64();
        let found = match (&last, self.buffer.len()) {
            (Some(error), _) => format!("a frame that is none ({error})"),
            (None, 0) => "nothing".to_owned(),
            (None, bytes) => format!("{bytes} bytes without a frame"),
        };
        let text = format!("expected {request} within {waited:.1} s, found {found}");
        let is_settling = self.link.now() < self.opened + self.config.settle;
        let hint = if last.is_some() {
            "are address and model of the pack right?"
        } else if self.has_answered {
            "packs that are chained by their link ports fall silent on their own ports: pull the cables between \
             the packs; is the pack on?"
        } else if is_settling {
            "some USB adapters need 40 s after they are opened: ask again and leave the port open; are speed and \
             address right, is the pack on, and is no cable between the packs?"
        } else {
            "are speed and address right, is the pack on, and is no cable between the packs? Chained packs are \
             silent on their own ports"
        };
        let error = Error::new(ErrorKind::Timeout, &*self.name, text).with_hint(hint);
        match last {
            Some(last) => error.with_source(last),
            None => error,
        }
    }
}

/// Writes the name, the address and the configuration.
impl<L> fmt::Debug for PackClient<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PackClient")
            .field("name", &self.name)
            .field("address", &self.address)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Returns whether an address leads to a virtual pack whose adapter is ready when it is opened.
fn is_ready_at_once(address: &Address) -> bool {
    let text = address.to_string();
    text.starts_with("sim:") && !text.contains("opening=")
}

/// The most bytes that may arrive during one try: 64 of the longest replies, as an adapter may hold that was not
/// ready.
const MAX_BYTES: usize = 64 * Request::MAX_REPLY;
