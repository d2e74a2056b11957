//! The connections that [`AsyncClient::open`](crate::AsyncClient::open) makes.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[cfg(feature = "tcp")]
use super::tcp::Connection;
use super::threaded::Threaded;
use crate::Error;
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
    Tcp(Connection),
    Threaded(Threaded),
    #[cfg(feature = "sim")]
    Sim(SimStream),
}

impl AsyncLink {
    /// Connects again if the connection has ended. Returns whether it is a new one.
    pub(super) fn reopen(&mut self, deadline: Instant) -> Reopened<'_> {
        Box::pin(async move {
            match &mut self.0 {
                #[cfg(feature = "tcp")]
                Kind::Tcp(connection) => connection.reopen(deadline).await,
                Kind::Threaded(link) => link.reopen(deadline).await,
                #[cfg(feature = "sim")]
                Kind::Sim(_) => Ok(false),
            }
        })
    }

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

/// Whether a connection is a new one, once it is open.
pub(super) type Reopened<'a> = Pin<Box<dyn Future<Output = Result<bool, Error>> + Send + 'a>>;

impl AsyncRead for AsyncLink {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.0 {
            #[cfg(feature = "tcp")]
            Kind::Tcp(stream) => Pin::new(stream).poll_read(cx, buffer),
            Kind::Threaded(link) => link.poll_receive(cx, buffer),
            #[cfg(feature = "sim")]
            Kind::Sim(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
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
