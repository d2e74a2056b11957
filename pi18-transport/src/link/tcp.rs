//! TCP to a serial bridge (ser2net, an ESP bridge): the same bytes.

use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::{Duration, Instant},
};

use bytes::BytesMut;

use super::Link;
use crate::{Error, error::ErrorKind};

/// An open connection.
#[derive(Debug)]
pub struct Tcp {
    stream: TcpStream,
    name: String,
}

impl Tcp {
    /// Connects to `host:port`, and gives up after five seconds, once the host's address is known.
    ///
    /// # Errors
    /// If the host is unknown or nothing there accepts.
    pub fn connect(host_and_port: &str) -> Result<Self, Error> {
        let name = format!("tcp:{host_and_port}");
        let stream = connect(host_and_port).map_err(|source| {
            Error::new(&*name, ErrorKind::Open(source))
                .hint("is the bridge on, and the port right?")
        })?;
        Ok(Self { stream, name })
    }
}

fn connect(host_and_port: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    let deadline = Instant::now() + Duration::from_secs(5);
    for address in host_and_port.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, at_least_a_little(deadline)) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// A time-out that sockets accept: zero means none to them.
fn at_least_a_little(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_micros(1))
}

impl Link for Tcp {
    fn send(&mut self, bytes: &[u8], deadline: Instant) -> Result<(), Error> {
        let written = self
            .stream
            .set_write_timeout(Some(at_least_a_little(deadline)))
            .and_then(|()| self.stream.write_all(bytes));
        written.map_err(|source| Error::io(&*self.name, "writing", source))
    }

    fn receive(&mut self, buffer: &mut BytesMut, deadline: Instant) -> Result<(), Error> {
        use io::ErrorKind::{Interrupted, TimedOut, UnexpectedEof, WouldBlock};

        let mut chunk = [0; 4096];
        let read = self
            .stream
            .set_read_timeout(Some(at_least_a_little(deadline)))
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

    /// A bridge may serve several hosts, as ser2net does with `max-connections`.
    fn is_shared(&self) -> bool {
        true
    }
}
