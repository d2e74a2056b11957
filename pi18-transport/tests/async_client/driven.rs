//! The async client with the functions of the blocking one, so that both pass the same tests. It runs on
//! tokio's paused clock, over a stream that a simulated link serves.

#[path = "../client/line.rs"]
pub(crate) mod line;

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::{Buf, BytesMut};
use pi18_proto::{Query, QueryReply, SetCommand};
use pi18_transport::{
    AsyncClient, AsyncLink, ClientConfig, Error, Link, SetOutcome, Timed, TimedReply, sim::SimLink,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    runtime::{Builder, Runtime},
    time::{Sleep, sleep, sleep_until},
};

use line::Simulated;

/// An async client that is driven to the end of each request.
pub(crate) struct Client<L> {
    runtime: Runtime,
    client: AsyncClient<LinkStream<L>>,
}

impl<L: Simulated> Client<L> {
    pub(crate) fn new(link: L) -> Self {
        Self::with_config(link, ClientConfig::default())
    }

    pub(crate) fn with_config(link: L, config: ClientConfig) -> Self {
        let runtime =
            Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let client = runtime.block_on(async {
            // The clock of the link may be ahead, because another client has used it.
            sleep_until(link.now().into()).await;
            let (name, is_shared) = (link.name().to_owned(), link.is_shared());
            AsyncClient::with_config(LinkStream::new(link), name, config).on_shared_link(is_shared)
        });
        Self { runtime, client }
    }

    pub(crate) fn read<R: QueryReply<Argument = ()>>(&mut self) -> Result<R, Error> {
        self.runtime.block_on(self.client.read())
    }

    pub(crate) fn read_timed<R: QueryReply<Argument = ()>>(&mut self) -> Result<Timed<R>, Error> {
        self.runtime.block_on(self.client.read_timed())
    }

    pub(crate) fn query(&mut self, query: Query) -> Result<TimedReply, Error> {
        self.runtime.block_on(self.client.query(query))
    }

    pub(crate) fn ask_raw(&mut self, data: &[u8]) -> Result<Vec<u8>, Error> {
        self.runtime.block_on(self.client.ask_raw(data))
    }

    pub(crate) fn set(&mut self, command: SetCommand) -> Result<SetOutcome, Error> {
        self.runtime.block_on(self.client.set(command))
    }

    #[expect(clippy::unnecessary_wraps, reason = "a client that can be stopped returns a result")]
    pub(crate) fn pause(&mut self, time: Duration) -> Result<(), Error> {
        self.runtime.block_on(async { sleep(time).await });
        Ok(())
    }

    pub(crate) fn now(&self) -> Instant {
        self.runtime.block_on(async { now() })
    }

    pub(crate) fn link(&self) -> &L {
        &self.client.stream().link
    }

    pub(crate) fn into_link(self) -> L {
        self.client.into_stream().link
    }
}

impl Client<()> {
    /// Opens an address on a clock that is not paused.
    pub(crate) fn open(address: &str) -> Result<Opened, Error> {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(AsyncClient::open(address))?;
        Ok(Opened { runtime, client })
    }
}

/// An async client at an address.
pub(crate) struct Opened {
    runtime: Runtime,
    client: AsyncClient<AsyncLink>,
}

impl Opened {
    pub(crate) fn query(&mut self, query: Query) -> Result<TimedReply, Error> {
        self.runtime.block_on(self.client.query(query))
    }
}

/// A stream over a simulated link, which follows tokio's clock.
pub(crate) struct LinkStream<L> {
    pub(crate) link: L,
    arrived: BytesMut,
    /// Number of bytes of the write that is in progress.
    written: Option<usize>,
    sleep: Pin<Box<Sleep>>,
}

impl<L: Simulated> LinkStream<L> {
    pub(crate) fn new(link: L) -> Self {
        let sleep = Box::pin(sleep(Duration::ZERO));
        Self { link, arrived: BytesMut::new(), written: None, sleep }
    }

    /// Waits until tokio's clock has reached that of the link: a call of the link may take time.
    fn poll_clock(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.link.now() <= now() {
            Poll::Ready(())
        } else {
            self.poll_until(self.link.now(), cx)
        }
    }

    fn poll_until(&mut self, end: Instant, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().reset(end.into());
        self.sleep.as_mut().poll(cx)
    }
}

impl<L: Simulated> AsyncRead for LinkStream<L> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_clock(cx));
        while this.arrived.is_empty() {
            this.link.advance_to(now());
            this.link.receive(&mut this.arrived, now()).map_err(io::Error::other)?;
            ready!(this.poll_clock(cx));
            if this.arrived.is_empty() {
                let Some(due) = this.link.next_due() else { return Poll::Pending };
                ready!(this.poll_until(due, cx));
            }
        }
        let count = this.arrived.len().min(buffer.remaining());
        buffer.put_slice(&this.arrived[..count]);
        this.arrived.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl<L: Simulated> AsyncWrite for LinkStream<L> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.written.is_none() {
            this.link.advance_to(now());
            this.link.send(bytes, now() + Duration::from_secs(10)).map_err(io::Error::other)?;
            this.written = Some(bytes.len());
        }
        ready!(this.poll_clock(cx));
        Poll::Ready(Ok(this.written.take().unwrap()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Simulated for SimLink {
    fn advance_to(&mut self, now: Instant) {
        let behind = now.saturating_duration_since(self.now());
        if !behind.is_zero() {
            self.pause(behind);
        }
    }

    fn next_due(&self) -> Option<Instant> {
        let due = self.bank().with(|bank| bank.next_due(0))?;
        Some(self.now() + due.saturating_sub(self.bank().elapsed()))
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
