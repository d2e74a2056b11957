//! A link to a unit as a stream of the tokio runtime.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

use super::shared::{SharedBank, SimLink};
use crate::Link;

/// A byte stream to one unit of a bank, from [`SharedBank::stream`]. While the unit is disconnected, reads
/// and writes fail.
///
/// ```
/// use std::time::Duration;
///
/// use pi18_proto::GeneralStatus;
/// use pi18_transport::{
///     AsyncClient,
///     sim::{Bank, BankConfig, SharedBank},
/// };
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // On tokio's paused clock, the half second that a slow line needs passes at once.
/// let switches = vec!["pace=2400".parse()?];
/// let bank = SharedBank::tokio_time(Bank::new(BankConfig { units: 1, switches })?);
/// let mut unit = AsyncClient::new(bank.stream(0), "unit 0");
/// unit.read::<GeneralStatus>().await?;
/// assert!(bank.elapsed() > Duration::from_millis(500));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SimStream {
    link: SimLink,
    /// Bytes that have reached the host's end and were not read yet.
    arrived: BytesMut,
    sleep: Pin<Box<Sleep>>,
}

impl SimStream {
    /// Creates a stream over a link.
    pub(crate) fn new(link: SimLink) -> Self {
        Self { link, arrived: BytesMut::new(), sleep: Box::pin(sleep(Duration::ZERO)) }
    }

    /// Returns the bank to which the stream leads.
    #[must_use]
    pub fn bank(&self) -> &SharedBank {
        self.link.bank()
    }
}

impl SharedBank {
    /// Returns a stream to a unit, for an [`AsyncClient`](crate::AsyncClient). If the unit does not exist, the
    /// stream is disconnected.
    ///
    /// # Panics
    /// Outside of a tokio runtime with a clock.
    #[must_use]
    pub fn stream(&self, unit: usize) -> SimStream {
        SimStream::new(self.link(unit))
    }
}

impl AsyncRead for SimStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.arrived.is_empty() {
            let now = this.link.now();
            this.link.receive(&mut this.arrived, now).map_err(io::Error::other)?;
            if !this.arrived.is_empty() {
                break;
            }
            // Another link may put bytes on the line without waking this task, so check regularly.
            let due = this.link.bank().next_due(this.link.wire());
            let wait = due.map_or(INTERVAL, |due| due.saturating_duration_since(now).min(INTERVAL));
            this.sleep.as_mut().reset(Instant::now() + wait);
            if this.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
        let count = this.arrived.len().min(buffer.remaining());
        buffer.put_slice(this.arrived.get(..count).unwrap_or_default());
        this.arrived.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for SimStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let now = self.link.now();
        self.link.send(bytes, now).map_err(io::Error::other)?;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Longest time between two checks.
const INTERVAL: Duration = Duration::from_millis(100);
