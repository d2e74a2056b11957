//! Hot-plug: wakes whoever waits when a hidraw node comes, goes, or changes hands.
//!
//! It watches `/dev`, where the kernel makes and takes away the nodes and where udev gives them their
//! group: a program without root may open a node only then, up to 150 ms after it is there.
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

/// Calls back at every change, from a thread of its own, until it is dropped.
#[derive(Debug)]
pub(crate) struct Hotplug {
    /// Its end tells the thread to stop.
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Hotplug {
    pub(crate) fn watch(changed: impl Fn() + Send + 'static) -> io::Result<Self> {
        let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let what = WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::ATTRIB;
        inotify::add_watch(&events, "/dev", what)?;
        let (stopped, stop) = io::pipe()?;
        let watch = move || follow(&events, &stopped, &changed);
        let thread = thread::Builder::new().name("hot-plug".to_owned()).spawn(watch)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Hotplug {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has stopped too.
            let _ = thread.join();
        }
    }
}

fn follow(events: &OwnedFd, stopped: &PipeReader, changed: &impl Fn()) {
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
        if take(events) {
            changed();
        }
    }
}

/// Takes all events that wait. Whether one is about a hidraw node, or some were lost.
fn take(events: &OwnedFd) -> bool {
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut reader = inotify::Reader::new(events, &mut buffer);
    let mut ours = false;
    while let Ok(event) = reader.next() {
        // An event without a name says that the queue ran over.
        ours |= event.file_name().is_none_or(|name| name.to_bytes().starts_with(b"hidraw"));
    }
    ours
}
