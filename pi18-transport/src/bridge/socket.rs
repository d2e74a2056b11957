//! The connection to the socket: lines with deadlines, and the check of the other side.

use std::{
    io::{self, Read, Write},
    net::Shutdown,
    os::{
        fd::OwnedFd,
        unix::{fs::MetadataExt, net::UnixStream},
    },
    path::Path,
    time::{Duration, Instant},
};

use rustix::{
    event::PollFlags,
    io::Errno,
    net::{
        AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with,
        sockopt::socket_peercred,
    },
};

use super::message::{
    Answer, BridgeUnit, MAX_LINE, RefusalReason, Request, SOCKET, VERSION, WireError, parse_answer,
    write_line,
};
use crate::{Error, ErrorKind, StopHandle, error::Cause, os::poll};

/// Collects bytes into lines of limited length.
///
/// ```
/// use pi18_transport::bridge::LineReader;
///
/// let mut lines = LineReader::new(8);
/// lines.push(b"one\ntw");
/// assert_eq!(lines.next_line(), Ok(Some(b"one".to_vec())));
/// assert_eq!(lines.next_line(), Ok(None));
/// lines.push(b"o, which is too long");
/// assert!(lines.next_line().is_err());
/// ```
#[derive(Debug)]
pub struct LineReader {
    bytes: Vec<u8>,
    max: usize,
}

impl LineReader {
    /// Creates a reader of lines of at most `max` bytes, with their line feeds.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { bytes: Vec::new(), max }
    }

    /// Takes bytes that arrived. At most one piece is kept beside an incomplete line, so the caller takes all lines
    /// before the next piece.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Returns the next complete line without its line feed.
    ///
    /// # Errors
    /// If the line is too long.
    pub fn next_line(&mut self) -> Result<Option<Vec<u8>>, WireError> {
        let end = self.bytes.iter().position(|&byte| byte == b'\n');
        if end.unwrap_or(self.bytes.len()) >= self.max {
            return Err(WireError::new(format!("line: expected at most {} bytes", self.max)));
        }
        let Some(end) = end else { return Ok(None) };
        let rest = self.bytes.split_off(end + 1);
        let mut line = std::mem::replace(&mut self.bytes, rest);
        line.truncate(end);
        Ok(Some(line))
    }

    /// Returns whether no bytes wait.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// An open connection to a bridge that is trusted.
#[derive(Debug)]
pub(super) struct Connection {
    stream: UnixStream,
    lines: LineReader,
    /// Name of the place in errors.
    place: String,
}

