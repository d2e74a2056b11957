//! The connections that [`AsyncClient::open`](crate::AsyncClient::open) makes.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
#[cfg(feature = "tcp")]
use tokio::net::TcpStream;

use super::threaded::Threaded;
#[cfg(feature = "sim")]
use crate::sim::SimStream;

/// A connection to a unit at an [`Address`](crate::Address), from
/// [`AsyncClient::open`](crate::AsyncClient::open).
///
/// Bytes are received without a thread. What can block in the operating system (writing to hidraw, opening a
/// device, finding a unit by its serial number) runs on tokio's threads for blocking calls.
#[derive(Debug)]
pub struct AsyncLink(pub(super) Kind);

#[derive(Debug)]
pub(super) enum Kind {
    #[cfg(feature = "tcp")]
    Tcp(TcpStream),
    Threaded(Threaded),
    #[cfg(feature = "sim")]
    Sim(SimStream),
}

impl AsyncLink {
    /// Sets the time at which a write that begins now has to end. Returns whether the link keeps to it.
    pub(super) fn set_deadline(&mut self, deadline: Instant) -> bool {
        match &mut self.0 {
            Kind::Threaded(link) => {
                link.set_deadline(deadline);
                true
            }
            #[cfg(feature = "tcp")]
            Kind::Tcp(_) => false,
            #[cfg(feature = "sim")]
            Kind::Sim(_) => false,
        }
    }
}

impl AsyncRead for AsyncLink {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.0 {
            #[cfg(feature = "tcp")]
            Kind::Tcp(stream) => {
                if read_arrived(stream, buffer)? {
                    return Poll::Ready(Ok(()));
                }
                Pin::new(stream).poll_read(cx, buffer)
            }
            Kind::Threaded(link) => link.poll_receive(cx, buffer),
            #[cfg(feature = "sim")]
            Kind::Sim(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

/// Reads what has arrived at a socket, also if tokio's driver has not noticed it yet. Returns whether the
/// read is complete: bytes have arrived, or the peer has closed the connection.
#[cfg(feature = "tcp")]
fn read_arrived(stream: &TcpStream, buffer: &mut ReadBuf<'_>) -> io::Result<bool> {
    use rustix::io::Errno;

    match rustix::io::read(stream, buffer.initialize_unfilled()) {
        Ok(count) => {
            buffer.advance(count);
            Ok(true)
        }
        Err(Errno::AGAIN | Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl AsyncWrite for AsyncLink {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.0 {
            #[cfg(feature = "tcp")]
            Kind::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Kind::Threaded(link) => link.poll_send(cx, bytes),
            #[cfg(feature = "sim")]
            Kind::Sim(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            #[cfg(feature = "tcp")]
            Kind::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Kind::Threaded(link) => link.poll_sent(cx),
            #[cfg(feature = "sim")]
            Kind::Sim(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.0 {
            #[cfg(feature = "tcp")]
            Kind::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Kind::Threaded(link) => link.poll_sent(cx),
            #[cfg(feature = "sim")]
            Kind::Sim(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
