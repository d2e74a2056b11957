//! A blocking link in an async program.
//!
//! Sending may block in the operating system: a write to a hidraw node waits for the USB transfer, and a
//! follower may have to find its unit first. So it runs on a thread of tokio for blocking calls. Receiving
//! does not: the link's descriptor is registered with tokio, and what has arrived is read without waiting.

use std::{
    fmt, io,
    os::fd::OwnedFd,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use bytes::{Buf, BytesMut};
use rustix::event::PollFlags;
use tokio::{
    io::{Interest, ReadBuf, unix::AsyncFd},
    task::{JoinHandle, spawn_blocking},
};

use crate::{Error, Link, os::poll};

/// A blocking link that is driven without blocking the caller.
pub(super) struct Threaded {
    state: State,
    /// A duplicate of the link's descriptor, registered with tokio. It is dropped together with the device
    /// of the link, because an open descriptor keeps the number of a node from being reused.
    ready: Option<AsyncFd<OwnedFd>>,
    /// Bytes that were received and not taken yet.
    arrived: BytesMut,
    deadline: Instant,
}

enum State {
    Idle(Box<dyn Link + Send>),
    /// A thread uses the link.
    Busy(JoinHandle<(Box<dyn Link + Send>, Result<(), Error>)>),
    /// The runtime has stopped the thread before it could use the link.
    Lost,
}

impl Threaded {
    pub(super) fn new(link: Box<dyn Link + Send>) -> Self {
        Self {
            state: State::Idle(link),
            ready: None,
            arrived: BytesMut::new(),
            deadline: Instant::now(),
        }
    }

    pub(super) fn set_deadline(&mut self, deadline: Instant) {
        self.deadline = deadline;
    }

    /// Begins to send bytes. [`poll_sent`](Self::poll_sent) returns the result.
    pub(super) fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_sent(cx))?;
        let (sent, deadline, count) = (bytes.to_vec(), self.deadline, bytes.len());
        self.spawn(move |link| link.send(&sent, deadline))?;
        Poll::Ready(Ok(count))
    }

    /// Waits until no thread uses the link, and returns the error of the thread.
    pub(super) fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let State::Busy(thread) = &mut self.state else { return Poll::Ready(Ok(())) };
        let result = match ready!(Pin::new(thread).poll(cx)) {
            Ok((link, result)) => {
                self.state = State::Idle(link);
                result.map_err(io::Error::other)
            }
            Err(error) => {
                self.state = State::Lost;
                Err(io::Error::other(error))
            }
        };
        if result.is_err() {
            self.ready = None;
        }
        Poll::Ready(result)
    }

    /// Waits for bytes.
    pub(super) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_sent(cx))?;
        while self.arrived.is_empty() {
            let State::Idle(link) = &mut self.state else { return Poll::Ready(Err(lost())) };
            let Some(descriptor) = link.as_fd() else {
                // The link finds its device when something is sent.
                return Poll::Pending;
            };
            let arrival = poll::wait(&descriptor, PollFlags::IN, Instant::now())?;
            if arrival.contains(PollFlags::IN) {
                if let Err(error) = link.receive(&mut self.arrived, Instant::now()) {
                    self.ready = None;
                    return Poll::Ready(Err(io::Error::other(error)));
                }
            } else if !arrival.is_empty() {
                // The device has failed. To find out why may take a while.
                self.spawn(|link| link.receive(&mut BytesMut::new(), Instant::now()))?;
                ready!(self.poll_sent(cx))?;
            } else {
                ready!(self.poll_readable(cx))?;
            }
        }
        let count = self.arrived.len().min(buffer.remaining());
        buffer.put_slice(self.arrived.get(..count).unwrap_or_default());
        self.arrived.advance(count);
        Poll::Ready(Ok(()))
    }

    /// Waits until tokio reports that the descriptor is readable or has failed.
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let State::Idle(link) = &self.state else { return Poll::Ready(Err(lost())) };
        if self.ready.is_none()
            && let Some(descriptor) = link.as_fd()
        {
            self.ready = Some(registered(descriptor.try_clone_to_owned()?)?);
        }
        let Some(ready) = &self.ready else { return Poll::Pending };
        let mut guard = ready!(ready.poll_read_ready(cx))?;
        // The notification may be about bytes that were already read.
        if poll::wait(ready, PollFlags::IN, Instant::now())?.is_empty() {
            guard.clear_ready();
        }
        Poll::Ready(Ok(()))
    }

    /// Lets a thread use the link.
    fn spawn(
        &mut self,
        action: impl FnOnce(&mut (dyn Link + Send)) -> Result<(), Error> + Send + 'static,
    ) -> io::Result<()> {
        let State::Idle(mut link) = std::mem::replace(&mut self.state, State::Lost) else {
            return Err(lost());
        };
        self.state = State::Busy(spawn_blocking(move || {
            let result = action(&mut *link);
            (link, result)
        }));
        Ok(())
    }
}

impl fmt::Debug for Threaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            State::Idle(link) => f.write_str(link.name()),
            State::Busy(_) => f.write_str("a link in use"),
            State::Lost => f.write_str("a lost link"),
        }
    }
}

/// Registers a descriptor with tokio.
#[allow(
    deprecated,
    reason = "what replaces it is `unsafe`, for types that change their descriptor; `OwnedFd` does not"
)]
fn registered(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(descriptor, Interest::READABLE)
}

fn lost() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the runtime was shut down")
}
