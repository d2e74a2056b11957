//! A link to a unit of a bridge.

use std::{
    os::fd::{AsFd, BorrowedFd},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use bytes::BytesMut;

use super::{
    message::{Access, Answer, BridgeUnit, Request, VERSION},
    socket::Connection,
};
use crate::{Error, ErrorKind, Link, StopHandle};

/// A link to a unit of a bridge on this computer, through the socket of the bridge (Linux).
///
/// [`send`](Link::send) waits until it is the turn of this program: the bridge goes on polling between two requests.
/// The first set command takes write access to the unit, which this link keeps until it is dropped.
///
/// ```no_run
/// use std::{path::Path, time::Duration};
///
/// use pi18_proto::Mode;
/// use pi18_transport::{Client, bridge};
///
/// let link = bridge::Bridge::open("left", Path::new(bridge::SOCKET), Duration::from_secs(2))?;
/// println!("{}", Client::new(link).read::<Mode>()?.working_mode);
/// # Ok::<(), pi18_transport::Error>(())
/// ```
#[derive(Debug)]
pub struct Bridge {
    connection: Connection,
    socket: PathBuf,
    name: String,
    unit: BridgeUnit,
    access: Access,
    /// Time for which the bridge waits for an answer to a frame.
    wait: Duration,
    /// Number of the last frame.
    last: u64,
    /// Bytes that arrived while something else was awaited.
    pending: BytesMut,
    /// Whether the connection can no longer be used.
    has_ended: bool,
    stop: Option<StopHandle>,
}

impl Bridge {
    /// Opens a unit by its name or serial number. `wait` is the time for which the bridge waits for the answer to each
    /// frame: the timeout of the client.
    ///
    /// # Errors
    /// If no bridge listens on the socket, it is not trusted, it has no such unit, or it refuses.
    pub fn open(unit: &str, socket: &Path, wait: Duration) -> Result<Self, Error> {
        let name = format!("bridge:{unit}");
        let (connection, opened, access) = connect(&name, unit, socket)?;
        Ok(Self {
            connection,
            socket: socket.to_owned(),
            name,
            unit: opened,
            access,
            wait,
            last: 0,
            pending: BytesMut::new(),
            has_ended: false,
            stop: None,
        })
    }

    /// Returns the unit, as the bridge described it when the link was opened.
    #[must_use]
    pub fn unit(&self) -> &BridgeUnit {
        &self.unit
    }

    /// Takes write access, which the first set command does as well.
    ///
    /// # Errors
    /// If the bridge refuses it, or does not answer.
    pub fn lease(&mut self) -> Result<(), Error> {
        if self.access == Access::Write {
            return Ok(());
        }
        let deadline = Instant::now() + HANDSHAKE;
        self.connection.send(&Request::Lease, deadline)?;
        match self.answer(deadline)? {
            Some(Answer::Opened { access: Access::Write, .. }) => {
                self.access = Access::Write;
                Ok(())
            }
            Some(other) => Err(self.connection.unexpected(&other)),
            None => Err(self.end(silent(&self.name, HANDSHAKE))),
        }
    }

    /// Returns the next answer that is not about the bytes of an earlier frame.
    fn answer(&mut self, deadline: Instant) -> Result<Option<Answer>, Error> {
        loop {
            match self.connection.receive(deadline, self.stop.as_ref())? {
                Some(Answer::Bytes { bytes, .. }) => self.pending.extend_from_slice(&bytes),
                Some(Answer::End { .. }) => {}
                Some(Answer::Failed { id, .. }) if id < self.last => {}
                Some(Answer::Sent { id }) if id < self.last => {}
                other => return Ok(other),
            }
        }
    }

    fn submit(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        if bytes.starts_with(b"^S") {
            self.lease()?;
        }
        self.last += 1;
        let wait_ms = u32::try_from(self.wait.as_millis()).unwrap_or(u32::MAX);
        let turn = deadline.saturating_duration_since(Instant::now());
        let turn_ms = Some(u32::try_from(turn.as_millis()).unwrap_or(u32::MAX));
        let frame = Request::Frame { id: self.last, wait_ms, turn_ms, bytes: bytes.to_vec() };
        self.connection.send(&frame, deadline)?;
        // A turn that has begun at the deadline is not given up: the frame may be on its way.
        match self.answer(deadline + GRACE)? {
            Some(Answer::Sent { id }) if id == self.last => Ok(()),
            Some(Answer::Failed { id, is_gone: false, text })
                if id == self.last && bytes.starts_with(b"^S") =>
            {
                // This kind states that the set command was not sent.
                let text = crate::printable(&text);
                let why = format!("nothing was sent, the bridge reports: {text}");
                Err(Error::new(ErrorKind::Busy, &*self.name, why))
            }
            Some(Answer::Failed { id, is_gone, text }) if id == self.last => {
                Err(self.failed(is_gone, &text))
            }
            Some(other) => Err(self.connection.unexpected(&other)),
            None => Err(silent(&self.name, turn + GRACE)),
        }
    }

    fn failed(&self, is_gone: bool, text: &str) -> Error {
        let text = crate::printable(text);
        if is_gone {
            Error::gone(&*self.name).with_hint(format!("the bridge reports: {text}"))
        } else {
            Error::new(ErrorKind::Timeout, &*self.name, format!("the bridge reports: {text}"))
        }
    }

    /// Marks the connection as unusable: the bridge may still send the last frame.
    fn end(&mut self, error: Error) -> Error {
        self.has_ended = true;
        self.connection.close();
        error
    }
}

impl Link for Bridge {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        if self.has_ended {
            return Err(Error::gone(&*self.name));
        }
        let result = self.submit(bytes, deadline.min(Instant::now() + TURN));
        result.map_err(|error| match error.kind() {
            // The bridge answered, so the next frame can be sent on the same connection.
            ErrorKind::PermissionDenied | ErrorKind::Busy | ErrorKind::InvalidRequest => error,
            _ => self.end(error),
        })
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        if !self.pending.is_empty() {
            buffer.extend_from_slice(&self.pending.split());
            return Ok(());
        }
        if self.has_ended {
            return Err(Error::gone(&*self.name));
        }
        // The client checks whether it is stopped.
        match self.connection.receive(deadline, None) {
            Ok(Some(Answer::Bytes { bytes, .. })) => buffer.extend_from_slice(&bytes),
            Ok(Some(Answer::Failed { is_gone, text, .. })) => {
                let error = self.failed(is_gone, &text);
                return Err(self.end(error));
            }
            Ok(Some(Answer::End { .. } | Answer::Sent { .. }) | None) => {}
            Ok(Some(other)) => {
                let error = self.connection.unexpected(&other);
                return Err(self.end(error));
            }
            Err(error) => return Err(self.end(error)),
        }
        Ok(())
    }

    fn name(&self) -> &str {
        &self.name
    }

    /// Connects to the bridge again.
    fn reopen(&mut self, deadline: Instant) -> Result<bool, Error> {
        if !self.has_ended {
            return Ok(false);
        }
        let unit = self.name.strip_prefix("bridge:").unwrap_or_default();
        loop {
            let error = match connect(&self.name, unit, &self.socket) {
                Ok((connection, unit, access)) => {
                    (self.connection, self.unit, self.access) = (connection, unit, access);
                    (self.last, self.has_ended) = (0, false);
                    self.pending.clear();
                    return Ok(true);
                }
                Err(error) => error,
            };
            let end = Instant::now() + RETRY;
            if end >= deadline || error.is_permission() {
                return Err(error);
            }
            while Instant::now() < end {
                if let Some(stop) = &self.stop {
                    stop.check(&self.name)?;
                }
                thread::sleep(StopHandle::INTERVAL);
            }
        }
    }

    fn stopped_by(&mut self, handle: &StopHandle) {
        self.stop = Some(handle.clone());
    }

    /// Returns true: the bridge and other programs ask the same unit.
    fn is_shared(&self) -> bool {
        true
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        let is_idle = self.pending.is_empty() && !self.has_ended;
        self.connection.stream().filter(|_| is_idle).map(AsFd::as_fd)
    }
}

