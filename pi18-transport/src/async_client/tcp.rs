//! A TCP connection to a serial bridge, which is opened again after it was closed.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use rustix::io::Errno;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time,
};

use crate::{
    Error, Tcp,
    link::{FIRST_PAUSE, MAX_PAUSE, MIN_PATIENCE},
};

/// A connection to a bridge.
#[derive(Debug)]
pub(super) struct Connection {
    /// `None` while the connection is closed.
    stream: Option<TcpStream>,
    /// Whether a read or a write has shown that the connection has ended. Bytes that arrived before can
    /// still be read.
    has_ended: bool,
    host_and_port: String,
    name: String,
}

impl Connection {
    /// Connects to `host:port` within five seconds.
    pub(super) async fn open(host_and_port: &str) -> Result<Self, Error> {
        let name = format!("tcp:{host_and_port}");
        let stream = connect(host_and_port, Tcp::CONNECT_TIME).await;
        let stream = Some(stream.map_err(|source| Tcp::connect_error(&name, source))?);
        Ok(Self { stream, has_ended: false, host_and_port: host_and_port.to_owned(), name })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Connects again if the connection has ended. Repeats that until `deadline`. Returns whether the
    /// connection is a new one.
    pub(super) async fn reopen(&mut self, deadline: Instant) -> Result<bool, Error> {
        if !self.has_ended {
            return Ok(false);
        }
        self.stream = None;
        let left = || deadline.saturating_duration_since(time::Instant::now().into_std());
        let mut pause = FIRST_PAUSE;
        loop {
            let patience = left().max(MIN_PATIENCE).min(Tcp::CONNECT_TIME);
            let source = match connect(&self.host_and_port, patience).await {
                Ok(stream) => {
                    (self.stream, self.has_ended) = (Some(stream), false);
                    return Ok(true);
                }
                Err(source) => source,
            };
            time::sleep(pause.min(left())).await;
            if left().is_zero() {
                return Err(Tcp::connect_error(&self.name, source));
            }
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// Records whether the connection has ended, and returns the result.
    fn noted<T>(&mut self, result: io::Result<T>) -> io::Result<T> {
        self.has_ended |= result.is_err();
        result
    }

    fn stream(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        self.stream.as_mut().map(Pin::new).ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

/// Connects to the first address of a host that accepts the connection, within `patience`.
async fn connect(host_and_port: &str, patience: Duration) -> io::Result<TcpStream> {
    let connected = time::timeout(patience, async {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for address in tokio::net::lookup_host(host_and_port).await? {
            match TcpStream::connect(address).await {
                Ok(stream) => return stream.set_nodelay(true).map(|()| stream),
                Err(error) => last = error,
            }
        }
        Err(last)
    });
    connected.await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Reads what has arrived, also if tokio's driver has not noticed it yet. Returns whether the read is
/// complete: bytes have arrived, or the peer has closed the connection.
fn read_arrived(stream: &TcpStream, buffer: &mut ReadBuf<'_>) -> io::Result<bool> {
    match rustix::io::read(stream, buffer.initialize_unfilled()) {
        Ok(count) => {
            buffer.advance(count);
            Ok(true)
        }
        Err(Errno::AGAIN | Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let stream = self.stream()?;
        let result = match read_arrived(&stream, buffer) {
            Ok(false) => ready!(stream.poll_read(cx, buffer)),
            result => result.map(drop),
        };
        // No bytes are the end of the stream.
        self.has_ended |= buffer.filled().len() == before;
        Poll::Ready(self.noted(result))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = ready!(self.stream()?.poll_write(cx, bytes));
        Poll::Ready(self.noted(result))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = ready!(self.stream()?.poll_flush(cx));
        Poll::Ready(self.noted(result))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_shutdown(cx)
    }
}