impl Connection {
    /// Connects, and checks who listens.
    pub(super) fn open(socket: &Path, place: &str) -> Result<Self, Error> {
        let failed = |source: Errno| {
            let error = Error::from_cause(place, Cause::Open(source.into()));
            match source {
                Errno::NOENT | Errno::CONNREFUSED => {
                    error.with_hint(format!("does a bridge listen on {}?", socket.display()))
                }
                Errno::ACCESS => error.with_hint("are you in the group that may use the bridge?"),
                _ => error,
            }
        };
        let address = SocketAddrUnix::new(socket).map_err(failed)?;
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let fd = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None);
        let fd: OwnedFd = fd.map_err(failed)?;
        match connect(&fd, &address) {
            Err(Errno::AGAIN) => {
                return Err(Error::new(ErrorKind::Busy, place, "the bridge takes no connection"));
            }
            result => result.map_err(failed)?,
        }
        let peer = socket_peercred(&fd).map_err(failed)?.uid.as_raw();
        let folder = socket.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new(".")).metadata();
        let owner = folder.map_err(|source| Error::from_cause(place, Cause::Open(source)))?.uid();
        if !is_trusted(peer, rustix::process::geteuid().as_raw(), owner, socket) {
            let why = format!(
                "expected a bridge of root, of this user or, except for root, of user {owner}, to whom the \
                 folder of {} belongs, found one of user {peer}",
                socket.display()
            );
            return Err(Error::new(ErrorKind::PermissionDenied, place, why));
        }
        Ok(Self {
            stream: UnixStream::from(fd),
            lines: LineReader::new(MAX_LINE),
            place: place.to_owned(),
        })
    }

    /// Sends a request.
    pub(super) fn send(&mut self, request: &Request, deadline: Instant) -> Result<(), Error> {
        let line = write_line(request);
        let mut left = &line[..];
        while !left.is_empty() {
            match self.stream.write(left) {
                Ok(count) => left = left.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if self.wait(PollFlags::OUT, deadline)?.is_empty() {
                        let source = io::ErrorKind::TimedOut.into();
                        return Err(Error::io(&*self.place, "writing", source));
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(Error::io(&*self.place, "writing", source)),
            }
        }
        Ok(())
    }

    /// Waits for the next answer until `deadline`. `None` means that there was none.
    pub(super) fn receive(
        &mut self,
        deadline: Instant,
        stop: Option<&StopHandle>,
    ) -> Result<Option<Answer>, Error> {
        loop {
            let line = self.lines.next_line().map_err(|error| self.malformed(&error))?;
            if let Some(line) = line {
                return parse_answer(&line).map(Some).map_err(|error| self.malformed(&error));
            }
            let mut until = deadline;
            if let Some(stop) = stop {
                stop.check(&self.place)?;
                until = until.min(Instant::now() + StopHandle::INTERVAL);
            }
            if self.wait(PollFlags::IN, until)?.is_empty() {
                if Instant::now() >= deadline {
                    return Ok(None);
                }
                continue;
            }
            let mut chunk = [0; 4096];
            match self.stream.read(&mut chunk) {
                Ok(0) => {
                    let source = io::ErrorKind::UnexpectedEof.into();
                    return Err(Error::io(&*self.place, "reading", source));
                }
                Ok(count) => self.lines.push(chunk.get(..count).unwrap_or_default()),
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
                    ) => {}
                Err(source) => return Err(Error::io(&*self.place, "reading", source)),
            }
        }
    }

    /// Closes the connection, so that the bridge drops a frame that was not sent yet.
    pub(super) fn close(&self) {
        // A connection that the bridge has closed needs no more.
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// Returns the stream for polling, unless received bytes wait here.
    pub(super) fn stream(&self) -> Option<&UnixStream> {
        self.lines.is_empty().then_some(&self.stream)
    }

    fn wait(&self, flags: PollFlags, deadline: Instant) -> Result<PollFlags, Error> {
        let ready = poll::wait(&self.stream, flags, deadline);
        ready.map_err(|source| Error::io(&*self.place, "waiting", source))
    }

    fn malformed(&self, error: &WireError) -> Error {
        Error::new(ErrorKind::OtherProtocol, &*self.place, error.to_string())
    }

    /// Returns the error for an answer that does not belong to the request.
    pub(super) fn unexpected(&self, answer: &Answer) -> Error {
        match answer {
            Answer::Refused { reason, text } => {
                let kind = match reason {
                    RefusalReason::UnknownUnit => ErrorKind::NotFound,
                    RefusalReason::Access => ErrorKind::PermissionDenied,
                    RefusalReason::Busy | RefusalReason::Limit => ErrorKind::Busy,
                    RefusalReason::Malformed => ErrorKind::InvalidRequest,
                    _ => ErrorKind::OtherProtocol,
                };
                let text = crate::printable(text);
                Error::new(kind, &*self.place, format!("the bridge refused: {text}"))
            }
            _ => Error::new(
                ErrorKind::OtherProtocol,
                &*self.place,
                "unexpected answer of the bridge",
            ),
        }
    }
}

/// Returns whether a bridge of the user `peer` is trusted by the user `own`. `owner` is the owner of the folder of the
/// socket.
fn is_trusted(peer: u32, own: u32, owner: u32, socket: &Path) -> bool {
    // Any user has folders. Root trusts the owner only of the default one, which systemd made for the service.
    let is_owner = peer == owner && (own != 0 || socket == Path::new(SOCKET));
    peer == 0 || peer == own || is_owner
}

/// Returns the units of the bridge that listens on `socket`. Waits at most `patience` for the answer.
///
/// ```
/// use std::{path::Path, time::Duration};
///
/// let error = pi18_transport::bridge::units(Path::new("/no/such.sock"), Duration::from_secs(1));
/// assert!(error.unwrap_err().is_not_found());
/// ```
///
/// # Errors
/// If no bridge listens there, it is not trusted, or it does not answer in time.
pub fn units(socket: &Path, patience: Duration) -> Result<Vec<BridgeUnit>, Error> {
    let deadline = Instant::now() + patience;
    let mut bridge = Connection::open(socket, &socket.display().to_string())?;
    bridge.send(&Request::List { version: VERSION }, deadline)?;
    match bridge.receive(deadline, None)? {
        Some(Answer::Units { units, .. }) => Ok(units),
        Some(other) => Err(bridge.unexpected(&other)),
        None => {
            let why =
                format!("expected an answer of the bridge within {patience:?}, found nothing");
            Err(Error::new(ErrorKind::Timeout, &*bridge.place, why))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_trusts_the_owner_of_the_default_folder_only() {
        let (service, other) = (Path::new(SOCKET), Path::new("/tmp/x/bridge.sock"));
        let (root, user, lvx) = (0, 1000, 999);
        for socket in [service, other] {
            assert!(is_trusted(root, user, lvx, socket) && is_trusted(user, user, lvx, socket));
            assert!(is_trusted(lvx, user, lvx, socket));
            assert!(!is_trusted(1001, user, lvx, socket) && !is_trusted(1001, root, lvx, socket));
        }
        assert!(is_trusted(lvx, root, lvx, service));
        assert!(!is_trusted(lvx, root, lvx, other));
    }
}
