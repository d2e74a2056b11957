//! Units served to other programs: on pseudo-terminals, on TCP and as HID devices.
//!
//! A thread moves bytes between the [`Port`] and a link to the unit, in both directions.

#[cfg(target_os = "linux")]
mod functionfs;
#[cfg(target_os = "linux")]
mod hid;
mod pty;
mod tcp;
#[cfg(target_os = "linux")]
mod uhid;

use std::{
    fmt,
    io::{self, PipeReader, PipeWriter},
    os::fd::{AsFd, BorrowedFd},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use bytes::BytesMut;
use rustix::{
    event::{PollFd, PollFlags, Timespec},
    io::Errno,
};

use super::shared::{PackLink, SimLink};
use crate::Link;

#[cfg(target_os = "linux")]
pub use self::{functionfs::serve_functionfs, uhid::serve_uhid};
pub use self::{
    pty::{serve_pack_pty, serve_pty},
    tcp::{serve_pack_tcp, serve_tcp},
};

/// A unit that is served to other programs until this value is dropped.
///
/// ```
/// use pi18_proto::Mode;
/// use pi18_transport::{
///     Client,
///     sim::{Bank, BankConfig, SharedBank, serve_pty},
/// };
///
/// let bank = SharedBank::real_time(Bank::new(BankConfig::default())?);
/// let served = serve_pty(&bank, 0)?;
/// let mut unit = Client::open(&format!("serial:{}", served.path()))?;
/// println!("{}", unit.read::<Mode>()?.working_mode);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Served {
    path: String,
    /// Pipe to the thread. Closing it stops the thread.
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    /// Returns the place at which the unit is served: the device file of a pseudo-terminal, `host:port`,
    /// the port of a HID device, or the folder of a `FunctionFS`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Starts the thread that serves `link` on `port`.
    fn start<L, P>(path: String, link: L, port: P) -> io::Result<Self>
    where
        L: Wired + Send + 'static,
        P: Port + Send + 'static,
    {
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
            // A thread that panicked has also stopped.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Served").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The side of the clients: the terminal, listener or device through which they reach a unit.
trait Port {
    /// Returns the files to wait for; none while no client can connect.
    fn files(&self) -> impl Iterator<Item = BorrowedFd<'_>>;

    /// Appends the bytes that clients have sent. Returns `false` if the port is permanently closed.
    fn receive(&mut self, buffer: &mut BytesMut) -> bool;

    /// Sends bytes to the clients. Bytes that a client does not accept now are lost, as on a serial line.
    fn send(&mut self, bytes: &[u8]);

    /// Disconnects the clients because the unit was disconnected. Returns `false` if that closes the port
    /// permanently.
    fn disconnect(&mut self) -> bool;

    /// Lets clients connect because the unit is connected.
    fn connect(&mut self) {}
}

/// A link of the virtual bank that can be served.
trait Wired: Link {
    /// Returns the time at which the next byte reaches either end.
    fn due(&self) -> Option<Instant>;

    /// Returns how often the line was unplugged.
    fn unplugged(&self) -> u64;
}

impl Wired for SimLink {
    fn due(&self) -> Option<Instant> {
        self.bank().next_due(self.wire())
    }

    fn unplugged(&self) -> u64 {
        self.disconnects()
    }
}

impl Wired for PackLink {
    fn due(&self) -> Option<Instant> {
        self.next_due()
    }

    fn unplugged(&self) -> u64 {
        0
    }
}

/// Moves bytes between the port and the unit until the port is closed or the pipe ends.
fn serve(mut link: impl Wired, mut port: impl Port, stopped: &PipeReader) {
    let mut bytes = BytesMut::new();
    let mut disconnects = link.unplugged();
    loop {
        let due = link.due();
        if matches!(wait(port.files(), stopped.as_fd(), due), Ok(WakeReason::Stop) | Err(_)) {
            return;
        }
        bytes.clear();
        if !port.receive(&mut bytes) {
            return;
        }
        let now = link.now();
        let sent = if bytes.is_empty() { Ok(()) } else { link.send(&bytes, now) };
        bytes.clear();
        let mut received = link.receive(&mut bytes, now);
        // One call may not return everything that has arrived.
        while received.is_ok() && !bytes.is_empty() {
            port.send(&bytes);
            bytes.clear();
            received = link.receive(&mut bytes, now);
        }
        let connected = sent.is_ok() && received.is_ok();
        // The unit may have been disconnected and connected again since the last iteration.
        let was_disconnected = std::mem::replace(&mut disconnects, link.unplugged()) != disconnects;
        if (was_disconnected || !connected) && !port.disconnect() {
            return;
        }
        if connected {
            port.connect();
        }
    }
}

/// The reason why a wait ended.
enum WakeReason {
    Stop,
    Work,
}

/// Waits until a client sends something, the next byte is due, or the pipe ends.
fn wait<'a>(
    port: impl Iterator<Item = BorrowedFd<'a>>,
    stopped: BorrowedFd<'a>,
    due: Option<Instant>,
) -> io::Result<WakeReason> {
    // Another link may put bytes on the line without waking this thread, so check regularly.
    let time =
        due.map_or(INTERVAL, |due| due.saturating_duration_since(Instant::now()).min(INTERVAL));
    let timeout = Timespec { tv_sec: 0, tv_nsec: time.subsec_nanos().into() };
    let files = [stopped].into_iter().chain(port);
    let mut files: Vec<_> =
        files.map(|file| PollFd::from_borrowed_fd(file, PollFlags::IN)).collect();
    match rustix::event::poll(&mut files, Some(&timeout)) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let stop = files.first().is_some_and(|stopped| !stopped.revents().is_empty());
    Ok(if stop { WakeReason::Stop } else { WakeReason::Work })
}

/// Longest time between two checks.
const INTERVAL: Duration = Duration::from_millis(100);

/// Largest number of bytes in one read.
const CHUNK: usize = 512;
