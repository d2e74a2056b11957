//! A blocking link in an async program.
//!
//! Sending may block in the operating system: a write to a hidraw node waits for the USB transfer, and a
//! follower may have to find its unit first. So it runs on a thread of tokio for blocking calls. Receiving
//! does not: the link's descriptor is registered with tokio, and what has arrived is read without waiting.

use std::{
    fmt,
    future::poll_fn,
    io,
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

use crate::{Error, Link, StopHandle, os::poll};

/// A blocking link that is driven without blocking the caller.
pub(super) struct Threaded {
    state: State,
    /// A duplicate of the link's descriptor, registered with tokio. It is dropped together with the device
    /// of the link, because an open descriptor keeps the number of a node from being reused.
    ready: Option<AsyncFd<OwnedFd>>,
    /// Bytes that were received and not taken yet.
    arrived: BytesMut,
    deadline: Instant,
    /// Whether the device of the link is gone.
    is_gone: bool,
    /// Whether the link has been opened again since the last call of `reopen` that was not cancelled.
    is_new: bool,
    /// Ends the search for a unit when this link is dropped, because the runtime waits for its threads.
    stop: StopHandle,
}

enum State {
    Idle(Box<dyn Link + Send>),
    /// A thread uses the link. It returns whether the link was opened again.
    Busy(JoinHandle<(Box<dyn Link + Send>, Result<bool, Error>)>),
    /// The runtime has stopped the thread before it could use the link.
    Lost,
}

impl Threaded {
    pub(super) fn new(mut link: Box<dyn Link + Send>) -> Self {
        let stop = StopHandle::default();
        link.stopped_by(&stop);
        Self {
            state: State::Idle(link),
            ready: None,
            arrived: BytesMut::new(),
            deadline: Instant::now(),
            is_gone: false,
            is_new: false,
            stop,
        }
    }

    /// Opens the link again if its device is gone. Returns whether the link is a new one.
    pub(super) async fn reopen(&mut self, deadline: Instant) -> Result<bool, Error> {
        // The error of a request that was cancelled concerns this one only if the device is gone.
        let _ = poll_fn(|cx| self.poll_thread(cx)).await;
        if self.is_gone {
            let failed = |error| Error::io("the link", "opening it again", error);
            self.spawn(move |link| link.reopen(deadline)).map_err(failed)?;
            poll_fn(|cx| self.poll_thread(cx)).await?;
            self.is_gone = false;
        }
        Ok(std::mem::take(&mut self.is_new))
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
        self.spawn(move |link| link.send(&sent, deadline).map(|()| false))?;
        Poll::Ready(Ok(count))
    }

    /// Waits until no thread uses the link, and returns the error of the thread.
    pub(super) fn poll_sent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_thread(cx).map_err(io::Error::other)
    }

    fn poll_thread(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let State::Busy(thread) = &mut self.state else { return Poll::Ready(Ok(())) };
        let result = match ready!(Pin::new(thread).poll(cx)) {
            Ok((link, result)) => {
                self.state = State::Idle(link);
                result
            }
            Err(error) => {
                self.state = State::Lost;
                Err(Error::io("the link", "using it on a thread", io::Error::other(error)))
            }
        };
        Poll::Ready(self.noted(result).map(|is_new| self.is_new |= is_new))
    }

    /// Records whether the device is gone, and returns the result.
    fn noted<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            self.ready = None;
            self.is_gone |= error.is_disconnected();
        }
        result
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
                let received = link.receive(&mut self.arrived, Instant::now());
                self.noted(received).map_err(io::Error::other)?;
            } else if !arrival.is_empty() {
                // The device has failed. To find out why may take a while.
                self.spawn(|link| {
                    link.receive(&mut BytesMut::new(), Instant::now()).map(|()| false)
                })?;
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
        action: impl FnOnce(&mut (dyn Link + Send)) -> Result<bool, Error> + Send + 'static,
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

impl Drop for Threaded {
    fn drop(&mut self) {
        self.stop.stop();
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

#[cfg(test)]
#[cfg(all(feature = "hidraw", target_os = "linux"))]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use pi18_proto::{Mode, WorkingMode};

    use super::*;
    use crate::{
        AsyncClient,
        async_client::link::{AsyncLink, Kind},
        link::hidraw_pair,
    };

    /// Answers `PI` and then `MOD`, and returns the reports of both requests.
    fn answer(device: &UnixDatagram) -> Vec<Vec<u8>> {
        let mut reports = Vec::new();
        for reply in [&b"^D00518;\x03\r"[..], b"^D00505\xD9\x9F\r"] {
            loop {
                let mut report = [0; 32];
                let len = device.recv(&mut report).unwrap();
                reports.push(report[..len].to_vec());
                if report.contains(&b'\r') {
                    break;
                }
            }
            for chunk in reply.chunks(8) {
                let mut report = [0; 8];
                report[..chunk.len()].copy_from_slice(chunk);
                device.send(&report).unwrap();
            }
        }
        reports
    }

    #[tokio::test]
    async fn hidraw_requests_are_written_and_replies_read_as_reports() {
        let (device, link) = hidraw_pair();
        let device = std::thread::spawn(move || answer(&device));
        let link = AsyncLink(Kind::Threaded(Threaded::new(Box::new(link))));
        let mut client = AsyncClient::with_config(link, "test", crate::ClientConfig::default());
        client.set_deadline = AsyncLink::set_deadline;
        let mode: Mode = client.read().await.unwrap();
        assert_eq!(mode.working_mode, WorkingMode::HYBRID);
        let reports = device.join().unwrap();
        let expected: [&[u8]; 4] = [
            b"\x00^P005PIq",
            b"\x00\x8B\r\0\0\0\0\0\0",
            b"\x00^P006MOD",
            b"\x00\xDD\xBE\r\0\0\0\0\0",
        ];
        assert_eq!(reports, expected);
    }

    /// A link that waits until it is stopped.
    struct Waiting(Option<StopHandle>);

    impl Link for Waiting {
        fn send(&mut self, _bytes: &[u8], _deadline: Instant) -> Result<(), Error> {
            let stop = self.0.take().unwrap();
            loop {
                stop.check("test")?;
                std::thread::yield_now();
            }
        }

        fn receive(&mut self, _buffer: &mut BytesMut, _deadline: Instant) -> Result<(), Error> {
            Ok(())
        }

        fn name(&self) -> &'static str {
            "test"
        }

        fn stopped_by(&mut self, handle: &StopHandle) {
            self.0 = Some(handle.clone());
        }
    }

    #[test]
    fn search_for_a_unit_ends_when_the_link_is_dropped() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut link = Threaded::new(Box::new(Waiting(None)));
            poll_fn(|cx| link.poll_send(cx, b"x")).await.unwrap();
        });
        // The runtime waits for the thread, which would never end.
        drop(runtime);
    }
}
