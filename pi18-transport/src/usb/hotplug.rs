//! Hot-plug: notices when a hidraw node is created, removed, or gets other access rights.
//!
//! Watches `/dev`, where the kernel creates and removes the nodes and udev sets their group. Only then, up to
//! 150 ms after the creation of a node, can a program without root privileges open it.
//!
//! Source: measured on Linux 6.1 and 6.12 with devtmpfs and systemd-udevd.

use std::{
    io::{self, PipeReader, PipeWriter},
    mem::MaybeUninit,
    os::fd::OwnedFd,
    thread::{self, JoinHandle},
};

use rustix::{
    event::{PollFd, PollFlags},
    fs::inotify::{self, CreateFlags, WatchFlags},
    io::Errno,
};

/// A thread that calls a function whenever a hidraw node is created, removed, or gets other access rights, until
/// it is dropped (Linux).
///
/// A program that waits before it opens a unit again can open it at once then. The node of a new device may not
/// be accessible for up to 150 ms after the first call.
///
/// ```no_run
/// use std::{sync::mpsc, time::Duration};
///
/// use pi18_transport::HotplugWatch;
///
/// let (changed, changes) = mpsc::channel();
/// let _watch = HotplugWatch::start(move || drop(changed.send(())))?;
/// if changes.recv_timeout(Duration::from_secs(60)).is_ok() {
///     println!("a device was plugged in or unplugged");
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct HotplugWatch {
    /// Dropping it stops the thread.
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl HotplugWatch {
    /// Starts the thread, which calls `on_change`.
    ///
    /// # Errors
    /// If the system does not allow another watch or thread.
    pub fn start(on_change: impl Fn() + Send + 'static) -> io::Result<Self> {
        let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let flags = WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::ATTRIB;
        inotify::add_watch(&events, "/dev", flags)?;
        let (stopped, stop) = io::pipe()?;
        let run = move || run(&events, &stopped, &on_change);
        let thread = thread::Builder::new().name("hot-plug".to_owned()).spawn(run)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for HotplugWatch {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has stopped, too.
            let _ = thread.join();
        }
    }
}

fn run(events: &OwnedFd, stopped: &PipeReader, on_change: &impl Fn()) {
    loop {
        let mut files = [PollFd::new(stopped, PollFlags::IN), PollFd::new(events, PollFlags::IN)];
        match rustix::event::poll(&mut files, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return,
        }
        let [stop, _] = files;
        if !stop.revents().is_empty() {
            return;
        }
        if take_events(events) {
            on_change();
        }
    }
}

/// Reads all queued events. Returns whether one is about a hidraw node, or some were lost.
fn take_events(events: &OwnedFd) -> bool {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut reader = inotify::Reader::new(events, &mut buffer);
    let mut is_relevant = false;
    while let Ok(event) = reader.next() {
        // An event without a name reports an overflow of the queue.
        is_relevant |= event.file_name().is_none_or(|name| name.to_bytes().starts_with(b"hidraw"));
    }
    is_relevant
}
