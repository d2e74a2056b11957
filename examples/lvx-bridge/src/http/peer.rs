//! Who is at the other end of a connection.

use std::net::{IpAddr, SocketAddr};

/// The other end of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Peer {
    /// A connection over TCP.
    Tcp {
        /// Address of the client.
        remote: SocketAddr,
        /// Address at which the client reached the server.
        local: SocketAddr,
    },
    /// A connection over the Unix socket, whose access rights decide who can connect.
    Unix,
}

impl Peer {
    /// Creates the end of a TCP connection. IPv4 addresses in IPv6 form become IPv4 addresses.
    pub(super) fn tcp(remote: SocketAddr, local: SocketAddr) -> Self {
        let plain =
            |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
        Self::Tcp { remote: plain(remote), local: plain(local) }
    }

    /// Returns the IP address of the client; `None` for the Unix socket.
    pub(super) fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Tcp { remote, .. } => Some(remote.ip()),
            Self::Unix => None,
        }
    }
}

/// Returns the part of an address that one household usually has: an IPv4 address, or the /64 network of an IPv6
/// address. Limits per address count it.
pub(super) fn network(ip: Option<IpAddr>) -> Option<IpAddr> {
    Some(match ip? {
        IpAddr::V6(ip) => IpAddr::V6((u128::from(ip) & !u128::from(u64::MAX)).into()),
        ip @ IpAddr::V4(_) => ip,
    })
}
