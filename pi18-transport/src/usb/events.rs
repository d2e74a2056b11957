//! The events that a roster waits for, in one channel.

use std::{
    sync::mpsc::{self, Receiver, SyncSender},
    time::Duration,
};

use pi18_proto::SerialNumber;

use super::hotplug::HotplugWatch;
use crate::{Error, Hidraw};

/// An event that may change the entries of a roster.
#[derive(Debug)]
pub(super) enum Event {
    /// A device node was created or removed, or its access rights changed.
    Changed,
    /// A probe of the adapter with this [`hid_device`](super::Adapter::hid_device) has ended.
    Probed(String, Box<Result<(SerialNumber, Hidraw), Error>>),
}

/// The receiver of events, and the watch for changes of device nodes.
pub(super) struct Events {
    rx: Receiver<Event>,
    tx: SyncSender<Event>,
    /// `None` if inotify is not available; the roster then only scans once a second.
    _hotplug: Option<HotplugWatch>,
}

impl Events {
    /// Starts to watch the device nodes.
    pub(super) fn new() -> Self {
        let (tx, rx) = mpsc::sync_channel(MAX_QUEUED);
        let changed = tx.clone();
        // If the queue is full, the receiver scans anyway after each of the queued events.
        let hotplug = HotplugWatch::start(move || drop(changed.try_send(Event::Changed)));
        Self { rx, tx, _hotplug: hotplug.ok() }
    }

    /// Returns a sender for the results of probes.
    pub(super) fn sender(&self) -> SyncSender<Event> {
        self.tx.clone()
    }

    /// Waits for the next event.
    pub(super) fn next(&self, timeout: Duration) -> Option<Event> {
        self.rx.recv_timeout(timeout).ok()
    }
}

const MAX_QUEUED: usize = 64;