/// Connects to the bridge, and chooses the unit.
fn connect(
    name: &str,
    unit: &str,
    socket: &Path,
) -> Result<(Connection, BridgeUnit, Access), Error> {
    let deadline = Instant::now() + HANDSHAKE;
    let mut connection = Connection::open(socket, name)?;
    let request = Request::Open { version: VERSION, unit: unit.to_owned(), access: Access::Read };
    connection.send(&request, deadline)?;
    match connection.receive(deadline, None)? {
        Some(Answer::Opened { unit, access }) => Ok((connection, unit, access)),
        Some(other) => Err(connection.unexpected(&other)),
        None => Err(silent(name, HANDSHAKE)),
    }
}

fn silent(place: &str, time: Duration) -> Error {
    let why = format!("expected an answer of the bridge within {time:?}, found nothing");
    Error::new(ErrorKind::Timeout, place, why)
}

/// Longest wait for an answer that needs no turn.
const HANDSHAKE: Duration = Duration::from_secs(2);

/// Longest wait for the turn of this program.
const TURN: Duration = Duration::from_secs(8);

/// Time after the end of the wait for a turn within which the bridge answers. If the turn began just before, the bridge
/// first checks which unit answers.
const GRACE: Duration = Duration::from_secs(6);

/// Pause between two attempts to connect again.
const RETRY: Duration = Duration::from_millis(500);
