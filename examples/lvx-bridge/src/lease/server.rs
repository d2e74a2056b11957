//! Listens on the socket, and starts a thread for each connection.

use std::{
    fmt, io,
    net::Shutdown,
    os::unix::net::UnixStream,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use pi18_proto::SerialNumber;
use rustix::net::{shutdown, sockopt::socket_peercred};

use super::{
    connection::{Connection, Peer},
    guard::WriteGuard,
    limits::{MAX_FRAMES, Users},
    socket::Socket,
    units::Units,
};
use crate::{Name, config::LeaseConfig, control::WriteLocks, poll::LinkHandle, storage::Storage};

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
    /// Files that survive a restart.
    pub storage: Arc<dyn Storage>,
    /// Whether clients may write to units over `tcp:`.
    pub allows_tcp_units: bool,
}

impl fmt::Debug for LeaseParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseParts").field("config", &self.config).finish_non_exhaustive()
    }
}

/// The server of the socket. Dropping it closes the connections and removes the socket.
#[derive(Debug)]
pub struct Server {
    socket: Arc<Socket>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What all connections share.
#[derive(Debug)]
struct Shared {
    units: Units,
    locks: WriteLocks,
    writes: Arc<WriteGuard>,
    users: Users,
    /// Open streams, to close them at the end.
    open: Mutex<Vec<(u64, UnixStream)>>,
    has_ended: AtomicBool,
}

impl Server {
    /// Creates the socket and starts to serve it.
    ///
    /// # Errors
    /// If another program listens on the socket, it cannot be created, or the audit file cannot be read. If the group does not exist, or the socket
    /// cannot be given to it, only the owner of the socket and root can connect, and a warning is logged.
    pub fn bind(parts: LeaseParts) -> io::Result<Self> {
        Self::bind_with(parts, MAX_FRAMES)
    }

    /// Creates the socket, and admits this number of frames of each user in a minute.
    pub(super) fn bind_with(parts: LeaseParts, max_frames: u32) -> io::Result<Self> {
        let socket = Arc::new(Socket::create(&parts.config.socket, &parts.config.group)?);
        let allows_writes = parts.config.allow_writes;
        let writes = WriteGuard::open(allows_writes, parts.allows_tcp_units, parts.storage)?;
        let shared = Arc::new(Shared {
            units: Units::new(parts.units, parts.links),
            locks: parts.locks,
            writes: Arc::new(writes),
            users: Users::new(max_frames),
            open: Mutex::default(),
            has_ended: AtomicBool::new(false),
        });
        let (listening, serving) = (Arc::clone(&socket), Arc::clone(&shared));
        let thread = thread::Builder::new()
            .name("lease".to_owned())
            .spawn(move || accept(&listening, &serving))?;
        Ok(Self { socket, shared, thread: Some(thread) })
    }
}

impl Server {
    /// Returns whether the thread that accepts connections has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.has_ended.store(true, Ordering::Release);
        // Ends the wait for a connection.
        let _ = shutdown(&self.socket.listener, rustix::net::Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        for (_, stream) in self.shared.lock().iter() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(u64, UnixStream)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Accepts connections until the server ends.
fn accept(socket: &Socket, shared: &Arc<Shared>) {
    for number in 0_u64.. {
        let accepted = socket.listener.accept();
        if shared.has_ended.load(Ordering::Acquire) {
            return;
        }
        let result = accepted.and_then(|(stream, _)| start(stream, number, shared));
        if let Err(error) = result {
            tracing::warn!("lease: a connection failed: {error}");
            // For example, there are too many open files.
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Starts the thread of a connection.
fn start(stream: UnixStream, number: u64, shared: &Arc<Shared>) -> io::Result<()> {
    let credentials = socket_peercred(&stream)?;
    let peer =
        Peer { user: credentials.uid.as_raw(), process: credentials.pid.as_raw_nonzero().get() };
    let Some(counted) = shared.users.admit(peer.user, Instant::now()) else {
        Connection::refuse(stream, peer);
        return Ok(());
    };
    let connection = Connection::new(
        stream.try_clone()?,
        peer,
        shared.units.clone(),
        shared.locks.clone(),
        Arc::clone(&shared.writes),
        counted,
    );
    shared.lock().push((number, stream));
    let ending = Arc::clone(shared);
    let serve = move || {
        connection.serve();
        ending.lock().retain(|(other, _)| *other != number);
    };
    let thread = thread::Builder::new().name("lease client".to_owned()).stack_size(STACK);
    thread.spawn(serve).map(drop).inspect_err(|_| {
        shared.lock().retain(|(other, _)| *other != number);
    })
}

/// Stack of a thread in bytes: a connection needs little.
const STACK: usize = 256 << 10;
