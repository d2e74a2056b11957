//! A unit on TCP, like an inverter behind a serial bridge.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::fd::{AsFd, BorrowedFd},
};

use bytes::BytesMut;

use super::{CHUNK, Port, Served, Wired};
use crate::{Error, sim::SharedBank};

/// Serves a unit on TCP, as a serial bridge does.
///
/// The bridge serves one client at a time. A second client receives `Port already in use` and is
/// disconnected, as by ser2net. With the switch `hosts=all`, up to eight clients share the line: the unit
/// receives the requests of all clients, and each client receives every reply, as with ser2net's
/// `max-connections`.
///
/// When the unit is disconnected, so are the clients. Use a bank in real time, because the server does not
/// advance a virtual clock.
///
/// # Errors
/// If the listener has no address or cannot be set to non-blocking.
///
/// ```
/// use std::net::TcpListener;
///
/// use pi18_proto::Mode;
/// use pi18_transport::{
///     Client,
///     sim::{Bank, BankConfig, SharedBank, serve_tcp},
/// };
///
/// let bank = SharedBank::real_time(Bank::new(BankConfig::default())?);
/// let served = serve_tcp(&bank, 0, TcpListener::bind("127.0.0.1:0")?)?;
/// let mut unit = Client::open(&format!("tcp:{}", served.path()))?;
/// println!("{}", unit.read::<Mode>()?.working_mode);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn serve_tcp(shared: &SharedBank, unit: usize, listener: TcpListener) -> Result<Served, Error> {
    start(shared.clone(), Some(unit), shared.link(unit), listener)
}

/// Serves a battery pack on TCP, as [`serve_tcp`] does a unit, to one client at a time.
///
/// # Errors
/// If the listener has no address or cannot be set to non-blocking.
pub fn serve_pack_tcp(
    shared: &SharedBank,
    pack: usize,
    listener: TcpListener,
) -> Result<Served, Error> {
    start(shared.clone(), None, shared.pack_link(pack), listener)
}

/// Starts a bridge to a link. `unit` is the unit whose switches the bridge has.
fn start<L: Wired + Send + 'static>(
    bank: SharedBank,
    unit: Option<usize>,
    link: L,
    listener: TcpListener,
) -> Result<Served, Error> {
    let name = link.name().to_owned();
    let path = listener.local_addr().map(|address| address.to_string());
    let ready = listener.set_nonblocking(true);
    path.and_then(|path| {
        ready?;
        let bridge = Bridge { bank, unit, listener, clients: Vec::new(), refused: Vec::new() };
        Served::start(path, link, bridge)
    })
    .map_err(|error| Error::io(name, "serving it on TCP", error))
}

struct Bridge {
    bank: SharedBank,
    unit: Option<usize>,
    listener: TcpListener,
    clients: Vec<TcpStream>,
    /// Refused clients that have not closed their connections yet. Closing a connection with unread bytes
    /// would reset it, and the refusal could be lost.
    refused: Vec<TcpStream>,
}

impl Bridge {
    /// Accepts waiting clients, and refuses those that exceed the limit.
    fn accept(&mut self) {
        while let Ok((client, _)) = self.listener.accept() {
            let is_shared = |unit| self.bank.with(|bank| bank.is_shared(unit));
            let max = if self.unit.is_some_and(is_shared) { MAX_CLIENTS } else { 1 };
            // Send each byte immediately, so that bytes keep the timing of the line.
            if client.set_nonblocking(true).and_then(|()| client.set_nodelay(true)).is_err() {
                continue;
            }
            if self.clients.len() < max {
                self.clients.push(client);
            } else {
                self.refuse(client);
            }
        }
    }

    /// Refuses a client with the message that the port is in use.
    fn refuse(&mut self, mut client: TcpStream) {
        if client.write_all(IN_USE).and_then(|()| client.shutdown(Shutdown::Write)).is_ok() {
            if self.refused.len() == MAX_CLIENTS {
                self.refused.remove(0);
            }
            self.refused.push(client);
        }
    }
}

impl Port for Bridge {
    fn files(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let clients = self.clients.iter().chain(&self.refused);
        clients.map(TcpStream::as_fd).chain([self.listener.as_fd()])
    }

    fn receive(&mut self, buffer: &mut BytesMut) -> bool {
        self.clients.retain_mut(|client| read(client, |bytes| buffer.extend_from_slice(bytes)));
        self.refused.retain_mut(|client| read(client, |_| {}));
        // Last, because clients that have closed their connections make room for others.
        self.accept();
        true
    }

    fn send(&mut self, bytes: &[u8]) {
        self.clients.retain_mut(|client| client.write_all(bytes).is_ok());
    }

    fn disconnect(&mut self) -> bool {
        self.clients.clear();
        true
    }
}

/// Reads the bytes that a client has sent. Returns `false` once the client has closed the connection.
fn read(client: &mut TcpStream, mut take: impl FnMut(&[u8])) -> bool {
    let mut chunk = [0; CHUNK];
    // The number of reads is limited so that a client that sends without pause does not block the others.
    for _ in 0..MAX_CHUNKS {
        match client.read(&mut chunk) {
            Ok(0) => return false,
            Ok(count) => take(chunk.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
            Err(_) => return false,
        }
    }
    true
}

/// The message of ser2net to a client that it refuses.
const IN_USE: &[u8] = b"Port already in use\r\n";

/// Largest number of clients that share a line.
const MAX_CLIENTS: usize = 8;

/// Largest number of reads from one client in a row.
const MAX_CHUNKS: usize = 16;
