//! Connections: their number, and clients that read too slowly.

use std::{
    io,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use super::peer::network;

/// Counts the connections that are open.
#[derive(Clone, Debug, Default)]
pub(super) struct Connections(Arc<Mutex<Vec<Option<IpAddr>>>>);

/// A connection that was counted. It is no longer counted when this is dropped.
#[derive(Debug)]
pub(super) struct Counted {
    connections: Connections,
    network: Option<IpAddr>,
}

impl Connections {
    /// Counts a connection; `None` if there are too many, in all or of this address.
    pub(super) fn count(&self, ip: Option<IpAddr>) -> Option<Counted> {
        let network = network(ip);
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = open.iter().filter(|other| **other == network).count();
        let is_local = |ip: &Option<IpAddr>| ip.is_none_or(|ip| ip.is_loopback());
        // Other machines cannot take the connections of this one.
        let (others, most) = if is_local(&network) {
            (0, MAX_LOCAL)
        } else {
            (open.iter().filter(|other| !is_local(other)).count(), MAX_PER_ADDRESS)
        };
        if others >= MAX_REMOTE || same >= most {
            return None;
        }
        open.push(network);
        Some(Counted { connections: self.clone(), network })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.connections.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = open.iter().position(|other| *other == self.network) {
            open.swap_remove(place);
        }
    }
}

/// A connection that fails when the client takes nothing for [`MAX_STALL`].
#[derive(Debug)]
pub(super) struct Patient<S> {
    inner: S,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    /// Wraps a connection.
    pub(super) fn new(inner: S) -> Self {
        Self { inner, stalled: None }
    }

    /// Passes the result of a write on, unless the client has stalled too long.
    fn judge<T>(
        &mut self,
        result: Poll<io::Result<T>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.stalled = None;
            return result;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(MAX_STALL)));
        match stalled.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.judge(result, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_flush(context);
        self.judge(result, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_shutdown(context);
        self.judge(result, context)
    }
}

/// Greatest number of connections of other machines.
const MAX_REMOTE: usize = 96;
/// Greatest number of connections of one address.
const MAX_PER_ADDRESS: usize = 16;
/// Greatest number of connections of this machine, per kind: IPv4, IPv6, and the Unix socket.
const MAX_LOCAL: usize = 96;
/// Time after which a client that takes nothing is dropped.
const MAX_STALL: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_limited_in_all_and_per_address() {
        let connections = Connections::default();
        let count = |last: u8| connections.count(Some(IpAddr::from([192, 0, 2, last])));
        let mut open: Vec<_> = (0..MAX_PER_ADDRESS).map(|_| count(1).unwrap()).collect();
        assert!(count(1).is_none());
        open.pop();
        open.push(count(1).unwrap());
        for address in 2..7 {
            open.extend((0..MAX_PER_ADDRESS).map(|_| count(address).unwrap()));
        }
        assert_eq!(open.len(), MAX_REMOTE);
        assert!(count(9).is_none());
        let local: Vec<_> =
            (0..100).filter_map(|_| connections.count(Some([127, 0, 0, 1].into()))).collect();
        assert_eq!(local.len(), MAX_LOCAL);
        assert!(connections.count(None).is_some());
        drop(open);
        assert!(count(9).is_some());
    }
}
