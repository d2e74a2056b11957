//! TCP to a serial bridge (ser2net, an ESP bridge) that passes on all bytes unchanged.

use std::os::fd::{AsFd, BorrowedFd};
use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::{Duration, Instant},
};

use bytes::BytesMut;
use rustix::event::PollFlags;

use super::Link;
use crate::{Error, error::Cause, os::poll};

/// An open TCP connection to a serial bridge.
///
/// ```no_run
/// use pi18_proto::Mode;
/// use pi18_transport::{Client, Tcp};
///
/// let mut unit = Client::new(Tcp::connect("bridge.local:8888")?);
/// println!("{}", unit.read::<Mode>()?.working_mode);
/// # Ok::<(), pi18_transport::Error>(())
/// ```
#[derive(Debug)]
pub struct Tcp {
    stream: TcpStream,
    name: String,
}

impl Tcp {
    /// Connects to `host:port` within five seconds, not counting the name lookup.
    ///
    /// # Errors
    /// If the host is unknown or does not accept the connection.
    pub fn connect(host_and_port: &str) -> Result<Self, Error> {
        Self::connect_within(host_and_port, Self::CONNECT_TIME)
    }

    /// Connects within `patience`, up to five seconds.
    pub(crate) fn connect_within(host_and_port: &str, patience: Duration) -> Result<Self, Error> {
        let name = format!("tcp:{host_and_port}");
        let stream = connect(host_and_port, patience.min(Self::CONNECT_TIME))
            .map_err(|source| Self::connect_error(&name, source))?;
        Ok(Self { stream, name })
    }

    /// Returns the error of a bridge that does not accept the connection.
    pub(crate) fn connect_error(name: &str, source: io::Error) -> Error {
        Error::from_cause(name, Cause::Open(source))
            .with_hint("is the bridge on, and is the port right?")
    }

    /// Maximum time until a bridge accepts the connection, not counting the name lookup.
    pub(crate) const CONNECT_TIME: Duration = Duration::from_secs(5);
}

fn connect(host_and_port: &str, patience: Duration) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    let deadline = Instant::now() + patience;
    for address in host_and_port.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, time_until(deadline)) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Returns the time until `deadline`, but never zero, which sockets do not accept as a timeout.
fn time_until(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_micros(1))
}

impl Link for Tcp {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        let written = self
            .stream
            .set_write_timeout(Some(time_until(deadline)))
            .and_then(|()| self.stream.write_all(bytes));
        written.map_err(|source| Error::io(&*self.name, "writing", source))
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        use io::ErrorKind::{Interrupted, TimedOut, UnexpectedEof, WouldBlock};

        // The read timeout of a socket is rounded up to several milliseconds, also when nothing is awaited.
        let arrival = poll::wait(&self.stream, PollFlags::IN, deadline);
        if arrival.as_ref().is_ok_and(PollFlags::is_empty) {
            return Ok(());
        }
        let mut chunk = [0; 4096];
        let read = arrival
            .and_then(|_| self.stream.set_read_timeout(Some(time_until(deadline))))
            .and_then(|()| self.stream.read(&mut chunk));
        match read {
            Ok(0) => Err(Error::io(&*self.name, "reading", io::Error::from(UnexpectedEof))),
            Ok(len) => {
                buffer.extend_from_slice(chunk.get(..len).unwrap_or_default());
                Ok(())
            }
            Err(error) if matches!(error.kind(), TimedOut | WouldBlock | Interrupted) => Ok(()),
            Err(source) => Err(Error::io(&*self.name, "reading", source)),
        }
    }

    fn name(&self) -> &str {
        &self.name
    }

    /// Returns true: a bridge may serve several hosts, as ser2net does with `max-connections`.
    fn is_shared(&self) -> bool {
        true
    }

    fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.stream.as_fd())
    }
}
