//! A unit as a HID device on the USB device port of this machine.

use std::{
    os::fd::{AsFd, BorrowedFd},
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::BytesMut;

use super::{Port, Served, reports, take_reports};
use crate::{
    Error, Link,
    sim::{FunctionFsDevice, SharedBank},
};

/// Serves a unit as a USB HID adapter behind a mounted `FunctionFS`, whose gadget can be bound to a
/// USB device controller then, unbound and bound again. Replies come in reports of eight bytes.
///
/// When the unit is disconnected, the `FunctionFS` is closed, and the kernel unbinds the gadget: the
/// host sees it unplugged. When the unit is connected again, it is described anew, and whoever owns
/// the gadget can bind it again; to plug it in is his. The bank should be as for
/// [`serve_pty`](super::serve_pty).
///
/// # Errors
/// As [`FunctionFsDevice::create`].
pub fn serve_functionfs(shared: &SharedBank, unit: usize, mount: &Path) -> Result<Served, Error> {
    let link = shared.link(unit).in_reports();
    let name = link.name().to_owned();
    let device = Some(FunctionFsDevice::create(mount)?);
    let port = FunctionFs { mount: mount.to_owned(), device };
    Served::start(mount.display().to_string(), link, port)
        .map_err(|error| Error::io(name, "serving it through FunctionFS", error))
}

struct FunctionFs {
    mount: PathBuf,
    /// Only while the unit is connected.
    device: Option<FunctionFsDevice>,
}

impl Port for FunctionFs {
    fn files(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.device.iter().map(AsFd::as_fd)
    }

    fn take(&mut self, buffer: &mut BytesMut) -> bool {
        self.device
            .as_ref()
            .is_none_or(|device| take_reports(|| device.output(Duration::ZERO), buffer))
    }

    fn give(&mut self, bytes: &[u8]) {
        if let Some(device) = &self.device {
            reports(bytes).for_each(|report| device.input(&report));
        }
    }

    fn lose(&mut self) -> bool {
        if let Some(device) = self.device.take() {
            // Those that are not fetched are lost.
            let _ = device.flush(LINGER);
        }
        true
    }

    fn regain(&mut self) {
        if self.device.is_none() {
            // What did not work out now may the next time.
            self.device = FunctionFsDevice::create(&self.mount).ok();
        }
    }
}

/// How long the last reports wait for the host once the unit is disconnected: more than it takes to
/// fetch the longest reply, one report every 12 ms.
const LINGER: Duration = Duration::from_millis(500);
