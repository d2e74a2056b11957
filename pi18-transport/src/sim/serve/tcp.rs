//! A unit on TCP.

use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    os::fd::{AsFd, BorrowedFd},
};

use bytes::BytesMut;

use super::{CHUNK, Port, Served};
use crate::{Error, Link, sim::SharedBank};

/// Serves a unit on TCP, to one client at a time; others wait. When the unit is disconnected, so is
/// the client. The bank should be as for [`serve_pty`](super::serve_pty).
///
/// # Errors
/// If the listener cannot be used.
pub fn serve_tcp(shared: &SharedBank, unit: usize, listener: TcpListener) -> Result<Served, Error> {
    let link = shared.link(unit);
    let name = link.name().to_owned();
    let path = listener.local_addr().map(|address| address.to_string());
    let ready = listener.set_nonblocking(true);
    path.and_then(|path| {
        ready?;
        Served::start(path, link, Tcp { listener, client: None })
    })
    .map_err(|error| Error::io(name, "serving it on TCP", error))
}

struct Tcp {
    listener: TcpListener,
    client: Option<TcpStream>,
}

impl Tcp {
    fn accept(&self) -> Option<TcpStream> {
        let (client, _) = self.listener.accept().ok()?;
        client.set_nonblocking(true).ok()?;
        // Every byte at its time.
        client.set_nodelay(true).ok()?;
        Some(client)
    }
}

impl Port for Tcp {
    fn file(&self) -> Option<BorrowedFd<'_>> {
        Some(match &self.client {
            Some(client) => client.as_fd(),
            None => self.listener.as_fd(),
        })
    }

    fn take(&mut self, buffer: &mut BytesMut) -> bool {
        let Some(client) = &mut self.client else {
            self.client = self.accept();
            return true;
        };
        let mut chunk = [0; CHUNK];
        match client.read(&mut chunk) {
            Ok(0) => self.client = None,
            Ok(count) => buffer.extend_from_slice(chunk.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.client = None,
        }
        true
    }

    fn give(&mut self, bytes: &[u8]) {
        if let Some(client) = &mut self.client
            && client.write_all(bytes).is_err()
        {
            self.client = None;
        }
    }

    fn lose(&mut self) -> bool {
        self.client = None;
        true
    }
}
