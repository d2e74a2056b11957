//! Units served to other programs: on a pseudo-terminal, or on TCP.

use std::{
    fmt,
    io::{self, PipeReader, PipeWriter, Read, Write},
    net::{TcpListener, TcpStream},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use bytes::{Buf, BytesMut};
use rustix::{
    event::{PollFd, PollFlags, Timespec},
    fs::OFlags,
    io::Errno,
    pty::OpenptFlags,
    termios::OptionalActions,
};

use super::shared::{SharedBank, SimLink};
use crate::{Error, Link};

/// A unit that other programs can reach; no longer once this is dropped.
pub struct Served {
    path: String,
    /// Its end tells the thread to stop.
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    /// Where it is: the device file of a pseudo-terminal, or `host:port`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    fn start<P: Port + Send + 'static>(path: String, link: SimLink, port: P) -> io::Result<Self> {
        let (stopped, stop) = io::pipe()?;
        let name = format!("serve {}", link.name());
        let serve = move || serve(link, port, &stopped);
        let thread = thread::Builder::new().name(name).spawn(serve)?;
        Ok(Self { path, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has stopped too.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Serves a unit on a new pseudo-terminal, which clients open like a serial port, one after
/// another. When the unit is disconnected, the terminal goes away.
///
/// The bank should follow the system's clock: a made-up one does not move for this.
///
/// # Errors
/// If the system has no pseudo-terminal to give.
pub fn serve_pty(shared: &SharedBank, unit: usize) -> Result<Served, Error> {
    let link = shared.link(unit);
    let name = link.name().to_owned();
    let opened = Pty::open().and_then(|(path, pty)| Served::start(path, link, pty));
    opened.map_err(|error| Error::io(name, "serving it on a pty", error))
}

/// Serves a unit on TCP, to one client at a time; others wait. When the unit is disconnected, so is
/// the client. The bank should be as for [`serve_pty`].
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

/// Where clients come to.
trait Port {
    /// What to wait for.
    fn file(&self) -> BorrowedFd<'_>;

    /// Takes what is there. `false` once there is nothing left to serve on.
    fn take(&mut self, buffer: &mut BytesMut) -> bool;

    /// Gives what a client takes now; the rest is lost, as on a line that nobody listens to.
    fn give(&mut self, bytes: &[u8]);

    /// The unit was disconnected. `false` if that ends it.
    fn lose(&mut self) -> bool;
}

fn serve(mut link: SimLink, mut port: impl Port, stopped: &PipeReader) {
    let mut bytes = BytesMut::new();
    loop {
        let due = link.bank().next_due(link.wire());
        if matches!(wait(port.file(), stopped.as_fd(), due), Ok(Woken::Stop) | Err(_)) {
            return;
        }
        bytes.clear();
        if !port.take(&mut bytes) {
            return;
        }
        let now = link.now();
        let sent = if bytes.is_empty() { Ok(()) } else { link.send(&bytes, now) };
        bytes.clear();
        let mut received = link.receive(&mut bytes, now);
        // A receive can leave something for the next one.
        while received.is_ok() && !bytes.is_empty() {
            port.give(&bytes);
            bytes.clear();
            received = link.receive(&mut bytes, now);
        }
        if (sent.is_err() || received.is_err()) && !port.lose() {
            return;
        }
    }
}

enum Woken {
    Stop,
    Work,
}

/// Waits until a client did something, the next byte is due, or it is time to stop.
fn wait(port: BorrowedFd<'_>, stopped: BorrowedFd<'_>, due: Option<Instant>) -> io::Result<Woken> {
    // A due byte that another link put on the line is not announced: look now and then.
    let time = due.map_or(LOOK, |due| due.saturating_duration_since(Instant::now()).min(LOOK));
    let timeout = Timespec { tv_sec: 0, tv_nsec: time.subsec_nanos().into() };
    let mut files = [
        PollFd::from_borrowed_fd(stopped, PollFlags::IN),
        PollFd::from_borrowed_fd(port, PollFlags::IN),
    ];
    match rustix::event::poll(&mut files, Some(&timeout)) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let [stopped, _] = files;
    Ok(if stopped.revents().is_empty() { Woken::Work } else { Woken::Stop })
}

/// How long nothing may happen before another look.
const LOOK: Duration = Duration::from_millis(100);

struct Pty {
    master: OwnedFd,
    /// Held open, so that it does not end when a client goes.
    slave: OwnedFd,
}

impl Pty {
    fn open() -> io::Result<(String, Self)> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = rustix::pty::openpt(flags)?;
        rustix::pty::grantpt(&master)?;
        rustix::pty::unlockpt(&master)?;
        let path = rustix::pty::ptsname(&master, Vec::new())?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(&path, flags, rustix::fs::Mode::empty())?;
        let mut mode = rustix::termios::tcgetattr(&slave)?;
        mode.make_raw();
        rustix::termios::tcsetattr(&slave, OptionalActions::Now, &mode)?;
        let flags = rustix::fs::fcntl_getfl(&master)?;
        rustix::fs::fcntl_setfl(&master, flags | OFlags::NONBLOCK)?;
        let path = path.to_string_lossy().into_owned();
        Ok((path, Self { master, slave }))
    }
}

impl Port for Pty {
    fn file(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }

    fn take(&mut self, buffer: &mut BytesMut) -> bool {
        let mut chunk = [0; CHUNK];
        match rustix::io::read(&self.master, &mut chunk) {
            Ok(count) => buffer.extend_from_slice(chunk.get(..count).unwrap_or_default()),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(_) => return false,
        }
        true
    }

    fn give(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Ok(count) = rustix::io::write(&self.master, rest)
            && count > 0
            && count < rest.len()
        {
            rest.advance(count);
        }
    }

    /// Closing it throws away what the client has not read.
    fn lose(&mut self) -> bool {
        let end = Instant::now() + LINGER;
        loop {
            // What was given takes a moment to get there.
            thread::sleep(LINGER / 20);
            let unread = rustix::io::ioctl_fionread(&self.slave).unwrap_or(0);
            if unread == 0 || Instant::now() >= end {
                return false;
            }
        }
    }
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
    fn file(&self) -> BorrowedFd<'_> {
        match &self.client {
            Some(client) => client.as_fd(),
            None => self.listener.as_fd(),
        }
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

const CHUNK: usize = 512;

/// How long the last bytes wait for the client once the unit is disconnected.
const LINGER: Duration = Duration::from_millis(100);
