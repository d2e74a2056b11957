//! A unit as a HID device through `/dev/uhid`.

use std::{
    os::fd::{AsFd, BorrowedFd},
    time::Duration,
};

use bytes::BytesMut;

use super::{Port, Served, reports, take_reports};
use crate::{
    Error, Link,
    sim::{HidIdentity, SharedBank, UhidDevice},
};

/// Serves a unit as a USB HID adapter, plugged in at a port that no other device has, such as
/// `lvx-sim-1/input0`. It has a node such as `/dev/hidraw0` a moment later, which
/// [`hidraw_node`](crate::sim::hidraw_node) finds by that port, as [`Served::path`] has it. Replies
/// come in reports of eight bytes.
///
/// When the unit is disconnected, the adapter is unplugged; when it is connected again, it is
/// plugged in anew, at the same port. Both take a tenth of a second at most. The bank should be as
/// for [`serve_pty`](super::serve_pty).
///
/// # Errors
/// As [`UhidDevice::create`].
pub fn serve_uhid(shared: &SharedBank, unit: usize, port: &str) -> Result<Served, Error> {
    let link = shared.link(unit).in_reports();
    let name = link.name().to_owned();
    let identity = HidIdentity::adapter(port);
    let device = Some(UhidDevice::create(&identity)?);
    Served::start(port.to_owned(), link, Uhid { identity, device })
        .map_err(|error| Error::io(name, "serving it through uhid", error))
}

struct Uhid {
    identity: HidIdentity,
    /// Only while it is plugged in.
    device: Option<UhidDevice>,
}

impl Port for Uhid {
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
            for report in reports(bytes) {
                // It fails where the kernel has given up the device, which `take` finds out.
                let _ = device.input(&report);
            }
        }
    }

    fn lose(&mut self) -> bool {
        self.device = None;
        true
    }

    fn regain(&mut self) {
        if self.device.is_none() {
            // What did not work out now may the next time.
            self.device = UhidDevice::create(&self.identity).ok();
        }
    }
}
