//! Units served to other programs: what all ways have in common.

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

use super::shared::SimLink;
use crate::Link;

#[cfg(target_os = "linux")]
pub use self::{functionfs::serve_functionfs, uhid::serve_uhid};
pub use self::{pty::serve_pty, tcp::serve_tcp};

/// A unit that other programs can reach; no longer once this is dropped.
pub struct Served {
    path: String,
    /// Its end tells the thread to stop.
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    /// Where it is: the device file of a pseudo-terminal, `host:port`, the port that a HID device is
    /// plugged in at, or the folder of a `FunctionFS`.
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

/// Where clients come to.
trait Port {
    /// Returns what to wait for; nothing while no client can connect.
    fn files(&self) -> impl Iterator<Item = BorrowedFd<'_>>;

    /// Takes what is there. `false` once there is nothing left to serve on.
    fn take(&mut self, buffer: &mut BytesMut) -> bool;

    /// Gives what a client takes now; the rest is lost, as on a line that nobody listens to.
    fn give(&mut self, bytes: &[u8]);

    /// The unit was disconnected, or still is. `false` if that ends it.
    fn lose(&mut self) -> bool;

    /// The unit is connected, perhaps again.
    fn regain(&mut self) {}
}

fn serve(mut link: SimLink, mut port: impl Port, stopped: &PipeReader) {
    let mut bytes = BytesMut::new();
    let mut pulls = link.pulls();
    loop {
        let due = link.bank().next_due(link.wire());
        if matches!(wait(port.files(), stopped.as_fd(), due), Ok(Woken::Stop) | Err(_)) {
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
        let connected = sent.is_ok() && received.is_ok();
        // It may have been disconnected and connected again since.
        let pulled = std::mem::replace(&mut pulls, link.pulls()) != pulls;
        if (pulled || !connected) && !port.lose() {
            return;
        }
        if connected {
            port.regain();
        }
    }
}

enum Woken {
    Stop,
    Work,
}

/// Waits until a client did something, the next byte is due, or it is time to stop.
fn wait<'a>(
    port: impl Iterator<Item = BorrowedFd<'a>>,
    stopped: BorrowedFd<'a>,
    due: Option<Instant>,
) -> io::Result<Woken> {
    // A due byte that another link put on the line is not announced: look now and then.
    let time = due.map_or(LOOK, |due| due.saturating_duration_since(Instant::now()).min(LOOK));
    let timeout = Timespec { tv_sec: 0, tv_nsec: time.subsec_nanos().into() };
    let files = [stopped].into_iter().chain(port);
    let mut files: Vec<_> =
        files.map(|file| PollFd::from_borrowed_fd(file, PollFlags::IN)).collect();
    match rustix::event::poll(&mut files, Some(&timeout)) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let stop = files.first().is_some_and(|stopped| !stopped.revents().is_empty());
    Ok(if stop { Woken::Stop } else { Woken::Work })
}

/// How long nothing may happen before another look.
const LOOK: Duration = Duration::from_millis(100);

/// Most bytes that are taken at a time.
const CHUNK: usize = 512;
