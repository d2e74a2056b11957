//! Opens an address for an async client.

use std::io;

#[cfg(feature = "tcp")]
use super::tcp::Connection;
use super::threaded::Threaded;
use super::{AsyncClient, AsyncLink, link::Kind};
use crate::{Address, Error, address::Target};

impl AsyncClient {
    /// Opens a device [address](Address), such as `sim:0`, `/dev/hidraw0`, `tcp:HOST:PORT` or
    /// `sn:96132206100410`. `replay:` addresses are refused, because captures have a clock of their own.
    ///
    /// If the connection ends, the current request fails as [disconnected](Error::is_disconnected). The next
    /// one opens it again, within its deadline: a TCP connection, a serial port, or the unit of an `sn:`
    /// address on any USB port. Nothing is repeated on the new connection. Another unit may answer there, so
    /// use [`expecting`](Self::expecting) before settings are changed. A hidraw node has to be opened again
    /// by hand.
    ///
    /// # Cancellation
    /// If the future is dropped, the device is closed again. A search for a unit ends after three seconds at
    /// the latest.
    ///
    /// # Panics
    /// Outside of a tokio runtime with I/O and a clock.
    ///
    /// # Errors
    /// If the address is invalid, or the device cannot be opened or is in use.
    pub async fn open(address: &str) -> Result<Self, Error> {
        address.parse::<Address>()?.open_async().await
    }
}

impl Address {
    /// Opens the connection and returns a client over it, like [`AsyncClient::open`].
    ///
    /// # Panics
    /// Outside of a tokio runtime with I/O and a clock.
    ///
    /// # Errors
    /// If the path is not a device, or the device cannot be opened or is in use.
    pub async fn open_async(&self) -> Result<AsyncClient, Error> {
        match self.target() {
            #[cfg(feature = "tcp")]
            Target::Tcp(host_and_port) => {
                let connection = Connection::open(host_and_port).await?;
                let name = connection.name().to_owned();
                // A bridge may serve several hosts, as ser2net does with `max-connections`.
                Ok(self.client(Kind::Tcp(connection), name).on_shared_link(true))
            }
            #[cfg(feature = "sim")]
            Target::Sim(unit) => self.open_sim(unit),
            Target::Replay(_) => {
                let why = "a capture is played back on a clock of its own, not on that of tokio";
                Err(Error::address(self.place(), why).with_hint("use the blocking client"))
            }
            _ => self.open_threaded().await,
        }
    }

    fn client(&self, kind: Kind, name: impl Into<String>) -> AsyncClient {
        let client = AsyncClient::with_config(AsyncLink(kind), name, *self.config());
        AsyncClient {
            reopen: Some(AsyncLink::reopen),
            set_deadline: AsyncLink::set_deadline,
            ..client
        }
    }

    #[cfg(feature = "sim")]
    fn open_sim(&self, unit: &str) -> Result<AsyncClient, Error> {
        use crate::{Link, sim};

        let link = sim::open(unit)?;
        let name = link.name().to_owned();
        Ok(self.client(Kind::Sim(sim::SimStream::new(link)), name))
    }

    /// Opens a device on a thread for blocking calls: the first open of a USB device takes up to 60 ms, and
    /// a lock is awaited for two seconds.
    async fn open_threaded(&self) -> Result<AsyncClient, Error> {
        let address = self.clone();
        let opened = tokio::task::spawn_blocking(move || address.link()).await;
        let failed = |error| Error::io(self.place(), "opening", io::Error::other(error));
        let link = opened.map_err(failed)??;
        let name = link.name().to_owned();
        let client = self.client(Kind::Threaded(Threaded::new(link)), name);
        Ok(match self.target() {
            // A USB adapter may still hold bytes after the end of a reply.
            #[cfg(all(feature = "hidraw", target_os = "linux"))]
            Target::Path(_) | Target::Hidraw(_) | Target::SerialNumber(_) => {
                AsyncClient { linger: crate::link::MAX_REPORT_INTERVAL, ..client }
            }
            Target::Bridge(_) => client.on_shared_link(true),
            _ => client,
        })
    }
}
